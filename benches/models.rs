//! Judging by every model: transactions of fifteen operations, and one hot key.
//!
//! `cargo bench --bench models` runs in full size; `cargo test --bench models` in smoke size.

#![forbid(unsafe_code)]

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{ArrayRef, DictionaryArray, Int8Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int8Type;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use skewer::report::{Model, Verdict};
use skewer::{Log, OpenOptions, VerifyOptions, verify};

/// Operations of a transaction.
const OPERATIONS: usize = 15;
/// Ticks between two commits.
const STEP: i64 = 10;

/// The columns of a log, row by row.
#[derive(Default)]
struct Columns {
    key: Vec<i64>,
    op: Vec<i8>,
    value: Vec<Option<i64>>,
    txn: Vec<i64>,
    session: Vec<i64>,
    times: [Vec<i64>; 4],
}

impl Columns {
    fn push(&mut self, (txn, key): (usize, usize), op: i8, value: Option<i64>, times: [i64; 4]) {
        self.key.push(key as i64);
        self.op.push(op);
        self.value.push(value);
        self.txn.push(txn as i64);
        self.session.push(txn as i64 % 50);
        self.times.iter_mut().zip(times).for_each(|(column, time)| column.push(time));
    }

    /// The log; without ids each row is a transaction of its own.
    fn log(self, ids: bool) -> Log {
        let ints = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as ArrayRef;
        let words = Arc::new(StringArray::from(vec!["read", "write"]));
        let op = DictionaryArray::<Int8Type>::new(Int8Array::from(self.op), words);
        let [start_earliest, start_latest, commit_earliest, commit_latest] = self.times.map(ints);
        let mut columns = vec![
            ("key", ints(self.key)),
            ("op", Arc::new(op) as ArrayRef),
            ("value", Arc::new(Int64Array::from(self.value)) as ArrayRef),
            ("session", ints(self.session)),
            ("start_earliest", start_earliest),
            ("start_latest", start_latest),
            ("commit_earliest", commit_earliest),
            ("commit_latest", commit_latest),
        ];
        columns.extend(ids.then(|| ("txn", ints(self.txn))));
        let batch = RecordBatch::try_from_iter(columns).expect("columns of one length");
        Log::from_batches(vec![("log".to_owned(), vec![batch])], &OpenOptions::default())
            .expect("a valid log")
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

    fn draw(&self, random: &mut fastrand::Rng) -> usize {
        let at = random.f64();
        self.0.partition_point(|&s| s < at).min(self.0.len() - 1)
    }
}

/// Transactions that ran under serializable snapshots: each starts after the last commit that it
/// must see, and up to fifty others commit meanwhile.
fn transactions(count: usize, keys: usize) -> Log {
    let mut random = fastrand::Rng::with_seed(1);
    let zipf = Zipf::new(keys, 0.99);
    let mut last: Vec<Option<usize>> = vec![None; keys];
    let mut columns = Columns::default();
    for txn in 0..count {
        let ops: Vec<(usize, bool)> =
            (0..OPERATIONS).map(|_| (zipf.draw(&mut random), random.bool())).collect();
        let seen =
            ops.iter().filter_map(|(key, _)| last[*key]).max().unwrap_or(0).max(txn.saturating_sub(50));
        // The one before it in its session committed fifty ago.
        let (start, commit) = (seen as i64 * STEP + 3, txn as i64 * STEP);
        let times = [start - 1, start + 1, commit - 1, commit + 1].map(|t| if txn == 0 { 0 } else { t });
        let mut own: Vec<(usize, i64)> = Vec::new();
        for (at, (key, read)) in ops.into_iter().enumerate() {
            let known = own.iter().rev().find(|(k, _)| *k == key).map(|(_, value)| *value);
            if read {
                let value = known.or(last[key].map(|writer| writer as i64 * 16 + 15));
                columns.push((txn, key), 0, value, times);
            } else {
                // The version is known by the last write: its value ends in fifteen.
                let value = txn as i64 * 16 + at as i64;
                own.push((key, value));
                columns.push((txn, key), 1, Some(value), times);
            }
        }
        seal(&mut columns, &own, txn, &mut last);
    }
    columns.log(true)
}

/// Gives the last write of every key of a transaction the value by which its version is known.
fn seal(columns: &mut Columns, own: &[(usize, i64)], txn: usize, last: &mut [Option<usize>]) {
    let first = columns.key.len() - OPERATIONS;
    for (key, _) in own {
        last[*key] = Some(txn);
        let write = (first..columns.key.len())
            .rev()
            .find(|&row| columns.op[row] == 1 && columns.key[row] == *key as i64)
            .expect("it was written");
        let old = columns.value[write];
        for row in write..columns.key.len() {
            if columns.key[row] == *key as i64 && columns.value[row] == old {
                columns.value[row] = Some(txn as i64 * 16 + 15);
            }
        }
    }
}

/// One key, read and written by operations that overlap a little.
fn hot_key(operations: usize) -> Log {
    let mut columns = Columns::default();
    let mut value = None;
    for at in 0..operations {
        let read = at % 2 == 1;
        if !read {
            value = Some(at as i64);
        }
        let begin = at as i64 * STEP;
        columns.push((at, 7), i8::from(!read), value, [begin, begin + 2, begin + 7, begin + 12]);
    }
    columns.log(false)
}

fn bench(criterion: &mut Criterion) {
    let full = std::env::args().any(|argument| argument == "--bench");
    let size = |large: usize, small: usize| if full { large } else { small };
    let mut group = criterion.benchmark_group("models");
    group.sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(10));
    for (name, keys) in [("thousand-keys", 1_000), ("million-keys", size(1_000_000, 2_000))] {
        let log = transactions(size(1_000_000, 500), keys);
        group.throughput(Throughput::Elements(log.len()));
        let of_reads =
            [Model::SnapshotIsolation, Model::Serializable, Model::StrictSerializable, Model::ClockBounds];
        for model in of_reads {
            group.bench_function(BenchmarkId::new(model.name(), name), |b| {
                b.iter(|| judge(&log, Some(vec![model])));
            });
        }
        group.bench_function(BenchmarkId::new("all", name), |b| b.iter(|| judge(&log, None)));
    }
    let log = hot_key(size(10_000_000, 2_000));
    group.throughput(Throughput::Elements(log.len()));
    group.bench_function(BenchmarkId::new("linearizable", "hot-key"), |b| {
        b.iter(|| judge(&log, Some(vec![Model::Linearizable])));
    });
    group.finish();
}

/// Judges, and sees to it that nothing definite was found.
fn judge(log: &Log, models: Option<Vec<Model>>) {
    let options = VerifyOptions { models, findings: Some(10), ..VerifyOptions::default() };
    let report = verify(log, &options).expect("the options fit");
    for (model, judged) in report.models {
        let of_writes = model == Model::WriteOrder || model == Model::CrossRegionConflicts;
        assert!(judged.verdict != Verdict::Violated || of_writes, "{} {:?}", model.name(), judged.findings);
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
