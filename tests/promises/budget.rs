//! A memory budget: what it must not change.

use proptest::prelude::*;
use skewer::log::build::{LogBuilder, Record, Value};
use skewer::models::{Path, Tuning};
use skewer::time::Unit;
use skewer::txn::Op;
use skewer::{BoundedTimestamp, Log, OpenOptions, Report, VerifyOptions, verify};

use crate::readings::readings;
use crate::strategies::samples;

/// A log of some thousand transactions of two operations over some hundred keys.
fn log() -> Log {
    let mut builder = LogBuilder::new(Unit::None);
    let mut state = 7_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    for row in 0..6_000_i64 {
        // Both rows of a transaction carry its times.
        let begin = (row / 2) * 7;
        let bound = |from: i64, to: i64| BoundedTimestamp::new(begin + from, begin + to);
        let op = if next(3) == 0 { Op::Read } else { Op::Write };
        let value = if op == Op::Read { next(6_000) as i64 } else { row };
        let record = Record {
            key: Value::Text(format!("key {}", next(300))),
            op,
            value: Some(Value::Integer(value)),
            txn: Some(Value::Integer(row / 2)),
            region: Some(["ap", "eu", "us"][(row / 2 % 3) as usize].to_owned()),
            start: bound(0, 40),
            commit: bound(45, 90),
            ..Record::default()
        };
        builder.push(record).unwrap();
    }
    Log::from_batches(vec![("log".to_owned(), vec![builder.finish().unwrap()])], &OpenOptions::default())
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Promise: verdicts, counts, findings and distinct keys of writes are the same when next to nothing
    /// may be held, whatever the columns and the path.
    #[test]
    fn writes_in_files(sample in samples(), memory in 0..3_000_u64, path in paths()) {
        let tuning = Tuning { path, ..Tuning::default() };
        prop_assert_eq!(
            report(&sample.open_within(Some(memory)), Some(memory), tuning),
            report(&sample.open(), None, tuning)
        );
    }

    /// Promise: the same of what was read, by all models.
    #[test]
    fn readings_in_files(log in readings(), memory in 0..3_000_u64, path in paths()) {
        let tuning = Tuning { path, ..Tuning::default() };
        prop_assert_eq!(
            report(&log.open_within(Some(memory)), Some(memory), tuning),
            report(&log.open(), None, tuning)
        );
    }
}

fn paths() -> impl Strategy<Value = Path> {
    prop::sample::select(vec![Path::Auto, Path::Partitioned, Path::Slices, Path::Parts])
}

fn report(log: &Log, memory: Option<u64>, tuning: Tuning) -> Report {
    let options =
        VerifyOptions { memory, tuning, count_keys: true, findings: Some(5), ..VerifyOptions::default() };
    verify(log, &options).unwrap()
}

/// Promise: however little memory there is, the report is the same: counts, findings, distinct keys.
#[test]
fn any_budget_gives_one_report() {
    let log = log();
    let judged = |memory| {
        verify(&log, &VerifyOptions { memory, count_keys: true, ..VerifyOptions::default() }).unwrap()
    };
    let whole = judged(None);
    assert!(whole.models.values().any(|m| !m.findings.is_empty()), "the log shows something");
    for memory in [1 << 30, 100_000, 9_000, 700] {
        assert_eq!(judged(Some(memory)), whole, "{memory} bytes");
    }
}
