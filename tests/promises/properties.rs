//! The fast engine against the reference, over random logs.

use std::collections::BTreeSet;

use proptest::prelude::*;
use skewer::BoundedTimestamp;
use skewer::log::build::{Record, Value};
use skewer::txn::{Op, Status};

use crate::columns::{Form, Plain};
use crate::logs::{Asked, How, Sample, agree, said};
use crate::strategies::samples;

/// What may be asked: a visibility lag, and how many findings.
fn asked() -> impl Strategy<Value = Asked> {
    let lag = prop_oneof![4 => Just(0), 4 => 1..20_u64, 1 => Just(u64::MAX)];
    let findings = prop_oneof![2 => Just(None), 1 => (0..6_usize).prop_map(Some)];
    (lag, findings).prop_map(|(visibility_lag, findings)| Asked { visibility_lag, findings })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Promise: a log opened from any of the column types holds the rows that were written.
    #[test]
    fn rows_are_read_as_written(sample in samples()) {
        let (log, input) = (sample.open(), sample.input(0));
        prop_assert_eq!(log.rows().collect::<Vec<_>>(), input.rows);
        prop_assert_eq!(log.places(), &input.places);
        prop_assert_eq!(log.columns(), input.columns);
    }

    /// Promise: distinct keys and sessions are counted, of any type, mixed ones too, and those that are null left out.
    #[test]
    fn keys_and_sessions_are_counted(sample in samples()) {
        let input = sample.input(0);
        let keys = input.rows.iter().map(|row| row.key).collect::<BTreeSet<_>>().len();
        let sessions = input.rows.iter().filter_map(|row| row.session).collect::<BTreeSet<_>>().len();
        let told = How::paths()[0].verify(&sample.open(), Asked::default()).log;
        prop_assert_eq!((told.keys, told.sessions), (Some(keys as u64), sessions as u64));
    }

    /// Promise: whatever the instruction set, the path and the threads, the verdicts, counts and
    /// findings are those of the reference.
    #[test]
    fn verdicts_are_the_reference_s(sample in samples(), asked in asked()) {
        agree(&sample, asked, &How::all());
    }
}

/// A committed write at one region and time.
fn write(key: i64, txn: i64, region: &str, start: (i64, i64), commit: (i64, i64)) -> Record {
    Record {
        key: key.into(),
        txn: Some(txn.into()),
        region: Some(region.to_owned()),
        start: BoundedTimestamp::new(start.0, start.1),
        commit: BoundedTimestamp::new(commit.0, commit.1),
        ..Record::default()
    }
}

/// Promise: of a key with many writes the least findings are told, also where a commit may lie
/// before its start (it was skipped as one without rivals).
#[test]
fn least_findings_with_improper_lifetimes() {
    let mut records = vec![write(1, 10, "eu", (7, 7), (2, 2)), write(1, 11, "us", (0, 0), (13, 13))];
    records.extend((0..40).map(|n| write(1, 20 + n, "us", (3, 3), (5, 5))));
    records.extend((0..9).map(|n| write(1, 70 + n, "eu", (90, 90), (99, 99))));
    records.extend((0..9).map(|n| write(1, 80 + n, "us", (90, 90), (99, 99))));
    for findings in [None, Some(1), Some(3)] {
        agree(&Sample::of(records.clone()), Asked { visibility_lag: 0, findings }, &How::all());
    }
}

/// Promise: a read decides an unknown fate also in a log of which one file has no values.
#[test]
fn unknown_fates_beside_a_file_without_values() {
    let with_value = |record: Record| Record { value: Some(5.into()), ..record };
    let unknown = Record { status: Status::Unknown, ..write(1, 1, "eu", (0, 0), (9, 9)) };
    let read = Record { op: Op::Read, ..write(1, 2, "us", (9, 9), (9, 9)) };
    let sample = Sample::in_files(vec![
        vec![with_value(unknown), with_value(read)],
        vec![write(1, 3, "us", (0, 0), (9, 9))],
    ]);
    agree(&sample, Asked::default(), &How::all());
    assert_eq!(said(&sample.open(), Asked::default(), How::paths()[0])[1].kinds["write-write"].definite, 1);
}

/// Promise: of two transactions of one name, text and bytes that print alike, the conflicts are
/// told in the order of their partners' names (all of the first one came first).
#[test]
fn least_findings_of_equal_names() {
    let named = |txn: Value, region: &str| Record { txn: Some(txn), ..write(1, 0, region, (0, 0), (9, 9)) };
    let region = |n: u8| if n < 20 { ["eu", "us"][usize::from(n % 2)] } else { "eu" };
    let mut records: Vec<Record> =
        (0..40).map(|n| named(Value::Text(format!("n{n:02}")), region(n))).collect();
    records.insert(3, named(Value::Bytes(vec![0xff]), "eu"));
    records.insert(6, named("0xff".into(), "us"));
    let mut sample = Sample::of(records);
    sample.files[0].look.txn = Form::plain(Plain::Binary);
    for findings in 0..40 {
        agree(&sample, Asked { visibility_lag: 0, findings: Some(findings) }, &How::paths());
    }
}
