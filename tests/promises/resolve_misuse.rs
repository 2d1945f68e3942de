//! The commit path at its edges: misuse, crashes, threads that wait or panic, owners that refuse.

use std::ops::Bound::{Excluded, Included};
use std::time::Duration;

use skewer::BoundedTimestamp;
use skewer::resolve::{
    Adjudicators, Batch, Cause, Checked, CommitClock, ResolveError, Resolver, SharedResolver, Transaction,
    Verdict, Version, Vote,
};

const REFUSED_READ: Verdict = Verdict::Conflict { cause: Cause::Read, range_index: 0 };

fn txn(snapshot: Version, reads: &[&[u8]], writes: &[&[u8]]) -> Transaction {
    let mut txn = Transaction::new(snapshot);
    for key in reads {
        txn.accesses().read(0, key).unwrap();
    }
    for key in writes {
        txn.accesses().write(0, key).unwrap();
    }
    txn
}

/// Promise: after a crash nothing commits at or below the floor that was recovered at, and what read before it is too
/// old: versions never go back.
#[test]
fn versions_never_go_back_over_a_crash() {
    let mut before = Resolver::new(Checked::Serializable);
    assert_eq!(before.commit(&txn(0, &[], &[b"k"]), Some(70)), Ok(Verdict::Commit(70)));
    drop(before);
    let mut after = Resolver::recover(Checked::Serializable, 70);
    for late in [1, 69, 70] {
        let not_above = ResolveError::VersionNotAbove { given: late, last: 70 };
        assert_eq!(after.commit(&txn(0, &[], &[b"k"]), Some(late)), Err(not_above));
        assert_eq!(after.resolve(&Batch::new(), late), Err(not_above));
    }
    assert_eq!(after.commit(&txn(69, &[b"k"], &[]), None), Ok(Verdict::TooOld));
    let mut clock = CommitClock::new(after.version());
    assert!(clock.next(BoundedTimestamp::reading(10, 5)).unwrap() > 70);
}

/// Promise: an access that is refused adds nothing to its transaction, and does not count in verdicts.
#[test]
fn a_refused_access_adds_nothing() {
    let mut batch = Batch::new();
    let mut adding = batch.begin(0);
    let inverted = adding.read_range(0, Included(b"z"), Included(b"a")).map(|_| ());
    assert_eq!(inverted, Err(ResolveError::InvertedRange));
    let inverted = adding.write_range(0, Included(b"aa".as_slice()), Excluded(b"a")).map(|_| ());
    assert_eq!(inverted, Err(ResolveError::InvertedRange));
    for reserved in [
        adding.write(u32::MAX, b"m").map(|_| ()),
        adding.write_range(u32::MAX, Included(b"a"), Included(b"z")).map(|_| ()),
        adding.read_range(u32::MAX, Included(b"a"), Included(b"z")).map(|_| ()),
    ] {
        assert_eq!(reserved, Err(ResolveError::ReservedKeyspace));
    }
    adding.read(0, b"m").unwrap();
    let mut resolver = Resolver::new(Checked::Serializable);
    resolver.commit(&txn(0, &[], &[b"m"]), Some(1)).unwrap();
    assert_eq!(resolver.resolve(&batch, 2).unwrap(), [REFUSED_READ], "the read of m is the first");
    assert_eq!(resolver.boundaries(), 1);
}

/// Promise: a batch whose keys would be too many bytes refuses the access, or the transaction, that is one too many, and
/// is judged as if that had not been handed in.
#[test]
fn a_batch_too_large_takes_no_more() {
    // The number of the keyspace is four bytes of each key.
    let mut batch = Batch::of_bytes(2 * (4 + 8));
    let too_large = ResolveError::BatchTooLarge;
    let mut adding = batch.begin(0);
    adding.read(0, &[b'a'; 8]).unwrap();
    assert_eq!(adding.write(0, &[b'b'; 9]).map(|_| ()), Err(too_large));
    assert_eq!(adding.read(0, &[b'b'; 9]).map(|_| ()), Err(too_large));
    let (low, high): (&[u8], &[u8]) = (b"b", b"cccc");
    assert_eq!(adding.read_range(0, Included(low), Excluded(high)).map(|_| ()), Err(too_large));
    assert_eq!(adding.write_range(0, Included(high), std::ops::Bound::Unbounded).map(|_| ()), Err(too_large));
    adding.write(0, &[b'b'; 8]).unwrap();
    assert_eq!(batch.push(&txn(0, &[], &[b""])), Err(too_large));
    assert_eq!(batch.len(), 1);
    let mut resolver = Resolver::new(Checked::Both);
    resolver.commit(&txn(0, &[], &[&[b'b'; 9]]), Some(1)).unwrap();
    assert_eq!(resolver.resolve(&batch, 2).unwrap(), [Verdict::Commit(2)], "the longer keys are not in it");
    assert_eq!(resolver.boundaries(), 2);
    batch.clear();
    assert_eq!(batch.push(&txn(0, &[], &[&[b'a'; 20]])), Ok(()), "to the last byte");
    assert_eq!(batch.push(&txn(0, &[], &[])), Ok(()), "no key needs no room");
}

/// Promise: misuse of what is in flight changes nothing either: neither version nor promise.
#[test]
fn misuse_in_flight() {
    let mut resolver = Resolver::new(Checked::Both);
    let future = ResolveError::SnapshotFromTheFuture { txn: 0, snapshot: 9, commit: 1 };
    assert_eq!(resolver.prepare(&txn(9, &[b"a"], &[])), Err(future));
    let Vote::Yes(ticket) = resolver.prepare(&txn(0, &[b"a"], &[b"b"])).unwrap() else { panic!() };
    resolver.advance_to(Version::MAX).unwrap();
    assert_eq!(resolver.confirm(&ticket, None), Err(ResolveError::VersionsUsedUp));
    assert_eq!(resolver.prepare(&txn(0, &[], &[])), Err(ResolveError::VersionsUsedUp));
    assert_eq!(resolver.in_flight(), 1);
    assert_eq!(resolver.abort(&ticket), Ok(()));
    assert_eq!(resolver.abort(&ticket), Err(ResolveError::UnknownTicket));
}

/// Promise: what is in flight stands also in the way of a write whose snapshot is forgotten and which has nothing checked.
#[test]
fn a_blind_write_below_the_floor_waits_for_what_is_in_flight() {
    let mut resolver = Resolver::new(Checked::Serializable);
    resolver.advance_to(10).unwrap();
    resolver.forget_before(8).unwrap();
    let Vote::Yes(ticket) = resolver.prepare(&txn(9, &[b"k"], &[])).unwrap() else { panic!() };
    let refused = Verdict::Conflict { cause: Cause::Write, range_index: 0 };
    assert_eq!(resolver.commit(&txn(5, &[], &[b"k"]), None), Ok(refused));
    resolver.confirm(&ticket, None).unwrap();
    assert!(resolver.commit(&txn(5, &[], &[b"k"]), None).unwrap().is_commit());
}

/// Promise: keys may have any length, and are told apart to their last byte, in both forms of the window.
#[test]
fn keys_of_any_length() {
    let lengths = [0, 1, 3, 7, 8, 9, 15, 16, 17, 255, 4_096, 100_000];
    for mut resolver in
        [Resolver::new(Checked::Serializable), Resolver::new(Checked::Serializable).expecting_ranges()]
    {
        let keys: Vec<Vec<u8>> = lengths.iter().map(|len| vec![b'k'; *len]).collect();
        for (key, version) in keys.iter().zip(1..) {
            assert!(resolver.commit(&txn(version - 1, &[key], &[key]), Some(version)).unwrap().is_commit());
        }
        let last = resolver.version();
        for (key, version) in keys.iter().zip(1..) {
            assert_eq!(resolver.commit(&txn(version - 1, &[key], &[]), None), Ok(REFUSED_READ));
            let mut other = key.clone();
            other.push(0);
            let beside = resolver.commit(&txn(0, &[&other], &[]), None).unwrap();
            assert!(beside.is_commit() && resolver.version() > last);
        }
    }
}

/// Promise: calls that wait are judged as one batch, first come first served.
#[test]
fn those_who_wait_are_served_in_order() {
    let shared = SharedResolver::new(Resolver::new(Checked::Serializable));
    let contender = || {
        let mut committer = shared.committer();
        move || committer.commit(&txn(0, &[b"k"], &[b"k"])).unwrap()
    };
    let wait_for = |waiting: usize| {
        while shared.waiting() < waiting {
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    std::thread::scope(|scope| {
        let (first, second, third) = shared
            .with(|_| {
                let first = scope.spawn(contender());
                wait_for(1);
                let second = scope.spawn(contender());
                wait_for(2);
                let mut other = shared.committer();
                let third = scope.spawn(move || other.commit(&txn(0, &[b"x"], &[b"x"])).unwrap());
                wait_for(3);
                (first, second, third)
            })
            .unwrap();
        assert_eq!(first.join().unwrap(), Verdict::Commit(1));
        assert_eq!(second.join().unwrap(), REFUSED_READ);
        assert_eq!(third.join().unwrap(), Verdict::Commit(1), "of one batch");
    });
    assert_eq!((shared.version(), shared.waiting()), (1, 0));
}

/// Promise: a caller that panics inside the resolver leaves an error to the others, not a guess.
#[test]
fn a_panic_inside_is_told() {
    let shared = SharedResolver::new(Resolver::new(Checked::Serializable));
    let other = shared.clone();
    let panicked = std::thread::spawn(move || other.with(|_| panic!("inside"))).join();
    assert!(panicked.is_err());
    let waiting = txn(0, &[], &[b"k"]);
    assert_eq!(shared.committer().commit(&waiting), Err(ResolveError::Poisoned));
    assert_eq!(shared.with(|resolver| resolver.version()), Err(ResolveError::Poisoned));
}

/// Promise: large calls of several threads are each judged whole, at a version of their own, and none is lost.
#[test]
fn large_calls_of_many_threads() {
    let shared = SharedResolver::new(Resolver::new(Checked::Serializable));
    let mut versions: Vec<Version> = std::thread::scope(|scope| {
        let work = |thread: u8| {
            let mut committer = shared.committer();
            move || {
                let mut versions = Vec::new();
                let (mut batch, mut verdicts) = (Batch::new(), Vec::new());
                for call in 0..50u8 {
                    batch.clear();
                    for number in 0..100u8 {
                        batch.begin(0).write(0, &[thread, call, number]).unwrap();
                    }
                    committer.resolve(&batch, &mut verdicts).unwrap();
                    assert_eq!(verdicts.len(), 100);
                    assert!(verdicts.iter().all(|v| v.is_commit() && *v == verdicts[0]));
                    let Verdict::Commit(version) = verdicts[0] else { panic!() };
                    versions.push(version);
                }
                assert!(versions.is_sorted());
                versions
            }
        };
        let threads: Vec<_> = (0..3).map(|thread| scope.spawn(work(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    versions.sort_unstable();
    assert_eq!(shared.version(), *versions.last().unwrap());
    assert_eq!(shared.with(|resolver| resolver.boundaries()), Ok(3 * 50 * 100));
}

/// Promise: what one owner refuses leaves no trace in the others, neither in their windows nor in later verdicts.
#[test]
fn a_refusal_leaves_no_trace_at_other_owners() {
    let mut many = Adjudicators::by_ranges(Checked::Serializable, &[(0, b"m")]).unwrap();
    let mut batch = Batch::new();
    batch.push(&txn(0, &[], &[b"z"])).unwrap();
    assert_eq!(many.resolve(&batch, None).unwrap(), [Verdict::Commit(1)]);
    // Owner 1 refuses the read of z; owner 0 would have written a.
    batch.clear();
    batch.push(&txn(0, &[b"z"], &[b"a"])).unwrap();
    assert_eq!(many.resolve(&batch, None).unwrap(), [REFUSED_READ]);
    assert_eq!(many.resolver(0).unwrap().boundaries(), 0);
    batch.clear();
    batch.push(&txn(0, &[b"a"], &[b"b"])).unwrap();
    assert!(many.resolve(&batch, None).unwrap()[0].is_commit(), "a was never written");
}

/// Promise: an idle owner holds back what all promise, until a heartbeat moves it on; then it commits nothing below.
#[test]
fn heartbeats_move_idle_owners() {
    let mut many = Adjudicators::by_ranges(Checked::Serializable, &[(0, b"m")]).unwrap();
    let mut batch = Batch::new();
    batch.push(&txn(0, &[], &[b"a"])).unwrap();
    let clocks = [BoundedTimestamp::reading(100, 5), BoundedTimestamp::reading(40, 5)];
    assert_eq!(many.resolve(&batch, Some(&clocks)).unwrap(), [Verdict::Commit(105)]);
    assert_eq!(many.promised(), 0, "the other owner has promised nothing");
    many.advance_to(105);
    assert_eq!(many.promised(), 105);
    batch.clear();
    batch.push(&txn(0, &[], &[b"z"])).unwrap();
    assert_eq!(many.resolve(&batch, Some(&clocks)).unwrap(), [Verdict::Commit(106)], "not at 45");
    let few = [BoundedTimestamp::reading(200, 5)];
    assert_eq!(many.resolve(&batch, Some(&few)), Err(ResolveError::NoAdjudicator(1)));
    assert_eq!(many.replace(7, 0), Err(ResolveError::NoAdjudicator(7)));
}
