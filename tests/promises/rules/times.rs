//! Times: types, units, bounds, clock errors.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, Date64Array, Int32Array, Int64Array, NullArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray, UInt64Array,
};

use super::{Columns, Sheet, blind, inspected, ints, set, verdict, without, words};
use crate::cli::skewer;
use crate::verdicts::Logs;

const TIMES: [&str; 4] = ["start_earliest", "start_latest", "commit_earliest", "commit_latest"];

/// Integers as another type of times.
type Turn = fn(&Int64Array) -> ArrayRef;

/// The columns, with each of integers that holds times turned into another type.
fn retimed(mut columns: Columns, turn: impl Fn(&Int64Array) -> ArrayRef) -> Columns {
    for (name, array) in &mut columns {
        if TIMES.contains(name) || name.ends_with("_ts") {
            *array = turn(array.as_any().downcast_ref().unwrap());
        }
    }
    columns
}

fn seconds(ticks: &Int64Array) -> ArrayRef {
    Arc::new(ticks.iter().collect::<TimestampSecondArray>())
}

fn milliseconds(ticks: &Int64Array) -> ArrayRef {
    Arc::new(ticks.iter().collect::<TimestampMillisecondArray>())
}

fn microseconds(ticks: &Int64Array) -> ArrayRef {
    Arc::new(ticks.iter().collect::<TimestampMicrosecondArray>())
}

fn nanoseconds(ticks: &Int64Array) -> ArrayRef {
    Arc::new(ticks.iter().collect::<TimestampNanosecondArray>())
}

/// Two assigned writes of a key, 5 ticks apart.
fn assigned() -> Columns {
    vec![("key", ints(&[1, 1])), ("region", words(&["eu", "us"])), ("commit_ts", ints(&[100, 105]))]
}

/// Promise: times are timestamps of any unit, without a zone or in UTC, or integers of 64 bits:
/// the verdict is the same.
#[test]
fn types() {
    let logs = Logs::new();
    let said = |columns: Columns| {
        let page = verdict(&[&logs.sheet("a.arrow", columns)]);
        (page["models"]["cross-region-conflicts"].clone(), page["log"]["unit"].as_str().unwrap().to_owned())
    };
    let (expected, unit) = said(blind());
    assert_eq!((expected["verdict"].as_str(), unit.as_str()), (Some("violated"), "none"));
    let unsigned =
        |t: &Int64Array| Arc::new(t.iter().map(|t| t.map(|t| t as u64)).collect::<UInt64Array>()) as ArrayRef;
    let turned: [(Turn, &str); 5] =
        [(unsigned, "none"), (seconds, "s"), (milliseconds, "ms"), (microseconds, "us"), (nanoseconds, "ns")];
    for (turn, unit) in turned {
        assert_eq!(said(retimed(blind(), turn)), (expected.clone(), unit.to_owned()));
    }
    for zone in ["UTC", "+00:00", "Etc/UTC", "Z"] {
        let zoned = |t: &Int64Array| {
            Arc::new(t.iter().collect::<TimestampMillisecondArray>().with_timezone(zone)) as ArrayRef
        };
        assert_eq!(said(retimed(blind(), zoned)), (expected.clone(), "ms".to_owned()), "{zone}");
    }
}

/// Promise: other zones and other types are refused by the column's name.
#[test]
fn types_refused() {
    let logs = Logs::new();
    for zone in ["Europe/Berlin", "+01:00", "-00:30"] {
        let zoned = TimestampMillisecondArray::from(vec![1, 1, 1]).with_timezone(zone);
        let line = format!("column start_earliest: has time zone {zone}; expected none or UTC");
        logs.refused(set(blind(), "start_earliest", Arc::new(zoned)), &line);
    }
    let others: [ArrayRef; 3] = [
        Arc::new(Int32Array::from(vec![1, 1, 1])),
        Arc::new(Date64Array::from(vec![1, 1, 1])),
        words(&["1", "1", "1"]),
    ];
    for array in others {
        let line = format!("column commit_ts: is {}; expected Timestamp, Int64 or UInt64", array.data_type());
        logs.refused(set(blind(), "commit_ts", array), &line);
    }
}

/// Promise: an unsigned time above the largest signed one is refused with its row; a null is not.
#[test]
fn unsigned_too_large() {
    let logs = Logs::new();
    let above = UInt64Array::from(vec![1, 1 << 63, u64::MAX]);
    let line = "row 1: column commit_ts: 9223372036854775808 is above 9223372036854775807, the largest time";
    logs.refused(set(blind(), "commit_ts", Arc::new(above)), line);
    let largest = set(assigned(), "commit_ts", Arc::new(UInt64Array::from(vec![0, (1 << 63) - 1])));
    assert_eq!(verdict(&[&logs.sheet("a.arrow", largest)])["log"]["rows"], 2);
}

/// Promise: both ends of a bound are present or null together.
#[test]
fn half_bounds() {
    let logs = Logs::new();
    let rule = "both ends of a bound are present or null together";
    let some = ints(&[Some(1), None, Some(1)]);
    let line =
        format!("row 1: column start_earliest and start_latest: earliest is null and latest is 2; {rule}");
    logs.refused(set(blind(), "start_earliest", some), &line);
    let some = ints(&[Some(12), Some(22), None]);
    let line =
        format!("row 2: column commit_earliest and commit_latest: earliest is 30 and latest is null; {rule}");
    logs.refused(set(blind(), "commit_latest", some), &line);
    let line =
        format!("row 0: column start_earliest and start_latest: earliest is 1 and latest is null; {rule}");
    logs.refused(set(blind(), "start_latest", Arc::new(NullArray::new(3))), &line);
    let line = "column start_latest: is missing beside start_earliest; a bound has two ends";
    logs.refused(without(blind(), "start_latest"), line);
    let line = "column commit_earliest: is missing beside commit_latest; a bound has two ends";
    logs.refused(without(blind(), "commit_earliest"), line);
    // Null together, in whatever type: no bound.
    let nulls = set(blind(), "start_latest", Arc::new(NullArray::new(3)));
    let nulls = set(nulls, "start_earliest", ints::<Option<i64>>(&[None, None, None]));
    let page = verdict(&[&logs.sheet("a.arrow", nulls)]);
    assert_eq!(page["models"]["snapshot-isolation"]["verdict"], "not-checked");
}

/// Promise: a bound's earliest is not after its latest; the first row that breaks a rule is told.
#[test]
fn inverted_bounds() {
    let logs = Logs::new();
    let line = "row 1: column commit_earliest and commit_latest: earliest 23 is after latest 22";
    logs.refused(set(blind(), "commit_earliest", ints(&[10, 23, 30])), line);
    let extreme = set(blind(), "start_earliest", ints(&[1, 2, i64::MAX]));
    let extreme = set(extreme, "start_latest", ints(&[1, 2, i64::MIN]));
    let line = "row 2: column start_earliest and start_latest: earliest 9223372036854775807 is after latest \
                -9223372036854775808";
    logs.refused(extreme, line);
    // Half null in row 2, inverted in row 1: row 1 is told.
    let both = set(blind(), "start_earliest", ints(&[Some(1), Some(5), None]));
    let line = "row 1: column start_earliest and start_latest: earliest 5 is after latest 2";
    logs.refused(both, line);
    // The same row in the second of two batches.
    let sheet = Sheet::from(without(set(blind(), "commit_earliest", ints(&[10, 20, 33])), "txn"));
    std::fs::write(logs.path("a.arrow"), sheet.bytes(2)).unwrap();
    let line = "row 2: column commit_earliest and commit_latest: earliest 33 is after latest 32";
    logs.refuses(&["a.arrow"], &format!("DIR/a.arrow: {line}"));
}

/// Promise: a committed writer has a commit bound or a commit timestamp.
#[test]
fn timeless_writers() {
    let logs = Logs::new();
    let reason = "both are null; a committed writer has a commit bound or a commit timestamp";
    let untimed = without(assigned(), "commit_ts");
    logs.refused(untimed.clone(), &format!("row 0: column commit_earliest and commit_ts: {reason}"));
    let one = set(assigned(), "commit_ts", ints(&[Some(1), None]));
    logs.refused(one.clone(), &format!("row 1: column commit_earliest and commit_ts: {reason}"));
    // Who did not commit, or wrote nothing, needs none.
    let aborted = set(one.clone(), "status", words(&["committed", "aborted"]));
    assert_eq!(verdict(&[&logs.sheet("a.arrow", aborted)])["log"]["rows"], 2);
    let reader = set(one, "op", words(&["w", "r"]));
    assert_eq!(verdict(&[&logs.sheet("a.arrow", reader)])["log"]["rows"], 2);
}

/// Promise: files of several units are converted to the finest.
#[test]
fn units_across_files() {
    let logs = Logs::new();
    let one = |key: i64, region: &'static str, at: i64| -> Columns {
        vec![("key", ints(&[key])), ("region", words(&[region])), ("commit_ts", ints(&[at]))]
    };
    let s = logs.sheet("s.arrow", retimed(one(1, "eu", 2), seconds));
    let ms = logs.sheet("ms.arrow", retimed(one(1, "us", 2_001), milliseconds));
    let us = logs.sheet("us.arrow", retimed(one(1, "ap", 2_000_999), microseconds));
    let units = |paths: &[&str]| verdict(paths)["log"]["unit"].clone();
    assert_eq!(units(&[&s]), "s");
    assert_eq!(units(&[&s, &ms]), "ms");
    assert_eq!(units(&[&us, &s, &ms]), "us");
    let model = ["--model", "cross-region-conflicts"];
    let conflicts = |error: &str| {
        let page = verdict(&[&model[..], &["--clock-error", error, &s, &ms, &us]].concat());
        page["models"]["cross-region-conflicts"]["kinds"]["write-write"]["possible"].as_u64().unwrap_or(0)
    };
    // 2 s, 2.001 s and 2.000999 s: a microsecond apart, 999 and 1,000. Touching is before.
    let errors = ["0", "500ns", "499us", "500us", "501us"];
    assert_eq!(errors.map(conflicts), [0, 1, 1, 2, 3]);
}

/// Promise: a time that does not fit the finest unit is refused with row, column and value.
#[test]
fn unit_overflow() {
    let logs = Logs::new();
    let old =
        set(retimed(assigned(), seconds), "commit_ts", seconds(&Int64Array::from(vec![1, 9_223_372_037])));
    logs.sheet("a.arrow", old);
    logs.sheet("b.arrow", retimed(assigned(), nanoseconds));
    let line =
        "DIR/a.arrow: row 1: column commit_ts: 9223372037 s does not fit 64 bits in ns, the log's unit";
    logs.refuses(&["a.arrow", "b.arrow"], line);
    logs.refuses(&["b.arrow", "a.arrow"], line);
}

/// Promise: time columns of a file share one unit; counters and durations do not mix.
#[test]
fn mixed_units() {
    let logs = Logs::new();
    let two = set(blind(), "commit_ts", seconds(&Int64Array::from(vec![1, 2, 3])));
    let two = set(two, "start_ts", milliseconds(&Int64Array::from(vec![1, 2, 3])));
    logs.refused(two, "column commit_ts: is in s, but column start_ts is in ms");
    let stated = set(blind(), "commit_ts", milliseconds(&Int64Array::from(vec![1, 2, 3])));
    let stated = Sheet::from(stated).with("skewer.unit", "us");
    logs.refused(stated, "column start_earliest: is in us (skewer.unit), but column commit_ts is in ms");
    logs.sheet("a.arrow", assigned());
    logs.sheet("b.arrow", retimed(assigned(), seconds));
    let line = "a.arrow counts time in none and b.arrow in s: these cannot be compared (metadata skewer.unit \
                states the unit of integer columns)";
    logs.refuses(&["a.arrow", "b.arrow"], line);
}

/// Promise: `skewer.unit` says what integers count.
#[test]
fn stated_units() {
    let logs = Logs::new();
    for unit in ["ns", "us", "ms", "s", "none"] {
        let log = logs.sheet("a.arrow", Sheet::from(assigned()).with("skewer.unit", unit));
        assert_eq!(inspected(&[&log])["unit"], unit);
    }
    for unit in ["", "h", "MS", "nanoseconds"] {
        let line = format!("column skewer.unit: is `{unit}` in the metadata; expected ns, us, ms, s or none");
        logs.refused(Sheet::from(assigned()).with("skewer.unit", unit), &line);
    }
}

/// Promise: `skewer.clock_error` makes bounds, in ticks of its file; the option replaces it.
#[test]
fn stated_clock_errors() {
    let logs = Logs::new();
    let stated =
        |error: &str| Sheet::from(assigned()).with("skewer.clock_error", error).with("skewer.unit", "us");
    let possible = |args: &[&str]| {
        let page = verdict(&[&["--model", "cross-region-conflicts"], args].concat());
        page["models"]["cross-region-conflicts"]["kinds"]["write-write"]["possible"].as_u64().unwrap_or(0)
    };
    assert_eq!(possible(&[&logs.sheet("a.arrow", stated("2"))]), 0);
    let three = logs.sheet("a.arrow", stated("3"));
    assert_eq!(possible(&[&three]), 1);
    assert_eq!(possible(&[&three, "--clock-error", "2"]), 0);
    assert_eq!(possible(&[&three, "--clock-error", "3us"]), 1);
    // In another unit of the log, the error is converted with the times.
    let fine = logs.sheet("b.arrow", retimed(set(assigned(), "key", ints(&[8, 9])), nanoseconds));
    assert_eq!(
        possible(&[&logs.sheet("a.arrow", stated("18446744073709551615")), &fine, "--clock-error", "0"]),
        0
    );
    let bounds =
        logs.sheet("c.arrow", Sheet::from(blind()).with("skewer.clock_error", "18446744073709551615"));
    assert_eq!(verdict(&[&bounds])["models"], verdict(&[&logs.sheet("c.arrow", blind())])["models"]);
    for error in ["", "-1", "1.5", "3us", "18446744073709551616"] {
        let line = format!(
            "column skewer.clock_error: is `{error}` in the metadata; expected a whole number of ticks"
        );
        logs.refused(stated(error), &line);
    }
}

/// Promise: a duration as clock error or lag needs a log that counts durations.
#[test]
fn durations_of_counters() {
    let logs = Logs::new();
    let log = logs.sheet("a.arrow", assigned());
    for option in ["--clock-error", "--visibility-lag"] {
        let run = skewer(&["verify", &log, option, "1ms"]);
        let line = format!(
            "skewer: error: {option}: the log counts logical ticks (unit none): give a plain number of ticks, \
             without a unit\n"
        );
        assert_eq!((run.status, run.out.as_str(), run.err), (2, "", line));
    }
}
