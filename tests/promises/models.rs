//! The models of transactions, held against the reference.

use std::path::PathBuf;
use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use rayon::{ThreadPool, ThreadPoolBuilder};
use skewer::log::build::Record;
use skewer::models::Tuning;
use skewer::report::{Model, ModelReport};
use skewer::txn::Op;
use skewer::{BoundedTimestamp, Log, OpenOptions, VerifyOptions, verify};
use skewer_kernels::Isa;

use crate::readings::{Readings, comparable, readings, truth};

/// Judged together, so that those of writes alone are judged from the history that the others share.
const MODELS: [Model; 8] = Model::ALL;

/// Pools of 1, 2 and 3 threads, made once.
fn pools() -> &'static [ThreadPool; 3] {
    static POOLS: OnceLock<[ThreadPool; 3]> = OnceLock::new();
    POOLS.get_or_init(|| [1, 2, 3].map(|n| ThreadPoolBuilder::new().num_threads(n).build().unwrap()))
}

fn said(
    log: &Log,
    models: &[Model],
    findings: Option<usize>,
    tuning: Tuning,
    threads: usize,
) -> Vec<ModelReport> {
    let options =
        VerifyOptions { models: Some(models.to_vec()), findings, tuning, ..VerifyOptions::default() };
    let report = pools()[threads - 1].install(|| verify(log, &options)).unwrap();
    report.models.into_values().map(comparable).collect()
}

fn truths(log: &Log, findings: Option<usize>) -> Vec<ModelReport> {
    MODELS.into_iter().map(|model| comparable(truth(log, model, findings))).collect()
}

fn agree(log: &Log, findings: Option<usize>, tuning: Tuning, threads: usize) {
    let (said, truths) = (said(log, &MODELS, findings, tuning, threads), truths(log, findings));
    for ((model, said), truth) in MODELS.into_iter().zip(said).zip(truths) {
        assert_eq!(said, truth, "{} {tuning:?} {threads} threads", model.name());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Promise: every model says what the reference says: reason, facts, counts, findings.
    #[test]
    fn equal_to_the_reference(log in readings(), findings in prop_oneof![Just(None), (0..6_usize).prop_map(Some)]) {
        agree(&log.open(), findings, Tuning::default(), 2);
    }

    /// Promise: keys and values whose fingerprints collide are told apart.
    #[test]
    fn collisions_change_nothing(log in readings(), dropped in prop_oneof![Just(64), 56..64_u32]) {
        agree(&log.open(), Some(8), Tuning { fingerprint_bits_dropped: dropped, ..Tuning::default() }, 2);
    }

    /// Promise: neither instruction set nor threads change the report.
    #[test]
    fn same_on_all_machines(log in readings()) {
        let log = log.open();
        let expected = said(&log, &MODELS, Some(4), Tuning::default(), 1);
        for isa in Isa::available() {
            for threads in 1..=3 {
                let tuning = Tuning { isa: Some(isa), ..Tuning::default() };
                prop_assert_eq!(&said(&log, &MODELS, Some(4), tuning, threads), &expected);
            }
        }
    }

    /// Promise: a model judged alone says what it says in company.
    #[test]
    fn alone_or_together(log in readings()) {
        let log = log.open();
        let together = said(&log, &MODELS, Some(5), Tuning::default(), 2);
        for (model, expected) in MODELS.into_iter().zip(together) {
            prop_assert_eq!(said(&log, &[model], Some(5), Tuning::default(), 2), [expected]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Promise: the models of writes alone say in company what they say by themselves, however long
    /// before its commit a write began.
    #[test]
    fn writes_in_company(log in readings(), lag in 0..6_u64, findings in prop_oneof![Just(None), (0..6_usize).prop_map(Some)]) {
        let log = log.open();
        let judged = |models: &[Model]| {
            let options = VerifyOptions {
                models: Some(models.to_vec()),
                visibility_lag: Some(skewer::time::Span::Ticks(lag)),
                findings,
                ..VerifyOptions::default()
            };
            verify(&log, &options).unwrap().models
        };
        let (together, alone) = (judged(&MODELS), judged(&[Model::WriteOrder, Model::CrossRegionConflicts]));
        for (model, report) in alone {
            prop_assert_eq!(&together[&model], &report);
        }
    }
}

/// Promise: an engine that forgets reads does not pass: the comparison above would notice.
#[test]
fn forgotten_reads_are_noticed() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut noticed = [0; MODELS.len()];
    for _ in 0..200 {
        let log = readings().new_tree(&mut runner).unwrap().current().open();
        let tuning = Tuning { forget_reads: true, ..Tuning::default() };
        let differ = said(&log, &MODELS, None, tuning, 1).into_iter().zip(truths(&log, None));
        differ.enumerate().for_each(|(at, (said, truth))| noticed[at] += u32::from(said != truth));
    }
    let reading =
        [Model::SnapshotIsolation, Model::Serializable, Model::StrictSerializable, Model::ClockBounds];
    for (model, noticed) in MODELS.into_iter().zip(noticed) {
        assert!(noticed > 5 || !reading.contains(&model), "{}: {noticed}", model.name());
    }
}

/// Promise: the random logs are not of one kind: every model holds, is violated, is undecided and
/// is not checked in some.
#[test]
fn random_logs_are_varied() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..400 {
        let log = readings().new_tree(&mut runner).unwrap().current().open();
        for (model, report) in MODELS.into_iter().zip(said(&log, &MODELS, Some(0), Tuning::default(), 2)) {
            *seen.entry((model.name(), report.verdict.name())).or_insert(0) += 1;
            for (kind, counts) in report.kinds {
                *seen.entry((kind, "definite")).or_insert(0) += i32::from(counts.definite > 0);
                *seen.entry((kind, "possible")).or_insert(0) += i32::from(counts.possible > 0);
            }
        }
    }
    for model in crate::readings::MODELS {
        for verdict in ["violated", "holds", "not-checked"] {
            assert!(
                seen.get(&(model.name(), verdict)).is_some_and(|n| *n > 4),
                "{} {verdict} {seen:?}",
                model.name()
            );
        }
    }
    for kind in
        ["aborted-read", "commit-tie", "commit-wait", "intermediate-read", "lost-update", "unknown-version"]
    {
        assert!(seen.iter().any(|((k, _), n)| *k == kind && *n > 4), "{kind} {seen:?}");
    }
}

fn recorded(name: &str) -> Log {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("datasets").join(name);
    Log::open(&[path], &OpenOptions::default()).unwrap()
}

/// Promise: a real database's snapshots are told from its statements' reads: REPEATABLE READ has no
/// definite finding, READ COMMITTED has the lost updates that were counted without skewer.
#[test]
fn postgres_is_judged_rightly() {
    let snapshot = [Model::SnapshotIsolation];
    let holds =
        &said(&recorded("postgres-repeatable-read.arrow"), &snapshot, Some(0), Tuning::default(), 2)[0];
    assert_eq!(holds.total().definite, 0, "{holds:?}");
    let broken =
        &said(&recorded("postgres-read-committed.arrow"), &snapshot, Some(0), Tuning::default(), 2)[0];
    assert_eq!(broken.kinds["lost-update"].definite, 1_066);
    assert_eq!(broken.kinds["future-read"].definite, 423);
    assert!(!broken.kinds.contains_key("aborted-read"));
}

/// Promise: on a part of a real log every model says what the reference says.
#[test]
fn postgres_equals_the_reference() {
    for name in ["postgres-repeatable-read.arrow", "postgres-read-committed.arrow"] {
        let log = recorded(name);
        let records = log.rows().take_while(|row| row.row < 900).map(|row| Record {
            key: owned(row.key),
            op: row.op,
            value: row.value.map(owned),
            txn: row.txn.map(owned),
            region: Some(row.region.to_owned()),
            session: row.session.map(owned),
            status: row.status,
            start: row.times.start,
            commit: row.times.commit,
            ..Record::default()
        });
        agree(&Readings::of(records.collect()).open(), None, Tuning::default(), 2);
    }
}

fn owned(datum: skewer::txn::Datum<'_>) -> skewer::log::build::Value {
    match datum {
        skewer::txn::Datum::Integer(n) => skewer::log::build::Value::Integer(i64::try_from(n).unwrap()),
        skewer::txn::Datum::Bytes(bytes) => skewer::log::build::Value::Bytes(bytes.to_vec()),
    }
}

/// Many operations of one key: what small groups count pair by pair is counted by sorting.
fn crowd(writers: i64, width: i64) -> Vec<Record> {
    let bound = |at: i64, width: i64| BoundedTimestamp::new(at, at + width);
    let one = |n: i64| {
        let at = (n * 37) % (writers * 2);
        let base = Record {
            key: 1.into(),
            txn: Some(n.into()),
            region: Some(["eu", "us"][n as usize % 2].to_owned()),
            session: Some((n % 5).into()),
            start: bound(at, (n * 7) % width),
            commit: bound(at + (n * 13) % width, (n * 11) % width),
            ..Record::default()
        };
        let read = Record { op: Op::Read, value: Some(((n * 29) % writers).into()), ..base.clone() };
        [read, Record { value: Some(n.into()), ..base }]
    };
    (0..writers).flat_map(one).collect()
}

/// Promise: keys with many writers are judged as those with few, whatever part of the findings is
/// asked for.
#[test]
fn crowded_keys() {
    for (writers, width) in [(33, 2), (60, 4), (150, 3), (90, 40)] {
        let log = Readings::of(crowd(writers, width)).open();
        for findings in [None, Some(1), Some(10), Some(100)] {
            agree(&log, findings, Tuning::default(), 2);
        }
    }
}
