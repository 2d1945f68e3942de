//! The conflict check alone, without any store: `shape/keys/window/batch`, time per batch.
//!
//! What is timed is what a commit costs: handing over the keys, the check, remembering what commits, and
//! forgetting what leaves the window. Before timing, all of a group judge the same transactions and must agree.

#![forbid(unsafe_code)]

mod measure;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use measure::CpuTime;
use skewer_rivals::{BTreeManagers, Check, HashManagers, IntervalMap, Keys, Load, Ours, Ring, Shape};

const WINDOWS: [usize; 6] = [1, 64, 1_000, 8_000, 125_000, 1_000_000];
/// Comparing with every commit of the window takes milliseconds beyond, and its managers gigabytes.
const PAIRWISE_MOST: usize = 125_000;

type Make = fn(Load) -> Box<dyn Check>;

/// Who can judge the load at all.
fn rivals(load: Load) -> Vec<(&'static str, Make)> {
    let mut rivals: Vec<(&'static str, Make)> = vec![
        ("ours", |load| Box::new(Ours::new(load))),
        ("interval-map", |load| Box::new(IntervalMap::new(load))),
    ];
    // They take transactions one by one, and know no range writes.
    if load.batch == 1 && load.window <= PAIRWISE_MOST {
        if load.shape == Shape::Points {
            rivals.push(("txn-core-hash", |load| Box::new(HashManagers::new(load))));
        }
        if load.shape != Shape::Ranges {
            rivals.push(("txn-core-btree", |load| Box::new(BTreeManagers::new(load))));
        }
    }
    rivals
}

/// The rivals of a load, their windows full and their answers compared, and where in the ring they stand.
struct Race {
    ring: Ring,
    rivals: Vec<Box<dyn Check>>,
    at: usize,
}

impl Race {
    /// Fills the windows, lets all judge the same batches, and refuses rivals that disagree.
    fn ready(load: Load) -> Self {
        let ring = Ring::new(load);
        let mut rivals: Vec<_> = rivals(load).into_iter().map(|(_, make)| make(load)).collect();
        let mut at = 0;
        // Batches fill the window as they are judged.
        let singles = if load.batch == 1 { load.window } else { 0 };
        for _ in 0..singles {
            rivals.iter_mut().for_each(|rival| rival.fill(ring.txn(at).1));
            at = (at + 1) % ring.len();
        }
        let mut txns = Vec::with_capacity(load.batch);
        for _ in 0..(load.window - singles) / load.batch + 20 {
            ring.batch(&mut at, &mut txns);
            let counts: Vec<usize> = rivals.iter_mut().map(|rival| rival.check(&txns)).collect();
            assert!(counts.iter().all(|count| *count == counts[0]), "{load:?}: {counts:?}");
        }
        Race { ring, rivals, at }
    }
}

fn race(c: &mut Criterion<CpuTime>, load: Load) {
    let Load { shape, keys, window, batch } = load;
    let name = format!("{shape:?}/{}/{window}/{batch}", keys.name()).to_lowercase();
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(batch as u64)).sample_size(10).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_millis(700));
    // Made only if one of them is to be timed: a filter on the command line leaves most out.
    let mut race = None;
    for (n, (name, _)) in rivals(load).into_iter().enumerate() {
        group.bench_function(name, |b| {
            let Race { ring, rivals, at } = race.get_or_insert_with(|| Race::ready(load));
            let (rival, mut at, mut txns) = (&mut rivals[n], *at, Vec::with_capacity(batch));
            b.iter(|| {
                ring.batch(&mut at, &mut txns);
                black_box(rival.check(&txns))
            });
        });
    }
    group.finish();
}

fn windows(c: &mut Criterion<CpuTime>) {
    for window in WINDOWS {
        race(c, Load { shape: Shape::Points, keys: Keys::Dotted, window, batch: 1 });
    }
}

fn ranges(c: &mut Criterion<CpuTime>) {
    for shape in [Shape::RangeReads, Shape::Ranges] {
        for window in WINDOWS {
            race(c, Load { shape, keys: Keys::Dotted, window, batch: 1 });
        }
    }
}

fn shapes_of_keys(c: &mut Criterion<CpuTime>) {
    for keys in [Keys::Random16, Keys::Varied, Keys::Urls, Keys::Rising] {
        race(c, Load { shape: Shape::Points, keys, window: 1_000, batch: 1 });
        race(c, Load { shape: Shape::Ranges, keys, window: 8_000, batch: 1 });
    }
}

fn batches(c: &mut Criterion<CpuTime>) {
    for batch in [16, 256, 2_500] {
        for shape in [Shape::Points, Shape::Ranges] {
            race(c, Load { shape, keys: Keys::Dotted, window: 125_000, batch });
        }
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().with_measurement(CpuTime::new());
    targets = windows, ranges, shapes_of_keys, batches
}
criterion_main!(benches);
