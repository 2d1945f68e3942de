//! Whole commits in stores: time per transaction, by the number that are open at a time.

#![forbid(unsafe_code)]

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use skewer_rivals::{Access, FjallTransactions, Keys, Load, ResolverOnFjall, Ring, Shape, Surreal};

/// fjall's transactions take a quarter of a millisecond each at 8,000, and filling a larger window minutes.
const WINDOWS: [usize; 4] = [1, 64, 1_000, 8_000];

fn run(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    load: Load,
    mut step: impl FnMut(&[u8], &[u8]) -> bool,
) {
    let ring = Ring::new(load);
    let mut at = 0;
    let mut next = || {
        let (Access::Point(read), Access::Point(write)) = ring.txn(at) else {
            unreachable!("the load is of points")
        };
        at = (at + 1) % ring.len();
        step(read, write)
    };
    // Twice the window: it is full of open transactions, and each is checked against as many commits.
    let committed = (0..2 * load.window + 1_000).filter(|_| next()).count();
    assert!(committed * 10 >= (load.window + 1_000) * 9, "{name}: only {committed} commits");
    group.bench_function(name, |b| b.iter(&mut next));
}

fn stores(c: &mut Criterion) {
    for window in WINDOWS {
        let load = Load { shape: Shape::Points, keys: Keys::Dotted, window, batch: 1 };
        let mut group = c.benchmark_group(format!("commit/{window}"));
        group.throughput(Throughput::Elements(1)).sample_size(10);
        group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
        let mut ours = ResolverOnFjall::new(window);
        run(&mut group, "resolver-on-fjall", load, |read, write| ours.step(read, write));
        drop(ours);
        let mut fjall = FjallTransactions::new(window);
        run(&mut group, "fjall-transactions", load, |read, write| fjall.step(read, write));
        drop(fjall);
        let mut surreal = Surreal::new(window);
        run(&mut group, "surrealkv", load, |read, write| surreal.step(read, write));
        group.finish();
    }
}

criterion_group!(benches, stores);
criterion_main!(benches);
