//! The opt-in that stores fingerprints instead of keys: it may only refuse more.

use std::ops::Bound::Included;

use skewer::resolve::{Checked, ResolveError, Resolver, SharedResolver, Transaction, Verdict, Version, Vote};

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u64) -> u64 {
        self.0 += 1;
        skewer_kernels::mix_one(self.0) % end
    }
}

/// Runs random transactions through fingerprints of `bits` bits, beside an exact resolver that is told
/// what committed. Returns how many were refused without a reason, of how many.
fn refused_without_reason(bits: u32, checked: Checked) -> (usize, usize) {
    let mut short = Resolver::of_short_fingerprints(checked, 0, bits);
    let mut exact = Resolver::new(checked);
    let mut numbers = Numbers(u64::from(bits));
    let (mut extra, mut all) = (0, 0);
    let mut txn = Transaction::new(0);
    for version in 1..4_000 {
        let snapshot = (version - 1 - numbers.below(30) as Version).max(0);
        let mut adding = txn.reset(snapshot);
        for _ in 0..numbers.below(4) {
            adding.read(0, &numbers.below(2_000).to_be_bytes()).unwrap();
        }
        for _ in 0..numbers.below(4) {
            adding.write(0, &numbers.below(2_000).to_be_bytes()).unwrap();
        }
        all += 1;
        // What the exact one says of it, without a trace.
        let vote = exact.prepare(&txn).unwrap();
        let verdict = short.commit(&txn, Some(version)).unwrap();
        match (vote, verdict) {
            (Vote::Yes(ticket), Verdict::Commit(at)) => {
                exact.confirm(&ticket, Some(at)).unwrap();
            }
            (Vote::Yes(ticket), _) => {
                exact.abort(&ticket).unwrap();
                extra += 1;
            }
            (Vote::No(_), verdict) => assert!(!verdict.is_commit(), "a false commit at {version}"),
        }
        exact.advance_to(version).unwrap();
        let floor = (version - 100).max(0);
        short.forget_before(floor).unwrap();
        exact.forget_before(floor).unwrap();
    }
    (extra, all)
}

/// Promise: fingerprints that collide all the time refuse more, and never allow what keys would refuse.
#[test]
fn collisions_merely_refuse() {
    for checked in [Checked::Serializable, Checked::SnapshotIsolation, Checked::Both] {
        for bits in [0, 1, 4, 8] {
            let (extra, all) = refused_without_reason(bits, checked);
            assert!(extra > 0 && extra < all, "{bits} bits: {extra} of {all}");
        }
    }
}

/// Promise: fingerprints of full length refuse what keys refuse, and no more.
#[test]
fn full_length_is_as_good_as_exact() {
    for checked in [Checked::Serializable, Checked::SnapshotIsolation, Checked::Both] {
        assert_eq!(refused_without_reason(64, checked).0, 0);
    }
}

/// Promise: a range is misuse that changes nothing, however it is handed in.
#[test]
fn ranges_are_refused() {
    let error = ResolveError::RangeOfFingerprints;
    let mut resolver = Resolver::of_fingerprints(Checked::Serializable, 5).expecting_ranges();
    let mut range = Transaction::new(5);
    range.accesses().write_range(0, Included(b"a"), Included(b"z")).unwrap();
    let mut batch = skewer::resolve::Batch::new();
    batch.push(&range).unwrap();
    assert_eq!(resolver.resolve(&batch, 9), Err(error));
    assert_eq!(resolver.commit(&range, None), Err(error));
    assert_eq!(resolver.record(&range, None), Err(error));
    assert_eq!(resolver.prepare(&range), Err(error));
    assert_eq!((resolver.version(), resolver.boundaries(), resolver.in_flight()), (5, 0, 0));
    // A range of one key is a point.
    range.reset(5).write_range(0, Included(b"a"), Included(b"a")).unwrap();
    assert_eq!(resolver.commit(&range, None), Ok(Verdict::Commit(6)));
    let shared = SharedResolver::new(resolver);
    range.reset(6).write_range(0, Included(b"a"), Included(b"z")).unwrap();
    assert_eq!(shared.committer().commit(&range), Err(error));
    assert_eq!(shared.version(), 6);
}

/// Promise: no keys are stored: memory does not depend on their length.
#[test]
fn keys_are_not_stored() {
    let bytes = [16, 1_000].map(|len| {
        let mut resolver = Resolver::of_fingerprints(Checked::Serializable, 0).with_room_for(5_000);
        let mut txn = Transaction::new(0);
        for version in 1..5_000u32 {
            let mut key = vec![0; len];
            key[..4].copy_from_slice(&version.to_be_bytes());
            txn.reset(0).write(0, &key).unwrap();
            resolver.commit(&txn, None).unwrap();
        }
        resolver.bytes()
    });
    assert_eq!(bytes[0], bytes[1]);
}
