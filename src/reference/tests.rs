//! Logs written by hand from the specification, with the findings that follow from it.

use super::{Input, judge};
use crate::report::{Finding, Model, ModelReport, Verdict};
use crate::time::BoundedTimestamp;
use crate::txn::{Columns, Datum, Op, Places, Row, Status, Times};

mod clocks;
mod history;
mod linearizable;
mod reads;
mod serializable;
mod snapshot_isolation;
mod write_order;

/// The log that `text` spells, in one file `log.arrow` with a value column.
///
/// Each line is a transaction, or a part of one whose id comes again: `id region times :
/// operations`, for instance `t1 eu@s1 [0,5]..[10,12] ts=3..11 unknown : w x 1, r y nil, d z`.
/// A session follows `@`; either end of the bounds and of the assigned timestamps may be
/// missing; a bound may be a point; `min` and `max` are the ends of the range; the id `-` is
/// none; `assumed` says that bounds were made of the timestamps.
fn log(text: &str) -> Input<'_> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let mut rows: Vec<Row<'_>> = lines.flat_map(transaction).collect();
    for (place, row) in rows.iter_mut().enumerate() {
        row.row = place as u64;
    }
    let columns = Columns {
        value: true,
        session: rows.iter().any(|r| r.session.is_some()),
        reads: rows.iter().any(|r| r.op == Op::Read),
    };
    let places = Places { files: vec![("log.arrow".to_owned(), rows.len() as u64)] };
    Input { rows, columns, places, visibility_lag: 0 }
}

fn transaction(line: &str) -> Vec<Row<'_>> {
    let (head, operations) = line.split_once(" : ").expect("a line has operations");
    let mut words = head.split_whitespace();
    let (id, place) = (words.next().expect("an id"), words.next().expect("a region"));
    let (region, session) = place.split_once('@').map_or((place, None), |(r, s)| (r, Some(datum(s))));
    let mut row = Row {
        row: 0,
        key: datum(""),
        op: Op::Read,
        value: None,
        txn: (id != "-").then(|| datum(id)),
        region,
        session,
        status: Status::Committed,
        times: Times::default(),
    };
    for word in words {
        match word {
            "aborted" => row.status = Status::Aborted,
            "unknown" => row.status = Status::Unknown,
            "assumed" => row.times.assumed = true,
            _ => times(&mut row.times, word),
        }
    }
    operations.split(',').map(|operation| with_operation(row, operation)).collect()
}

fn with_operation<'a>(row: Row<'a>, operation: &'a str) -> Row<'a> {
    let words: Vec<&str> = operation.split_whitespace().collect();
    let op = if words[0] == "r" { Op::Read } else { Op::Write };
    let value = words.get(2).filter(|v| **v != "nil").map(|v| datum(v));
    Row { key: datum(words[1]), op, value, ..row }
}

fn times(times: &mut Times, word: &str) {
    let assigned = word.strip_prefix("ts=");
    let (start, commit) = assigned.unwrap_or(word).split_once("..").expect("start..commit");
    if assigned.is_some() {
        times.start_ts = (!start.is_empty()).then(|| tick(start));
        times.commit_ts = (!commit.is_empty()).then(|| tick(commit));
    } else {
        times.start = (!start.is_empty()).then(|| bound(start));
        times.commit = (!commit.is_empty()).then(|| bound(commit));
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

fn datum(text: &str) -> Datum<'_> {
    Datum::Bytes(text.as_bytes())
}

/// A finding as `certainty kind key: transactions`, or without the key.
fn line(finding: &Finding) -> String {
    let txns: Vec<&str> = finding.parties.iter().map(|p| p.txn.as_str()).collect();
    let key = finding.key.as_ref().map(|k| format!(" {k}")).unwrap_or_default();
    format!("{} {}{key}: {}", finding.certainty.name(), finding.kind.name(), txns.join(" "))
}

fn judged(model: Model, text: &str) -> ModelReport {
    judge(model, &log(text))
}

/// Asserts that the model was judged and found exactly `expected`, as [`line`]s in sorted order.
#[track_caller]
fn finds(model: Model, text: &str, expected: &[&str]) {
    let report = judged(model, text);
    assert_eq!(report.reason, None, "{text}");
    let found: Vec<String> = report.findings.iter().map(line).collect();
    assert_eq!(found, expected, "{text}");
    let verdict = match expected.iter().map(|line| line.starts_with("definite")).max() {
        None => Verdict::Holds,
        Some(false) => Verdict::Undecided,
        Some(true) => Verdict::Violated,
    };
    assert_eq!(report.verdict, verdict, "{text}");
    let counted: u64 = report.kinds.values().map(|c| c.definite + c.possible).sum();
    assert_eq!(counted, expected.len() as u64, "{text}");
}

/// Asserts that the model was not checked, and why.
#[track_caller]
fn lacks(model: Model, input: &Input<'_>, reason: &str) {
    let report = judge(model, input);
    assert_eq!(report.reason.as_deref(), Some(reason));
    assert_eq!(report, ModelReport::not_checked(reason));
}

#[track_caller]
fn fact(model: Model, text: &str, name: &str, expected: u64) {
    assert_eq!(judged(model, text).facts.get(name), Some(&expected), "{name}: {text}");
}
