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
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.flat_map(transaction).for_each(|record| log.push(record).unwrap());
    let batch = log.finish().unwrap();
    Log::from_batches(vec![("log.arrow".to_owned(), vec![batch])], &OpenOptions::default()).unwrap()
}

fn transaction(line: &str) -> Vec<Record> {
    let (head, operations) = line.split_once(" : ").expect("a line has operations");
    let mut words = head.split_whitespace();
    let (id, place) = (words.next().expect("an id"), words.next().expect("a region"));
    let (region, session) = place.split_once('@').map_or((place, None), |(r, s)| (r, Some(Value::from(s))));
    let mut record = Record {
        txn: (id != "-").then(|| id.into()),
        region: Some(region.to_owned()),
        session,
        ..Record::default()
    };
    for word in words {
        match word {
            "aborted" => record.status = Status::Aborted,
            "unknown" => record.status = Status::Unknown,
            _ => times(&mut record, word),
        }
    }
    operations.split(',').map(|operation| with_operation(&record, operation)).collect()
}

fn with_operation(record: &Record, operation: &str) -> Record {
    let words: Vec<&str> = operation.split_whitespace().collect();
    let (op, value) = match words[..] {
        ["r", _, value] => (Op::Read, Some(value).filter(|v| *v != "nil")),
        ["w", _, value] => (Op::Write, Some(value)),
        ["d", _] => (Op::Write, None),
        _ => panic!("`{operation}` is no operation"),
    };
    Record { key: words[1].into(), op, value: value.map(Value::from), ..record.clone() }
}

fn times(record: &mut Record, word: &str) {
    let assigned = word.strip_prefix("ts=");
    let (start, commit) = assigned.unwrap_or(word).split_once("..").expect("start..commit");
    let given = |text: &'_ str| (!text.is_empty()).then(|| text.to_owned());
    if assigned.is_some() {
        record.start_ts = given(start).map(|t| tick(&t));
        record.commit_ts = given(commit).map(|t| tick(&t));
    } else {
        record.start = given(start).map(|t| bound(&t));
        record.commit = given(commit).map(|t| bound(&t));
    }
}

fn bound(text: &str) -> BoundedTimestamp {
    match text.trim_matches(['[', ']']).split_once(',') {
        Some((earliest, latest)) => BoundedTimestamp::new(tick(earliest), tick(latest)).unwrap(),
        None => BoundedTimestamp::point(tick(text)),
    }
}

fn tick(text: &str) -> i64 {
    match text {
        "min" => i64::MIN,
        "max" => i64::MAX,
        _ => text.parse().unwrap(),
    }
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
