//! Builds logs from records: the way in for importers, simulators and tests.

mod column;
mod record;
mod write;

use std::collections::HashMap;

use crate::clock::SuspectStamps;
use crate::error::{Error, Result};
use crate::time::{BoundedTimestamp, Unit};
use crate::txn::{Brief, Op, Status};
#[cfg(feature = "import")]
pub(crate) use column::plain_integer;
use column::{Datums, Ticks};
pub use record::{Record, Value};

/// Rows of one log: they are numbered in 32 bits.
const MOST_ROWS: usize = u32::MAX as usize;
/// Regions of one log: they are numbered in 16 bits.
const MOST_REGIONS: usize = 1 << 16;

/// Collects records, in log order, into a log that keeps every rule of the format.
///
/// A column that is null in every record is left out (`op` is always there; `status` only if
/// some transaction did not commit). Note what follows: where no record has a value, each write
/// counts as a version of its own.
///
/// Keys, and likewise values, transactions and sessions, are one kind throughout: Int64 where
/// all integers fit, else `UInt64`; Utf8 where all is text, else Binary. Integers are never
/// turned into text: key `1` and key `"1"` would become one. Mixing them is an error.
///
/// ```
/// use skewer::{BoundedTimestamp, log::build::{LogBuilder, Record}, time::Unit};
/// let mut log = LogBuilder::new(Unit::Milliseconds);
/// log.push(Record {
///     key: "k1".into(),
///     value: Some(7.into()),
///     region: Some("eu".to_owned()),
///     commit: BoundedTimestamp::new(100, 105),
///     ..Record::default()
/// })?;
/// let batch = log.finish()?;
/// assert_eq!((batch.num_rows(), batch.num_columns()), (1, 6));
/// # Ok::<(), skewer::Error>(())
/// ```
#[derive(Debug)]
pub struct LogBuilder {
    unit: Unit,
    key: Datums,
    ops: Vec<u32>,
    value: Datums,
    txn: Datums,
    session: Datums,
    host: Datums,
    regions: Vec<Option<u32>>,
    region_names: Vec<String>,
    region_ids: HashMap<String, u32>,
    statuses: Vec<u32>,
    start: [Ticks; 2],
    commit: [Ticks; 2],
    start_ts: Ticks,
    commit_ts: Ticks,
    /// The first row of each transaction, which the others must agree with.
    first_rows: HashMap<Value, usize>,
}

impl LogBuilder {
    /// An empty log whose times count in `unit`.
    pub fn new(unit: Unit) -> Self {
        LogBuilder {
            unit,
            key: Datums::new(),
            ops: Vec::new(),
            value: Datums::new(),
            txn: Datums::new(),
            session: Datums::new(),
            host: Datums::new(),
            regions: Vec::new(),
            region_names: Vec::new(),
            region_ids: HashMap::new(),
            statuses: Vec::new(),
            start: Default::default(),
            commit: Default::default(),
            start_ts: Ticks::default(),
            commit_ts: Ticks::default(),
            first_rows: HashMap::new(),
        }
    }

    /// The number of records pushed.
    pub fn len(&self) -> usize {
        self.ops.len()
    }

    /// Whether no record was pushed.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }

    /// What one tick of the log's times lasts.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Appends a record as the last row. Amortised O(1).
    ///
    /// # Errors
    /// [`Error::Log`], and the log stays as it was, if the record's kinds differ from those
    /// before it, a string is over 16 MiB, a committed write has neither a commit bound nor a
    /// `commit_ts`, or the record disagrees with an earlier one of its transaction.
    pub fn push(&mut self, record: Record) -> Result<()> {
        let row = self.len();
        self.try_push(record).map_err(|reason| Error::Log(format!("row {row}: {reason}")))
    }

    /// Says anew what a tick lasts: importers learn it from their first times.
    #[cfg(feature = "import")]
    pub(crate) fn set_unit(&mut self, unit: Unit) {
        self.unit = unit;
    }

    /// Turns each text column whose texts are all plain decimal integers of one 64-bit type
    /// into integers: for sources that know text only. O(text bytes).
    #[cfg(feature = "import")]
    pub(crate) fn integers_from_text(&mut self) {
        for column in [&mut self.key, &mut self.value, &mut self.txn, &mut self.session] {
            column.integers_from_text();
        }
    }

    /// As [`push`](Self::push); the error says which column and why, but not where.
    pub(crate) fn try_push(&mut self, record: Record) -> Result<(), String> {
        self.check(&record)?;
        let row = self.len();
        let region = record.region.as_deref().map(|name| self.region_id(name));
        self.key.push(Some(&record.key));
        self.ops.push(u32::from(record.op == Op::Write));
        self.value.push(record.value.as_ref());
        self.txn.push(record.txn.as_ref());
        self.session.push(record.session.as_ref());
        self.host.push(record.host.map(Value::Text).as_ref());
        self.regions.push(region);
        self.statuses.push(status_id(record.status));
        push_bound(&mut self.start, record.start);
        push_bound(&mut self.commit, record.commit);
        self.start_ts.push(record.start_ts);
        self.commit_ts.push(record.commit_ts);
        if let Some(txn) = record.txn {
            self.first_rows.entry(normal(txn)).or_insert(row);
        }
        Ok(())
    }

    fn check(&self, record: &Record) -> Result<(), String> {
        if self.len() >= MOST_ROWS {
            return Err(format!("a log has at most {MOST_ROWS} rows"));
        }
        let known = |name: &String| self.region_ids.contains_key(name);
        if self.region_names.len() >= MOST_REGIONS && !record.region.as_ref().is_none_or(known) {
            return Err(format!("column region: a log has at most {MOST_REGIONS} regions"));
        }
        let values = [
            ("key", &self.key, Some(&record.key)),
            ("value", &self.value, record.value.as_ref()),
            ("txn", &self.txn, record.txn.as_ref()),
            ("session", &self.session, record.session.as_ref()),
        ];
        for (name, column, value) in values {
            if let Some(value) = value {
                column.check(value).map_err(|reason| format!("column {name}: {reason}"))?;
            }
        }
        let untimed = record.commit.is_none() && record.commit_ts.is_none();
        if untimed && record.op == Op::Write && record.status == Status::Committed {
            return Err(format!(
                "a committed write of key `{}` has neither a commit bound nor a commit_ts",
                Brief(record.key.as_datum())
            ));
        }
        self.check_agreement(record)
    }

    /// The rows of a transaction agree on region, session, status and times.
    fn check_agreement(&self, record: &Record) -> Result<(), String> {
        let Some(txn) = &record.txn else { return Ok(()) };
        let Some(&row) = self.first_rows.get(&normal(txn.clone())) else { return Ok(()) };
        let differs = |column: &str, now: String, before: String| {
            Err(format!(
                "column {column}: transaction `{}` has `{now}` here and `{before}` in row {row}",
                Brief(txn.as_datum())
            ))
        };
        let region = self.regions[row].map(|id| self.region_names[id as usize].as_str());
        if record.region.as_deref() != region {
            return differs("region", show(record.region.as_ref()), show(region));
        }
        let session = record.session.as_ref().map_or("null".to_owned(), |s| Brief(s.as_datum()).to_string());
        if session != self.session.show(row) {
            return differs("session", session, self.session.show(row));
        }
        let status = STATUSES[self.statuses[row] as usize];
        if record.status != status {
            return differs("status", record.status.name().to_owned(), status.name().to_owned());
        }
        for ((name, now), (_, column)) in times_of(record).into_iter().zip(self.times()) {
            if now != column.get(row) {
                return differs(name, show(now), show(column.get(row)));
            }
        }
        Ok(())
    }

    /// What a user should know of times that look like another unit than the log's, in sentences
    /// without a full stop. O(rows).
    pub fn warnings(&self) -> Vec<String> {
        let watch = |(name, column): (&str, &Ticks)| {
            let mut stamps = SuspectStamps::default();
            for row in 0..self.len() {
                column.get(row).into_iter().for_each(|t| stamps.see(row as u64, t, self.unit));
            }
            stamps.warning(name, self.unit)
        };
        self.times().into_iter().filter_map(watch).collect()
    }

    /// The time columns, named, in the order of [`times_of`].
    fn times(&self) -> [(&'static str, &Ticks); 6] {
        [
            ("start_earliest", &self.start[0]),
            ("start_latest", &self.start[1]),
            ("commit_earliest", &self.commit[0]),
            ("commit_latest", &self.commit[1]),
            ("start_ts", &self.start_ts),
            ("commit_ts", &self.commit_ts),
        ]
    }

    fn region_id(&mut self, name: &str) -> u32 {
        if let Some(id) = self.region_ids.get(name) {
            return *id;
        }
        let id = self.region_names.len() as u32;
        self.region_names.push(name.to_owned());
        self.region_ids.insert(name.to_owned(), id);
        id
    }
}

/// The fates, in the order of their codes in the `status` column.
const STATUSES: [Status; 3] = [Status::Committed, Status::Aborted, Status::Unknown];

fn status_id(status: Status) -> u32 {
    match status {
        Status::Committed => 0,
        Status::Aborted => 1,
        Status::Unknown => 2,
    }
}

/// One form for equal ids: a small unsigned integer equals the signed one.
fn normal(value: Value) -> Value {
    match value {
        Value::Unsigned(n) => i64::try_from(n).map_or(Value::Unsigned(n), Value::Integer),
        Value::Text(text) => Value::Bytes(text.into_bytes()),
        other => other,
    }
}

fn push_bound(ends: &mut [Ticks; 2], bound: Option<BoundedTimestamp>) {
    ends[0].push(bound.map(BoundedTimestamp::earliest));
    ends[1].push(bound.map(BoundedTimestamp::latest));
}

/// The times of a record by column, in the order of [`LogBuilder::times`].
fn times_of(record: &Record) -> [(&'static str, Option<i64>); 6] {
    let earliest = |bound: Option<BoundedTimestamp>| bound.map(BoundedTimestamp::earliest);
    let latest = |bound: Option<BoundedTimestamp>| bound.map(BoundedTimestamp::latest);
    [
        ("start_earliest", earliest(record.start)),
        ("start_latest", latest(record.start)),
        ("commit_earliest", earliest(record.commit)),
        ("commit_latest", latest(record.commit)),
        ("start_ts", record.start_ts),
        ("commit_ts", record.commit_ts),
    ]
}

fn show(value: Option<impl ToString>) -> String {
    value.map_or("null".to_owned(), |v| v.to_string())
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::DataType;

    use super::*;

    fn write(key: impl Into<Value>, tick: i64) -> Record {
        Record { key: key.into(), commit_ts: Some(tick), ..Record::default() }
    }

    fn built(records: Vec<Record>) -> LogBuilder {
        let mut log = LogBuilder::new(Unit::None);
        for record in records {
            log.push(record).unwrap();
        }
        log
    }

    fn refusal(records: Vec<Record>) -> String {
        let mut log = LogBuilder::new(Unit::None);
        let refused = records.into_iter().find_map(|record| log.push(record).err());
        refused.expect("a refused record").to_string()
    }

    /// Promise: a log has only the columns that say something, and its unit.
    #[test]
    fn columns() {
        let batch = built(vec![write(1, 5), write(2, 6)]).finish().unwrap();
        let names: Vec<_> = batch.schema().fields().iter().map(|f| f.name().clone()).collect();
        assert_eq!(names, ["key", "op", "commit_ts"]);
        assert_eq!(batch.schema().metadata()["skewer.unit"], "none");
        assert_eq!(LogBuilder::new(Unit::Seconds).finish().unwrap().num_rows(), 0);
    }

    /// Promise: integers take the smallest type that holds them, text mixes with bytes only.
    #[test]
    fn key_types() {
        let of = |keys: Vec<Value>| {
            let log = built(keys.into_iter().map(|key| write(key, 1)).collect());
            log.finish().unwrap().column(0).data_type().clone()
        };
        assert_eq!(of(vec![Value::Unsigned(1), Value::Integer(-1)]), DataType::Int64);
        assert_eq!(of(vec![Value::Unsigned(u64::MAX), Value::Integer(1)]), DataType::UInt64);
        assert_eq!(of(vec!["a".into()]), DataType::Utf8);
        assert_eq!(of(vec!["a".into(), Value::Bytes(vec![0xff])]), DataType::Binary);
        assert_eq!(
            refusal(vec![write(1, 1), write("1", 2)]),
            "row 1: column key: `1` is not an integer, as all before it are"
        );
        let wide = vec![write(Value::Unsigned(u64::MAX), 1), write(-1, 2)];
        assert!(refusal(wide).contains("`-1` and `18446744073709551615` do not fit"));
    }

    /// Promise: what no reader of the log would accept is refused at once, with both values.
    #[test]
    fn rules() {
        assert!(refusal(vec![Record::default()]).contains("neither a commit bound nor a commit_ts"));
        let of_txn = |record: Record| Record { txn: Some(9.into()), ..record };
        let late = refusal(vec![of_txn(write(1, 5)), of_txn(write(2, 6))]);
        assert_eq!(late, "row 1: column commit_ts: transaction `9` has `6` here and `5` in row 0");
        let eu = Record { region: Some("eu".to_owned()), ..write(1, 5) };
        let split = refusal(vec![of_txn(eu), of_txn(write(2, 5))]);
        assert_eq!(split, "row 1: column region: transaction `9` has `null` here and `eu` in row 0");
    }

    /// Promise: a file holds the log in batches of 65,536 rows that share their words, and a
    /// failed write leaves nothing behind.
    #[test]
    fn files() {
        let mut log = LogBuilder::new(Unit::Milliseconds);
        for n in 0..70_000 {
            let region = if n < 65_536 { "eu" } else { "us" };
            log.push(Record { region: Some(region.to_owned()), ..write(n, n) }).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.arrow");
        log.write_to(&path).unwrap();
        let reader = arrow::ipc::reader::FileReader::try_new(std::fs::File::open(&path).unwrap(), None);
        let rows: Vec<_> = reader.unwrap().map(|batch| batch.unwrap().num_rows()).collect();
        assert_eq!(rows, [65_536, 4_464]);
        assert!(log.write_to(folder.path().join("no/such/folder.arrow")).is_err());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
