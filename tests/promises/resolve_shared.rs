//! Many threads at one resolver: their calls, in the order of versions, are those of the list of transactions.

use std::ops::Bound::{Excluded, Included};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use skewer::resolve::naive::{Bounds, NaiveTxn};
use skewer::resolve::{
    Batch, Checked, Committer, ResolveError, Resolver, SharedResolver, Transaction, TxnBuilder, Verdict,
    Version, Vote,
};

use crate::resolve_replay::{Event, Recorded, Replay};

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        skewer_kernels::mix_one(self.0) % end
    }
}

/// What a run looks like.
#[derive(Debug, Clone, Copy)]
struct Shape {
    checked: Checked,
    ranges: bool,
    /// Calls are so large that they are judged together.
    large: bool,
    /// The fault: what was read is not handed in.
    drop_reads: bool,
}

/// One of few keys, so that transactions meet; half of them among a handful.
fn key(numbers: &mut Numbers) -> Vec<u8> {
    let spread = if numbers.below(2) == 0 { 8 } else { 400 };
    let number = numbers.below(spread) * 50;
    [&b"key/"[..], &number.to_be_bytes()[6..]].concat()
}

fn access(numbers: &mut Numbers, ranges: bool) -> Bounds {
    let low = key(numbers);
    if !ranges || numbers.below(3) == 0 {
        return (0, Included(low.clone()), Included(low));
    }
    let mut high = low.clone();
    if numbers.below(6) == 0 {
        high[4] = high[4].saturating_add(1);
    } else {
        high.push(numbers.below(3) as u8);
    }
    (0, Included(low), Excluded(high))
}

fn txn(numbers: &mut Numbers, last: Version, ranges: bool) -> NaiveTxn {
    let (reads, writes) = (numbers.below(3), numbers.below(3));
    NaiveTxn {
        snapshot: (last - numbers.below(12) as Version).max(0),
        reads: (0..reads).map(|_| access(numbers, ranges)).collect(),
        writes: (0..writes).map(|_| access(numbers, ranges)).collect(),
    }
}

fn hand_in(mut adding: TxnBuilder<'_>, txn: &NaiveTxn, drop_reads: bool) {
    let reads = txn.reads.iter().filter(|_| !drop_reads).map(|read| (read, false));
    for ((keyspace, low, high), written) in reads.chain(txn.writes.iter().map(|write| (write, true))) {
        match (low, high, written) {
            (Included(a), Included(b), false) if a == b => adding.read(*keyspace, a).map(|_| ()),
            (Included(a), Included(b), true) if a == b => adding.write(*keyspace, a).map(|_| ()),
            (.., false) => adding.read_range(*keyspace, low.as_ref(), high.as_ref()).map(|_| ()),
            (.., true) => adding.write_range(*keyspace, low.as_ref(), high.as_ref()).map(|_| ()),
        }
        .unwrap();
    }
}

/// Work for one thread.
struct Caller<'a> {
    shared: &'a SharedResolver,
    committer: Committer,
    numbers: Numbers,
    shape: Shape,
    /// Counts what is done with the resolver whole.
    whole: &'a AtomicU64,
    /// The greatest floor that was asked for while others called.
    floor: &'a AtomicI64,
    log: Vec<Recorded>,
}

impl Caller<'_> {
    fn run(mut self, calls: u64) -> Vec<Recorded> {
        for _ in 0..calls {
            match self.numbers.below(24) {
                0 if self.numbers.below(2) == 0 => self.forget(),
                0 => self.forget_meanwhile(),
                1 => self.prepare(),
                _ => self.call(),
            }
        }
        self.log
    }

    fn call(&mut self) {
        let size = match self.numbers.below(8) {
            _ if self.shape.large => 32 + self.numbers.below(20),
            0 => self.numbers.below(60),
            _ => 1 + self.numbers.below(3),
        };
        let last = self.shared.version();
        let ranges = self.shape.ranges && self.numbers.below(4) > 0;
        let txns: Vec<NaiveTxn> = (0..size).map(|_| txn(&mut self.numbers, last, ranges)).collect();
        let (mut batch, mut verdicts) = (Batch::new(), Vec::new());
        txns.iter().for_each(|txn| hand_in(batch.begin(txn.snapshot), txn, self.shape.drop_reads));
        self.committer.resolve(&batch, &mut verdicts).unwrap();
        let version = self.committer.version();
        assert!(version > last, "a call is judged above all that was decided when it began");
        assert!(self.shared.version() >= version);
        let floor = self.floor.load(Ordering::SeqCst);
        self.log.push((version, 0, Event::Call(txns, verdicts, floor)));
    }

    /// Does something with the resolver whole, and records it behind all that was judged before.
    fn with(&mut self, act: impl FnOnce(&mut Resolver, &mut Numbers) -> Vec<Event>) {
        let Self { shared, numbers, whole, log, .. } = self;
        let events = shared.with(|resolver| {
            let mut stamped = Vec::new();
            for event in act(resolver, numbers) {
                stamped.push((resolver.version(), 1 + whole.fetch_add(1, Ordering::Relaxed), event));
            }
            stamped
        });
        log.extend(events.unwrap());
    }

    fn forget(&mut self) {
        self.with(|resolver, numbers| {
            let floor = resolver.version() - numbers.below(12) as Version;
            let is_forgotten = floor >= resolver.floor() && resolver.forget_before(floor).is_ok();
            if is_forgotten { vec![Event::Forget(floor)] } else { Vec::new() }
        });
    }

    /// The same while others call: nobody knows when.
    fn forget_meanwhile(&mut self) {
        let floor = (self.shared.version() - self.numbers.below(12) as Version).max(0);
        self.floor.fetch_max(floor, Ordering::SeqCst);
        self.shared.forget_before(floor).unwrap();
    }

    /// Holds a transaction in flight while others go on, and settles it.
    fn prepare(&mut self) {
        let ranges = self.shape.ranges;
        let drop_reads = self.shape.drop_reads;
        let id = self.whole.fetch_add(1, Ordering::Relaxed);
        let mut ticket = None;
        self.with(|resolver, numbers| {
            let txn = txn(numbers, resolver.version(), ranges);
            let mut one = Transaction::new(txn.snapshot);
            hand_in(one.accesses(), &txn, drop_reads);
            match resolver.prepare(&one).unwrap() {
                Vote::Yes(yes) => {
                    ticket = Some(yes);
                    vec![Event::Prepare(id, txn)]
                }
                Vote::No(verdict) => vec![Event::Refuse(txn, verdict, resolver.floor())],
            }
        });
        let Some(ticket) = ticket else { return };
        (0..self.numbers.below(4)).for_each(|_| self.call());
        self.with(|resolver, numbers| {
            if numbers.below(2) == 0 {
                resolver.abort(&ticket).unwrap();
                return vec![Event::Abort(id)];
            }
            resolver.confirm(&ticket, None).unwrap();
            vec![Event::Confirm(id)]
        });
    }
}

/// Lets three threads call; what they were told that the list of transactions does not agree with, and how often one
/// judged for others.
fn disagreement(shape: Shape, seed: u64) -> (Option<Vec<Recorded>>, u64) {
    let shared = SharedResolver::new(Resolver::new(shape.checked));
    let (whole, floor) = (AtomicU64::new(0), AtomicI64::new(0));
    let mut events: Vec<Recorded> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..3)
            .map(|thread| {
                let numbers = Numbers(seed << 40 | thread << 32);
                let committer = shared.committer();
                let caller = Caller {
                    shared: &shared,
                    committer,
                    numbers,
                    shape,
                    whole: &whole,
                    floor: &floor,
                    log: Vec::new(),
                };
                scope.spawn(move || caller.run(if shape.large { 100 } else { 700 }))
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    events.sort_by_key(|(version, place, _)| (*version, *place));
    let last = events.last().unwrap().0;
    assert!(shared.version() >= last, "versions are never above the last one told");
    let mut replay = Replay::new(shape.checked);
    (replay.disagreement(&events).map(<[Recorded]>::to_vec), shared.helped())
}

fn shapes(drop_reads: bool) -> impl Iterator<Item = Shape> {
    [Checked::Serializable, Checked::SnapshotIsolation, Checked::Both]
        .into_iter()
        .flat_map(|checked| [false, true].map(|ranges| (checked, ranges)))
        .flat_map(|(checked, ranges)| [(checked, ranges, false), (checked, ranges, true)])
        .map(move |(checked, ranges, large)| Shape { checked, ranges, large, drop_reads })
}

/// Promise: whatever threads do at once, each gets the verdict that one resolver gives in the order of versions,
/// while others forget, prepare, confirm and abort.
#[test]
fn threads_decide_as_one_list() {
    let mut helped = [0; 2];
    for shape in shapes(false) {
        for seed in 0..if cfg!(debug_assertions) { 4 } else { 12 } {
            let (disagreement, of_run) = disagreement(shape, seed);
            assert_eq!(disagreement.map(|e| format!("{e:?}")), None, "{shape:?}, seed {seed}");
            helped[usize::from(shape.ranges)] += of_run;
        }
    }
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    assert!(
        helped.iter().all(|helped| *helped > 0) || threads == 1,
        "two threads judge together: {helped:?}"
    );
}

/// Promise: the test above notices a resolver that is not told what was read.
#[test]
fn a_dropped_read_set_is_noticed_among_threads() {
    for shape in shapes(true).filter(|shape| shape.checked != Checked::SnapshotIsolation) {
        assert!(disagreement(shape, 1).0.is_some(), "{shape:?}");
    }
}

/// Promise: nobody waits for ever: a caller of large batches gets on among those of single keys that never rest.
#[test]
fn waiting_is_bounded() {
    let shared = SharedResolver::new(Resolver::new(Checked::Serializable));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for thread in 0..3u64 {
            let (mut committer, done) = (shared.committer(), &done);
            scope.spawn(move || {
                let (mut numbers, mut txn) = (Numbers(thread << 40), Transaction::new(0));
                while !done.load(Ordering::Relaxed) {
                    let key = numbers.below(10_000).to_be_bytes();
                    txn.reset(0).write(0, &key).unwrap();
                    committer.commit(&txn).unwrap();
                }
            });
        }
        let mut committer = shared.committer();
        let (mut batch, mut verdicts) = (Batch::new(), Vec::new());
        for number in 0..200u64 {
            batch.clear();
            for place in 0..200u64 {
                batch.begin(0).write(0, &(number * 200 + place).to_be_bytes()).unwrap();
            }
            let begun = Instant::now();
            committer.resolve(&batch, &mut verdicts).unwrap();
            assert!(begun.elapsed() < Duration::from_secs(20), "call {number}");
            assert!(verdicts.iter().all(|v| v.is_commit() && *v == verdicts[0]));
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// Promise: callers are told the causes of refusals as the resolver gives them, and errors change nothing.
#[test]
fn causes_are_told_and_errors_change_nothing() {
    let shared = SharedResolver::new(Resolver::new(Checked::Both));
    let mut committer = shared.committer();
    let mut txn = Transaction::new(9);
    txn.accesses().read(0, b"a").unwrap();
    let future = ResolveError::SnapshotFromTheFuture { txn: 0, snapshot: 9, commit: 1 };
    assert_eq!(committer.commit(&txn), Err(future));
    assert_eq!((shared.version(), committer.version()), (0, Version::MIN));
    txn.reset(0).write(0, b"b").unwrap().write(0, b"c").unwrap();
    assert_eq!(committer.commit(&txn), Ok(Verdict::Commit(1)));
    txn.reset(0).explain().read(0, b"a").unwrap().read_range(0, Included(b"b"), Excluded(b"d")).unwrap();
    let conflict = |range_index| Verdict::Conflict { cause: skewer::resolve::Cause::Read, range_index };
    assert_eq!(committer.commit(&txn), Ok(conflict(1)), "and the window was put in order");
    let explained = shared.with(|resolver| {
        assert_eq!(resolver.commit(&txn, None), Ok(conflict(1)));
        resolver.conflict(0).map(|conflict| (conflict.version, conflict.key.to_vec()))
    });
    assert_eq!(explained, Ok(Some((Some(1), b"b".to_vec()))));
    assert_eq!(shared.forget_before(2), Ok(()));
    assert_eq!(shared.forget_before(1), Ok(()), "more was forgotten before");
    let above = ResolveError::FloorAboveVersion { given: 9, last: shared.version() };
    assert_eq!(shared.forget_before(9), Err(above));
    assert_eq!(shared.with(|resolver| resolver.floor()), Ok(2));
    assert_eq!(committer.commit(&txn), Ok(Verdict::TooOld));
    shared.with(|resolver| resolver.advance_to(Version::MAX)).unwrap().unwrap();
    txn.reset(5).read(0, b"a").unwrap();
    assert_eq!(committer.commit(&txn), Err(ResolveError::VersionsUsedUp));
}

/// Promise: a resolver put into the place of another, as after a crash, is shared as that was.
#[test]
fn another_resolver_takes_over() {
    let shared = SharedResolver::new(Resolver::new(Checked::Serializable));
    let mut committer = shared.committer();
    let mut txn = Transaction::new(0);
    txn.accesses().read(0, b"k").unwrap().write(0, b"k").unwrap();
    assert_eq!(committer.commit(&txn), Ok(Verdict::Commit(1)));
    shared.with(|resolver| *resolver = Resolver::recover(Checked::Serializable, 100)).unwrap();
    assert_eq!(committer.commit(&txn), Ok(Verdict::TooOld));
    txn.reset(100).read(0, b"k").unwrap();
    assert!(matches!(committer.commit(&txn), Ok(Verdict::Commit(version)) if version > 100));
    assert!(committer.commit(&txn).unwrap().is_commit());
}
