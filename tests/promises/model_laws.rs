//! Laws of the models of transactions: what must not change, and what may only become less certain.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use skewer::log::build::{LogBuilder, Record, Value};
use skewer::report::{Certainty, Finding, Kind, ModelReport};
use skewer::time::Unit;
use skewer::txn::{Op, Status};
use skewer::{BoundedTimestamp, Log, Model, OpenOptions, VerifyOptions, verify};

use crate::readings::{MODELS, Readings, comparable, readings};

fn said(log: &Log) -> BTreeMap<Model, ModelReport> {
    let options = VerifyOptions { models: Some(MODELS.to_vec()), ..VerifyOptions::default() };
    let report = verify(log, &options).unwrap();
    report.models.into_iter().map(|(model, judged)| (model, comparable(judged))).collect()
}

/// What makes a finding the one that it is, whoever is named as a witness.
fn identity(finding: &Finding) -> (&'static str, &'static str, Option<String>, Vec<u64>) {
    let rows: Vec<u64> = finding.parties.iter().map(|p| p.row).collect();
    let rows = match finding.kind {
        Kind::StaleRead | Kind::FutureRead => rows[..1].to_vec(),
        Kind::TimestampInversion => rows[1..].to_vec(),
        Kind::NotLinearizable => Vec::new(),
        _ => rows,
    };
    (finding.model.name(), finding.kind.name(), finding.key.clone(), rows)
}

fn definite(log: &Readings) -> BTreeSet<(&'static str, &'static str, Option<String>, Vec<u64>)> {
    let reports = said(&log.open());
    let findings = reports.values().flat_map(|judged| &judged.findings);
    findings.filter(|f| f.certainty == Certainty::Definite).map(identity).collect()
}

/// The same log, with every bound changed; `change` is given the transaction's number, and how
/// the bound stands in it: 0 for the start, 1 for the commit.
fn with_bounds(
    log: &Readings,
    change: impl Fn(usize, usize, BoundedTimestamp) -> BoundedTimestamp,
) -> Readings {
    let mut changed = log.clone();
    let mut numbers: Vec<Option<Value>> = Vec::new();
    for record in changed.files.iter_mut().flatten() {
        let known = numbers.iter().position(|id| record.txn.is_some() && *id == record.txn);
        let number = known.unwrap_or(numbers.len());
        if known.is_none() {
            numbers.push(record.txn.clone());
        }
        record.start = record.start.map(|b| change(number, 0, b));
        record.commit = record.commit.map(|b| change(number, 1, b));
    }
    changed
}

/// Logs in which every transaction may have started before it committed, all bounds recorded.
fn realisable() -> impl Strategy<Value = Readings> {
    readings().prop_map(|mut log| {
        log.clock_error = None;
        for record in log.files.iter_mut().flatten() {
            if let (Some(start), Some(commit)) = (record.start, record.commit)
                && commit.latest() < start.earliest()
            {
                (record.start, record.commit) = (Some(commit), Some(start));
            }
        }
        log
    })
}

/// The reports of all models, with all findings.
fn findings(log: &Readings) -> BTreeMap<Model, ModelReport> {
    verify(&log.open(), &VerifyOptions::default()).unwrap().models
}

/// For each key the same log, in which every operation on another key has a key of its own.
fn by_key(log: &Readings) -> Vec<(String, Readings)> {
    let records = || log.files.iter().flatten();
    let keys: BTreeSet<String> = records().map(|r| r.key.as_datum().to_string()).collect();
    let apart = |key: String| {
        let mut alone = log.clone();
        let others = alone.files.iter_mut().flatten().enumerate();
        for (row, other) in others.filter(|(_, r)| r.key.as_datum().to_string() != key) {
            other.key = match other.key {
                Value::Text(_) => Value::Text(format!("apart {row}")),
                _ => Value::Integer(1_000_000 + row as i64),
            };
        }
        (key, alone)
    };
    keys.into_iter().map(apart).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Promise: widening bounds never makes a definite finding of what was none.
    #[test]
    fn widening_proves_nothing(log in realisable(), by in prop::collection::vec(0..4_u64, 1..20)) {
        let wide = with_bounds(&log, |txn, end, b| b.widened(by[(txn * 2 + end) % by.len()]));
        let (before, after) = (definite(&log), definite(&wide));
        let new: Vec<_> = after.difference(&before).collect();
        prop_assert!(new.is_empty(), "{new:?}");
    }

    /// Promise: a definite finding is one in every realisation.
    #[test]
    fn realisations_keep_what_is_proved(log in realisable(), at in prop::collection::vec(0..8_i64, 1..20)) {
        let pick = |b: BoundedTimestamp, n: usize| (b.earliest() + at[n % at.len()]).min(b.latest());
        let mut exact = log.clone();
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        for (row, record) in exact.files.iter_mut().flatten().enumerate() {
            let name = record.txn.as_ref().map_or(format!("row {row}"), |id| format!("{id:?}"));
            let count = numbers.len();
            let number = *numbers.entry(name).or_insert(count);
            let (start, commit) = (record.start, record.commit);
            // Ends of one transaction in order: a start no later than its commit can be.
            let s = start.map(|s| pick(s, number * 2).min(commit.map_or(i64::MAX, BoundedTimestamp::latest)));
            let c = commit.map(|c| pick(c, number * 2 + 1).max(s.unwrap_or(i64::MIN)));
            (record.start, record.commit) = (s.map(BoundedTimestamp::point), c.map(BoundedTimestamp::point));
        }
        let (proved, found) = (definite(&log), definite(&exact));
        let lost: Vec<_> = proved.difference(&found).collect();
        prop_assert!(lost.is_empty(), "{lost:?}");
    }

    /// Promise: moving all times changes no finding.
    #[test]
    fn shifting_changes_nothing(log in readings(), by in prop_oneof![Just(1_i64), Just(-1_000), Just(1 << 40)]) {
        let mut shifted = log.clone();
        let shift = |b: BoundedTimestamp| BoundedTimestamp::new(b.earliest() + by, b.latest() + by).unwrap();
        for record in shifted.files.iter_mut().flatten() {
            (record.start, record.commit) = (record.start.map(shift), record.commit.map(shift));
            record.start_ts = record.start_ts.map(|t| t + by);
            record.commit_ts = record.commit_ts.map(|t| t + by);
        }
        let (before, after) = (said(&log.open()), said(&shifted.open()));
        for (model, judged) in before {
            let other = &after[&model];
            prop_assert_eq!((&judged.reason, &judged.facts, &judged.kinds), (&other.reason, &other.facts, &other.kinds));
            let rows = |findings: &[Finding]| findings.iter()
                .map(|f| (f.kind.name(), f.certainty, f.parties.iter().map(|p| p.row).collect::<Vec<_>>()))
                .collect::<Vec<_>>();
            prop_assert_eq!(rows(&judged.findings), rows(&other.findings), "{}", model.name());
        }
    }

    /// Promise: other names of keys, values, transactions, sessions and regions change names only.
    #[test]
    fn renaming_changes_names_only(log in readings()) {
        let mut renamed = log.clone();
        let name = |value: &Value| Value::Text(format!("{value:?} renamed").chars().rev().collect());
        for record in renamed.files.iter_mut().flatten() {
            record.key = name(&record.key);
            record.value = record.value.as_ref().map(name);
            record.txn = record.txn.as_ref().map(name);
            record.session = record.session.as_ref().map(name);
            record.region = record.region.as_ref().map(|region| region.chars().rev().collect());
        }
        let (before, after) = (said(&log.open()), said(&renamed.open()));
        for (model, judged) in before {
            let other = &after[&model];
            prop_assert_eq!((&judged.reason, &judged.kinds), (&other.reason, &other.kinds));
            let amounts = |report: &ModelReport| {
                let mut amounts: Vec<u64> = report.facts.values().copied().collect();
                amounts.sort_unstable();
                amounts
            };
            prop_assert_eq!(amounts(&judged), amounts(other), "{}", model.name());
        }
    }

    /// Promise: what happens to other keys changes no finding of a key, but by whether its transactions
    /// wrote anything; and a log has no findings but those of its keys and of its transactions.
    #[test]
    fn keys_are_judged_apart(mut log in readings()) {
        for record in log.files.iter_mut().flatten().filter(|r| r.status == Status::Unknown) {
            // Whether it counts depends on what was read of all its keys.
            record.status = Status::Committed;
        }
        let whole = findings(&log);
        let mut parts: BTreeMap<Model, (Vec<Finding>, u64)> = BTreeMap::new();
        for (key, alone) in by_key(&log) {
            for (model, report) in findings(&alone) {
                let (all, ambiguous) = parts.entry(model).or_default();
                *ambiguous += report.facts.get("ambiguous_reads").copied().unwrap_or_default();
                all.extend(report.findings.into_iter().filter(|f| f.key.as_ref().is_none_or(|k| *k == key)));
            }
        }
        for (model, report) in whole.into_iter().filter(|(_, report)| report.reason.is_none()) {
            let (mut all, ambiguous) = parts.remove(&model).unwrap_or_default();
            all.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
            // Findings about no key are told with each.
            all.dedup_by(|a, b| a == b && a.key.is_none());
            prop_assert_eq!(&report.findings, &all, "{}", model.name());
            prop_assert_eq!(report.facts.get("ambiguous_reads").copied().unwrap_or_default(), ambiguous);
        }
    }

    /// Promise: a log cut into files between transactions is the same log.
    #[test]
    fn splitting_changes_nothing(log in readings(), at in any::<prop::sample::Index>()) {
        let records: Vec<&Record> = log.files.iter().flatten().collect();
        let whole = |cut: &usize| {
            let (left, right) = records.split_at(*cut);
            left.iter().all(|l| l.txn.is_none() || right.iter().all(|r| r.txn != l.txn))
        };
        let cuts: Vec<usize> = (1..records.len()).filter(whole).collect();
        prop_assume!(!cuts.is_empty());
        let cut = cuts[at.index(cuts.len())];
        let mut builder = LogBuilder::new(Unit::None);
        records.iter().for_each(|r| builder.push((*r).clone()).unwrap());
        let batch = builder.finish().unwrap();
        let open = |cuts: &[(usize, usize)]| {
            let file = |(at, len): &(usize, usize)| (format!("{at:05}.arrow"), vec![batch.slice(*at, *len)]);
            said(&Log::from_batches(cuts.iter().map(file).collect(), &OpenOptions::default()).unwrap())
        };
        let rows = batch.num_rows();
        let (before, after) = (open(&[(0, rows)]), open(&[(0, cut), (cut, rows - cut)]));
        for (model, judged) in before {
            let other = &after[&model];
            prop_assert_eq!((&judged.facts, &judged.kinds, judged.verdict), (&other.facts, &other.kinds, other.verdict));
            let rows = |findings: &[Finding]| findings.iter()
                .map(|f| f.parties.iter().map(|p| p.row).collect::<BTreeSet<_>>())
                .collect::<BTreeSet<_>>();
            prop_assert_eq!(rows(&judged.findings), rows(&other.findings), "{}", model.name());
        }
    }
}

/// Promise: the law of realisations is no empty word: points prove what bounds leave open.
#[test]
fn points_prove_more() {
    let write = |txn: i64, at: (i64, i64)| Record {
        key: 1.into(),
        value: Some(txn.into()),
        txn: Some(txn.into()),
        start: Some(BoundedTimestamp::point(0)),
        commit: BoundedTimestamp::new(at.0, at.1),
        ..Record::default()
    };
    let read = |at: (i64, i64)| Record {
        op: Op::Read,
        start: BoundedTimestamp::new(at.0, at.1),
        value: Some(1.into()),
        ..write(3, at)
    };
    let wide = Readings::of(vec![write(1, (1, 2)), write(2, (5, 9)), read((8, 12))]);
    let points = Readings::of(vec![write(1, (1, 1)), write(2, (6, 6)), read((11, 11))]);
    let stale = |log: &Readings| definite(log).iter().any(|(_, kind, ..)| *kind == "stale-read");
    assert!(!stale(&wide) && stale(&points));
}
