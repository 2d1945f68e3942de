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

use crate::cli::{Run, skewer};

const S: i64 = 1_000_000_000;
/// 2026-11-22T06:40:00Z.
const T: i64 = 1_795_329_600 * S;

const CLOCKBOUND: &str = r#"
{"timestamp":"2026-11-22T06:40:00.000000Z","event":"synchronization","synchronization":{"source":{"type":"phc","identifier":"/dev/ptp0","selected_at":"2026-11-22T06:33:00Z","clock_error_bound_ns":95000},"ffclock":{"time_sync":"2026-11-22T06:39:59Z","clock_error_bound_ns":108000,"status":"SYNCHRONIZED"}},"version":"3.0.0-rc.0"}
{"timestamp":"2026-11-22T06:41:00.000000Z","event":"synchronization","synchronization":{"source":null,"ffclock":{"time_sync":"2026-11-22T06:40:59Z","clock_error_bound_ns":200000,"status":"FREE_RUNNING"}},"version":"3.0.0-rc.0"}
{"timestamp":"2026-11-22T06:41:30.000000Z","event":"clock_status_change","clock_status_change":{"from":"FREE_RUNNING","to":"DISRUPTED"},"version":"3.0.0-rc.0"}
{"timestamp":"2026-11-22T06:42:00.000000Z","event":"synchronization","synchronization":{"source":null,"ffclock":null},"version":"3.0.0-rc.0"}
{"timestamp":"2026-11-22T06:43:00.000000Z","event":"synchronization","synchronization":{"source":null,"ffclock":{"time_sync":"2026-11-22T06:42:59Z","clock_error_bound_ns":50000,"status":"SYNCHRONIZED"}},"version":"3.0.0-rc.0"}
{"timestamp":"2026-11-22T06:43:30.000000Z","event":"system_clock_step","system_clock_step":{"step_ns":-842000000},"version":"3.0.0-rc.0"}
{"timestamp":"2026-11-22T06:44:00.000000Z","event":"synchronization","synchronization":{"source":null,"ffclock":{"time_sync":"2026-11-22T06:43:59Z","clock_error_bound_ns":60000,"status":"SYNCHRONIZED"}},"version":"3.0.0-rc.0"}
{"timestamp":"2026-11-22T06:44:10.000000Z","event":"something_new","version":"3.0.0"}
"#;

const CHRONY: &str = "\
===========================================================================================================
   Date (UTC) Time     IP Address   St   Freq ppm   Skew ppm     Offset L Co  Offset sd Rem. corr. Root delay Root disp. Max. error
===========================================================================================================
2026-11-22 06:40:00 169.254.169.123  4    -13.200      0.012 -1.250e-05 N  1  2.000e-05 -1.000e-06  2.000e-04  5.000e-05  1.900e-04
2026-11-22 06:41:00 169.254.169.123  4    -13.200      0.012 -1.250e-05 N  1  2.000e-05 -1.000e-06  2.000e-04  5.000e-05  3.000e-04
2026-11-22 06:42:00 0.0.0.0          0    -13.200      0.012 -1.250e-05 ?  0  2.000e-05 -1.000e-06  2.000e-04  5.000e-05  3.000e-04
";

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Folder(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn file(&self, name: &str, text: &str) -> String {
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

fn histories(specs: &[String]) -> Result<BoundHistories, skewer::Error> {
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

fn errors(text: &str, seconds: &[i64]) -> Vec<Option<u64>> {
    let folder = Folder::new();
    let known = histories(&[format!("drift=15:{}", folder.file("bounds", text))]).unwrap();
    let history = known.of("eu", None).unwrap();
    seconds.iter().map(|s| history.error_at(T + s * S)).collect()
}

/// Promise: ClockBound's log gives its bounds, growing by the drift; nothing around a disruption, a lost
/// clock or a step.
#[test]
fn clockbound_log() {
    let found =
        errors(CLOCKBOUND, &[-1, 0, 10, 59, 60, 80, 100, 130, 179, 180, 200, 230, 240, 250, 1_239, 1_240]);
    let wanted = [
        None,
        Some(108_000),
        Some(258_000),
        Some(108_000 + 885_000),
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        None,
        Some(60_000),
        Some(210_000),
        Some(60_000 + 999 * 15_000),
        None,
    ];
    assert_eq!(found, wanted);
}

/// Promise: chrony's log gives the greatest error of each interval, and nothing when it lost its source.
#[test]
fn chrony_log() {
    let found = errors(CHRONY, &[-1, 0, 30, 59, 60, 119, 120, 500]);
    assert_eq!(found, [None, Some(300_000), Some(300_000), Some(300_000), None, None, None, None]);
    let healthy: String = CHRONY.lines().take(5).map(|line| line.to_owned() + "\n").collect();
    let found = errors(&healthy, &[60, 70, 60 + 2_099, 60 + 2_100]);
    assert_eq!(found, [Some(151_001), Some(301_001), Some(151_001 + 2_099 * 15_000), None]);
}

/// Promise: a CSV's times and errors are read with and without header, units as they are named or told
/// by digits; an empty error or a status makes the bound unlimited.
#[test]
fn csv_files() {
    for text in [
        "2026-11-22T06:40:00Z,250us\n2026-11-22 06:41:00,\n2026-11-22T06:42:00+00:00,1ms\n",
        "1795329600,250000\n1795329660000,UNKNOWN\n1795329720000000,1000000\n",
        "host,error_us,time_ms\nx,250,1795329600000\nx,disrupted,1795329660000\nx,1000,1795329720000\n",
    ] {
        assert_eq!(
            errors(text, &[0, 30, 60, 119, 120, 121]),
            [None, None, None, None, Some(1_000_000), Some(1_015_000)]
        );
    }
    assert_eq!(
        errors("time,error\n1795329600,250us\n1795329660,300us\n", &[0, 59, 60]),
        [Some(250_000), Some(250_000 + 59 * 15_000), Some(300_000)]
    );
}

/// Promise: a bad line is named with its file, number and value.
#[test]
fn bad_lines() {
    let cases = [
        ("time,error\nyesterday,5us\n", "line 2", "yesterday"),
        ("1795329600,5 parsecs\n", "line 1", "parsecs"),
        ("5,5us\n", "line 1", "digits tell no unit"),
        ("time,bound\n", "line 1", "no column `error`"),
        ("{\"timestamp\":\"now\",\"event\":\"synchronization\"}\n", "line 1", "now"),
        (
            "{\"timestamp\":\"2026-11-22T06:40:00Z\",\"event\":\"synchronization\"}\n",
            "line 1",
            "lacks its object",
        ),
        ("{\"timestamp\"\n", "line 1", "EOF"),
        ("===\n2026-11-22 06:40:00 1.2.3.4 4\n", "line 2", "4 columns"),
        ("", "empty", ""),
    ];
    for (text, place, value) in cases {
        let folder = Folder::new();
        let error = histories(&[folder.file("bounds.log", text)]).unwrap_err().to_string();
        assert!(error.contains("bounds.log") && error.contains(place) && error.contains(value), "{error}");
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
    assert_eq!(eu["without_commit"], 1);
    let widths = &eu["commit_widths"];
    assert_eq!((widths["rows"].as_u64(), widths["min"].as_u64()), (Some(2), Some(216_000)));
    assert_eq!((widths["p99"].as_u64(), widths["max"].as_u64()), (Some(2_000_000), Some(2_000_000)));
    assert_eq!((us["without_commit"].as_u64(), us["commit_widths"].is_null()), (Some(1), true));
    let human = skewer(&["inspect", &out]).out;
    assert!(human.contains("no commit bound") && human.contains("33.3% of the rows"), "{human}");
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
