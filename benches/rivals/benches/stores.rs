//! Whole stores, wall time: `commit/shape/window`, a transaction from its beginning to the log while `window` are open;
//! and `refused/window`, the conflict check alone.
//!
//! A commit that is refused writes nothing, so its time is that of the check: of one transaction whose read was overwritten
//! by the last of `window` commits since it began. (Stores that compare with one commit after the other do so from the oldest on.)

#![forbid(unsafe_code)]

use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput, criterion_group, criterion_main};
use skewer_rivals::{
    Access, FjallTransactions, Keys, Load, Pipe, ResolverOnFjall, Ring, Shape, Store, Surreal,
};

type Group<'a> = BenchmarkGroup<'a, WallTime>;

const WINDOWS: [usize; 6] = [1, 64, 1_000, 8_000, 125_000, 1_000_000];
/// A commit compares with all of the window there, and walks it once more to forget: filling a larger one takes minutes.
const FJALL_MOST: usize = 8_000;
/// More transactions open at a time have not been tried in stores.
const OPEN_MOST: usize = 125_000;

fn load(shape: Shape, window: usize) -> Load {
    Load { shape, keys: Keys::Dotted, window, batch: 1 }
}

/// Times a step of a full pipe. The store is made only if it is asked for: filling takes long.
fn commits<S: Store>(group: &mut Group<'_>, name: &str, load: Load, open: fn() -> S) {
    group.bench_function(name, {
        let mut full = None;
        move |b| {
            let (ring, pipe, at) = full.get_or_insert_with(|| filled(load, open()));
            b.iter(|| step(ring, pipe, at));
        }
    });
}

fn step<S: Store>(ring: &Ring, pipe: &mut Pipe<S>, at: &mut usize) -> bool {
    let (read, Access::Point(write)) = ring.txn(*at) else { panic!("only points are written here") };
    *at = (*at + 1) % ring.len();
    pipe.step(read, write)
}

/// Twice the window has been begun: it is full of open transactions, and each is checked against as many commits.
fn filled<S: Store>(load: Load, store: S) -> (Ring, Pipe<S>, usize) {
    let (ring, mut pipe, mut at) = (Ring::new(load), Pipe::new(store, load.window), 0);
    let steps = 2 * load.window + 1_000;
    let committed = (0..steps).filter(|_| step(&ring, &mut pipe, &mut at)).count();
    let due = steps - load.window;
    assert!(committed <= due && committed * 10 >= due * 9, "{load:?}: {committed} of {due} committed");
    (ring, pipe, at)
}

fn whole_commits(c: &mut Criterion) {
    for shape in [Shape::Points, Shape::RangeReads] {
        for window in WINDOWS.into_iter().filter(|window| *window <= OPEN_MOST) {
            let load = load(shape, window);
            let mut group = c.benchmark_group(format!("commit/{shape:?}/{window}").to_lowercase());
            group.throughput(Throughput::Elements(1)).sample_size(10);
            group.warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
            commits(&mut group, "resolver-on-fjall", load, ResolverOnFjall::open);
            if window <= FJALL_MOST {
                commits(&mut group, "fjall-transactions", load, FjallTransactions::open);
            }
            if shape == Shape::Points {
                commits(&mut group, "surrealkv", load, Surreal::open);
            }
            group.finish();
        }
    }
}

/// Times the refusals of `count` transactions that began before the last `window` commits.
fn time_refusals<S: Store>(store: &mut S, ring: &Ring, window: usize, count: u64) -> Duration {
    const CONTESTED: &[u8] = b"contested";
    let mine = |n: u64| [b"mine".as_slice(), &n.to_be_bytes()].concat();
    let doomed: Vec<S::Txn> = (0..count).map(|n| store.begin(Access::Point(CONTESTED), &mine(n))).collect();
    for n in 0..window {
        let (read, Access::Point(write)) = ring.txn(n) else { panic!("the load is of points") };
        let txn = store.begin(read, if n + 1 == window { CONTESTED } else { write });
        assert!(store.commit(txn), "nobody wrote since it began");
    }
    let began = Instant::now();
    let committed = doomed.into_iter().filter_map(|txn| store.commit(txn).then_some(())).count();
    let spent = began.elapsed();
    assert_eq!(committed, 0, "what they read was overwritten");
    spent
}

fn refusals<S: Store>(group: &mut Group<'_>, name: &str, load: Load, open: fn() -> S) {
    group.bench_function(name, {
        let mut opened = None;
        move |b| {
            let (ring, store) = opened.get_or_insert_with(|| (Ring::new(load), open()));
            b.iter_custom(|count| time_refusals(store, ring, load.window, count));
        }
    });
}

fn refused_commits(c: &mut Criterion) {
    for window in WINDOWS {
        let load = load(Shape::Points, window);
        let mut group = c.benchmark_group(format!("refused/{window}"));
        group.throughput(Throughput::Elements(1)).sample_size(10).sampling_mode(SamplingMode::Flat);
        // Short: every sample fills the window anew, outside of what is timed.
        group.warm_up_time(Duration::from_millis(10)).measurement_time(Duration::from_millis(20));
        refusals(&mut group, "resolver-on-fjall", load, ResolverOnFjall::open);
        if window <= FJALL_MOST {
            refusals(&mut group, "fjall-transactions", load, FjallTransactions::open);
        }
        refusals(&mut group, "surrealkv", load, Surreal::open);
        group.finish();
    }
}

criterion_group!(benches, whole_commits, refused_commits);
criterion_main!(benches);
