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
mod truth;
mod write_order;

#[path = "../../tests/promises/notation.rs"]
mod notation;

/// The log that `text` spells, in one file `log.arrow` with a value column: see `notation`.
fn log(text: &str) -> Input<'_> {
    let mut rows: Vec<Row<'_>> = notation::lines(text).flat_map(|line| transaction(&line)).collect();
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

fn transaction<'a>(line: &notation::Line<'a>) -> Vec<Row<'a>> {
    let bound = |(earliest, latest)| BoundedTimestamp::new(earliest, latest).unwrap();
    let times = Times {
        start: line.start.map(bound),
        commit: line.commit.map(bound),
        start_ts: line.start_ts,
        commit_ts: line.commit_ts,
        assumed: line.assumed,
    };
    let status = match (line.aborted, line.unknown) {
        (true, _) => Status::Aborted,
        (_, true) => Status::Unknown,
        _ => Status::Committed,
    };
    let row = |operation: &notation::Operation<'a>| Row {
        row: 0,
        key: datum(operation.key),
        op: if operation.read { Op::Read } else { Op::Write },
        value: operation.value.map(datum),
        txn: line.id.map(datum),
        region: line.region,
        session: line.session.map(datum),
        status,
        times,
    };
    line.operations.iter().map(row).collect()
}

fn bound(text: &str) -> BoundedTimestamp {
    let (earliest, latest) = notation::bound(text);
    BoundedTimestamp::new(earliest, latest).unwrap()
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
