//! Both ways to find conflicts, and the order of writes: `stage/dataset/rows/isa`, in rows and in
//! bytes of the columns judged, on all threads.
//!
//! Stages: `auto` is `cross-region-conflicts` as users run it, `window` and `partitioned` are the same by
//! either path, `write-order` is that model, and `hash-map` is what one would write by hand on one
//! thread: rows grouped by key in a hash map, each group sorted by time and scanned. Before a stage is
//! timed its answer is compared with the hash map's, and that one's with the reference, on a log small
//! enough for it.
//!
//! `cargo bench --bench verify` times a million rows; `cargo test` runs everything once on few rows.

#![forbid(unsafe_code)]

mod data;

use std::collections::HashMap;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use data::{Data, KeyType, Keys, Order, Write, judge};
use skewer::models::Path;
use skewer::report::{Counts, Kind, ModelReport};
use skewer::{Model, reference};
use skewer_kernels::Isa;

/// Rows where only the answers are of interest; the reference is quadratic.
const FEW: usize = 2_000;
const MANY: usize = 1_000_000;

/// A dataset's name and how it is made.
const DATASETS: [(&str, Keys, Order, KeyType); 6] = [
    ("uniform-u64", Keys::Uniform, Order::Time, KeyType::U64),
    ("uniform-text", Keys::Uniform, Order::Time, KeyType::Text),
    ("zipf-u64", Keys::Zipf, Order::Time, KeyType::U64),
    ("shuffled-u64", Keys::Uniform, Order::Shuffled, KeyType::U64),
    ("shuffled-text", Keys::Uniform, Order::Shuffled, KeyType::Text),
    ("shuffled-zipf-u64", Keys::Zipf, Order::Shuffled, KeyType::U64),
];

/// Cargo says `--bench` only where times are wanted.
fn rows() -> usize {
    if std::env::args().any(|arg| arg == "--bench") { MANY } else { FEW }
}

/// Scalar, and the widest there is.
fn isas() -> Vec<Isa> {
    let mut isas = vec![Isa::scalar(), Isa::best()];
    isas.dedup();
    isas
}

fn conflicts(report: &ModelReport) -> Counts {
    report.kinds[Kind::WriteWrite.name()]
}

fn pairs_ambiguous(report: &ModelReport) -> u64 {
    report.facts["pairs_ambiguous"]
}

/// Concurrent pairs of writes of one key: all of them, and those of two regions.
#[derive(Debug, PartialEq)]
struct Pairs {
    all: u64,
    cross_region_touching: u64,
    cross_region_blind: u64,
}

/// By a hash map of rows and a scan of each key's rows in order of time.
fn by_hash_map(writes: &[Write]) -> Pairs {
    let mut by_key: HashMap<u64, Vec<&Write>> = HashMap::new();
    for write in writes {
        by_key.entry(write.key).or_default().push(write);
    }
    let mut pairs = Pairs { all: 0, cross_region_touching: 0, cross_region_blind: 0 };
    for of_key in by_key.values_mut() {
        of_key.sort_unstable_by_key(|write| write.earliest);
        for (at, a) in of_key.iter().enumerate() {
            for b in of_key[at + 1..].iter().take_while(|b| b.earliest <= a.latest) {
                let elsewhere = u64::from(a.region != b.region);
                pairs.all += 1;
                pairs.cross_region_touching += elsewhere;
                // Without starts a write is blind to what ends after it begins, not at it.
                pairs.cross_region_blind += elsewhere * u64::from(b.earliest < a.latest);
            }
        }
    }
    pairs
}

/// What the reference says of the same log.
fn by_reference(data: &Data) -> (Counts, u64) {
    let input = reference::Input {
        rows: data.log.rows().collect(),
        columns: data.log.columns(),
        places: data.log.places().clone(),
        visibility_lag: 0,
    };
    let found = reference::judge(Model::CrossRegionConflicts, &input);
    let conflicts = found.kinds.get(Kind::WriteWrite.name()).copied().unwrap_or_default();
    (conflicts, pairs_ambiguous(&reference::judge(Model::WriteOrder, &input)))
}

/// Every answer is asserted on a log that the reference can judge, then each stage on the log to be timed.
fn stages(c: &mut Criterion) {
    for (name, keys, order, key_type) in DATASETS {
        let few = Data::of(FEW, keys, order, key_type);
        let truth = by_hash_map(&few.writes);
        let undecided = Counts { definite: 0, possible: truth.cross_region_blind };
        assert_eq!(by_reference(&few), (undecided, truth.all), "the reference on {name}");

        let data = Data::of(rows(), keys, order, key_type);
        let truth = by_hash_map(&data.writes);
        race(c, name, &data, &truth, &paths(keys, order));
    }
}

/// The stages of conflicts. The window is meant for logs in order of time whose keys are not hot; of
/// others it takes seconds, which `auto` knows.
fn paths(keys: Keys, order: Order) -> Vec<(&'static str, Path)> {
    let mut paths = vec![("auto", Path::Auto), ("partitioned", Path::Partitioned)];
    if (keys, order) == (Keys::Uniform, Order::Time) {
        paths.push(("window", Path::Window));
    }
    paths
}

fn race(c: &mut Criterion, name: &str, data: &Data, truth: &Pairs, paths: &[(&str, Path)]) {
    let rows = data.writes.len();
    let throughput = Throughput::ElementsAndBytes { elements: rows as u64, bytes: data.bytes };
    for &(stage, path) in paths {
        let mut group = c.benchmark_group(format!("{stage}/{name}/{rows}"));
        group.throughput(throughput.clone());
        for isa in isas() {
            let run = || judge(&data.log, Model::CrossRegionConflicts, path, isa);
            let answer = Counts { definite: 0, possible: truth.cross_region_blind };
            assert_eq!(conflicts(&run()), answer, "{stage} on {name} by {isa}");
            group.bench_function(BenchmarkId::from_parameter(isa), |b| b.iter(run));
        }
        group.finish();
    }
    let mut group = c.benchmark_group(format!("write-order/{name}/{rows}"));
    group.throughput(throughput.clone());
    for isa in isas() {
        let run = || judge(&data.log, Model::WriteOrder, Path::Auto, isa);
        let report = run();
        let found = (pairs_ambiguous(&report), report.facts["cross_region_pairs_ambiguous"]);
        assert_eq!(found, (truth.all, truth.cross_region_touching), "write-order on {name} by {isa}");
        group.bench_function(BenchmarkId::from_parameter(isa), |b| b.iter(run));
    }
    group.finish();
    let mut group = c.benchmark_group(format!("hash-map/{name}/{rows}"));
    group.throughput(throughput);
    group.bench_function("scalar", |b| b.iter(|| by_hash_map(black_box(&data.writes))));
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = stages
}
criterion_main!(benches);
