//! The resolver against its meaning.

use std::ops::Bound;
use std::sync::Arc;

use proptest::prelude::*;

use super::cut::Cut;
use super::ledger::Ledger;
use super::offer::Offer;
use super::parts::Parts;
use super::script::{resolve_vs_model, resolve_vs_model_without_reads};
use super::{Batch, Checked, Resolver, Version};

/// A script of so many bytes: a call takes some two hundred.
fn script_of(bytes: u64, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..bytes).map(|_| byte()).collect()
}

fn script(seed: u64) -> Vec<u8> {
    script_of(4_000 + seed % 3_000, seed)
}

/// Promise: verdicts, causes and explanations are those of the list of transactions, whatever is called.
#[test]
fn equals_the_model_on_long_scripts() {
    let rounds = if cfg!(debug_assertions) { 300 } else { 3_000 };
    (0..rounds).for_each(|seed| resolve_vs_model(&script(seed)));
}

/// Promise: the same in halves, for so long that stamps begin anew while writes are promised.
#[test]
fn equals_the_model_where_stamps_begin_anew() {
    for seed in 0..if cfg!(debug_assertions) { 12 } else { 120 } {
        let mut script = script_of(30_000, seed);
        script[1] |= 32;
        resolve_vs_model(&script);
    }
}

/// Promise: the tests above notice a resolver that ignores the read set.
#[test]
fn a_dropped_read_set_is_noticed() {
    let noticed = (0..40)
        .filter(|seed| std::panic::catch_unwind(|| resolve_vs_model_without_reads(&script(*seed))).is_err());
    // Under snapshot isolation reads do not count: about one script in four.
    assert!(noticed.count() > 20);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Promise: as above, with inputs that shrink to what is wrong.
    #[test]
    fn equals_the_model(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        resolve_vs_model(&bytes);
    }
}

/// Promise: calls that were laid out for another resolver, or by another cut, are not judged together.
#[test]
fn calls_for_another_window_are_declined() {
    let laid_out = |cut: &Cut, checked| {
        let (mut batch, mut parts) = (Batch::new(), Parts::default());
        batch.begin(0).read(0, b"a").unwrap().write(0, b"b").unwrap();
        parts.take_ordered(&batch, cut, checked);
        parts
    };
    let mut resolver = Resolver::new(Checked::Serializable).expecting_ranges();
    resolver.cut_at(Cut::at(b"\0\0\0\0b".to_vec(), 4));
    let cut = resolver.cut().unwrap().clone();
    let other = Cut::at(b"\0\0\0\0b".to_vec(), 4);
    let mut ledger = Ledger::new(resolver);
    for (cut, checked, is_judged) in [
        (&*cut, Checked::Serializable, true),
        (&*cut, Checked::SnapshotIsolation, false),
        (&other, Checked::Serializable, false),
    ] {
        ledger.together.join(Arc::default(), Arc::new(laid_out(cut, checked)));
        let judged = ledger.judge_together(&Offer::default(), 1);
        ledger.together.clear();
        assert_eq!(judged.map(|version| version.is_some()), Ok(is_judged));
    }
}

/// A window in key order that is cut in two, and what is judged there together of a batch of so many transactions, each of which writes
/// from `a` to `c`.
fn judged_across(txns: usize, read: Bound<&[u8]>) -> (Ledger, Batch, Option<Version>) {
    let mut resolver = Resolver::new(Checked::Serializable).expecting_ranges();
    resolver.cut_at(Cut::at(b"\0\0\0\0b".to_vec(), 4));
    let mut batch = Batch::new();
    for _ in 0..txns {
        let mut txn = batch.begin(0);
        txn.read_range(0, Bound::Included(&b"a"[..]), read).unwrap();
        txn.write_range(0, Bound::Included(&b"a"[..]), Bound::Excluded(&b"c"[..])).unwrap();
    }
    let mut parts = Parts::default();
    parts.take_ordered(&batch, resolver.cut().unwrap(), Checked::Serializable);
    let mut ledger = Ledger::new(resolver);
    ledger.together.join(Arc::default(), Arc::new(parts));
    let judged = ledger.judge_together(&Offer::default(), 1).unwrap();
    (ledger, batch, judged)
}

/// Promise: ranges that cross all over are given up, and then judged as others are.
#[test]
fn what_crosses_too_much_is_given_up() {
    let (mut ledger, batch, judged) = judged_across(500, Bound::Excluded(b"c"));
    assert_eq!(judged, None);
    let resolver = ledger.up_to_date();
    assert!(resolver.rests());
    let verdicts = resolver.resolve(&batch, 1).unwrap();
    assert_eq!(verdicts.iter().filter(|verdict| verdict.is_commit()).count(), 1);
}

/// Promise: wide writes that nobody checks are no reason to give up.
#[test]
fn wide_writes_that_nobody_checks_are_judged_together() {
    let (ledger, batch, judged) = judged_across(3_000, Bound::Excluded(b"a"));
    assert_eq!(judged, Some(1));
    let verdicts = ledger.together.verdicts(1);
    assert_eq!(verdicts.len(), batch.len());
    assert!(verdicts.iter().all(|verdict| verdict.is_commit()));
}
