//! A reading of ClockBound's segments: ours, by both ways, beside Amazon's clients; and what cannot
//! be beaten, the two clocks alone.

#![forbid(unsafe_code)]

use std::hint::black_box;
use std::path::Path;

use clock_bound_client::ClockBoundClient;
use clock_bound_shm::{ClockErrorBound, ClockStatus as Theirs, ShmWrite, ShmWriter};
use criterion::{Criterion, criterion_group, criterion_main};
use nix::sys::time::{TimeSpec, TimeValLike};
use skewer::clock::{Access, BoundedClock, ClockBound, ClockStatus};
use skewer_clock_oracles::{NS, Published, Segment};
use skewer_kernels::{SystemClock, counter, system_clock_ns};

const NONE: &str = "/nowhere/vmclock0";

fn ours(path: &Path, access: Access) -> ClockBound {
    let mut clock = ClockBound::open(path, Path::new(NONE), access).expect("a segment");
    assert_eq!(clock.now().status, ClockStatus::Synchronized, "the answer is asserted before it is timed");
    clock
}

fn layout_3(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shm1");
    let _segment = Segment::create(&path, &Published::aged(0)).expect("a segment");
    let mut theirs =
        clock_bound::Client::new_with_paths(path.to_str().expect("text"), NONE).expect("a client");
    let mut group = c.benchmark_group("clock/now/v3");
    for (name, access) in [("ours-map", Access::Map), ("ours-read", Access::Read)] {
        let mut clock = ours(&path, access);
        group.bench_function(name, |b| b.iter(|| black_box(clock.now())));
    }
    group.bench_function("clock-bound-3.0.0-rc.0", |b| b.iter(|| black_box(theirs.now().is_ok())));
    group.bench_function("limit-counter", |b| b.iter(|| black_box(counter())));
    group.finish();
}

fn layout_2(c: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("shm0");
    let as_of = system_clock_ns(SystemClock::MonotonicCoarse).expect("a clock");
    let time = TimeSpec::nanoseconds;
    let bound = ClockErrorBound::new(
        time(as_of),
        time(as_of + 1_000 * NS),
        25_000,
        0,
        1_000,
        Theirs::Synchronized,
        false,
    );
    ShmWriter::new(&path).expect("a writer").write(&bound);
    let mut theirs = ClockBoundClient::new_with_paths(path.to_str().expect("text"), NONE).expect("a client");
    let mut group = c.benchmark_group("clock/now/v2");
    for (name, access) in [("ours-map", Access::Map), ("ours-read", Access::Read)] {
        let mut clock = ours(&path, access);
        group.bench_function(name, |b| b.iter(|| black_box(clock.now())));
    }
    group.bench_function("clock-bound-client-2.0.3", |b| b.iter(|| black_box(theirs.now().is_ok())));
    group.bench_function("limit-two-clocks", |b| {
        b.iter(|| {
            let realtime = system_clock_ns(SystemClock::Realtime).ok();
            black_box((realtime, system_clock_ns(SystemClock::MonotonicCoarse).ok()))
        });
    });
    group.finish();
}

criterion_group!(benches, layout_3, layout_2);
criterion_main!(benches);
