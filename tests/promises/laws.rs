//! Laws that verdicts keep without knowing what is right.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;
use skewer::log::build::{Record, Value};
use skewer::report::{Certainty, Finding, Kind, ModelReport, json};
use skewer::txn::Times;
use skewer::{BoundedTimestamp, Report};

use crate::columns::{Form, Look, Plain};
use crate::logs::{Asked, File, How, Sample, said};
use crate::strategies::{identified, samples};

const ALL: Asked = Asked { visibility_lag: 3, findings: None };

fn report(sample: &Sample, asked: Asked) -> Report {
    How::paths()[0].verify(&sample.open(), asked)
}

/// The JSON of a report without names of files and, where a model was not checked, without the
/// row that is named as the reason.
fn nameless(mut report: Report) -> String {
    report.log.files.clear();
    for reason in report.models.values_mut().filter_map(|model| model.reason.as_mut()) {
        let end = reason.find("; the first is row").unwrap_or(reason.len());
        reason.truncate(end);
    }
    json::render(&report)
}

fn reports(sample: &Sample) -> Vec<ModelReport> {
    said(&sample.open(), ALL, How::paths()[0])
}

/// The records in another order: `keys` say which. Rows of one transaction keep theirs, since it
/// tells which write of a key is its last.
fn permuted(records: &[Record], keys: &[u32]) -> Vec<Record> {
    let key = |at: usize| keys.get(at % keys.len().max(1)).map_or(0, |k| k.rotate_left(at as u32 % 31));
    let mut order: Vec<usize> = (0..records.len()).collect();
    order.sort_by_key(|&at| key(at));
    let mut left: BTreeMap<_, VecDeque<&Record>> = BTreeMap::new();
    for record in records {
        left.entry(record.txn.as_ref().map(Value::as_datum)).or_default().push_back(record);
    }
    let mut next = |at: usize| {
        let of_txn = left.get_mut(&records[at].txn.as_ref().map(Value::as_datum));
        of_txn.and_then(VecDeque::pop_front).unwrap().clone()
    };
    order.into_iter().map(&mut next).collect()
}

/// All rows in one file of plain columns, every region and value written out.
fn in_one_file(sample: &Sample) -> Vec<Record> {
    let several = sample.files.len() > 1;
    let mut records = Vec::new();
    for file in &sample.files {
        let default = if several { file.name.trim_end_matches(".arrow") } else { "-" };
        records.extend(file.records.iter().cloned().map(|mut record| {
            record.region.get_or_insert_with(|| default.to_owned());
            record
        }));
    }
    records
}

/// Names by rank, so that a renaming keeps the order of all names, as text and as they compare.
fn ranked<'a>(values: impl Iterator<Item = Option<&'a Value>>) -> BTreeMap<skewer::txn::Datum<'a>, i64> {
    let mut ranks: BTreeMap<_, i64> = values.flatten().map(|v| (v.as_datum(), 0)).collect();
    ranks.values_mut().zip(10_000..).for_each(|(rank, n)| *rank = n);
    ranks
}

/// The records with keys and ids named anew, and regions too.
fn renamed(
    records: &[Record],
    name: impl Fn(i64) -> Value,
    region: impl Fn(&str) -> String,
    look: Look,
) -> Sample {
    let keys = ranked(records.iter().map(|r| Some(&r.key)));
    let txns = ranked(records.iter().map(|r| r.txn.as_ref()));
    let values = ranked(records.iter().map(|r| r.value.as_ref()));
    let rename = |record: &Record| Record {
        key: name(keys[&record.key.as_datum()]),
        txn: record.txn.as_ref().map(|t| name(txns[&t.as_datum()])),
        value: record.value.as_ref().map(|v| name(values[&v.as_datum()])),
        session: None,
        region: record.region.as_deref().map(&region),
        ..record.clone()
    };
    let records = records.iter().map(rename).collect();
    let file = File { name: "log.arrow".to_owned(), records, look };
    Sample { files: vec![file], clock_error: None }
}

/// Every bound and point of the records, changed.
fn retimed(
    sample: &Sample,
    mut bound: impl FnMut(BoundedTimestamp) -> BoundedTimestamp,
    point: impl Fn(i64) -> i64,
) -> Sample {
    let mut sample = sample.clone();
    for file in &mut sample.files {
        // Rows of a transaction agree: each is changed once.
        let mut known: BTreeMap<_, Times> = BTreeMap::new();
        let ids: Vec<Option<Value>> = file.records.iter().map(|r| r.txn.clone()).collect();
        for (record, id) in file.records.iter_mut().zip(&ids) {
            let times = known.entry(id.as_ref().map(Value::as_datum)).or_insert_with(|| Times {
                start: record.start.map(&mut bound),
                commit: record.commit.map(&mut bound),
                start_ts: record.start_ts.map(&point),
                commit_ts: record.commit_ts.map(&point),
                assumed: false,
            });
            (record.start, record.commit) = (times.start, times.commit);
            (record.start_ts, record.commit_ts) = (times.start_ts, times.commit_ts);
        }
    }
    sample
}

/// What makes a conflict the same in two logs that differ in times.
type Name = (Option<String>, Vec<String>);

fn name(finding: &Finding) -> Name {
    (finding.key.clone(), finding.parties.iter().map(|p| p.txn.clone()).collect())
}

/// The names of the findings of conflicts, the definite ones or all.
fn conflicts(sample: &Sample, definite_only: bool) -> BTreeSet<Name> {
    let reports = reports(sample);
    let wanted = |f: &&Finding| !definite_only || f.certainty == Certainty::Definite;
    reports[1].findings.iter().filter(wanted).map(name).collect()
}

/// The keys of lost writes, which are all that is definite of write-order.
fn lost(sample: &Sample) -> Vec<Option<String>> {
    let reports = reports(sample);
    let lost = reports[0].findings.iter().filter(|f| f.kind == Kind::LostWrite);
    lost.map(|f| f.key.clone()).collect()
}

/// Whether stamps do not move when bounds do.
fn stamps_are_assigned(sample: &Sample) -> bool {
    sample.files.iter().flat_map(|f| &f.records).all(|r| r.commit_ts.is_some())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Promise: the report is the same bytes for any number of threads, any instruction set and
    /// any path.
    #[test]
    fn one_output(sample in samples(), findings in 0..12_usize) {
        let log = sample.open();
        let asked = Asked { visibility_lag: 2, findings: Some(findings) };
        let expected = json::render(&How::paths()[0].verify(&log, asked));
        for how in How::all() {
            prop_assert_eq!(&json::render(&how.verify(&log, asked)), &expected, "{:?}", how);
        }
    }

    /// Promise: the order of rows changes nothing but row numbers, where transactions have ids.
    #[test]
    fn permuting_rows(sample in identified(), keys in prop::collection::vec(any::<u32>(), 1..50)) {
        let mut permutation = sample.clone();
        for file in &mut permutation.files {
            file.records = permuted(&file.records, &keys);
        }
        prop_assert_eq!(nameless(report(&permutation, ALL)), nameless(report(&sample, ALL)));
    }

    /// Promise: nor does splitting a log into files, whatever their names.
    #[test]
    fn splitting_into_files(sample in identified(), files in 2..4_usize, salt in any::<u64>()) {
        let records = in_one_file(&sample);
        let whole = renamed(&records, Value::Integer, str::to_owned, Look { lean: false, ..Look::default() });
        let mut parts = Sample::in_files(vec![Vec::new(); files]);
        for record in &whole.files[0].records {
            let Some(Value::Integer(id)) = record.txn else { unreachable!("every row has an id") };
            let part = (id as u64).wrapping_mul(salt | 1) >> 7;
            parts.files[part as usize % files].records.push(record.clone());
        }
        parts.files.iter_mut().for_each(|f| f.look.lean = false);
        prop_assert_eq!(nameless(report(&parts, ALL)), nameless(report(&whole, ALL)));
    }

    /// Promise: other names in the same order change names only.
    #[test]
    fn renaming(sample in identified()) {
        let records = in_one_file(&sample);
        let text = Look { key: Form::plain(Plain::Utf8View), txn: Form::plain(Plain::Utf8), value: Form::plain(Plain::Binary), ..Look::default() };
        let numbers = renamed(&records, Value::Integer, |r| format!("r-{r}"), Look::default());
        let words = renamed(&records, |n| Value::Text(format!("n{n}")), str::to_owned, text);
        let mut expected = reports(&words);
        for finding in expected.iter_mut().flat_map(|r| &mut r.findings) {
            finding.key = finding.key.as_ref().map(|key| key[1..].to_owned());
            for party in &mut finding.parties {
                party.txn.remove(0);
                party.region.insert_str(0, "r-");
            }
        }
        // Reasons name no transaction and no key.
        prop_assert_eq!(reports(&numbers), expected);
    }

    /// Promise: moving all times by one length moves times only.
    #[test]
    fn shifting(sample in identified(), by in -5_000..5_000_i64) {
        let far = |t: i64| t.unsigned_abs() > 1 << 60;
        let ends = |r: &Record| [r.start, r.commit].into_iter().flatten().any(|b| far(b.earliest()) || far(b.latest()));
        let points = |r: &Record| [r.start_ts, r.commit_ts].into_iter().flatten().any(far);
        prop_assume!(!sample.files.iter().flat_map(|f| &f.records).any(|r| ends(r) || points(r)));
        let moved = |by: i64| move |b: BoundedTimestamp| BoundedTimestamp::new(b.earliest() + by, b.latest() + by).unwrap();
        let mut back = reports(&retimed(&sample, moved(by), |t| t + by));
        for party in back.iter_mut().flat_map(|r| &mut r.findings).flat_map(|f| &mut f.parties) {
            party.times.start = party.times.start.map(moved(-by));
            party.times.commit = party.times.commit.map(moved(-by));
            party.times.start_ts = party.times.start_ts.map(|t| t - by);
            party.times.commit_ts = party.times.commit_ts.map(|t| t - by);
        }
        prop_assert_eq!(back, reports(&sample));
    }

    /// Promise: wider bounds never prove what narrower ones did not.
    #[test]
    fn widening(sample in identified(), by in prop::collection::vec((0..20_u64, 0..20_u64), 1..20)) {
        let mut by = by.iter().cycle();
        let wider = |b: BoundedTimestamp| {
            let (before, after) = by.next().copied().unwrap_or_default();
            BoundedTimestamp::new(b.earliest().saturating_sub_unsigned(before), b.latest().saturating_add_unsigned(after)).unwrap()
        };
        let wide = retimed(&sample, wider, |t| t);
        let before = conflicts(&sample, true);
        for finding in conflicts(&wide, true) {
            prop_assert!(before.contains(&finding), "{finding:?} is definite only with wider bounds");
        }
        if stamps_are_assigned(&sample) {
            let before = lost(&sample);
            prop_assert!(lost(&wide).iter().all(|key| before.contains(key)));
        }
    }

    /// Promise: what is definite holds in every realisation of the bounds, and what is no finding
    /// in none.
    #[test]
    fn realisations(sample in identified(), at in prop::collection::vec(0..=4_u8, 1..20)) {
        let mut at = at.iter().cycle();
        let point = |b: BoundedTimestamp| {
            let quarter = i128::from(b.width()) * i128::from(at.next().copied().unwrap_or(0)) / 4;
            BoundedTimestamp::point((i128::from(b.earliest()) + quarter) as i64)
        };
        // Bounds made by a clock error are no part of the records.
        let sample = Sample { clock_error: None, ..sample };
        let real = retimed(&sample, point, |t| t);
        let (definite, any) = (conflicts(&real, true), conflicts(&sample, false));
        for finding in conflicts(&sample, true) {
            prop_assert!(definite.contains(&finding), "{finding:?} is definite, but not in this realisation");
        }
        for finding in conflicts(&real, false) {
            prop_assert!(any.contains(&finding), "{finding:?} is in a realisation only");
        }
        if stamps_are_assigned(&sample) {
            let lost_in_reality = lost(&real);
            prop_assert!(lost(&sample).iter().all(|key| lost_in_reality.contains(key)));
        }
    }
}

/// Any bound, mostly with ends that touch others' or stand at the ends of the range.
fn bounds() -> impl Strategy<Value = BoundedTimestamp> {
    let tick = prop_oneof![6 => -4..4_i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX), 1 => any::<i64>()];
    (tick.clone(), tick).prop_map(|(a, b)| BoundedTimestamp::new(a.min(b), a.max(b)).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Promise: bounded timestamps are an interval order: irreflexive, transitive, and without two
    /// chains of two that have nothing to do with each other.
    #[test]
    fn interval_order(a in bounds(), b in bounds(), c in bounds(), d in bounds()) {
        prop_assert!(!a.precedes(a));
        prop_assert!(!(a.precedes(b) && b.precedes(a)));
        prop_assert_eq!(a.concurrent(b), !a.precedes(b) && !b.precedes(a));
        prop_assert!(!(a.precedes(b) && b.precedes(c)) || a.precedes(c));
        prop_assert!(!(a.precedes(b) && c.precedes(d)) || a.precedes(d) || c.precedes(b));
    }
}
