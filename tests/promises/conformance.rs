//! The conformance suite, `datasets/conformance/`: named anomalies with the verdicts that follow from the
//! specification by hand. Other engines can run it; this is how skewer does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rayon::ThreadPoolBuilder;
use serde::Deserialize;
use skewer::log::build::{LogBuilder, Record, Value};
use skewer::models::Tuning;
use skewer::models::catalog::entry;
use skewer::report::{Kind, Model, ModelReport, Verdict};
use skewer::time::Unit;
use skewer::txn::{Op, Status};
use skewer::{BoundedTimestamp, Log, OpenOptions, VerifyOptions, verify};
use skewer_kernels::Isa;

use crate::notation::{Line, Operation, lines};
use crate::readings::{comparable, truth};

/// An anomaly: one file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Anomaly {
    #[serde(rename = "anomaly")]
    name: String,
    /// The kinds that are absent in every twin.
    kinds: Vec<String>,
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    why: String,
    literature: String,
    /// The case that this one is the holding twin of.
    twin_of: Option<String>,
    log: String,
    /// By model; one that is not named is not checked.
    expect: BTreeMap<String, Expected>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    verdict: String,
    /// By kind; one that is not named was not found.
    #[serde(default)]
    kinds: BTreeMap<String, Found>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    definite: u64,
    possible: u64,
}

impl Case {
    fn has(&self, kind: &str, certain: fn(&Found) -> bool) -> bool {
        self.expect.values().filter_map(|e| e.kinds.get(kind)).any(certain)
    }

    fn finds(&self, kind: &str) -> bool {
        self.has(kind, |f| f.definite + f.possible > 0)
    }

    /// Whether every time is known exactly.
    fn has_points_alone(&self) -> bool {
        !self.log.contains('[')
    }
}

/// The whole suite, by file name.
fn suite() -> Vec<(String, Anomaly)> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/datasets/conformance"));
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let anomaly = toml::from_str(&std::fs::read_to_string(path).unwrap());
        (name.clone(), anomaly.unwrap_or_else(|e| panic!("{name}: {e}")))
    };
    files.iter().map(read).collect()
}

/// The log that a case spells, built and opened as any other.
fn opened(text: &str) -> Log {
    let mut log = LogBuilder::new(Unit::None);
    lines(text).flat_map(|line| records(&line)).for_each(|record| log.push(record).unwrap());
    let batch = log.finish().unwrap();
    Log::from_batches(vec![("log.arrow".to_owned(), vec![batch])], &OpenOptions::default()).unwrap()
}

fn records(line: &Line<'_>) -> Vec<Record> {
    assert!(!line.assumed, "a log states its bounds");
    let bound = |ends: (i64, i64)| BoundedTimestamp::new(ends.0, ends.1).expect("ends in order");
    let record = |operation: &Operation<'_>| Record {
        key: operation.key.into(),
        op: if operation.read { Op::Read } else { Op::Write },
        value: operation.value.map(Value::from),
        txn: line.id.map(Value::from),
        region: Some(line.region.to_owned()),
        session: line.session.map(Value::from),
        status: match (line.aborted, line.unknown) {
            (true, _) => Status::Aborted,
            (_, true) => Status::Unknown,
            _ => Status::Committed,
        },
        start: line.start.map(bound),
        commit: line.commit.map(bound),
        start_ts: line.start_ts,
        commit_ts: line.commit_ts,
        ..Record::default()
    };
    line.operations.iter().map(record).collect()
}

/// What was found, as a case would spell it; `None` if the model was not checked.
fn spelled(report: &ModelReport) -> Option<Expected> {
    let found = report.kinds.iter().filter(|(_, c)| c.definite + c.possible > 0);
    let kinds =
        found.map(|(kind, c)| ((*kind).to_owned(), Found { definite: c.definite, possible: c.possible }));
    let verdict = report.verdict;
    (verdict != Verdict::NotChecked)
        .then(|| Expected { verdict: verdict.name().to_owned(), kinds: kinds.collect() })
}

/// Where a report differs from what a case expects, in sentences.
fn differences(who: &str, case: &Case, reports: &BTreeMap<Model, ModelReport>) -> Vec<String> {
    let differs = |model: Model| {
        let said = reports.get(&model).and_then(spelled);
        let expected = case.expect.get(model.name()).cloned();
        (said != expected)
            .then(|| format!("{}, {}: {who} says {said:?}, not {expected:?}", case.name, model.name()))
    };
    Model::ALL.into_iter().filter_map(differs).collect()
}

/// What the reference says of a log.
fn truths(log: &Log) -> BTreeMap<Model, ModelReport> {
    Model::ALL.into_iter().map(|model| (model, comparable(truth(log, model, None)))).collect()
}

/// Promise: every case of the suite is judged as it says, by the specification's transcription.
#[test]
fn the_reference_conforms() {
    let mut wrong = Vec::new();
    for (file, anomaly) in suite() {
        for case in &anomaly.case {
            let found = differences("the reference", case, &truths(&opened(&case.log)));
            wrong.extend(found.into_iter().map(|sentence| format!("{file}: {sentence}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Promise: every case is judged as it says, with the reference's findings, on every instruction
/// set and on 1, 2 and 3 threads.
#[test]
fn the_engine_conforms() {
    let pools = [1, 2, 3].map(|n| ThreadPoolBuilder::new().num_threads(n).build().unwrap());
    let mut wrong = Vec::new();
    for (file, anomaly) in suite() {
        for case in &anomaly.case {
            let log = opened(&case.log);
            let truths = truths(&log);
            for isa in Isa::available() {
                let options = VerifyOptions {
                    models: Some(Model::ALL.to_vec()),
                    findings: None,
                    tuning: Tuning { isa: Some(isa), ..Tuning::default() },
                    ..VerifyOptions::default()
                };
                for pool in &pools {
                    let report = pool.install(|| verify(&log, &options)).unwrap();
                    let models = report.models.into_iter().map(|(m, r)| (m, comparable(r))).collect();
                    let found = differences("the engine", case, &models);
                    wrong.extend(found.into_iter().map(|sentence| format!("{file}: {sentence}")));
                    assert_eq!(models, truths, "{file}, {}: {isa:?}", case.name);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Kinds that no clock error can make possible, and those that none can make definite.
const NEVER_POSSIBLE: [Kind; 10] = [
    Kind::LostWrite,
    Kind::OwnWriteMissed,
    Kind::NonRepeatableRead,
    Kind::AbortedRead,
    Kind::IntermediateRead,
    Kind::UnknownVersion,
    Kind::SessionOrder,
    Kind::CommitBeforeStart,
    Kind::TimestampInversion,
    Kind::BrokenBound,
];
const NEVER_DEFINITE: [Kind; 2] = [Kind::ContestedWinner, Kind::CommitTie];

/// The kinds of every model, as `skewer explain` lists them.
fn all_kinds() -> Vec<Kind> {
    // Several models share kinds: each comes more than once.
    Model::ALL.into_iter().flat_map(|model| entry(model).kinds).map(|(kind, _)| *kind).collect()
}

/// Promise: every kind is definite in some case and possible in some, where it can be, never where
/// it cannot, and absent in the twin of a case that has it.
#[test]
fn every_kind_is_shown() {
    let suite = suite();
    let some = |kind: Kind, certain: fn(&Found) -> bool| {
        suite.iter().flat_map(|(_, a)| &a.case).any(|case| case.has(kind.name(), certain))
    };
    for kind in all_kinds() {
        let name = kind.name();
        let (definite, possible) = (some(kind, |f| f.definite > 0), some(kind, |f| f.possible > 0));
        assert_eq!(definite, !NEVER_DEFINITE.contains(&kind), "{name}: definite");
        assert_eq!(possible, !NEVER_POSSIBLE.contains(&kind), "{name}: possible");
        let twinned =
            suite.iter().flat_map(|(_, a)| twins(a)).any(|(of, twin)| of.finds(name) && !twin.finds(name));
        assert!(twinned, "{name}: no twin");
    }
}

/// The twins of a file, each after the case it is a twin of.
fn twins(anomaly: &Anomaly) -> Vec<(&Case, &Case)> {
    let of = |twin: &'_ Case| {
        let name = twin.twin_of.clone()?;
        let of = anomaly.case.iter().find(|case| case.name == name);
        Some(of.unwrap_or_else(|| panic!("{}: there is no case `{name}`", anomaly.name)))
    };
    anomaly.case.iter().filter_map(|twin| Some((of(twin)?, twin))).collect()
}

/// Promise: each anomaly is shown with points, with bounds, and with a twin that has none of it; no
/// case is without its reason, its literature and its own name, and no name is mistyped.
#[test]
fn the_suite_is_whole() {
    let models: BTreeSet<&str> = Model::ALL.map(Model::name).into();
    let kinds: BTreeSet<&str> = all_kinds().into_iter().map(Kind::name).collect();
    for (file, anomaly) in suite() {
        let cases = &anomaly.case;
        let ill = || cases.iter().filter(|c| c.twin_of.is_none());
        assert!(ill().any(Case::has_points_alone), "{file}: points");
        assert!(cases.iter().any(|c| !c.has_points_alone()), "{file}: bounds");
        assert!(
            ill().all(|c| anomaly.kinds.iter().any(|k| c.finds(k))),
            "{file}: a case without the anomaly"
        );
        let twins = twins(&anomaly);
        assert!(!twins.is_empty(), "{file}: no twin");
        for (of, twin) in twins {
            assert!(of.twin_of.is_none(), "{file}, {}: the twin of a twin", twin.name);
            let kind = anomaly.kinds.iter().find(|kind| twin.finds(kind));
            assert_eq!(kind, None, "{file}, {}: no twin", twin.name);
        }
        let unique: BTreeSet<&str> = cases.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(unique.len(), cases.len(), "{file}: names are unique");
        for case in cases {
            assert!(!case.why.is_empty() && !case.literature.is_empty(), "{file}, {}", case.name);
            assert!(case.expect.keys().all(|m| models.contains(m.as_str())), "{file}, {}", case.name);
            let named = case.expect.values().flat_map(|e| e.kinds.keys()).chain(&anomaly.kinds);
            named.for_each(|k| assert!(kinds.contains(k.as_str()), "{file}, {}: kind {k}", case.name));
        }
    }
}

/// The anomalies that the suite is about, and whether wide bounds make them merely possible; where
/// they do not, no clock has a say in them, or what is not proved is none.
const NAMED: [(&str, bool); 13] = [
    ("aborted-read", false),
    ("broken-bound", false),
    ("commit-wait", true),
    ("future-read", true),
    ("intermediate-read", false),
    ("long-fork", true),
    ("lost-update", true),
    ("non-monotonic-reads", true),
    ("read-skew", true),
    ("real-time-inversion", false),
    ("stale-read", true),
    ("unknown-version", false),
    ("write-skew", true),
];

/// Promise: every named anomaly is there: proved with points; with bounds merely possible, or, where that
/// cannot be, as definite as ever; and with a twin by which every model that it violates holds.
#[test]
fn the_named_anomalies_are_there() {
    let suite = suite();
    for (name, possible) in NAMED {
        let file = format!("{name}.toml");
        let (_, anomaly) = suite.iter().find(|(f, _)| *f == file).unwrap_or_else(|| panic!("no {file}"));
        let cases = || anomaly.case.iter().filter(|c| c.twin_of.is_none());
        let sum = |case: &Case| {
            let found =
                case.expect.values().flat_map(|e| &e.kinds).filter(|(k, _)| anomaly.kinds.contains(k));
            found.fold((0, 0), |(d, p), (_, found)| (d + found.definite, p + found.possible))
        };
        assert!(cases().any(|c| c.has_points_alone() && sum(c).0 > 0), "{name}: not proved with points");
        let mut wide = cases().filter(|c| !c.has_points_alone());
        assert!(wide.any(|c| (sum(c).0 == 0) == possible), "{name}: with bounds");
        let holding = twins(anomaly).into_iter().any(|(of, twin)| {
            let violated =
                of.expect.iter().filter(|(_, e)| anomaly.kinds.iter().any(|k| e.kinds.contains_key(k)));
            violated
                .into_iter()
                .all(|(model, _)| twin.expect.get(model).is_some_and(|e| e.verdict == "holds"))
        });
        assert!(holding, "{name}: no twin holds");
        assert!(twins(anomaly).into_iter().any(|(of, _)| of.has_points_alone()), "{name}: no twin of points");
    }
}
