//! Callers leave a shared resolver to the one in whose cache the window is; but not to one that does not come again.

use std::ops::Bound::{Excluded, Included};
use std::thread;
use std::time::{Duration, Instant};

use skewer::resolve::{
    Batch, Cause, Checked, Committer, ResolveError, Resolver, SharedResolver, Transaction, Verdict, Version,
};

/// Calls that write keys, or ranges, of their own: all of them commit.
fn call(shared: &SharedResolver, committer: &mut Committer, (seed, calls): (u64, u64), ranges: bool) {
    let (mut batch, mut verdicts) = (Batch::new(), Vec::new());
    for number in 0..calls {
        batch.clear();
        let size = if number % 50 == 0 { 100 } else { 1 + number % 3 };
        for at in 0..size {
            let low = [seed, number, at].map(u64::to_be_bytes).concat();
            let high = [&low[..], &[1]].concat();
            let mut txn = batch.begin(shared.version());
            if ranges {
                txn.write_range(0, Included(&low), Excluded(&high)).unwrap();
            } else {
                txn.write(0, &low).unwrap();
            }
        }
        committer.resolve(&batch, &mut verdicts).unwrap();
        assert_eq!(verdicts.len(), size as usize);
        assert!(verdicts.iter().all(|verdict| verdict.is_commit()), "{verdicts:?}");
    }
}

/// Promise: whoever calls gets on, and soon, when those it waited for are gone, or are used by the same thread in turn.
#[test]
fn nobody_waits_for_who_left() {
    for ranges in [false, true] {
        let resolver = Resolver::new(Checked::Both);
        let shared = SharedResolver::new(if ranges { resolver.expecting_ranges() } else { resolver });
        let mut committers: Vec<Committer> = thread::scope(|scope| {
            let work = |seed| {
                let (shared, mut committer) = (&shared, shared.committer());
                move || {
                    call(shared, &mut committer, (seed, 5_000), ranges);
                    committer
                }
            };
            let threads: Vec<_> = (0..3).map(|seed| scope.spawn(work(seed))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let begun = Instant::now();
        for turn in 0..200 {
            for (at, committer) in committers.iter_mut().enumerate() {
                call(&shared, committer, (100 + 10 * turn + at as u64, 2), ranges);
            }
        }
        committers.truncate(1);
        call(&shared, &mut committers[0], (7, 200), ranges);
        // Five milliseconds for each call would be seven seconds.
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    }
}

/// Calls while the resolver is in use, one after the other, each once the one before waits; what they were told.
fn call_in_turn(shared: &SharedResolver, committers: &mut [Committer], txn: &Transaction) -> Vec<Verdict> {
    thread::scope(|scope| {
        let waiting = shared.with(|_| {
            let mut waiting = Vec::new();
            for (before, committer) in committers.iter_mut().enumerate() {
                waiting.push(scope.spawn(move || committer.commit(txn)));
                while shared.waiting() == before {
                    thread::sleep(Duration::from_millis(1));
                }
            }
            waiting
        });
        waiting.unwrap().into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
    })
}

/// Promise: callers that come again and again are served first come, first served too, be they few or many.
#[test]
fn who_comes_again_is_served_in_order() {
    let shared = SharedResolver::new(Resolver::new(Checked::Both));
    for many in [2, 20, 3] {
        let mut committers: Vec<Committer> = (0..many).map(|_| shared.committer()).collect();
        for _ in 0..4 {
            let last = shared.version();
            let mut txn = Transaction::new(last);
            txn.accesses().read(0, b"key").unwrap().write(0, b"key").unwrap();
            let verdicts = call_in_turn(&shared, &mut committers, &txn);
            let version = committers[0].version();
            assert!(version > last);
            let refused = Verdict::Conflict { cause: Cause::Read, range_index: 0 };
            let expected = (0..many).map(|at| if at == 0 { Verdict::Commit(version) } else { refused });
            assert_eq!(verdicts, expected.collect::<Vec<_>>());
            committers.reverse();
        }
        assert_eq!((shared.waiting(), shared.version()), (0, committers[0].version() as Version));
    }
}

/// Promise: what is wrong with one call that waits is told to its caller; the others are judged, whether they come for the first
/// time or again.
#[test]
fn errors_are_told_to_whom_they_concern() {
    let shared = SharedResolver::new(Resolver::new(Checked::Both));
    let mut committers: Vec<Committer> = (0..3).map(|_| shared.committer()).collect();
    for turn in 0..3 {
        shared.with(|resolver| resolver.advance_to(100)).unwrap().unwrap();
        let told: Vec<_> = thread::scope(|scope| {
            let waiting = shared.with(|resolver| {
                let mut waiting = Vec::new();
                for (at, committer) in committers.iter_mut().enumerate() {
                    let mut txn = Transaction::new(if at == 1 { 100 } else { 0 });
                    txn.accesses().write(0, &[at as u8]).unwrap();
                    waiting.push(scope.spawn(move || committer.commit(&txn)));
                    while shared.waiting() == at {
                        thread::sleep(Duration::from_millis(1));
                    }
                }
                *resolver = Resolver::new(Checked::Both);
                waiting
            });
            waiting.unwrap().into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        // Judged on its own, behind one other call.
        let error = ResolveError::SnapshotFromTheFuture { txn: 0, snapshot: 100, commit: 2 };
        assert_eq!(told, [Ok(Verdict::Commit(1)), Err(error), Ok(Verdict::Commit(2))], "turn {turn}");
        assert_eq!((shared.version(), shared.waiting()), (2, 0));
    }
}

/// Promise: whatever version a caller was told is shown, also by one that could not be judged.
#[test]
fn versions_that_are_told_are_shown() {
    for _ in 0..50 {
        let shared = SharedResolver::new(Resolver::recover(Checked::Both, Version::MAX - 40));
        thread::scope(|scope| {
            for thread in 0..2u8 {
                let (shared, mut committer) = (&shared, shared.committer());
                scope.spawn(move || {
                    for call in 0..40u8 {
                        let mut txn = Transaction::new(Version::MAX - 40);
                        txn.accesses().write(0, &[thread, call]).unwrap();
                        match committer.commit(&txn) {
                            Ok(verdict) => assert_eq!(verdict, Verdict::Commit(committer.version())),
                            Err(error) => assert_eq!(error, ResolveError::VersionsUsedUp),
                        }
                        assert!(shared.version() >= committer.version());
                    }
                });
            }
        });
        assert_eq!(shared.version(), Version::MAX);
    }
}
