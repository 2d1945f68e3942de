//! Judging by every model: transactions of fifteen operations, and one hot key.
//!
//! `cargo bench --bench models` runs in full size; `cargo test --bench models` in smoke size. What
//! `all` takes is what a log with nothing but bounds costs; `assigned` logs have the store's own
//! timestamps too, which `external-consistency` needs. The same logs on disk:
//! `examples/generate_transactions.rs`.

#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use skewer::report::{Model, Verdict};
use skewer::{Log, OpenOptions, VerifyOptions, verify};

#[path = "data/transactions.rs"]
mod transactions;

use transactions::{OPERATIONS, Shape, Store, hot_key, transactions};

fn opened(batches: Vec<RecordBatch>) -> Log {
    Log::from_batches(vec![("log".to_owned(), batches)], &OpenOptions::default()).expect("a valid log")
}

/// Models that need more than transactions of several operations with bounds: each has a log of its own here.
const APART: [Model; 2] = [Model::ExternalConsistency, Model::Linearizable];

fn bench(criterion: &mut Criterion) {
    let full = std::env::args().any(|argument| argument == "--bench");
    let size = |large: usize, small: usize| if full { large } else { small };
    let mut group = criterion.benchmark_group("models");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(5));
    let txns = size(1_000_000, 500);
    for (name, keys) in [("thousand-keys", 1_000), ("million-keys", size(1_000_000, 2_000))] {
        let shape = Shape { txns, keys, store: Store::Serializable, assigned: false };
        let log = opened(transactions(shape));
        assert_eq!(log.len(), (txns * OPERATIONS) as u64);
        group.throughput(Throughput::Elements(log.len()));
        for model in Model::ALL.into_iter().filter(|model| !APART.contains(model)) {
            group.bench_function(BenchmarkId::new(model.name(), name), |b| {
                b.iter(|| judge(&log, Some(vec![model]), true));
            });
        }
        group.bench_function(BenchmarkId::new("all", name), |b| b.iter(|| judge(&log, None, true)));
        drop(log);

        let log = opened(transactions(Shape { assigned: true, ..shape }));
        group.bench_function(BenchmarkId::new("external-consistency", name), |b| {
            b.iter(|| judge(&log, Some(vec![Model::ExternalConsistency]), false));
        });
        group.bench_function(BenchmarkId::new("all-assigned", name), |b| b.iter(|| judge(&log, None, false)));
        drop(log);

        let log = opened(transactions(Shape { store: Store::Snapshots, ..shape }));
        group.bench_function(BenchmarkId::new("all-losing-updates", name), |b| {
            b.iter(|| judge(&log, None, false));
        });
    }
    let log = opened(hot_key(size(10_000_000, 2_000)));
    group.throughput(Throughput::Elements(log.len()));
    group.bench_function(BenchmarkId::new("linearizable", "hot-key"), |b| {
        b.iter(|| judge(&log, Some(vec![Model::Linearizable]), true));
    });
    group.finish();
}

/// Judges, and sees to it that the asked models did judge, and hold where they must.
fn judge(log: &Log, models: Option<Vec<Model>>, holds: bool) {
    let asked = models.clone().unwrap_or_default();
    let options = VerifyOptions { models, findings: Some(10), ..VerifyOptions::default() };
    let report = verify(log, &options).expect("the options fit");
    for (model, judged) in report.models {
        let checked = judged.verdict != Verdict::NotChecked || !asked.contains(&model);
        assert!(checked, "{} {:?}", model.name(), judged.reason);
        assert!(!holds || judged.verdict != Verdict::Violated, "{} {:?}", model.name(), judged.findings);
    }
}

/// Makes a log of that many operations.
type Make = fn(usize) -> Vec<RecordBatch>;

/// Judging grows as a sort does, whatever the shape: ten times as many operations take little more
/// than ten times as long. Printed in full size, and not asserted: other work on the machine would fail it.
fn growth(_: &mut Criterion) {
    let full = std::env::args().any(|argument| argument == "--bench");
    let (few, many) = if full { (1_000_000, 10_000_000) } else { (300, 3_000) };
    let shapes: [(&str, Make); 4] = [
        ("hot-key", hot_key),
        ("one-key", |rows| of(Store::Serializable, rows, 1)),
        ("one-key-losing-updates", |rows| of(Store::Snapshots, rows, 1)),
        ("thousand-keys-losing-updates", |rows| of(Store::Snapshots, rows, 1_000)),
    ];
    for (name, make) in shapes {
        let seconds = [few, many].map(|rows| {
            let log = opened(make(rows));
            let begin = Instant::now();
            judge(&log, None, false);
            begin.elapsed().as_secs_f64()
        });
        let ratio = seconds[1] / seconds[0];
        println!(
            "growth/{name}: {few} operations {:.3} s, {many} {:.3} s: {ratio:.1} times",
            seconds[0], seconds[1]
        );
    }
}

fn of(store: Store, rows: usize, keys: usize) -> Vec<RecordBatch> {
    transactions(Shape { txns: rows / OPERATIONS, keys, store, assigned: false })
}

criterion_group!(benches, bench, growth);
criterion_main!(benches);
