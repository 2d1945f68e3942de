//! What `skewer verify` and its neighbours answer about small logs, from outside.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::UInt64Type;
use arrow::ipc::{reader::FileReader, writer::FileWriter};
use serde_json::Value;
use skewer::BoundedTimestamp;
use skewer::log::build::{LogBuilder, Record};
use skewer::time::Unit;
use skewer::txn::Op;

use crate::cli::{command, skewer};

/// A folder of logs that lasts as long as the test.
pub(crate) struct Logs(tempfile::TempDir);

impl Logs {
    pub(crate) fn new() -> Self {
        Logs(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes the records as the log of that name and returns its path as text.
    pub(crate) fn log(&self, name: &str, records: &[Record]) -> String {
        let mut log = LogBuilder::new(Unit::Nanoseconds);
        for record in records {
            log.push(record.clone()).unwrap();
        }
        log.write_to(self.path(name)).unwrap();
        self.text(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

/// A write of key `k` to which no other write is equal.
fn write(txn: &str, region: &str, commit: (i64, i64)) -> Record {
    Record {
        key: "k".into(),
        value: Some(txn.into()),
        txn: Some(txn.into()),
        region: Some(region.to_owned()),
        commit: BoundedTimestamp::new(commit.0, commit.1),
        ..Record::default()
    }
}

fn started(record: Record, earliest: i64, latest: i64) -> Record {
    Record { start: BoundedTimestamp::new(earliest, latest), ..record }
}

/// One certainly after the other: every model that looks at it holds.
fn quiet_log() -> Vec<Record> {
    vec![write("t1", "eu", (10, 12)), write("t2", "us", (20, 22))]
}

/// Commits overlap: nothing is proven, nothing ruled out.
fn doubtful_log() -> Vec<Record> {
    vec![write("t1", "eu", (10, 20)), write("t2", "us", (15, 25))]
}

/// Each started before the other committed: both were blind, whatever the clocks' errors.
fn violating_log() -> Vec<Record> {
    quiet_log().into_iter().map(|record| started(record, 1, 2)).collect()
}

/// Promise: exit 0 and `holds` where there is nothing to find.
#[test]
fn nothing_to_find() {
    let logs = Logs::new();
    let log = logs.log("log.arrow", &quiet_log());
    let run = skewer(&["verify", &log, "--model", "write-order,cross-region-conflicts"]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    assert_eq!(run.out.matches("holds").count(), 2, "{}", run.out);
}

/// Promise: possible findings alone exit 0, and 1 if asked for.
#[test]
fn fail_on_possible() {
    let logs = Logs::new();
    let log = logs.log("log.arrow", &doubtful_log());
    assert_eq!(skewer(&["verify", &log]).status, 0);
    assert_eq!(skewer(&["verify", &log, "--fail-on", "definite"]).status, 0);
    let run = skewer(&["verify", &log, "--fail-on", "possible"]);
    assert_eq!(run.status, 1);
    assert!(run.out.contains("possible contested-winner: "), "{}", run.out);
    let quiet = logs.log("quiet.arrow", &quiet_log());
    assert_eq!(skewer(&["verify", &quiet, "--fail-on", "possible"]).status, 0);
}

/// Promise: a definite finding exits 1, whatever the form of the report.
#[test]
fn definite_finding() {
    let logs = Logs::new();
    let log = logs.log("log.arrow", &violating_log());
    for format in ["human", "json", "junit", "sarif"] {
        let run = skewer(&["verify", &log, "--format", format]);
        assert_eq!((run.status, run.err.as_str()), (1, ""), "{format}");
        assert!(run.out.contains("write-write") && run.out.contains("lost-update"), "{}", run.out);
    }
}

/// Promise: a model that was asked for but cannot be judged exits 2, after the report; one that
/// was not asked for does not.
#[test]
fn named_but_not_checked() {
    let logs = Logs::new();
    let log = logs.log("log.arrow", &quiet_log());
    let run = skewer(&["verify", &log, "--model", "write-order,snapshot-isolation"]);
    assert_eq!(run.status, 2);
    assert!(run.out.contains("not-checked") && run.out.contains("write-order"), "{}", run.out);
    assert!(run.err.starts_with("skewer: error: not checked: snapshot-isolation: "), "{}", run.err);
    assert_eq!(run.err.lines().count(), 1);
    let all = skewer(&["verify", &log]);
    assert_eq!((all.status, all.err.as_str()), (0, ""));
    assert!(all.out.contains("what this log cannot show"), "{}", all.out);
    // A violation elsewhere does not turn "could not judge" into a verdict.
    let bad = logs.log("bad.arrow", &violating_log());
    let both = ["verify", &bad, "--model", "cross-region-conflicts,external-consistency"];
    assert_eq!(skewer(&both).status, 2);
}

/// Promise: `--model` judges those named and no others, each once.
#[test]
fn chosen_models() {
    let logs = Logs::new();
    let log = logs.log("log.arrow", &violating_log());
    let args =
        ["verify", &log, "--format", "json", "--model", "write-order", "--model", "clock-bounds,write-order"];
    let page: Value = serde_json::from_str(&skewer(&args).out).unwrap();
    let names: Vec<_> = page["models"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(
        names.iter().map(String::as_str).collect::<HashSet<_>>(),
        HashSet::from(["write-order", "clock-bounds"])
    );
}

/// Promise: `--format json` prints one object and nothing else, to either stream.
#[test]
fn json_alone() {
    let logs = Logs::new();
    let log = logs.log("log.arrow", &violating_log());
    let run = skewer(&["verify", &log, "--format", "json"]);
    assert_eq!((run.status, run.err.as_str()), (1, ""));
    let page: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(page["version"], 1);
    assert_eq!(page["log"]["files"], serde_json::json!(["log.arrow"]));
    assert_eq!((&page["log"]["rows"], &page["log"]["keys"]), (&Value::from(2), &Value::from(1)));
    assert_eq!(page["log"]["unit"], "ns");
    let found = &page["models"]["cross-region-conflicts"];
    assert_eq!(
        (&found["verdict"], &found["kinds"]["write-write"]["definite"]),
        (&"violated".into(), &1.into())
    );
    let first = &page["findings"][0];
    assert_eq!((&first["model"], &first["key"]), (&"cross-region-conflicts".into(), &"k".into()));
    assert_eq!(first["transactions"], serde_json::json!(["t1", "t2"]));
    assert_eq!(first["regions"], serde_json::json!(["eu", "us"]));
    assert!(!first["explanation"].as_str().unwrap().contains('\n'));
}

/// Promise: the report for people and the progress are silent with `--quiet`; status and errors
/// are not, and a form that a program reads is still printed.
#[test]
fn quiet() {
    let logs = Logs::new();
    let log = logs.log("log.arrow", &violating_log());
    let run = skewer(&["verify", &log, "--quiet"]);
    assert_eq!((run.status, run.out.as_str(), run.err.as_str()), (1, "", ""));
    let json = skewer(&["verify", &log, "--quiet", "--format", "json"]);
    assert!(serde_json::from_str::<Value>(&json.out).is_ok());
    skewer(&["verify", "--quiet", "no/such.arrow"]).is_refused("no/such.arrow");
}

/// Promise: colours go to terminals only, unless forced.
#[test]
fn colours() {
    let logs = Logs::new();
    let log = logs.log("log.arrow", &violating_log());
    for args in
        [&["verify", &log][..], &["verify", &log, "--color", "auto"], &["verify", &log, "--color", "never"]]
    {
        assert!(!skewer(args).out.contains('\u{1b}'), "{args:?}");
    }
    assert!(skewer(&["verify", &log, "--color", "always"]).out.contains("\u{1b}[31m"));
    let json = skewer(&["verify", &log, "--color", "always", "--format", "json"]);
    assert!(!json.out.contains('\u{1b}'));
}

/// Promise: what is no log is refused by name, on every command that reads logs.
#[test]
fn not_a_log() {
    let logs = Logs::new();
    std::fs::write(logs.path("text.arrow"), "this is no log, but it is long enough to look at").unwrap();
    std::fs::write(logs.path("empty.arrow"), "").unwrap();
    let whole = std::fs::read(logs.log("whole.arrow", &quiet_log())).unwrap();
    std::fs::write(logs.path("cut.arrow"), &whole[..whole.len() / 2]).unwrap();
    std::fs::create_dir(logs.path("folder")).unwrap();
    std::fs::write(logs.path("folder/readme.txt"), "").unwrap();
    for name in ["text.arrow", "empty.arrow", "cut.arrow", "folder", "missing.arrow"] {
        let path = logs.text(name);
        skewer(&["verify", &path]).is_refused(name);
        skewer(&["verify", &path, "--no-mmap"]).is_refused(name);
        skewer(&["inspect", &path]).is_refused(name);
        skewer(&["order", &path, "-o", &logs.text("out.arrow")]).is_refused(name);
    }
    assert!(!logs.path("out.arrow").exists());
}

fn write_columns(path: &Path, columns: Vec<(&str, ArrayRef)>) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let mut file = FileWriter::try_new(std::fs::File::create(path).unwrap(), &batch.schema()).unwrap();
    file.write(&batch).unwrap();
    file.finish().unwrap();
}

/// Promise: a row that breaks a rule is named with file, row, column and both values.
#[test]
fn broken_rules() {
    let logs = Logs::new();
    let ints = |values: &[i64]| Arc::new(Int64Array::from(values.to_vec())) as ArrayRef;
    let crossed =
        vec![("key", ints(&[1, 2])), ("commit_earliest", ints(&[1, 31])), ("commit_latest", ints(&[2, 17]))];
    write_columns(&logs.path("crossed.arrow"), crossed);
    let run = skewer(&["verify", &logs.text("crossed.arrow")]);
    for part in ["crossed.arrow: row 1: column commit_earliest and commit_latest: ", "31", "17"] {
        run.is_refused(part);
    }
    write_columns(&logs.path("keyless.arrow"), vec![("commit_ts", ints(&[1, 2]))]);
    skewer(&["verify", &logs.text("keyless.arrow")]).is_refused("column key: ");
    write_columns(&logs.path("untimed.arrow"), vec![("key", ints(&[1, 2]))]);
    skewer(&["verify", &logs.text("untimed.arrow")]).is_refused("untimed.arrow");
}

/// Promise: `--clock-error` makes bounds of assigned timestamps; a duration needs a unit of time.
#[test]
fn clock_error() {
    let logs = Logs::new();
    let assigned =
        |txn, region, at| Record { commit: None, commit_ts: Some(at), ..write(txn, region, (0, 0)) };
    let records = [assigned("t1", "eu", 100), assigned("t2", "us", 105)];
    let log = logs.log("log.arrow", &records);
    let model = ["--model", "cross-region-conflicts", "--fail-on", "possible"];
    let with = |extra: &[&str]| skewer(&[&["verify", log.as_str()][..], &model, extra].concat());
    assert_eq!(with(&[]).status, 2);
    assert_eq!(with(&["--clock-error", "2ns"]).status, 0);
    assert_eq!(with(&["--clock-error", "3"]).status, 1);
    assert_eq!(with(&["--clock-error", "1ms"]).status, 1);
    let mut ticks = LogBuilder::new(Unit::None);
    for record in records {
        ticks.push(record).unwrap();
    }
    ticks.write_to(logs.path("ticks.arrow")).unwrap();
    skewer(&["verify", &logs.text("ticks.arrow"), "--clock-error", "1ms"]).is_refused("--clock-error");
    assert_eq!(skewer(&["verify", &logs.text("ticks.arrow"), "--clock-error", "3"]).status, 0);
}

/// Promise: `--visibility-lag` makes snapshots older in logs without starts.
#[test]
fn visibility_lag() {
    let logs = Logs::new();
    let log = logs.log("log.arrow", &quiet_log());
    let args = ["verify", &log, "--model", "cross-region-conflicts"];
    assert_eq!(skewer(&args).status, 0);
    assert_eq!(skewer(&[&args[..], &["--visibility-lag", "20ns"]].concat()).status, 1);
}

/// Eight writers of one key, all blind to each other.
fn crowd() -> Vec<Record> {
    let writer = |n: i64| {
        let region = if n % 2 == 0 { "eu" } else { "us" };
        started(write(&format!("t{n}"), region, (10 * n + 10, 10 * n + 12)), 1, 2)
    };
    (0..8).map(writer).collect()
}

/// Promise: `--findings` limits what is printed per model and nothing else; the table has all.
#[test]
fn findings_limit() {
    let logs = Logs::new();
    let log = logs.log("log.arrow", &crowd());
    let table = logs.text("findings.arrow");
    let args = ["verify", &log, "--model", "cross-region-conflicts", "--format", "json"];
    let run = skewer(&[&args[..], &["--findings", "3", "--findings-to", &table]].concat());
    assert_eq!((run.status, run.err.as_str()), (1, ""));
    let page: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(page["findings"].as_array().unwrap().len(), 3);
    assert_eq!(page["models"]["cross-region-conflicts"]["kinds"]["write-write"]["definite"], 16);
    let rows: usize = FileReader::try_new(std::fs::File::open(&table).unwrap(), None)
        .unwrap()
        .map(|batch| batch.unwrap().num_rows())
        .sum();
    assert_eq!(rows, 16);
    let none: Value = serde_json::from_str(&skewer(&[&args[..], &["--findings", "0"]].concat()).out).unwrap();
    assert_eq!(none["findings"], Value::Array(Vec::new()));
    let ten: Value = serde_json::from_str(&skewer(&args).out).unwrap();
    assert_eq!(ten["findings"].as_array().unwrap().len(), 10);
}

/// Promise: `--report` writes a page; a page that cannot be written exits 2 and prints nothing.
#[test]
fn page() {
    let logs = Logs::new();
    let log = logs.log("log.arrow", &violating_log());
    let page = logs.text("report.html");
    assert_eq!(skewer(&["verify", &log, "--quiet", "--report", &page]).status, 1);
    assert!(std::fs::read_to_string(&page).unwrap().starts_with("<!DOCTYPE html>"));
    skewer(&["verify", &log, "--report", &logs.text("no/such/report.html")]).is_refused("report.html");
    skewer(&["verify", &log, "--findings-to", &logs.text("no/such/f.arrow")]).is_refused("f.arrow");
}

/// Promise: several files are one log, in any order, by name or by folder.
#[test]
fn several_files() {
    let logs = Logs::new();
    let mut records = violating_log();
    let us = logs.log("us.arrow", &records.split_off(1));
    let eu = logs.log("eu.arrow", &records);
    let folder = logs.0.path().to_str().unwrap();
    let of = |paths: &[&str]| skewer(&[&["verify", "--format", "json"], paths].concat());
    let expected = of(&[&eu, &us]);
    assert_eq!(expected.status, 1);
    assert!(expected.out.contains("\"eu.arrow\""));
    assert_eq!(of(&[&us, &eu]).out, expected.out);
    assert_eq!(of(&[folder]).out, expected.out);
}

/// Promise: the answer is the same for any number of threads, instruction set and budget.
#[test]
fn same_answer_everywhere() {
    let logs = Logs::new();
    let log = logs.log("log.arrow", &crowd());
    let args = ["verify", &log, "--format", "json"];
    let expected = skewer(&args).out;
    for extra in [["--threads", "1"], ["--threads", "3"], ["--memory", "1MiB"]] {
        assert_eq!(skewer(&[&args[..], &extra].concat()).out, expected, "{extra:?}");
    }
    assert_eq!(skewer(&[&args[..], &["--no-mmap"]].concat()).out, expected);
    let scalar = command().args(args).env("SKEWER_ISA", "scalar").output().unwrap();
    assert_eq!(String::from_utf8(scalar.stdout).unwrap(), expected);
}

/// Promise: `order` keeps the columns, sorts by commit stamp, and marks where the order is certain.
#[test]
fn order() {
    let logs = Logs::new();
    let records = [write("t3", "eu", (30, 32)), write("t2", "us", (16, 26)), write("t1", "eu", (10, 20))];
    let log = logs.log("log.arrow", &records);
    let out = logs.text("ordered.arrow");
    let run = skewer(&["order", &log, "-o", &out]);
    assert_eq!((run.status, run.out.as_str(), run.err.as_str()), (0, "", ""));
    let batches: Vec<RecordBatch> =
        FileReader::try_new(std::fs::File::open(&out).unwrap(), None).unwrap().map(Result::unwrap).collect();
    let batch = &batches[0];
    let txn = arrow::compute::cast(&batch["txn"], &arrow::datatypes::DataType::Utf8).unwrap();
    assert_eq!(txn.as_string::<i32>().iter().map(Option::unwrap).collect::<Vec<_>>(), ["t1", "t2", "t3"]);
    let position = batch.column_by_name("position").unwrap().as_primitive::<UInt64Type>();
    assert_eq!(position.values(), &[0, 1, 2]);
    let frontier = batch.column_by_name("frontier").unwrap().as_boolean();
    assert_eq!(frontier.iter().map(Option::unwrap).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(batch["key"].len(), 3);
}

/// Promise: `inspect` counts what is there, for people and for programs.
#[test]
fn inspect() {
    let logs = Logs::new();
    let mut records = violating_log();
    records.push(Record { op: Op::Read, value: None, ..records[0].clone() });
    let log = logs.log("log.arrow", &records);
    let text = skewer(&["inspect", &log]);
    assert_eq!((text.status, text.err.as_str()), (0, ""));
    assert!(text.out.contains("operations 1 read, 2 written, 0 deleted"), "{}", text.out);
    let page: Value = serde_json::from_str(&skewer(&["inspect", &log, "--format", "json"]).out).unwrap();
    assert_eq!((&page["rows"], &page["transactions"]), (&3.into(), &2.into()));
    assert_eq!(page["regions"][0]["name"], "eu");
    assert_eq!(page["regions"][0]["commit_widths"]["max"], 2);
}
