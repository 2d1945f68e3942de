//! Judging by every model: transactions of fifteen operations, and one hot key.
//!
//! `cargo bench --bench models` runs in full size; `cargo test --bench models` in smoke size. What
//! `all` takes is what a log with nothing but bounds costs; `assigned` logs have the store's own
//! timestamps too, which `external-consistency` needs. The same logs on disk:
//! `examples/generate_transactions.rs`.

#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
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

/// Whether the command line asks for a line of that name, so that logs of other lines are not made: by a part
/// of the name; by a pattern any may be meant.
fn wanted(line: &str) -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    // A word after an option is the option's, but for the one that cargo gives.
    let mut filters = arguments.windows(2).filter(|pair| pair[0] == "--bench" || !pair[0].starts_with('-'));
    let filter = filters.find(|pair| !pair[1].starts_with('-'));
    let plain = |word: &str| word.chars().all(|c| c.is_alphanumeric() || "/-".contains(c));
    filter.is_none_or(|pair| !plain(&pair[1]) || line.contains(&pair[1]))
}

fn bench(criterion: &mut Criterion) {
    let full = std::env::args().any(|argument| argument == "--bench");
    let size = |large: usize, small: usize| if full { large } else { small };
    let mut group = criterion.benchmark_group("models");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(5));
    let txns = size(1_000_000, 500);
    for (name, keys) in [("thousand-keys", 1_000), ("million-keys", size(1_000_000, 2_000))] {
        let shape = Shape { txns, keys, store: Store::Serializable, assigned: false };
        let plain = Model::ALL.into_iter().filter(|model| !APART.contains(model));
        let mut lines: Vec<Line> = plain.map(|model| (model.name(), Some(vec![model]), true)).collect();
        lines.push(("all", None, true));
        of_log(&mut group, name, shape, lines);
        let lines = vec![
            ("external-consistency", Some(vec![Model::ExternalConsistency]), false),
            ("all-assigned", None, false),
        ];
        of_log(&mut group, name, Shape { assigned: true, ..shape }, lines);
        let lines = vec![("all-losing-updates", None, false)];
        of_log(&mut group, name, Shape { store: Store::Snapshots, ..shape }, lines);
    }
    if wanted("models/linearizable/hot-key") {
        let log = opened(hot_key(size(10_000_000, 2_000)));
        group.throughput(Throughput::Elements(log.len()));
        group.bench_function(BenchmarkId::new("linearizable", "hot-key"), |b| {
            b.iter(|| judge(&log, Some(vec![Model::Linearizable]), true));
        });
    }
    group.finish();
}

/// The models of one line, by name, and whether they must hold.
type Line = (&'static str, Option<Vec<Model>>, bool);

/// The lines about one log, which is made if one of them is asked for.
fn of_log(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, shape: Shape, mut lines: Vec<Line>) {
    lines.retain(|(line, ..)| wanted(&format!("models/{line}/{name}")));
    if lines.is_empty() {
        return;
    }
    let log = opened(transactions(shape));
    assert_eq!(log.len(), (shape.txns * OPERATIONS) as u64);
    group.throughput(Throughput::Elements(log.len()));
    for (line, models, holds) in lines {
        group.bench_function(BenchmarkId::new(line, name), |b| {
            b.iter(|| judge(&log, models.clone(), holds));
        });
    }
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
/// The fastest of three times counts: what the system takes to find fresh memory is left to chance.
fn growth(_: &mut Criterion) {
    let full = std::env::args().any(|argument| argument == "--bench");
    let (few, many) = if full { (1_000_000, 10_000_000) } else { (300, 3_000) };
    let shapes: [(&str, Make); 4] = [
        ("hot-key", hot_key),
        ("one-key", |rows| of(Store::Serializable, rows, 1)),
        ("one-key-losing-updates", |rows| of(Store::Snapshots, rows, 1)),
        ("thousand-keys-losing-updates", |rows| of(Store::Snapshots, rows, 1_000)),
    ];
    for (name, make) in shapes.into_iter().filter(|(name, _)| wanted(&format!("growth/{name}"))) {
        let seconds = [few, many].map(|rows| {
            let log = opened(make(rows));
            let timed = |_| {
                let begin = Instant::now();
                judge(&log, None, false);
                begin.elapsed().as_secs_f64()
            };
            (0..3).map(timed).fold(f64::INFINITY, f64::min)
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
