//! The commit path: `shape/keys/window/batch/age`, in transactions; one thread. A window holds one batch at least.
//!
//! Each transaction reads one key or range and writes another. Shapes: `points`, `ranges` (a read and a
//! write range of about five keys), `wide` (a read over a thousandth of the keys, a point write).
//! Adding to the batch, normalising, judging, recording and forgetting are all timed. Snapshots are `age` batches behind.
//! `interval-map` is what one would write by hand: a `BTreeMap` from boundaries to versions, which forgets by
//! dropping a boundary at its turn. Before a stage is timed, both decide the same batches and must agree.
//!
//! `cargo bench --bench resolve` times all; `cargo test` runs everything once on small windows.

#![forbid(unsafe_code)]

#[path = "data/keys.rs"]
mod keys;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::ops::Bound;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use keys::Keys;
use skewer::resolve::{Batch, Checked, ResolveError, Resolver, Version};

const WINDOWS: [usize; 6] = [1, 64, 1_000, 8_000, 125_000, 1_000_000];
const BATCHES: [usize; 4] = [1, 16, 256, 2_500];
const DENSITY: u64 = 160;

/// Cargo says `--bench` only where times are wanted.
fn is_smoke() -> bool {
    !std::env::args().any(|argument| argument == "--bench")
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Points,
    Ranges,
    Wide,
}

/// Where the numbers of a run come from, and how they become accesses.
#[derive(Clone, Copy, Debug)]
struct Load {
    shape: Shape,
    keys: Keys,
    window: usize,
    batch: usize,
    age: Version,
}

impl Load {
    /// Keys are drawn of so many numbers. The window holds a batch at least.
    fn numbers(self) -> u64 {
        DENSITY * self.window.max(self.batch).max(64) as u64
    }
}

/// An access as half-open ranges of keys.
type Span = (Vec<u8>, Vec<u8>);

struct Source {
    load: Load,
    state: u64,
    rising: u64,
}

impl Source {
    fn of(load: Load) -> Self {
        Self { load, state: 7, rising: 1 << 40 }
    }

    fn number(&mut self) -> u64 {
        if let Keys::Rising = self.load.keys {
            self.rising += 16;
            return self.rising;
        }
        self.state += 1;
        skewer_kernels::mix_one(self.state) % self.load.numbers()
    }

    fn span(&mut self, width: u64) -> Span {
        let low = self.number() / 16 * 16;
        let (mut start, mut end) = (Vec::new(), Vec::new());
        self.load.keys.write(low, &mut start);
        if width == 0 {
            end.extend_from_slice(&start);
            end.push(0);
            return (start, end);
        }
        self.load.keys.write(low + width, &mut end);
        if start < end { (start, end) } else { (end, start) }
    }

    fn txn(&mut self) -> (Span, Span) {
        let keys = self.load.numbers();
        match self.load.shape {
            Shape::Points => (self.span(0), self.span(0)),
            Shape::Ranges => (self.span(5), self.span(5)),
            Shape::Wide => (self.span(keys / 1_000 + 1), self.span(0)),
        }
    }
}

/// Something that judges a batch of transactions, each of one read and one write, and forgets.
trait Judge {
    fn judge(&mut self, txns: &[(Span, Span)], shape: Shape, snapshot: Version, commit: Version) -> usize;
    fn forget(&mut self, floor: Version);
}

struct Ours {
    resolver: Resolver,
    batch: Batch,
}

impl Ours {
    fn of(shape: Shape, window: usize) -> Self {
        let resolver = Resolver::new(Checked::Serializable).with_room_for(window);
        let resolver = if shape == Shape::Points { resolver } else { resolver.expecting_ranges() };
        Self { resolver, batch: Batch::new() }
    }

    fn fill(&mut self, txns: &[(Span, Span)], shape: Shape, snapshot: Version) -> Result<(), ResolveError> {
        self.batch.clear();
        for (read, write) in txns {
            let mut txn = self.batch.begin(snapshot);
            if shape == Shape::Points {
                txn.read(0, &read.0)?;
            } else {
                txn.read_range(0, Bound::Included(&read.0), Bound::Excluded(&read.1))?;
            }
            if shape == Shape::Ranges {
                txn.write_range(0, Bound::Included(&write.0), Bound::Excluded(&write.1))?;
            } else {
                txn.write(0, &write.0)?;
            }
        }
        Ok(())
    }
}

impl Judge for Ours {
    fn judge(&mut self, txns: &[(Span, Span)], shape: Shape, snapshot: Version, commit: Version) -> usize {
        self.fill(txns, shape, snapshot).expect("the keys are in order");
        let verdicts = self.resolver.resolve(&self.batch, commit).expect("versions rise");
        verdicts.iter().filter(|v| v.is_commit()).count()
    }

    fn forget(&mut self, floor: Version) {
        self.resolver.forget_before(floor).expect("the floor rises");
    }
}

/// Boundaries and the version from each to the next.
#[derive(Default)]
struct IntervalMap {
    versions: BTreeMap<Vec<u8>, Version>,
    /// Writes in the order of their versions, to be looked at again when they are forgotten.
    written: std::collections::VecDeque<(Version, Span)>,
}

impl IntervalMap {
    fn newer(&self, (start, end): &Span, snapshot: Version) -> bool {
        let before = self.versions.range(..=start.clone()).next_back();
        before.is_some_and(|(_, v)| *v > snapshot)
            || self.versions.range(start.clone()..end.clone()).any(|(_, v)| *v > snapshot)
    }

    fn write(&mut self, (start, end): Span, version: Version) {
        let after = self.versions.range(..=end.clone()).next_back().map_or(0, |(_, v)| *v);
        let inside: Vec<Vec<u8>> =
            self.versions.range(start.clone()..end.clone()).map(|(k, _)| k.clone()).collect();
        for key in inside {
            self.versions.remove(&key);
        }
        self.versions.insert(end.clone(), after);
        self.versions.insert(start.clone(), version);
        self.written.push_back((version, (start, end)));
    }
}

impl Judge for IntervalMap {
    fn judge(&mut self, txns: &[(Span, Span)], _: Shape, snapshot: Version, commit: Version) -> usize {
        let mut committed = 0;
        for (read, write) in txns {
            if !self.newer(read, snapshot) {
                self.write(write.clone(), commit);
                committed += 1;
            }
        }
        committed
    }

    fn forget(&mut self, floor: Version) {
        while self.written.front().is_some_and(|(version, _)| *version <= floor) {
            let Some((_, (start, end))) = self.written.pop_front() else { return };
            for key in [start, end] {
                let before = self.versions.range(..key.clone()).next_back().map_or(0, |(_, v)| *v);
                if before <= floor && self.versions.get(&key).is_some_and(|v| *v <= floor) {
                    self.versions.remove(&key);
                }
            }
        }
    }
}

/// A judge at work: batches in, the window kept at its length.
struct Run<J> {
    judge: J,
    load: Load,
    version: Version,
}

impl<J: Judge> Run<J> {
    fn step(&mut self, txns: &[(Span, Span)]) -> usize {
        self.version += 1;
        let snapshot = (self.version - self.load.age).max(0);
        let committed = self.judge.judge(txns, self.load.shape, snapshot, self.version);
        let kept = (self.load.window / self.load.batch).max(self.load.age as usize) as Version;
        self.judge.forget((self.version - kept).max(0));
        committed
    }
}

fn batches(load: Load, txns: usize) -> Vec<Vec<(Span, Span)>> {
    let mut source = Source::of(load);
    (0..txns.div_ceil(load.batch)).map(|_| (0..load.batch).map(|_| source.txn()).collect()).collect()
}

/// Both decide alike; then each is timed with a full window.
fn race(c: &mut Criterion, load: Load) {
    let txns = if is_smoke() { 2_000 } else { (load.window * 3).clamp(100_000, 1_500_000) };
    let all = batches(load, txns);
    let mut ours = Run { judge: Ours::of(load.shape, load.window), load, version: 0 };
    let mut map = Run { judge: IntervalMap::default(), load, version: 0 };
    for txns in &all {
        assert_eq!(ours.step(txns), map.step(txns), "{load:?}");
    }
    let name = format!("{:?}", load.shape).to_lowercase();
    let mut group =
        c.benchmark_group(format!("{name}/{}/{}/{}/{}", load.keys.name(), load.window, load.batch, load.age));
    group.throughput(Throughput::Elements(load.batch as u64)).sample_size(20);
    let mut next = all.iter().cycle();
    group.bench_function(BenchmarkId::from_parameter("ours"), |b| {
        b.iter(|| black_box(ours.step(next.next().expect("a cycle"))));
    });
    group.bench_function(BenchmarkId::from_parameter("interval-map"), |b| {
        b.iter(|| black_box(map.step(next.next().expect("a cycle"))));
    });
    group.finish();
}

fn windows(c: &mut Criterion) {
    for window in WINDOWS.into_iter().filter(|w| !is_smoke() || *w <= 1_000) {
        for batch in BATCHES.into_iter().filter(|b| !is_smoke() || *b <= 256) {
            for shape in [Shape::Points, Shape::Ranges] {
                race(c, Load { shape, keys: Keys::Dotted, window, batch, age: 1 });
            }
        }
    }
}

fn ages_and_keys(c: &mut Criterion) {
    let (window, batch) = if is_smoke() { (1_000, 16) } else { (125_000, 2_500) };
    for age in [1, 50] {
        for shape in [Shape::Points, Shape::Ranges, Shape::Wide] {
            race(c, Load { shape, keys: Keys::Dotted, window, batch, age });
        }
    }
    // The first kind was the one above.
    for keys in Keys::ALL.into_iter().skip(1) {
        for shape in [Shape::Points, Shape::Ranges] {
            race(c, Load { shape, keys, window, batch, age: 1 });
        }
    }
}

criterion_group!(benches, windows, ages_and_keys);
criterion_main!(benches);
