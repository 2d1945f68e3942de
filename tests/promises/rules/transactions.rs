//! The rows of a transaction agree, and stand in one file.

use std::sync::Arc;

use arrow::array::{ArrayRef, NullArray, RecordBatch};

use super::{Columns, Sheet, inspected, ints, set, verdict, words};
use crate::verdicts::Logs;

/// Three rows, of which the first and the last are one transaction, by everything but `column`.
fn agreeing() -> Columns {
    vec![
        ("key", ints(&[1, 2, 3])),
        ("txn", words(&["t", "u", "t"])),
        ("region", words(&["eu", "us", "eu"])),
        ("session", words(&["s", "s", "s"])),
        ("status", words(&["committed", "aborted", "committed"])),
        ("start_earliest", ints(&[1, 2, 1])),
        ("start_latest", ints(&[3, 4, 3])),
        ("commit_earliest", ints(&[5, 6, 5])),
        ("commit_latest", ints(&[7, 8, 7])),
        ("start_ts", ints(&[2, 3, 2])),
        ("commit_ts", ints(&[6, 7, 6])),
    ]
}

/// Promise: rows that disagree are refused with both rows, both values and the transaction.
#[test]
fn disagreement() {
    let logs = Logs::new();
    assert_eq!(inspected(&[&logs.sheet("a.arrow", agreeing())])["transactions"], 2);
    let some = |value| ints(&[value, Some(4), None]);
    let cases: Vec<(&'static str, ArrayRef, &str, &str)> = vec![
        ("region", words(&["eu", "us", "us"]), "us", "eu"),
        ("region", words(&[Some("eu"), Some("us"), None]), "-", "eu"),
        ("session", words(&["s", "s", "r"]), "r", "s"),
        ("session", words(&[None, Some("s"), Some("s")]), "s", "null"),
        ("session", ints(&[4, 5, 6]), "6", "4"),
        ("status", words(&["committed", "aborted", "unknown"]), "unknown", "committed"),
        ("start_earliest", ints(&[1, 2, 2]), "2", "1"),
        ("start_latest", ints(&[3, 4, 4]), "4", "3"),
        ("commit_earliest", ints(&[5, 6, 4]), "4", "5"),
        ("commit_latest", ints(&[7, 8, 9]), "9", "7"),
        ("start_ts", some(Some(2)), "null", "2"),
        ("commit_ts", ints(&[None, Some(7), Some(6)]), "6", "null"),
    ];
    for (column, array, is, was) in cases {
        let line = format!(
            "row 2: column {column}: is {is}, but {was} in row 0; the rows of a transaction agree, and both \
             are of transaction t"
        );
        logs.refused(set(agreeing(), column, array), &line);
    }
}

/// Promise: a bound that is there in one row and null in another is a disagreement, even where a
/// clock error would make the same bound.
#[test]
fn disagreement_of_made_bounds() {
    let logs = Logs::new();
    let columns = set(agreeing(), "commit_earliest", ints(&[Some(5), Some(6), None]));
    let columns = set(columns, "commit_latest", ints(&[Some(7), Some(8), None]));
    let line = "row 2: column commit_earliest: is null, but 5 in row 0; the rows of a transaction agree, and \
                both are of transaction t";
    logs.refused(Sheet::from(columns).with("skewer.clock_error", "1"), line);
}

/// Promise: of many rows that disagree the first is told, for any number of threads.
#[test]
fn first_disagreement() {
    let logs = Logs::new();
    let rows = 300_000;
    let odd = |row: i64| row == 299_000 || row == 140_000;
    let numbers = |of: &dyn Fn(i64) -> i64| ints(&(0..rows).map(of).collect::<Vec<_>>());
    let columns: Columns = vec![
        ("key", numbers(&|row| row)),
        ("txn", numbers(&|row| row / 3)),
        ("commit_ts", numbers(&|row| row / 3 + i64::from(odd(row)))),
    ];
    let log = logs.sheet("a.arrow", columns);
    let line = format!(
        "skewer: error: {log}: row 140000: column commit_ts: is 46667, but 46666 in row 139998; the rows of a \
         transaction agree, and both are of transaction 46666\n"
    );
    for threads in ["1", "2", "7"] {
        assert_eq!(crate::cli::skewer(&["verify", &log, "--threads", threads]).err, line);
    }
}

/// Promise: the rows of a transaction stand in one file; where they do not, both files are named.
#[test]
fn two_files() {
    let logs = Logs::new();
    logs.sheet("a.arrow", agreeing());
    logs.sheet("b.arrow", set(agreeing(), "txn", words(&["v", "u", "v"])));
    let line = "DIR/b.arrow: row 1: column txn: transaction u began in row 1 of DIR/a.arrow; the rows of a \
                transaction stand in one file";
    logs.refuses(&["a.arrow", "b.arrow"], line);
    logs.refuses(&["b.arrow", "a.arrow"], line);
    // An integer is no text, and null is nobody's id.
    for ids in [ints(&[1, 2, 1]), Arc::new(NullArray::new(3)) as ArrayRef] {
        logs.sheet("b.arrow", set(agreeing(), "txn", ids));
        assert_eq!(verdict(&[&logs.text("a.arrow"), &logs.text("b.arrow")])["log"]["rows"], 6);
    }
}

/// Promise: rows of a transaction may stand in several batches, apart, and agree there too.
#[test]
fn several_batches() {
    let logs = Logs::new();
    let sheet = Sheet::from(agreeing());
    std::fs::write(logs.path("a.arrow"), sheet.bytes(2)).unwrap();
    assert_eq!(inspected(&[&logs.text("a.arrow")])["transactions"], 2);
    let other: RecordBatch = Sheet::from(set(agreeing(), "commit_ts", ints(&[6, 7, 9]))).batch();
    let mut file = arrow::ipc::writer::FileWriter::try_new(Vec::new(), &other.schema()).unwrap();
    file.write(&sheet.batch()).unwrap();
    file.write(&other).unwrap();
    std::fs::write(logs.path("a.arrow"), file.into_inner().unwrap()).unwrap();
    let line = "DIR/a.arrow: row 5: column commit_ts: is 9, but 6 in row 0; the rows of a transaction agree, \
                and both are of transaction t";
    logs.refuses(&["a.arrow"], line);
}

/// Promise: ids that are no text, or long, are shown in errors, not dumped.
#[test]
fn ids_in_errors() {
    let logs = Logs::new();
    let long = "i".repeat(500);
    let ids = words(&[long.as_str(), "u", long.as_str()]);
    let line = format!(
        "row 2: column region: is us, but eu in row 0; the rows of a transaction agree, and both are of \
         transaction {}...",
        "i".repeat(80)
    );
    let columns = set(set(agreeing(), "txn", ids), "region", words(&["eu", "us", "us"]));
    logs.refused(columns, &line);
}
