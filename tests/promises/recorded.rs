//! The logs of a real database in `datasets/`: what is known about them, to the last digit.
//!
//! `datasets/count_lost_updates.py`, which shares no code with this crate, counted the same.

use std::path::Path;

use skewer::report::{Counts, ModelReport, Verdict};
use skewer::{Log, Model, OpenOptions, Report, VerifyOptions, verify};

fn judged(name: &str) -> Report {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets").join(name);
    let log = Log::open(&[path], &OpenOptions::default()).expect("a recorded log is valid");
    let options = VerifyOptions { count_keys: true, ..VerifyOptions::default() };
    verify(&log, &options).expect("no option to refuse")
}

fn counts(model: &ModelReport, kind: &str) -> (u64, u64) {
    let Counts { definite, possible } = model.kinds.get(kind).copied().unwrap_or_default();
    (definite, possible)
}

/// Promise: PostgreSQL's READ COMMITTED violates snapshot isolation as often as an independent count
/// says, and its writes are in order all the same.
#[test]
fn read_committed() {
    let report = judged("postgres-read-committed.arrow");
    assert_eq!((report.log.rows, report.log.transactions, report.log.keys), (13_293, 4_000, Some(48)));
    assert_eq!((report.log.sessions, report.log.regions.len()), (8, 2));

    let of = |model| &report.models[&model];
    let conflicts = of(Model::CrossRegionConflicts);
    assert_eq!(conflicts.verdict, Verdict::Violated);
    assert_eq!(counts(conflicts, "write-write"), (618, 19));

    let snapshots = of(Model::SnapshotIsolation);
    assert_eq!(snapshots.verdict, Verdict::Violated);
    assert_eq!(counts(snapshots, "lost-update").0, 1_066);
    assert_eq!(counts(snapshots, "future-read").0, 423);
    assert_eq!(counts(snapshots, "stale-read").0, 0);
    let total = snapshots.total();
    assert_eq!((total.definite, total.possible), (1_489, 103), "no other kind is definite");

    assert_eq!(of(Model::Serializable).total(), Counts { definite: 1_129, possible: 47 });
    let order = of(Model::WriteOrder);
    assert_eq!(order.verdict, Verdict::Holds);
    assert_eq!((order.facts["winners_justified"], order.facts["pairs_ambiguous"]), (48, 8));
}

/// Promise: PostgreSQL's REPEATABLE READ holds snapshot isolation, without a doubt left, although
/// transactions collided; and it is not serializable.
#[test]
fn repeatable_read() {
    let report = judged("postgres-repeatable-read.arrow");
    assert_eq!((report.log.rows, report.log.transactions, report.log.keys), (6_652, 2_000, Some(192)));
    let of = |model| &report.models[&model];
    for model in [Model::WriteOrder, Model::CrossRegionConflicts, Model::SnapshotIsolation] {
        assert_eq!((of(model).verdict, of(model).total()), (Verdict::Holds, Counts::default()), "{model:?}");
    }
    assert_eq!(of(Model::Serializable).verdict, Verdict::Violated);
    assert_eq!(of(Model::Serializable).total(), Counts { definite: 81, possible: 0 });
    assert_eq!(counts(of(Model::Serializable), "stale-read"), (81, 0));
}

/// Promise: what the recorder's bounds say of each other is free of contradictions, and what the logs
/// lack is told and not judged.
#[test]
fn bounds_and_gaps() {
    for name in ["postgres-read-committed.arrow", "postgres-repeatable-read.arrow"] {
        let report = judged(name);
        assert_eq!(report.models[&Model::ClockBounds].verdict, Verdict::Holds, "{name}");
        for model in [Model::ExternalConsistency, Model::Linearizable] {
            let judged = &report.models[&model];
            assert_eq!(judged.verdict, Verdict::NotChecked, "{name}: {model:?}");
            assert!(judged.reason.as_ref().is_some_and(|reason| !reason.is_empty()), "{name}: {model:?}");
        }
    }
}
