//! Logs of transactions, as the stores that checkers are compared on write them, from a fixed seed.
//!
//! Transaction `i` commits at `i` steps and belongs to session `i mod 50`; up to fifty others commit
//! while it runs. Each clock errs by at most a tick and says so. A read returns what the transaction
//! itself wrote last, or else the version of its snapshot; every write has a value of its own.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int8Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int8Type;
use fastrand::Rng;

/// Operations of a transaction.
pub(crate) const OPERATIONS: usize = 15;
/// Sessions, and so transactions that may run at a time.
const SESSIONS: usize = 50;
const REGIONS: [&str; 3] = ["ap", "eu", "us"];
/// Ticks between two commits.
const STEP: i64 = 10;
/// Rows of a record batch, about.
const BATCH_ROWS: usize = 1 << 20;

/// Whether the store lets transactions run into each other.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Store {
    /// Each starts after the last commit of every key that it touches: all models hold.
    Serializable,
    /// Each starts when it likes and reads its snapshot: updates are lost.
    Snapshots,
}

/// What a log is made of.
#[derive(Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) txns: usize,
    /// The `n`-th key is touched in proportion to `1 / n^0.99`.
    pub(crate) keys: usize,
    pub(crate) store: Store,
    /// Whether the store tells its own timestamps.
    pub(crate) assigned: bool,
}

/// The columns of a batch, row by row.
#[derive(Default)]
struct Columns {
    key: Vec<i64>,
    op: Vec<i8>,
    value: Vec<Option<i64>>,
    txn: Vec<i64>,
    session: Vec<i64>,
    region: Vec<i8>,
    bounds: [Vec<i64>; 4],
    assigned: [Vec<i64>; 2],
}

impl Columns {
    /// The batch; without ids each row is a transaction of its own.
    fn batch(self, ids: bool, assigned: bool) -> RecordBatch {
        let ints = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as ArrayRef;
        let words = |codes: Vec<i8>, words: &[&str]| -> ArrayRef {
            let words = Arc::new(StringArray::from(words.to_vec()));
            Arc::new(DictionaryArray::<Int8Type>::new(Int8Array::from(codes), words))
        };
        let [start_earliest, start_latest, commit_earliest, commit_latest] = self.bounds.map(ints);
        let mut columns = vec![
            ("key", ints(self.key)),
            ("op", words(self.op, &["read", "write"])),
            ("value", Arc::new(Int64Array::from(self.value)) as ArrayRef),
            ("session", ints(self.session)),
            ("region", words(self.region, &REGIONS)),
            ("start_earliest", start_earliest),
            ("start_latest", start_latest),
            ("commit_earliest", commit_earliest),
            ("commit_latest", commit_latest),
        ];
        if ids {
            columns.push(("txn", ints(self.txn)));
        }
        if assigned {
            let [start_ts, commit_ts] = self.assigned.map(ints);
            columns.extend([("start_ts", start_ts), ("commit_ts", commit_ts)]);
        }
        // All batches have one schema, whether or not one of them holds a null.
        let columns = columns.into_iter().map(|(name, column)| (name, column, name == "value"));
        RecordBatch::try_from_iter_with_nullable(columns).expect("columns of one length")
    }

    fn push(&mut self, (txn, key): (usize, usize), value: (i8, Option<i64>), [start, commit]: [i64; 2]) {
        self.key.push(key as i64);
        self.op.push(value.0);
        self.value.push(value.1);
        self.txn.push(txn as i64);
        self.session.push((txn % SESSIONS) as i64);
        self.region.push((txn % REGIONS.len()) as i8);
        let bounds = [start - 1, start + 1, commit - 1, commit + 1];
        self.bounds.iter_mut().zip(bounds).for_each(|(column, end)| column.push(end));
        self.assigned.iter_mut().zip([start, commit]).for_each(|(column, time)| column.push(time));
    }
}

/// Ranks from 0 by Zipf's law with that exponent, by inverting its distribution.
struct Zipf(Vec<f64>);

impl Zipf {
    fn new(n: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        let mut sums: Vec<f64> = (1..=n)
            .map(|rank| {
                sum += (rank as f64).powf(-exponent);
                sum
            })
            .collect();
        sums.iter_mut().for_each(|s| *s /= sum);
        Zipf(sums)
    }

    fn draw(&self, random: &mut Rng) -> usize {
        let at = random.f64();
        self.0.partition_point(|&s| s < at).min(self.0.len() - 1)
    }
}

/// The versions of one key that some snapshot may still show: their writers and values.
type Versions = Vec<(usize, i64)>;

/// The record batches of a log of transactions.
pub(crate) fn transactions(shape: Shape) -> Vec<RecordBatch> {
    let mut random = Rng::with_seed(1);
    let zipf = Zipf::new(shape.keys, 0.99);
    let mut versions: Vec<Versions> = vec![Versions::new(); shape.keys];
    let (mut batches, mut columns) = (Vec::new(), Columns::default());
    for txn in 0..shape.txns {
        let ops: Vec<(usize, bool)> =
            (0..OPERATIONS).map(|_| (zipf.draw(&mut random), random.bool())).collect();
        // The one before it in its session committed fifty before.
        let last = txn.checked_sub(SESSIONS);
        let seen = match shape.store {
            Store::Serializable => {
                ops.iter().filter_map(|(key, _)| versions[*key].last()).map(|v| v.0).max().max(last)
            }
            Store::Snapshots => txn.checked_sub(1 + random.usize(..SESSIONS)),
        };
        run(&mut columns, txn, seen, &ops, &mut versions);
        if columns.key.len() >= BATCH_ROWS || txn + 1 == shape.txns {
            batches.push(std::mem::take(&mut columns).batch(true, shape.assigned));
        }
    }
    batches
}

/// Runs a transaction whose snapshot shows what transactions up to `seen` wrote.
fn run(
    columns: &mut Columns,
    txn: usize,
    seen: Option<usize>,
    ops: &[(usize, bool)],
    versions: &mut [Versions],
) {
    let times = [seen.map_or(-(SESSIONS as i64) * STEP, |seen| seen as i64 * STEP + 3), txn as i64 * STEP];
    let mut own: Vec<(usize, i64)> = Vec::new();
    for (at, (key, read)) in ops.iter().copied().enumerate() {
        if read {
            let written = own.iter().rev().find(|(k, _)| *k == key).map(|(_, value)| *value);
            let shown = || versions[key].iter().rev().find(|v| Some(v.0) <= seen).map(|v| v.1);
            columns.push((txn, key), (0, written.or_else(shown)), times);
        } else {
            let value = (txn * OPERATIONS + at) as i64;
            own.push((key, value));
            columns.push((txn, key), (1, Some(value)), times);
        }
    }
    for (at, (key, value)) in own.iter().copied().enumerate() {
        if own[at + 1..].iter().all(|later| later.0 != key) {
            let of_key = &mut versions[key];
            // Of those that every later snapshot shows only the last is still read.
            let old = of_key.partition_point(|v| v.0 + SESSIONS < txn).saturating_sub(1);
            of_key.drain(..old);
            of_key.push((txn, value));
        }
    }
}

/// The record batches of one key, read and written in turn by operations that overlap a little.
pub(crate) fn hot_key(operations: usize) -> Vec<RecordBatch> {
    let operation = |columns: &mut Columns, at: usize| {
        let (write, begin) = (at - at % 2, at as i64 * STEP);
        columns.push((at, 7), (at.is_multiple_of(2).into(), Some(write as i64)), [begin + 1, begin + 9]);
    };
    let firsts = (0..operations).step_by(BATCH_ROWS);
    let batch = |first: usize| {
        let mut columns = Columns::default();
        (first..(first + BATCH_ROWS).min(operations)).for_each(|at| operation(&mut columns, at));
        columns.batch(false, false)
    };
    firsts.map(batch).collect()
}
