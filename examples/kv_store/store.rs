//! What is on disk: versions of keys, and the transactions that the log does not have yet.
//!
//! fjall's keyspaces are plain here, its transactions off: versions are a part of the key, and one write batch
//! holds all that a group of commits changes.

use std::path::Path;

use anyhow::{Context, Result};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use serde::{Deserialize, Serialize};
use skewer::resolve::Version;
use skewer::txn::Status;

/// A transaction as it will stand in the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) txn: i64,
    pub(crate) session: i64,
    pub(crate) region: String,
    pub(crate) fate: Fate,
    /// When its snapshot was taken: both ends, by its region's clock.
    pub(crate) start: (i64, i64),
    pub(crate) start_ts: Version,
    /// When its commit became visible; unknown until it was acknowledged.
    pub(crate) commit: Option<(i64, i64)>,
    pub(crate) commit_ts: Option<Version>,
    pub(crate) reads: Vec<(String, Option<i64>)>,
    pub(crate) writes: Vec<(String, i64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Fate {
    Committed,
    Aborted,
}

impl From<Fate> for Status {
    fn from(fate: Fate) -> Self {
        match fate {
            Fate::Committed => Status::Committed,
            Fate::Aborted => Status::Aborted,
        }
    }
}

impl Row {
    /// Whether nothing is missing that will be known later.
    pub(crate) fn is_complete(&self) -> bool {
        self.commit.is_some() || self.fate == Fate::Aborted || self.writes.is_empty()
    }
}

/// The store's files. Clones are the same store.
#[derive(Clone)]
pub(crate) struct Store {
    database: Database,
    items: Keyspace,
    /// Transactions whose rows are not in the log yet, by number.
    outbox: Keyspace,
    meta: Keyspace,
    durability: PersistMode,
}

impl Store {
    pub(crate) fn open(folder: &Path, durability: PersistMode) -> Result<Self> {
        let database = Database::builder(folder).open().context("the store does not open")?;
        let keyspace = |name| database.keyspace(name, KeyspaceCreateOptions::default);
        let (items, outbox, meta) = (keyspace("items")?, keyspace("outbox")?, keyspace("meta")?);
        Ok(Store { database, items, outbox, meta, durability })
    }

    /// The version of the last commit on disk, or the last floor if that is greater; 0 in an empty store.
    pub(crate) fn version(&self) -> Result<Version> {
        self.number("version")
    }

    /// Notes a floor before anything is promised above it.
    pub(crate) fn begin_above(&self, floor: Version) -> Result<()> {
        self.meta.insert("version", floor.to_be_bytes())?;
        Ok(self.database.persist(self.durability)?)
    }

    /// Counts how often the store was opened to run: numbers of transactions begin with it.
    pub(crate) fn next_run(&self) -> Result<i64> {
        let run = self.number("run")? + 1;
        self.meta.insert("run", run.to_be_bytes())?;
        Ok(run)
    }

    fn number(&self, name: &str) -> Result<i64> {
        self.meta.get(name)?.map_or(Ok(0), |bytes| value_of(&bytes))
    }

    /// The value of `key` at `snapshot`.
    pub(crate) fn read(&self, key: &str, snapshot: Version) -> Result<Option<i64>> {
        let newest = self.items.range(at(key, snapshot)..=at(key, 0)).next();
        newest.map(|item| value_of(&item.value()?)).transpose()
    }

    /// Keys from `low` on and below `high`, with their values at `snapshot`.
    pub(crate) fn scan(&self, low: &str, high: &str, snapshot: Version) -> Result<Vec<(String, i64)>> {
        let mut found: Vec<(String, i64)> = Vec::new();
        for item in self.items.range(at(low, Version::MAX)..at(high, Version::MAX)) {
            let (stored, value) = item.into_inner()?;
            let (key, version) = split(&stored)?;
            // Newest first: the first one that the snapshot sees is the one.
            if version <= snapshot && found.last().is_none_or(|(last, _)| last != key) {
                found.push((key.to_owned(), value_of(&value)?));
            }
        }
        Ok(found)
    }

    /// All keys with the version and value of their last write.
    pub(crate) fn newest(&self) -> Result<Vec<(String, Version, i64)>> {
        let mut newest: Vec<(String, Version, i64)> = Vec::new();
        for item in self.items.iter() {
            let (stored, value) = item.into_inner()?;
            let (key, version) = split(&stored)?;
            if newest.last().is_none_or(|(last, ..)| last != key) {
                newest.push((key.to_owned(), version, value_of(&value)?));
            }
        }
        Ok(newest)
    }

    /// Puts a group of commits on disk, all or none, and drops versions that no snapshot from `floor` on sees.
    pub(crate) fn commit(&self, version: Version, rows: &[Row], floor: Version) -> Result<()> {
        let mut batch = self.database.batch().durability(Some(self.durability));
        for row in rows {
            for (key, value) in &row.writes {
                for old in self.items.range(at(key, floor)..=at(key, 0)).skip(1) {
                    batch.remove(&self.items, old.key()?);
                }
                batch.insert(&self.items, at(key, version), value.to_be_bytes());
            }
            batch.insert(&self.outbox, row.txn.to_be_bytes(), serde_json::to_vec(row)?);
        }
        batch.insert(&self.meta, "version", version.to_be_bytes());
        batch.commit().context("the store does not take a commit")
    }

    /// Notes what is known of a transaction now.
    pub(crate) fn note(&self, row: &Row) -> Result<()> {
        Ok(self.outbox.insert(row.txn.to_be_bytes(), serde_json::to_vec(row)?)?)
    }

    /// The transactions that are not in the log yet, in the order of their numbers.
    pub(crate) fn outbox(&self) -> Result<Vec<Row>> {
        self.outbox.iter().map(|row| Ok(serde_json::from_slice(&row.value()?)?)).collect()
    }

    /// Forgets transactions that are in the log.
    pub(crate) fn logged(&self, rows: &[Row]) -> Result<()> {
        let mut batch = self.database.batch();
        rows.iter().for_each(|row| batch.remove(&self.outbox, row.txn.to_be_bytes()));
        Ok(batch.commit()?)
    }
}

/// Where a version of a key is stored: behind the key, newer ones first. Keys hold no zero byte.
fn at(key: &str, version: Version) -> Vec<u8> {
    [key.as_bytes(), &[0], &(!version.cast_unsigned()).to_be_bytes()].concat()
}

fn split(stored: &[u8]) -> Result<(&str, Version)> {
    let (rest, version) = stored.split_last_chunk().context("a stored key ends with its version")?;
    let key = rest.strip_suffix(&[0]).context("a zero byte ends the key")?;
    Ok((std::str::from_utf8(key)?, (!u64::from_be_bytes(*version)).cast_signed()))
}

fn value_of(bytes: &[u8]) -> Result<i64> {
    Ok(i64::from_be_bytes(bytes.try_into().context("a value has 8 bytes")?))
}
