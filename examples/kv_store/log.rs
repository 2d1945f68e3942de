//! The transaction log: Arrow files, each written whole or not at all, in the order of their numbers.
//!
//! A transaction's row is in the store from its commit on (in the same write batch), and leaves it only when a file
//! holds it: whenever the process dies, the two together have every commit.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow::ipc::reader::FileReader;
use skewer::BoundedTimestamp;
use skewer::log::build::{LogBuilder, Record, Value};
use skewer::time::Unit;
use skewer::txn::Op;

use crate::store::{Row, Store};

/// A file is written when so many transactions are complete.
const ENOUGH: usize = 100;

pub(crate) struct Log {
    folder: PathBuf,
    files: u32,
}

impl Log {
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let mut files = 0;
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            files = files.max(number.unwrap_or(0));
            if path.extension().is_some_and(|extension| extension == "partial") {
                fs::remove_file(path)?;
            }
        }
        Ok(Log { folder: folder.to_owned(), files })
    }

    /// Moves complete transactions from the store to a new file, if there are enough or `all` are wanted.
    pub(crate) fn append(&mut self, store: &Store, all: bool) -> Result<()> {
        let rows: Vec<Row> = store.outbox()?.into_iter().filter(Row::is_complete).collect();
        if rows.is_empty() || (rows.len() < ENOUGH && !all) {
            return Ok(());
        }
        self.write(&rows)?;
        store.logged(&rows)
    }

    fn write(&mut self, rows: &[Row]) -> Result<()> {
        let mut log = LogBuilder::new(Unit::Nanoseconds);
        for row in rows {
            for record in records(row) {
                log.push(record)?;
            }
        }
        self.files += 1;
        Ok(log.write_to(self.file(self.files))?)
    }

    fn file(&self, number: u32) -> PathBuf {
        self.folder.join(format!("{number:08}.arrow"))
    }

    /// After a crash: what the last file holds may still be in the store too.
    pub(crate) fn forget_duplicates(&self, store: &Store) -> Result<()> {
        let path = self.file(self.files);
        if self.files == 0 {
            return Ok(());
        }
        let mut logged = HashSet::new();
        for batch in FileReader::try_new(File::open(path)?, None)? {
            let batch = batch?;
            let txns = batch.column_by_name("txn").context("our logs have a column `txn`")?;
            logged.extend(txns.as_primitive::<Int64Type>().values().iter().copied());
        }
        let mut rows = store.outbox()?;
        rows.retain(|row| logged.contains(&row.txn));
        store.logged(&rows)
    }
}

/// A row of the log for each operation. A range counts as a read of each key found in it.
fn records(row: &Row) -> Vec<Record> {
    let bound = |(earliest, latest)| BoundedTimestamp::new(earliest, latest);
    let operation = |op, key: &String, value: Option<i64>| Record {
        key: Value::Text(key.clone()),
        op,
        value: value.map(Value::Integer),
        txn: Some(Value::Integer(row.txn)),
        region: Some(row.region.clone()),
        session: Some(Value::Integer(row.session)),
        status: row.fate.into(),
        start: bound(row.start),
        commit: row.commit.and_then(bound),
        start_ts: Some(row.start_ts),
        commit_ts: row.commit_ts,
        host: None,
    };
    let reads = row.reads.iter().map(|(key, value)| operation(Op::Read, key, *value));
    let writes = row.writes.iter().map(|(key, value)| operation(Op::Write, key, Some(*value)));
    reads.chain(writes).collect()
}
