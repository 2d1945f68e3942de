//! The commit path, through its public face.

use std::ops::Bound::{self, Excluded, Included, Unbounded};

use skewer::BoundedTimestamp;
use skewer::resolve::{
    Adjudicators, Batch, Cause, Checked, CommitClock, ResolveError, Resolver, SharedResolver, Transaction,
    Verdict, Version, Vote,
};

const REFUSED_READ: Verdict = Verdict::Conflict { cause: Cause::Read, range_index: 0 };
const REFUSED_WRITE: Verdict = Verdict::Conflict { cause: Cause::Write, range_index: 0 };

fn reads_writes(snapshot: Version, reads: &[&str], writes: &[&str]) -> Transaction {
    let mut txn = Transaction::new(snapshot);
    for key in reads {
        txn.accesses().read(0, key.as_bytes()).unwrap();
    }
    for key in writes {
        txn.accesses().write(0, key.as_bytes()).unwrap();
    }
    txn
}

fn reads_range(snapshot: Version, low: Bound<&[u8]>, high: Bound<&[u8]>) -> Transaction {
    let mut txn = Transaction::new(snapshot);
    txn.accesses().read_range(0, low, high).unwrap();
    txn
}

struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

/// Promise: FoundationDB's benchmark, rebuilt, has its known answer (first ten batches: 24,835 commits).
#[test]
fn skip_list_test_has_its_answer() {
    let key = |n: u64| [&[b'.'; 12][..], &(n as u32).to_be_bytes()].concat();
    let mut random = SplitMix(1);
    let mut resolver = Resolver::new(Checked::Serializable);
    let mut batch = Batch::new();
    let mut committed = 0;
    for number in 0..10 {
        batch.clear();
        for _ in 0..2_500 {
            let mut range = || {
                let low = random.below(20_000_000);
                (key(low), key(low + 1 + random.below(10)))
            };
            let (read, write) = (range(), range());
            let mut txn = batch.begin(number);
            txn.read_range(0, Included(&read.0), Excluded(&read.1)).unwrap();
            txn.write_range(0, Included(&write.0), Excluded(&write.1)).unwrap();
        }
        committed += resolver.resolve(&batch, number + 50).unwrap().iter().filter(|v| v.is_commit()).count();
        resolver.forget_before(number).unwrap();
    }
    assert_eq!(committed, 24_835);
}

/// Promise: the resolver decides as the list of transactions does, with leaves of full size too (the unit
/// tests' are tiny).
#[test]
fn equals_the_model() {
    for seed in 0..60 {
        let mut random = SplitMix(seed);
        let script: Vec<u8> = (0..3_000 + seed * 100).map(|_| random.next() as u8).collect();
        skewer::resolve::script::resolve_vs_model(&script);
    }
}

/// Promise: points in a hash table and points in key order get the same verdicts, cold and hot keys alike.
#[test]
fn both_forms_of_the_window_agree() {
    let mut random = SplitMix(11);
    let mut forms = [Resolver::new(Checked::Both), Resolver::new(Checked::Both).expecting_ranges()];
    let mut batch = Batch::new();
    for version in 1..2_000 {
        batch.clear();
        for _ in 0..50 {
            let mut key = |hot: u64| {
                let number = if random.below(4) == 0 { random.below(hot) } else { random.next() };
                number.to_be_bytes()
            };
            let (read, write) = (key(2_000), key(2_000));
            let snapshot = (version - 1 - random.below(30) as Version).max(0);
            batch.begin(snapshot).read(0, &read).unwrap().write(0, &write).unwrap();
        }
        let [table, ordered] = &mut forms;
        assert_eq!(table.resolve(&batch, version), ordered.resolve(&batch, version), "{version}");
        for form in &mut forms {
            form.forget_before((version - 200).max(0)).unwrap();
        }
    }
}

/// Promise: a snapshot sees the write of its own version, and no later one; the rule is strict.
#[test]
fn snapshot_at_the_version_of_a_write() {
    let mut resolver = Resolver::new(Checked::Serializable);
    assert_eq!(resolver.commit(&reads_writes(0, &[], &["a"]), Some(5)), Ok(Verdict::Commit(5)));
    assert_eq!(resolver.commit(&reads_writes(4, &["a"], &[]), None), Ok(REFUSED_READ));
    assert_eq!(resolver.commit(&reads_writes(5, &["a"], &[]), None), Ok(Verdict::Commit(7)));
}

/// Promise: what is checked is what was asked for: reads, writes or both.
#[test]
fn checked_sets() {
    let verdict = |checked, reads: &[&str], writes: &[&str]| {
        let mut resolver = Resolver::new(checked);
        resolver.commit(&reads_writes(0, &[], &["r", "w"]), Some(1)).unwrap();
        resolver.commit(&reads_writes(0, reads, writes), Some(2)).unwrap()
    };
    assert_eq!(verdict(Checked::Serializable, &["r"], &["x"]), REFUSED_READ);
    assert_eq!(verdict(Checked::Serializable, &["x"], &["w"]), Verdict::Commit(2));
    assert_eq!(verdict(Checked::SnapshotIsolation, &["r"], &["x"]), Verdict::Commit(2));
    assert_eq!(verdict(Checked::SnapshotIsolation, &["x"], &["w"]), REFUSED_WRITE);
    assert_eq!(verdict(Checked::Both, &["r"], &["w"]), REFUSED_READ);
    assert_eq!(verdict(Checked::Both, &["x"], &["w"]), REFUSED_WRITE);
}

/// Promise: in a batch earlier transactions win, refused ones leave no trace, and nobody conflicts with itself.
#[test]
fn order_in_a_batch() {
    let mut resolver = Resolver::new(Checked::Serializable);
    let mut batch = Batch::new();
    batch.push(&reads_writes(0, &["a"], &["a"])).unwrap();
    batch.push(&reads_writes(0, &["a"], &["b"])).unwrap();
    batch.push(&reads_writes(0, &["b"], &["c"])).unwrap();
    let verdicts = resolver.resolve(&batch, 3).unwrap();
    assert_eq!(verdicts, [Verdict::Commit(3), REFUSED_READ, Verdict::Commit(3)]);
}

/// Promise: all kinds of bounds mean what they say, for every pair of them and keys right beside them.
#[test]
fn bounds_of_all_kinds() {
    let keys: [&[u8]; 6] = [b"", b"a", b"a\0", b"b", b"b\0", b"\xFF\xFF"];
    let bounds = |key| [Included(key), Excluded(key), Unbounded];
    for (low_key, high_key) in keys.iter().flat_map(|l| keys.iter().map(move |h| (*l, *h))) {
        for (low, high) in bounds(low_key).into_iter().flat_map(|l| bounds(high_key).map(|h| (l, h))) {
            let mut txn = Transaction::new(0);
            let inverted = low != Unbounded && high != Unbounded && low_key > high_key;
            let added = txn.accesses().read_range(0, low, high).map(|_| ());
            assert_eq!(added, if inverted { Err(ResolveError::InvertedRange) } else { Ok(()) });
            for key in keys {
                let mut resolver = Resolver::new(Checked::Serializable);
                let mut writer = Transaction::new(0);
                writer.accesses().write(0, key).unwrap().write(1, key).unwrap();
                resolver.commit(&writer, None).unwrap();
                let above = match low {
                    Included(low) => low <= key,
                    Excluded(low) => low < key,
                    Unbounded => true,
                };
                let below = match high {
                    Included(high) => key <= high,
                    Excluded(high) => key < high,
                    Unbounded => true,
                };
                let conflict = resolver.commit(&txn, None).unwrap() == REFUSED_READ;
                assert_eq!(conflict, above && below && !inverted, "{low:?} {high:?} {key:?}");
            }
        }
    }
}

/// Promise: keyspaces are apart, also for unbounded ranges; the last number is refused.
#[test]
fn keyspaces_are_apart() {
    let mut resolver = Resolver::new(Checked::Serializable);
    let mut txn = Transaction::new(0);
    txn.accesses().write(7, b"k").unwrap();
    resolver.commit(&txn, None).unwrap();
    for (keyspace, conflicts) in [(6, false), (7, true), (8, false), (u32::MAX - 1, false)] {
        txn.reset(0).read_range::<[u8]>(keyspace, Unbounded, Unbounded).unwrap();
        assert_eq!(!resolver.commit(&txn, None).unwrap().is_commit(), conflicts, "{keyspace}");
    }
    assert_eq!(txn.accesses().read(u32::MAX, b"k").map(|_| ()), Err(ResolveError::ReservedKeyspace));
}

/// Promise: below the floor a transaction is too old if it has something checked, and else commits.
#[test]
fn too_old() {
    let mut resolver = Resolver::new(Checked::Serializable);
    resolver.advance_to(10).unwrap();
    resolver.forget_before(5).unwrap();
    assert_eq!(resolver.commit(&reads_writes(4, &["a"], &[]), None), Ok(Verdict::TooOld));
    assert_eq!(resolver.commit(&reads_writes(4, &[], &["a"]), None), Ok(Verdict::Commit(12)));
    assert_eq!(resolver.commit(&reads_writes(5, &["b"], &[]), None), Ok(Verdict::Commit(13)));
    let mut recovered = Resolver::recover(Checked::Serializable, 100);
    assert_eq!(recovered.commit(&reads_writes(99, &["b"], &[]), None), Ok(Verdict::TooOld));
    assert_eq!(recovered.commit(&reads_writes(101, &["b"], &["a"]), None), Ok(Verdict::Commit(102)));
}

/// Promise: every misuse is an error that says what is wrong, and changes nothing.
#[test]
fn misuse_changes_nothing() {
    let mut resolver = Resolver::new(Checked::Serializable);
    resolver.commit(&reads_writes(0, &[], &["a"]), Some(10)).unwrap();
    resolver.forget_before(5).unwrap();
    let txn = reads_writes(7, &["b"], &["b"]);
    let mut batch = Batch::new();
    batch.push(&txn).unwrap();
    batch.push(&reads_writes(12, &["b"], &[])).unwrap();
    let not_above = ResolveError::VersionNotAbove { given: 10, last: 10 };
    let future = ResolveError::SnapshotFromTheFuture { txn: 1, snapshot: 12, commit: 12 };
    assert_eq!(resolver.resolve(&batch, 10), Err(not_above));
    assert_eq!(resolver.resolve(&batch, 12), Err(future));
    assert_eq!(resolver.commit(&txn, Some(10)), Err(not_above));
    assert_eq!(resolver.record(&txn, Some(10)), Err(not_above));
    assert_eq!(resolver.advance_to(9), Err(ResolveError::VersionGoesBack { given: 9, last: 10 }));
    assert_eq!(resolver.forget_before(4), Err(ResolveError::VersionGoesBack { given: 4, last: 5 }));
    assert_eq!(resolver.forget_before(11), Err(ResolveError::FloorAboveVersion { given: 11, last: 10 }));
    assert_eq!(resolver.close_snapshot(7), Err(ResolveError::UnknownSnapshot(7)));
    assert_eq!(resolver.keep_snapshot(4), Err(ResolveError::SnapshotTooOld { snapshot: 4, floor: 5 }));
    assert_eq!((resolver.version(), resolver.floor()), (10, 5));
    assert_eq!(
        resolver.commit(&reads_writes(9, &["b"], &[]), None),
        Ok(Verdict::Commit(11)),
        "b was not written"
    );
    resolver.advance_to(Version::MAX).unwrap();
    assert_eq!(resolver.commit(&txn, None), Err(ResolveError::VersionsUsedUp));
}

/// Promise: a prepared transaction stands in the way of others, and leaves no trace when it is aborted.
#[test]
fn prepare_confirm_abort() {
    let mut resolver = Resolver::new(Checked::Serializable);
    let vote = resolver.prepare(&reads_writes(0, &["r"], &["w"])).unwrap();
    let Vote::Yes(ticket) = vote else { panic!("{vote:?}") };
    assert_eq!(resolver.commit(&reads_writes(0, &["w"], &[]), None), Ok(REFUSED_READ));
    assert_eq!(resolver.commit(&reads_writes(0, &[], &["r"]), None), Ok(REFUSED_WRITE));
    assert_eq!(resolver.record(&reads_writes(0, &[], &["r"]), None), Ok(REFUSED_WRITE));
    let last = resolver.version();
    assert_eq!(
        resolver.confirm(&ticket, Some(last)),
        Err(ResolveError::VersionNotAbove { given: last, last })
    );
    assert_eq!(resolver.confirm(&ticket, None), Ok(last + 1));
    assert_eq!(resolver.confirm(&ticket, None), Err(ResolveError::UnknownTicket));
    assert_eq!(resolver.commit(&reads_writes(last, &["w"], &[]), None), Ok(REFUSED_READ));
    let now = resolver.version();
    let Vote::Yes(ticket) = resolver.prepare(&reads_writes(now, &[], &["x"])).unwrap() else { panic!() };
    assert_eq!(resolver.abort(&ticket), Ok(()));
    assert_eq!(resolver.in_flight(), 0);
    assert!(resolver.commit(&reads_writes(now, &["x"], &["x"]), None).unwrap().is_commit());
    assert_eq!(resolver.prepare(&reads_writes(0, &["x"], &[])), Ok(Vote::No(REFUSED_READ)));
}

/// Promise: details name the newest version and the least key that has it.
#[test]
fn conflicts_explained() {
    let mut resolver = Resolver::new(Checked::Serializable);
    resolver.commit(&reads_writes(0, &[], &["b", "c"]), Some(1)).unwrap();
    resolver.commit(&reads_writes(0, &[], &["c", "d"]), Some(2)).unwrap();
    let mut txn = reads_range(0, Included(b"a"), Unbounded);
    txn.accesses().explain();
    assert_eq!(resolver.commit(&txn, None), Ok(REFUSED_READ));
    let conflict = resolver.conflict(0).unwrap();
    assert_eq!((conflict.version, conflict.keyspace, conflict.key), (Some(2), 0, &b"c"[..]));
}

/// Promise: the resolver forgets up to the oldest live snapshot, whoever took it.
#[test]
fn live_snapshots() {
    let mut resolver = Resolver::new(Checked::Serializable);
    resolver.advance_to(3).unwrap();
    let own = resolver.open_snapshot();
    resolver.advance_to(9).unwrap();
    resolver.keep_snapshot(6).unwrap();
    resolver.keep_snapshot(9).unwrap();
    assert_eq!((own, resolver.forget_unneeded()), (3, 3));
    resolver.close_snapshot(3).unwrap();
    assert_eq!(resolver.forget_unneeded(), 6);
    resolver.close_snapshot(9).unwrap();
    resolver.close_snapshot(6).unwrap();
    assert_eq!((resolver.forget_unneeded(), resolver.oldest_snapshot()), (9, None));
}

/// Promise: boundaries held stay within 1.3 of those that the window needs, for points and for ranges.
#[test]
fn memory_follows_the_window() {
    for ranges in [false, true] {
        let mut random = SplitMix(7);
        let mut resolver = Resolver::new(Checked::Serializable);
        let mut txn = Transaction::new(0);
        let mut most = 0;
        for version in 1..60_000 {
            let key = random.next().to_be_bytes();
            if ranges {
                let end = random.next().to_be_bytes()[0];
                let end = [&key[..], &[end, 1]].concat();
                txn.reset(version - 1).write_range(0, Included(&key[..]), Excluded(&end[..])).unwrap();
            } else {
                txn.reset(version - 1).write(0, &key).unwrap();
            }
            resolver.commit(&txn, Some(version)).unwrap();
            resolver.forget_before((version - 10_000).max(0)).unwrap();
            if version > 30_000 && version % 1_000 == 0 {
                most = most.max(resolver.boundaries());
            }
        }
        let needed = if ranges { 20_000 } else { 10_000 };
        assert!(most * 10 <= needed * 13, "{most} held, {needed} needed");
    }
}

/// Promise: an empty window after a full one holds next to nothing, and takes other keys as well.
#[test]
fn forgets_everything() {
    let mut resolver = Resolver::new(Checked::Serializable).expecting_ranges();
    let mut version = 0;
    for prefix in ["a/long/shared/prefix/", "zz/"] {
        for number in 0..5_000 {
            version += 1;
            let key = format!("{prefix}{number}");
            resolver.commit(&reads_writes(version - 1, &[&key], &[&key]), Some(version)).unwrap();
        }
        resolver.forget_before(version).unwrap();
        for _ in 0..20_000 {
            version += 1;
            resolver.commit(&reads_writes(version - 1, &[], &["same"]), Some(version)).unwrap();
        }
        assert!(resolver.boundaries() < 10, "{}", resolver.boundaries());
    }
}

/// Promise: timestamps rise, are not below `latest`, and the wait ends when they have certainly passed.
#[test]
fn commit_clock() {
    let mut clock = CommitClock::new(100);
    let now = BoundedTimestamp::new(50, 70).unwrap();
    assert_eq!(clock.next(now), Ok(101));
    assert_eq!(clock.next(BoundedTimestamp::new(90, 200).unwrap()), Ok(200));
    assert_eq!(clock.next(BoundedTimestamp::UNBOUNDED), Err(ResolveError::UntrustedClock));
    clock.observe(300);
    assert_eq!(clock.next(now), Ok(301));
    assert_eq!(CommitClock::wait(70, BoundedTimestamp::new(71, 90).unwrap()), 0);
    assert_eq!(CommitClock::wait(70, BoundedTimestamp::new(70, 90).unwrap()), 1);
    assert_eq!(CommitClock::wait(Version::MAX, BoundedTimestamp::UNBOUNDED), u64::MAX);
}

/// Promise: with many threads each increment of a counter is seen: none is lost, none counted twice.
#[test]
fn shared_resolver_loses_no_update() {
    use std::sync::Mutex;
    let shared = SharedResolver::new(Resolver::new(Checked::Serializable));
    // The store: what each version of the counter is. Reading takes version and value together.
    let counter = Mutex::new((0, 0u64));
    std::thread::scope(|threads| {
        for _ in 0..4 {
            let (mut committer, counter) = (shared.committer(), &counter);
            threads.spawn(move || {
                let mut txn = Transaction::new(0);
                let mut done = 0;
                while done < 500 {
                    let (version, value) = *counter.lock().unwrap();
                    txn.reset(version).read(0, b"counter").unwrap().write(0, b"counter").unwrap();
                    match committer.commit(&txn).unwrap() {
                        Verdict::Commit(version) => {
                            *counter.lock().unwrap() = (version, value + 1);
                            done += 1;
                        }
                        _ => std::thread::yield_now(),
                    }
                }
            });
        }
    });
    assert_eq!(counter.lock().unwrap().1, 2_000);
    let future =
        ResolveError::SnapshotFromTheFuture { txn: 0, snapshot: 9_999_999, commit: shared.version() + 1 };
    assert_eq!(shared.committer().commit(&reads_writes(9_999_999, &[], &[])), Err(future));
}

/// A batch of random points and ranges.
fn random_batch(random: &mut SplitMix, last: Version) -> Batch {
    let mut batch = Batch::new();
    for _ in 0..random.below(100) {
        let mut txn = batch.begin((last - random.below(8) as Version).max(0));
        for _ in 0..random.below(5) {
            let (a, b) = (random.below(60) as u8, random.below(60) as u8);
            let (low, high) = ([a.min(b)], [a.max(b)]);
            match random.below(8) {
                0 => txn.read_range(0, Included(&low[..]), Excluded(&high[..])).unwrap(),
                1 => txn.write_range(0, Excluded(&low[..]), Included(&high[..])).unwrap(),
                2..=4 => txn.read(0, &[a]).unwrap(),
                _ => txn.write(0, &[b]).unwrap(),
            };
        }
    }
    batch
}

/// Promise: owners of parts decide as one resolver does: what one refused leaves no trace in the others.
#[test]
fn adjudicators_decide_as_one() {
    for checked in [Checked::Serializable, Checked::SnapshotIsolation, Checked::Both] {
        for mut many in [
            Adjudicators::by_hash(checked, 3),
            Adjudicators::by_ranges(checked, &[(0, &[20]), (0, &[40])]).unwrap(),
        ] {
            let mut one = Resolver::new(checked);
            let mut random = SplitMix(3);
            for round in 0..200 {
                let batch = random_batch(&mut random, one.version());
                let expected_commit = one.version() + 1;
                // Heartbeats: all owners promise the same next version.
                many.advance_to(one.version());
                let verdicts = many.resolve(&batch, None).unwrap().to_vec();
                assert_eq!(verdicts, one.resolve(&batch, expected_commit).unwrap());
                many.advance_to(one.version());
                if round % 5 == 0 {
                    let floor = (one.version() - 5).max(one.floor());
                    one.forget_before(floor).unwrap();
                    many.forget_before(floor);
                }
                assert_eq!(many.promised(), one.version());
            }
        }
    }
}

/// Promise: a commit takes the greatest timestamp promised, a lost owner stops nobody else, and its
/// successor knows that it does not know.
#[test]
fn adjudicators_lose_and_replace_one() {
    let mut many = Adjudicators::by_ranges(Checked::Serializable, &[(0, b"m")]).unwrap();
    let clocks = [BoundedTimestamp::reading(100, 5), BoundedTimestamp::reading(100, 50)];
    let mut batch = Batch::new();
    batch.push(&reads_writes(0, &["a"], &["z"])).unwrap();
    assert_eq!(many.resolve(&batch, Some(&clocks)).unwrap(), [Verdict::Commit(150)]);
    many.lose(1).unwrap();
    assert_eq!(many.lose(1), Err(ResolveError::NoAdjudicator(1)));
    batch.clear();
    batch.push(&reads_writes(150, &["a"], &["b"])).unwrap();
    batch.push(&reads_writes(150, &["a"], &["z"])).unwrap();
    let verdicts = many.resolve(&batch, None).unwrap();
    assert_eq!(verdicts, [Verdict::Commit(151), Verdict::Unavailable]);
    assert_eq!(many.replace(1, 149), Err(ResolveError::VersionGoesBack { given: 149, last: 150 }));
    many.replace(1, 200).unwrap();
    batch.clear();
    batch.push(&reads_writes(150, &["z"], &["b"])).unwrap();
    batch.push(&reads_writes(150, &["a"], &["c"])).unwrap();
    assert_eq!(many.resolve(&batch, None).unwrap(), [Verdict::TooOld, Verdict::Commit(201)]);
    let unordered = Adjudicators::by_ranges(Checked::Both, &[(0, b"m"), (0, b"m")]);
    assert_eq!(unordered.err(), Some(ResolveError::UnorderedBorders));
}
