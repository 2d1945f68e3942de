//! The commit path's promises in figures: throughput, latency per call, memory; one line each.
//!
//! `keys/...`: the skip-list test's shape (a read and a write range, 2,500 a batch, snapshots 50 batches old)
//! on keys of other shapes. `points/...`: one read and one written key, batches of 256. `call/...`: one
//! transaction a call. `shared/FORM/WINDOW/SIZE`: two threads against one; `shared-calls`: what the slowest calls of one
//! thread take, `shared-adjudicators`: owners of parts against one resolver. Times cover adding, normalising, judging,
//! recording and forgetting; making the keys is outside. Of many batches the median is told, and the
//! fastest tenth, which a busy machine disturbs least.
//!
//! `cargo bench --bench commit_path [WORDS]` runs the lines that begin with one of the words; `cargo test` runs all
//! of them on small windows.

#![forbid(unsafe_code)]

#[path = "data/keys.rs"]
mod keys;
#[path = "commit_path/threads.rs"]
mod threads;

use std::hint::black_box;
use std::ops::Bound::{Excluded, Included};
use std::time::Instant;

use keys::Keys;
use skewer::resolve::{Batch, Checked, ResolveError, Resolver, Transaction, Version};

type Outcome = Result<(), ResolveError>;

/// Cargo says `--bench` only where times are wanted.
fn is_smoke() -> bool {
    !std::env::args().any(|argument| argument == "--bench")
}

fn is_wanted(name: &str) -> bool {
    let mut words = std::env::args().skip(1).filter(|a| !a.starts_with('-')).peekable();
    words.peek().is_none() || words.any(|word| name.starts_with(&word))
}

struct SplitMix(u64);

impl SplitMix {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        skewer_kernels::mix_one(self.0) % end
    }
}

/// Ranges of keys one behind the other, as the skip-list test and a message from a client hold them.
#[derive(Default)]
struct Ranges {
    bytes: Vec<u8>,
    /// Where each key ends.
    ends: Vec<usize>,
    key: Vec<u8>,
}

impl Ranges {
    fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
    }

    /// Adds the range from key number `low` up to `high`.
    fn add(&mut self, keys: Keys, low: u64, high: u64) {
        for number in [low, high] {
            keys.write(number, &mut self.key);
            self.bytes.extend_from_slice(&self.key);
            self.ends.push(self.bytes.len());
        }
    }

    /// All of them, from the first on.
    fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let mut start = 0;
        self.ends.chunks_exact(2).map(move |ends| {
            let (low, high) = (&self.bytes[start..ends[0]], &self.bytes[ends[0]..ends[1]]);
            start = ends[1];
            (low, high)
        })
    }
}

/// Adds a range of one to five keys, of 20 million; rising ones ascend for ever.
fn add_range(ranges: &mut Ranges, keys: Keys, random: &mut SplitMix, rising: &mut u64) {
    let low = if let Keys::Rising = keys {
        *rising += 16;
        *rising
    } else {
        random.below(20_000_000)
    };
    let low = low / 16 * 16 + random.below(5);
    ranges.add(keys, low, low + 1 + random.below(5));
}

/// Nanoseconds, sorted: the median and others.
struct Times(Vec<f64>);

impl Times {
    fn of(mut times: Vec<f64>) -> Self {
        times.sort_by(f64::total_cmp);
        Self(times)
    }

    fn at(&self, share: f64) -> f64 {
        self.0[((self.0.len() - 1) as f64 * share) as usize]
    }
}

fn shapes(kind: Keys) -> Outcome {
    let (batches, size, age) = if is_smoke() { (60, 50, 10) } else { (260, 2_500, 50) };
    let (mut random, mut rising) = (SplitMix(1), 1 << 40);
    let mut resolver = Resolver::new(Checked::Serializable).expecting_ranges();
    let (mut batch, mut ranges) = (Batch::new(), Ranges::default());
    let mut times = Vec::new();
    for number in 0..batches {
        ranges.clear();
        (0..2 * size).for_each(|_| add_range(&mut ranges, kind, &mut random, &mut rising));
        let begun = Instant::now();
        batch.clear();
        let mut pairs = ranges.iter();
        while let (Some(read), Some(write)) = (pairs.next(), pairs.next()) {
            let mut txn = batch.begin(number);
            txn.read_range(0, Included(read.0), Excluded(read.1))?;
            txn.write_range(0, Included(write.0), Excluded(write.1))?;
        }
        let verdicts = resolver.resolve(&batch, number + age)?;
        assert!(verdicts.iter().filter(|v| v.is_commit()).count() > size / 2);
        resolver.forget_before(number)?;
        if number > age * 2 || is_smoke() {
            times.push(begun.elapsed().as_nanos() as f64 / size as f64);
        }
    }
    let times = Times::of(times);
    println!(
        "keys/{} mtxn_per_s={:.2} fastest_tenth={:.2} boundaries={} bytes={}",
        kind.name(),
        1e3 / times.at(0.5),
        1e3 / times.at(0.1),
        resolver.boundaries(),
        resolver.bytes(),
    );
    Ok(())
}

fn point(number: u64) -> [u8; 16] {
    let mut key = [b'.'; 16];
    key[8..].copy_from_slice(&number.to_be_bytes());
    key
}

/// What transactions read and write.
fn form(ordered: bool) -> &'static str {
    if ordered { "ranges" } else { "points" }
}

/// With room for so many writes.
fn resolver(room: usize, ordered: bool) -> Resolver {
    let resolver = Resolver::new(Checked::Serializable).with_room_for(room);
    if ordered { resolver.expecting_ranges() } else { resolver }
}

fn points(window: u64, size: usize) -> Outcome {
    let batches = if is_smoke() { 20 } else { (window as usize * 8 / size).max(4_000_000 / size) };
    let kept = (window / size as u64).max(1) as Version;
    let mut random = SplitMix(2);
    let mut resolver = Resolver::new(Checked::Serializable).with_room_for(window as usize);
    let mut batch = Batch::new();
    let mut times = Vec::new();
    for version in 1..=batches as Version {
        let numbers: Vec<[u64; 2]> =
            (0..size).map(|_| [(); 2].map(|()| random.below(window * 160))).collect();
        let begun = Instant::now();
        batch.clear();
        for [read, write] in &numbers {
            batch.begin(version - 1).read(0, &point(*read))?.write(0, &point(*write))?;
        }
        let verdicts = resolver.resolve(&batch, version)?;
        assert!(verdicts.iter().filter(|v| v.is_commit()).count() > size / 2);
        resolver.forget_before((version - kept).max(0))?;
        if version > kept * 2 || is_smoke() {
            times.push(begun.elapsed().as_nanos() as f64 / size as f64);
        }
    }
    let times = Times::of(times);
    println!(
        "points/{window}/{size} mtxn_per_s={:.2} fastest_tenth={:.2} bytes={}",
        1e3 / times.at(0.5),
        1e3 / times.at(0.1),
        resolver.bytes(),
    );
    Ok(())
}

/// One transaction a call, which reads one key or range and writes one. What is told is of the third window on: by then what
/// is forgotten is given back as fast as room is taken. The slowest call of the two before, which take memory for the first time, is
/// told apart.
fn calls(window: u64, ordered: bool) -> Outcome {
    let rounds = if is_smoke() { 300 } else { (window * 3).clamp(300_000, 4_500_000) };
    let mut random = SplitMix(3);
    let mut resolver = resolver(window as usize, ordered);
    let mut txn = Transaction::new(0);
    let mut times = Vec::with_capacity(rounds as usize);
    let mut growing_max: f64 = 0.0;
    for version in 1..=rounds as Version {
        let [read, write] = [(); 2].map(|()| random.below(window.max(64) * 160) & !7);
        let keys = [read, write].map(|n| (point(n), point(n + 5)));
        let begun = Instant::now();
        let mut adding = txn.reset(version - 1);
        if ordered {
            adding.read_range(0, Included(&keys[0].0[..]), Excluded(&keys[0].1))?;
            adding.write_range(0, Included(&keys[1].0[..]), Excluded(&keys[1].1))?;
        } else {
            adding.read(0, &keys[0].0)?.write(0, &keys[1].0)?;
        }
        let verdict = resolver.commit(&txn, Some(version))?;
        resolver.forget_before((version - window as Version).max(0))?;
        let took = begun.elapsed().as_nanos() as f64;
        assert!(verdict.is_commit() || version > 1);
        if version > rounds as Version / 3 * 2 {
            times.push(took);
        } else {
            growing_max = growing_max.max(took);
        }
    }
    let times = Times::of(times);
    println!(
        "call/{}/{window} p10_ns={:.0} p50_ns={:.0} p99_ns={:.0} p999_ns={:.0} max_ns={:.0} growing_max_ns={:.0} clock_ns={:.0} idle_p999_ns={:.0}",
        form(ordered),
        times.at(0.1),
        times.at(0.5),
        times.at(0.99),
        times.at(0.999),
        times.at(1.0),
        growing_max,
        clock_cost(),
        idle_p999(times.at(0.5)),
    );
    Ok(())
}

/// What the slowest of a thousand spins takes that are about as long as a call: the machine's share of that of calls. A spin
/// is in registers and on the stack, so what is above its median is taken by others.
fn idle_p999(call_ns: f64) -> f64 {
    let spin = |turns: u32| {
        let begun = Instant::now();
        (0..turns).for_each(|turn| _ = black_box(turn));
        begun.elapsed().as_nanos() as f64
    };
    let spins = |turns: u32, count: u32| Times::of((0..count).map(|_| spin(turns)).collect());
    let turns = (0..10_000).step_by(10).find(|turns| spins(*turns, 101).at(0.5) >= call_ns).unwrap_or(10_000);
    spins(turns, if is_smoke() { 100 } else { 200_000 }).at(0.999)
}

/// What reading the clock twice costs: part of every call's time above.
fn clock_cost() -> f64 {
    Times::of((0..1_000).map(|_| Instant::now().elapsed().as_nanos() as f64).collect()).at(0.5)
}

fn add(txn: &mut Batch, snapshot: Version, random: &mut SplitMix, ordered: bool) -> Outcome {
    let [read, write] = [(); 2].map(|()| random.below(20_000_000) & !7);
    let keys = [read, write].map(|n| (point(n), point(n + 5)));
    let mut adding = txn.begin(snapshot);
    if ordered {
        adding.read_range(0, Included(&keys[0].0[..]), Excluded(&keys[0].1))?;
        adding.write_range(0, Included(&keys[1].0[..]), Excluded(&keys[1].1))?;
    } else {
        adding.read(0, &keys[0].0)?.write(0, &keys[1].0)?;
    }
    Ok(())
}

fn main() -> Outcome {
    let run = |name: String, work: &dyn Fn() -> Outcome| if is_wanted(&name) { work() } else { Ok(()) };
    for kind in Keys::ALL {
        run(format!("keys/{}", kind.name()), &|| shapes(kind))?;
    }
    let windows = [1, 1_000, 125_000, 1_000_000];
    for window in windows.into_iter().filter(|w| !is_smoke() || *w <= 1_000) {
        for size in [256, 2_500] {
            run(format!("points/{window}/{size}"), &|| points(window.max(size as u64), size))?;
        }
        for ordered in [false, true] {
            run(format!("call/{}/{window}", form(ordered)), &|| calls(window, ordered))?;
        }
    }
    for ordered in [false, true] {
        let form = form(ordered);
        for window in windows.into_iter().filter(|w| *w >= if is_smoke() { 1_000 } else { 125_000 }) {
            for size in [1, 16, 64, 256, 2_500] {
                let work = || threads::shared(size, ordered, window as usize);
                run(format!("shared/{form}/{window}/{size}"), &work)?;
            }
            run(format!("shared-calls/{form}/{window}"), &|| threads::shared_calls(window, ordered))?;
        }
        for owners in [1, 2, 4] {
            run(format!("shared-adjudicators/{form}/{owners}"), &|| threads::adjudicators(owners, ordered))?;
        }
    }
    Ok(())
}
