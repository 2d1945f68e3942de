//! Bounds for logs that were written without: joined from what daemons recorded.

use std::path::PathBuf;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int64Type, TimestampNanosecondType};
use arrow::ipc::reader::FileReader;
use serde_json::Value;
use skewer::bounds::{BoundHistories, BoundsFile};
use skewer::log::build::{LogBuilder, Record};
use skewer::time::Unit;
use skewer::{BoundedTimestamp, Log, OpenOptions};

use crate::bound_files::CLOCKBOUND;
use crate::cli::{Run, skewer};

pub(crate) const S: i64 = 1_000_000_000;
/// 2026-11-22T06:40:00Z.
pub(crate) const T: i64 = 1_795_329_600 * S;

pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.text(name)
    }

    fn log(&self, records: &[Record]) -> String {
        let mut log = LogBuilder::new(Unit::Nanoseconds);
        records.iter().for_each(|record| log.push(record.clone()).unwrap());
        log.write_to(self.path("log.arrow")).unwrap();
        self.text("log.arrow")
    }
}

pub(crate) fn histories(specs: &[String]) -> Result<BoundHistories, skewer::Error> {
    let files: Vec<BoundsFile> = specs.iter().map(|spec| BoundsFile::parse(spec).unwrap()).collect();
    BoundHistories::read(&files)
}

fn stamped(key: &str, region: &str, commit_ts: i64) -> Record {
    let region = Some(region.to_owned());
    Record {
        key: key.into(),
        value: Some(commit_ts.into()),
        region,
        commit_ts: Some(commit_ts),
        ..Record::default()
    }
}

fn verify(args: &[&str]) -> (Run, Value) {
    let run = skewer(&[&["verify", "--format", "json"], args].concat());
    let page = serde_json::from_str(&run.out).unwrap_or(Value::Null);
    (run, page)
}

/// Promise: `verify --bounds` judges bare timestamps by each region's recorded error: apart where the
/// clocks were good, ambiguous where one was not known.
#[test]
fn verify_by_region() {
    let folder = Folder::new();
    let log = folder.log(&[
        stamped("good", "eu", T + S),
        stamped("good", "us", T + S + 900_000),
        stamped("lost", "eu", T + 90 * S),
        stamped("lost", "us", T + 95 * S),
    ]);
    let (run, page) = verify(&[&log, "--model", "write-order"]);
    assert_eq!((run.status, page.is_null()), (2, false), "{}", run.err);
    assert_eq!(page["models"]["write-order"]["verdict"], "not-checked");
    let eu = format!("region=eu:{}", folder.file("eu.log", CLOCKBOUND));
    let us = format!("region=us,drift=1:{}", folder.file("us.csv", "2026-11-22T06:40:00Z,100us\n"));
    let (run, page) = verify(&[&log, "--model", "write-order", "--bounds", &eu, "--bounds", &us]);
    assert_eq!(run.status, 0, "{}", run.err);
    let facts = &page["models"]["write-order"]["facts"];
    assert_eq!(
        (facts["pairs_ordered"].as_u64(), facts["pairs_ambiguous"].as_u64()),
        (Some(1), Some(1)),
        "{facts}"
    );
}

/// Promise: joined bounds are no evidence about the timestamps that they were made of: external
/// consistency is not checked by them, not even once they are written to a file.
#[test]
fn joined_bounds_are_not_recorded_ones() {
    let folder = Folder::new();
    let start = |record: Record| Record { start_ts: record.commit_ts.map(|t| t - 5), ..record };
    let log = folder.log(&[start(stamped("a", "eu", T + S)), start(stamped("b", "eu", T + 2 * S))]);
    let bounds = folder.file("eu.csv", "2026-11-22T06:40:00Z,100us\n");
    let out = folder.text("ordered.arrow");
    let run = skewer(&["order", &log, "--bounds", &bounds, "-o", &out]);
    assert_eq!(run.status, 0, "{}", run.err);
    for args in [&[log.as_str(), "--bounds", &bounds][..], &[&out]] {
        let (_, page) = verify(args);
        let model = &page["models"]["external-consistency"];
        if !model.is_null() {
            assert_eq!(model["verdict"], "not-checked", "{model}");
        }
    }
    let options = OpenOptions { bounds: Some(histories(&[bounds]).unwrap()), ..OpenOptions::default() };
    for log in [
        Log::open(&[PathBuf::from(&log)], &options).unwrap(),
        Log::open(&[PathBuf::from(&out)], &OpenOptions::default()).unwrap(),
    ] {
        let row = log.row(0);
        assert!(row.times.assumed && row.times.commit.is_some_and(|b| b.width() == 230_000), "{row:?}");
    }
}

/// Promise: bounds that a log recorded stay evidence where others are given beside it: `--bounds` makes nothing
/// assumed of a file that lacks no bound.
#[test]
fn recorded_bounds_stay_evidence() {
    let folder = Folder::new();
    let recorded = |key: &str, t: i64| Record {
        start_ts: Some(t - 50),
        start: Some(BoundedTimestamp::reading(t - 50, 3)),
        commit: Some(BoundedTimestamp::reading(t + 20, 3)),
        ..stamped(key, "eu", t)
    };
    let log = folder.log(&[recorded("a", T + S), recorded("b", T + 2 * S)]);
    let bounds = folder.file("eu.csv", "2026-11-22T06:40:00Z,100us\n");
    let (run, page) = verify(&[&log, "--bounds", &bounds, "--model", "external-consistency"]);
    assert_eq!((run.status, &page["models"]["external-consistency"]["verdict"]), (0, &Value::from("holds")));
}

/// Promise: a file that was joined once stays marked, whatever is joined to the rest of it.
#[test]
fn joined_twice_is_joined() {
    let folder = Folder::new();
    let start = |record: Record| Record { start_ts: record.commit_ts.map(|t| t - 5), ..record };
    let log = folder.log(&[
        Record { commit: Some(BoundedTimestamp::point(T)), ..start(stamped("a", "eu", T)) },
        start(stamped("b", "us", T)),
    ]);
    let once = folder.text("once.arrow");
    let csv = folder.file("all.csv", "2026-11-22T06:39:00Z,100us\n");
    let run = skewer(&["order", &log, "--bounds", &format!("region=us:{csv}"), "-o", &once]);
    assert_eq!(run.status, 0, "{}", run.err);
    // Only a start is bare now; the commits' mark must stay.
    let bounds = Some(histories(&[csv]).unwrap());
    let log = Log::open(&[PathBuf::from(once)], &OpenOptions { bounds, ..OpenOptions::default() }).unwrap();
    let rows: Vec<_> = log.rows().map(|row| row.times).collect();
    assert!(rows.iter().all(|times| times.assumed && times.start.is_some()), "{rows:?}");
}

/// Promise: bounds are joined to logs with columns that are ignored, too. (Such a log was refused once, as
/// broken: the column was not read, but asked for.)
#[test]
fn ignored_columns_are_no_hindrance() {
    let folder = Folder::new();
    let host = Some("db1".into());
    let log = folder.log(&[Record { host, ..stamped("a", "eu", T) }, stamped("a", "us", T + S)]);
    let csv = folder.file("all.csv", "2026-11-22T06:39:00Z,100us\n");
    let (run, page) = verify(&[&log, "--bounds", &csv, "--model", "write-order"]);
    assert_eq!(
        (run.status, &page["models"]["write-order"]["verdict"]),
        (0, &Value::from("holds")),
        "{}",
        run.err
    );
    assert!(skewer(&["inspect", &log, "--bounds", &csv]).out.contains("host              Utf8  (ignored)"));
}

/// Promise: `order` writes the joined bounds beside the timestamps, unlimited ones as all time.
#[test]
fn order_writes_bounds() {
    let folder = Folder::new();
    let log = folder.log(&[stamped("a", "eu", T + S), stamped("b", "eu", T + 90 * S), stamped("c", "us", T)]);
    let bounds = format!("region=eu:{}", folder.file("eu.log", CLOCKBOUND));
    let out = folder.text("out.arrow");
    assert_eq!(skewer(&["order", &log, "--bounds", &bounds, "-o", &out]).status, 0);
    let file = std::fs::File::open(&out).unwrap();
    let batch = FileReader::try_new(file, None).unwrap().next().unwrap().unwrap();
    let column = |name: &str| {
        let ticks = batch.column_by_name(name).unwrap().as_primitive::<TimestampNanosecondType>();
        ticks.reinterpret_cast::<Int64Type>()
    };
    let (earliest, latest) = (column("commit_earliest"), column("commit_latest"));
    assert!(earliest.is_null(0) && latest.is_null(0), "us has no history: bare as it was");
    assert_eq!((earliest.value(1), latest.value(1)), (T + S - 123_000, T + S + 123_000));
    assert_eq!((earliest.value(2), latest.value(2)), (i64::MIN, i64::MAX));
}

/// Promise: `import --bounds` joins by host where the source names one, and `inspect` shows how wide the
/// bounds are and how much of the log has none.
#[test]
fn import_by_host_and_inspect() {
    let folder = Folder::new();
    let stamp = |s: i64| (T + s * S).to_string();
    let source = format!(
        "key,region,host,commit_ts\na,eu,db1,{}\nb,eu,db1,{}\nc,eu,db2,{}\nd,us,db3,{}\n",
        stamp(0),
        stamp(90),
        stamp(0),
        stamp(0)
    );
    let source = folder.file("in.csv", &source);
    let out = folder.text("out.arrow");
    let host = format!("host=db1:{}", folder.file("db1.log", CLOCKBOUND));
    let region = format!("region=eu:{}", folder.file("eu.csv", "2026-11-22T06:40:00Z,1ms\n"));
    let args = [
        "import", "--from", "csv", "--unit", "ns", &source, "-o", &out, "--bounds", &host, "--bounds",
        &region,
    ];
    let run = skewer(&args);
    assert_eq!(run.status, 0, "{}", run.err);
    let log = Log::open(&[PathBuf::from(&out)], &OpenOptions::default()).unwrap();
    let commits: Vec<Option<BoundedTimestamp>> = log.rows().map(|row| row.times.commit).collect();
    let wanted = [
        Some(BoundedTimestamp::reading(T, 108_000)),
        Some(BoundedTimestamp::UNBOUNDED),
        Some(BoundedTimestamp::reading(T, 1_000_000)),
        None,
    ];
    assert_eq!(commits, wanted);
    assert!(log.row(0).times.assumed, "joined, not recorded: the file says so");

    let page: Value = serde_json::from_str(&skewer(&["inspect", &out, "--format", "json"]).out).unwrap();
    let (eu, us) = (&page["regions"][0], &page["regions"][1]);
    assert_eq!((&eu["without_commit"], &eu["unlimited_commit"]), (&1.into(), &1.into()));
    let widths = &eu["commit_widths"];
    assert_eq!((widths["rows"].as_u64(), widths["min"].as_u64()), (Some(2), Some(216_000)));
    assert_eq!((widths["p99"].as_u64(), widths["max"].as_u64()), (Some(2_000_000), Some(2_000_000)));
    assert_eq!((us["without_commit"].as_u64(), us["commit_widths"].is_null()), (Some(1), true));
    assert_eq!(us["unlimited_commit"], 0, "null is no bound, not one without limits");
    let human = skewer(&["inspect", &out]).out;
    let line = |what: &str, share: &str| format!("  {what:<16}{:>12}  {share}% of the rows\n", 1);
    let (of_eu, of_us) = human.split_at(human.find("\nus ").unwrap() + 1);
    assert!(of_eu.contains(&line("unlimited commit", "33.3")), "{human}");
    assert!(!of_eu.contains("no commit bound"), "{human}");
    assert!(of_us.contains(&line("no commit bound", "100.0")), "{human}");
    assert!(!of_us.contains("unlimited"), "{human}");
}

/// Promise: histories that cannot be joined are refused with the reason.
#[test]
fn unfit_histories() {
    let folder = Folder::new();
    let log = folder.log(&[stamped("a", "eu", T)]);
    let csv = folder.file("eu.csv", "2026-11-22T06:40:00Z,1ms\n");
    skewer(&["verify", &log, "--bounds", &format!("host=db1:{csv}")]).is_refused("no column `host`");
    skewer(&["verify", &log, "--bounds", "region=eu"]).is_refused("names no file");
    skewer(&["verify", &log, "--bounds", &folder.text("none.log")]).is_refused("none.log");
    let mut logical = LogBuilder::new(Unit::None);
    logical.push(stamped("a", "eu", 5)).unwrap();
    logical.write_to(folder.path("logical.arrow")).unwrap();
    skewer(&["verify", &folder.text("logical.arrow"), "--bounds", &csv]).is_refused("logical ticks");
}

/// Promise: a history of a region that no timestamp is of joins nothing, and that is said: by whoever opens the
/// log, and by `import`.
#[test]
fn misspelt_names_are_told() {
    let folder = Folder::new();
    let log = folder.log(&[stamped("a", "eu", T)]);
    let csv = folder.file("eu.csv", "2026-11-22T06:40:00Z,1ms\n");
    let (right, wrong) = (format!("region=eu:{csv}"), format!("region=ue:{csv}"));
    let said = "no bare timestamp is of region `ue`";
    let run = skewer(&["inspect", &log, "--bounds", &right, "--bounds", &wrong]);
    assert!(run.status == 0 && run.err.matches("no bare timestamp").count() == 1, "{}", run.err);
    assert!(run.err.contains(said), "{}", run.err);
    let source = folder.file("in.csv", &format!("key,region,commit_ts\na,eu,{T}\n"));
    let args = ["import", "--from", "csv", "--unit", "ns", &source, "-o", &folder.text("out.arrow")];
    let run = skewer(&[&args[..], &["--bounds", &right, "--bounds", &wrong]].concat());
    assert!(run.status == 0 && run.err.contains(said) && !run.err.contains("region `eu`"), "{}", run.err);
}

/// Promise: recorded bounds stay as they are, and coarse ticks round outwards.
#[test]
fn recorded_bounds_stay() {
    let folder = Folder::new();
    let mut log = LogBuilder::new(Unit::Milliseconds);
    let millis = |t: i64| t / 1_000_000;
    log.push(Record { commit: BoundedTimestamp::new(1, 2), ..stamped("a", "eu", millis(T)) }).unwrap();
    log.push(stamped("b", "eu", millis(T))).unwrap();
    log.write_to(folder.path("ms.arrow")).unwrap();
    let csv = folder.file("eu.csv", "2026-11-22T06:39:59Z,250us\n");
    let options = OpenOptions { bounds: Some(histories(&[csv]).unwrap()), ..OpenOptions::default() };
    let log = Log::open(&[folder.path("ms.arrow")], &options).unwrap();
    let commits: Vec<_> = log.rows().map(|row| row.times.commit).collect();
    assert_eq!(commits, [BoundedTimestamp::new(1, 2), Some(BoundedTimestamp::reading(millis(T), 1))]);
}

/// Promise: times in another unit than the log's are noticed, by `import` and by `inspect`.
#[test]
fn unit_traps_are_noticed() {
    let folder = Folder::new();
    let source = folder.file("in.csv", "key,commit_ts\na,1795329600123\nb,1795329600124\n");
    let out = folder.text("out.arrow");
    let run = skewer(&["import", "--from", "csv", "--unit", "us", &source, "-o", &out]);
    assert_eq!(run.status, 0);
    assert!(
        run.err.contains("warning: commit_ts: 2 of 2 times") && run.err.contains("ms since 1970"),
        "{}",
        run.err
    );
    let human = skewer(&["inspect", &out]).out;
    assert!(human.contains("warning: commit_ts") && human.contains("as us it is of 1970-01-21"), "{human}");
    let page: Value = serde_json::from_str(&skewer(&["inspect", &out, "--format", "json"]).out).unwrap();
    assert_eq!(page["warnings"].as_array().unwrap().len(), 1);
    let right = skewer(&["import", "--from", "csv", "--unit", "ms", &source, "-o", &out]);
    assert!(!right.err.contains("warning"), "{}", right.err);
}
