//! Fingerprints that collide: no result depends on a hash.

use proptest::prelude::*;
use skewer::BoundedTimestamp;
use skewer::log::build::{Record, Value};
use skewer::models::Tuning;
use skewer::report::Verdict;
use skewer::txn::{Op, Status};

use crate::columns::{Form, Plain};
use crate::logs::{Asked, How, Sample, agree, said};
use crate::strategies::samples;

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Promise: keys whose fingerprints agree, in all bits or in most, are judged apart.
    #[test]
    fn colliding_keys_are_judged_apart(
        sample in samples(),
        dropped in prop::sample::select(vec![56_u32, 62, 64]),
        findings in prop_oneof![Just(None), (0..4_usize).prop_map(Some)],
    ) {
        let collide = |how: How| {
            How { tuning: Tuning { fingerprint_bits_dropped: dropped, ..how.tuning }, ..how }
        };
        let ways: Vec<How> = How::paths().into_iter().map(collide).collect();
        agree(&sample, Asked { visibility_lag: 3, findings }, &ways);
    }
}

fn write(key: Value, txn: Value, region: &str) -> Record {
    Record {
        key,
        value: Some(1.into()),
        txn: Some(txn),
        region: Some(region.to_owned()),
        start: Some(BoundedTimestamp::point(1)),
        commit: Some(BoundedTimestamp::point(5)),
        ..Record::default()
    }
}

/// Two files, one with signed integers and one with unsigned ones: -1 and 2^64 - 1 have the same
/// 64 bits, which are all that a fingerprint of integers is made of.
fn signed_and_unsigned(signed: Vec<Record>, unsigned: Vec<Record>) -> Sample {
    let mut sample = Sample::in_files(vec![signed, unsigned]);
    let form = Form::plain(Plain::UInt64);
    let look = &mut sample.files[1].look;
    (look.key, look.txn) = (form, form);
    sample
}

const LAST: Value = Value::Unsigned(u64::MAX);

/// Promise: keys of different integer types with the same bits are different keys.
#[test]
fn integer_keys_of_the_same_bits() {
    let sample =
        signed_and_unsigned(vec![write((-1).into(), 1.into(), "eu")], vec![write(LAST, 2.into(), "us")]);
    agree(&sample, Asked::default(), &How::all());
    let reports = said(&sample.open(), Asked::default(), How::paths()[0]);
    assert!(reports.iter().all(|report| report.verdict == Verdict::Holds), "{reports:?}");
}

/// Promise: ids of different integer types with the same bits are different transactions, which
/// may stand in different files and regions.
#[test]
fn integer_ids_of_the_same_bits() {
    let sample =
        signed_and_unsigned(vec![write(7.into(), (-1).into(), "eu")], vec![write(7.into(), LAST, "us")]);
    agree(&sample, Asked::default(), &How::all());
    let reports = said(&sample.open(), Asked::default(), How::paths()[0]);
    assert_eq!(reports[1].kinds["write-write"].definite, 1);
}

/// Promise: a transaction of unknown fate is believed for a read of its own key only, not for
/// one of a key with the same bits.
#[test]
fn unknown_fates_of_the_same_bits() {
    let unknown = Record { status: Status::Unknown, ..write((-1).into(), 1.into(), "eu") };
    let rival = write((-1).into(), 2.into(), "us");
    let read = |key: Value| Record { op: Op::Read, ..write(key, 3.into(), "us") };
    let other = signed_and_unsigned(vec![unknown.clone(), rival.clone()], vec![read(LAST)]);
    agree(&other, Asked::default(), &How::all());
    assert!(said(&other.open(), Asked::default(), How::paths()[0])[1].kinds.is_empty());
    let own = Sample::of(vec![unknown, rival, read((-1).into())]);
    agree(&own, Asked::default(), &How::all());
    assert_eq!(said(&own.open(), Asked::default(), How::paths()[0])[1].kinds["write-write"].definite, 1);
}
