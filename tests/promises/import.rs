//! Importers: what they take over, and what they refuse with its line.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMillisecondArray, TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Int32Type, Int64Type, TimestampMillisecondType, TimestampNanosecondType};
use proptest::prelude::*;
use skewer::Error;
use skewer::import::{Format, ImportOptions, Imported, import};
use skewer::time::Unit;

fn take(format: Format, source: &[u8], options: &ImportOptions) -> Result<Imported, Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("source");
    std::fs::write(&path, source).unwrap();
    import(format, &[path], options)
}

fn log(format: Format, source: &str) -> RecordBatch {
    take(format, source.as_bytes(), &ImportOptions::default()).unwrap().log.finish().unwrap()
}

fn mapped(pairs: &[(&str, &str)]) -> ImportOptions {
    let map = pairs.iter().map(|(column, field)| ((*column).to_owned(), (*field).to_owned())).collect();
    ImportOptions { map, ..ImportOptions::default() }
}

/// Asserts that the import fails at that line for a reason that contains `words`.
#[track_caller]
fn refused_with(format: Format, source: &str, options: &ImportOptions, line: u64, words: &str) {
    match take(format, source.as_bytes(), options) {
        Err(Error::Record { line: at, reason, .. }) => {
            assert_eq!(at, line, "{reason}");
            assert!(reason.contains(words), "{reason}");
        }
        other => panic!("expected a bad record with `{words}`, got {other:?}"),
    }
}

#[track_caller]
fn refused(format: Format, source: &str, line: u64, words: &str) {
    refused_with(format, source, &ImportOptions::default(), line, words);
}

fn integers(batch: &RecordBatch, column: &str) -> Vec<Option<i64>> {
    batch.column_by_name(column).unwrap().as_primitive::<Int64Type>().iter().collect()
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let array = batch.column_by_name(column).unwrap();
    if array.data_type() == &DataType::Utf8 {
        return array.as_string::<i32>().iter().map(|t| t.map(str::to_owned)).collect();
    }
    let words = array.as_dictionary::<Int32Type>().downcast_dict::<StringArray>().unwrap();
    words.into_iter().map(|t| t.map(str::to_owned)).collect()
}

fn owned(texts: &[&str]) -> Vec<Option<String>> {
    texts.iter().map(|text| Some((*text).to_owned())).collect()
}

/// Promise: formats are found by the names they list.
#[test]
fn formats_have_names() {
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.name()), Some(format));
        assert!(!format.summary().is_empty());
    }
    assert_eq!(Format::from_name("xml"), None);
}

/// Promise: an option that a format would ignore is refused.
#[test]
fn options_fit_formats() {
    let clocks = ImportOptions { client_times: true, ..ImportOptions::default() };
    let unit = ImportOptions { unit: Some(Unit::Seconds), ..ImportOptions::default() };
    for (format, options, name) in [
        (Format::Csv, clocks, "--client-times"),
        (Format::TidbCdc, unit, "--unit"),
        (Format::JepsenEdn, mapped(&[("key", "k")]), "--map"),
        (Format::Csv, mapped(&[("colour", "k")]), "--map"),
        (Format::Csv, mapped(&[("key", "a"), ("key", "b")]), "--map"),
        (Format::JsonLines, mapped(&[("txn", "absent")]), "--map"),
    ] {
        let error = take(format, b"{\"key\":1,\"commit_ts\":1}\n", &options).unwrap_err();
        assert!(matches!(error, Error::Option { option, .. } if option == name), "{error}");
    }
}

const HISTORY: &str = r#"; a comment
{:type :invoke, :f :txn, :value [[:w 1 7] [:r 2 nil]], :time 10, :process 0, :index 4}
{:type :info, :f :start, :value nil, :time 12, :process :nemesis, :index 5}
#jepsen.history.Op{:type :invoke, :f :txn, :process 1, :index 6, :time 13,
 :value [[:r 1 nil] [:w 2 8]]}
{:type :ok, :f :txn, :value [[:w 1 7] [:r 2 nil]], :time 20, :process 0, :ts {:rts 3 :cts 5}, :index 7}
{:type :info, :f :txn, :value [[:r 1 nil] [:w 2 8]], :time 21, :process 1, :error "timeout", :index 8}
{:type :invoke, :f :txn, :value [[:w 3 9]], :time 22, :process 0, :index 9}
{:type :fail, :f :txn, :value [[:w 3 9]], :time 23, :process 0, :index 10}
{:type :invoke, :f :txn, :value [[:w 4 1]], :time 24, :process 2, :index 11}
"#;

/// Promise: a Jepsen history becomes transactions with fates, sessions and the server's times.
#[test]
fn jepsen_history() {
    let imported = take(Format::JepsenEdn, HISTORY.as_bytes(), &ImportOptions::default()).unwrap();
    let batch = imported.log.finish().unwrap();
    assert_eq!((imported.skipped_entries, imported.unanswered_reads), (1, 1));
    assert_eq!(integers(&batch, "key"), [1, 2, 2, 3, 4].map(Some));
    assert_eq!(integers(&batch, "value"), [Some(7), None, Some(8), Some(9), Some(1)]);
    assert_eq!(integers(&batch, "txn"), [4, 4, 6, 9, 11].map(Some));
    assert_eq!(integers(&batch, "session"), [0, 0, 1, 0, 2].map(Some));
    assert_eq!(texts(&batch, "op"), owned(&["write", "read", "write", "write", "write"]));
    let fates = ["committed", "committed", "unknown", "aborted", "unknown"];
    assert_eq!(texts(&batch, "status"), owned(&fates));
    assert_eq!(integers(&batch, "start_ts"), [Some(3), Some(3), None, None, None]);
    assert_eq!(integers(&batch, "commit_ts"), [Some(5), Some(5), None, None, None]);
    assert_eq!(imported.log.unit(), Unit::None);
}

/// Promise: entries in one vector are the same history.
#[test]
fn jepsen_vector() {
    let vector = format!("[{}]", HISTORY.lines().skip(1).collect::<Vec<_>>().join(" "));
    assert_eq!(log(Format::JepsenEdn, &vector), log(Format::JepsenEdn, HISTORY));
}

/// Promise: client times bound start and commit from invocation to answer; a fate that is not
/// known leaves the end open.
#[test]
fn jepsen_client_times() {
    let options = ImportOptions { client_times: true, ..ImportOptions::default() };
    let batch = take(Format::JepsenEdn, HISTORY.as_bytes(), &options).unwrap().log.finish().unwrap();
    let ticks = |column: &str| -> Vec<Option<i64>> {
        batch.column_by_name(column).unwrap().as_primitive::<TimestampNanosecondType>().iter().collect()
    };
    let never = Some(i64::MAX);
    assert_eq!(ticks("start_earliest"), [10, 10, 13, 22, 24].map(Some));
    assert_eq!(ticks("start_latest"), [Some(20), Some(20), never, Some(23), never]);
    assert_eq!(ticks("commit_earliest"), [Some(10), Some(10), Some(13), None, Some(24)]);
    assert_eq!(ticks("commit_latest"), [Some(20), Some(20), never, None, never]);
}

/// Promise: whatever is wrong with a history is told with its line and the value.
#[test]
fn jepsen_refusals() {
    let invoke = "{:type :invoke :f :txn :process 0 :value [[:w 1 2]]}\n";
    let ok = "{:type :ok :f :txn :process 0 :ts {:cts 1} :value [[:w 1 2]]}\n";
    let with = |rest: &str| format!("{invoke}{rest}");
    let value = |ops: &str| format!("\n{{:type :invoke :f :txn :process 0 :value {ops}}}");
    for (source, line, words) in [
        (with(invoke), 2, "process 0 calls again, with its call of line 1 open"),
        (ok.to_owned(), 1, "`:ok` of process 0, which has no call open"),
        (with(&ok.replace(":ts {:cts 1}", "")), 2, "--client-times takes the client's times"),
        (with(&ok.replace(":cts 1", ":cts x")), 2, "`:cts` is `x`"),
        (with(&ok.replace("{:cts 1}", "7")), 2, "`:ts` is `7`, not a map"),
        (with("{:type :done :f :txn :process 0}"), 2, "`:type` is `:done`"),
        (with("{:f :txn :process 0}"), 2, "`:type` is missing"),
        (with("{:type :ok :f :txn :process a}"), 2, "`:process` is `a`"),
        (with("{:type :ok :f :txn}"), 2, "`:process` is missing"),
        (with("{:type :ok :f :txn :process 0}"), 2, "`:value` is missing"),
        (with("{:type :invoke :f :txn :process 1 :index 3 :value []}"), 2, "some have none"),
        (value("[[:append 5 1]]"), 2, "`[:append 5 1]`: list-append histories are not supported"),
        (value("[[:r 5 [1 2]]]"), 2, "`[:r 5 [1 2]]`: list-append"),
        (value("[[:cas 5 1]]"), 2, "operation `:cas` is neither"),
        (value("[[:w 5]]"), 2, "`[:w 5]` is not an operation"),
        (value("[[:w nil 5]]"), 2, "the key is nil"),
        (value("[[:w 1 2.5]]"), 2, "`2.5` is not an integer, text or keyword"),
        (value("[[:w 1 99999999999999999999]]"), 2, "`99999999999999999999` is not"),
        (value("7"), 2, "`:value` is `7`"),
        ("\n\n7".to_owned(), 3, "`7` is not a map"),
        ("{:type\n:ok".to_owned(), 2, "the file ends before `}`"),
        ("{:a}".to_owned(), 1, "a name without a value"),
        ("{:a [1}".to_owned(), 1, "`}` stands where `]` is due"),
        ("\n}".to_owned(), 2, "`}` closes nothing"),
        ("{:a \"b\n".to_owned(), 2, "inside a text"),
        ("[{:f :x :type :y}\n".to_owned(), 2, "inside its vector"),
        ("[".repeat(100), 1, "nested deeper than 64"),
        ("#_".repeat(100), 1, "nested deeper than 64"),
        (
            with(&ok.replace("1 2", "\"k\" 2")) + invoke + &ok.replace("1 2", "3 4"),
            4,
            "is an integer, but all",
        ),
    ] {
        refused(Format::JepsenEdn, &source, line, words);
    }
    let clocks = ImportOptions { client_times: true, ..ImportOptions::default() };
    refused_with(Format::JepsenEdn, invoke, &clocks, 1, "`:time` is missing");
    let back = format!("{}{}", invoke.replace(":f", ":time 5 :f"), ok.replace(":f", ":time 4 :f"));
    refused_with(Format::JepsenEdn, &back, &clocks, 2, "`:time` is `4`, before that of the invocation, `5`");
}

/// Promise: a history of another kind is not passed off as an empty log, nor two as one.
#[test]
fn jepsen_needs_transactions() {
    let registers = b"{:type :invoke :f :read :process 0 :value nil}";
    let error = take(Format::JepsenEdn, registers, &ImportOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    let two = [PathBuf::from("a"), PathBuf::from("b")];
    assert!(import(Format::JepsenEdn, &two, &ImportOptions::default()).is_err());
}

/// Promise: captured versions become writes, and those of one start one transaction.
#[test]
fn tidb_versions() {
    let source = r#"{"{'k': 1, 'v': 13}": {"start_ts": 5, "commit_ts": 9, "pre_write": {"k": 1, "v": 2}},
        "{'v': None, 'k': 2}": {"start_ts": 5, "commit_ts": 9, "pre_write": null}}"#;
    let batch = log(Format::TidbCdc, source);
    assert_eq!(integers(&batch, "key"), [1, 2].map(Some));
    assert_eq!(integers(&batch, "value"), [Some(13), None]);
    assert_eq!(integers(&batch, "txn"), [5, 5].map(Some));
    assert_eq!(integers(&batch, "start_ts"), [5, 5].map(Some));
    assert_eq!(integers(&batch, "commit_ts"), [9, 9].map(Some));
    let batch = log(Format::TidbCdc, r#"{"{'k': 'it\\'s', 'v': \"x\"}": {"start_ts": 5, "commit_ts": 9}}"#);
    assert_eq!((texts(&batch, "key"), texts(&batch, "value")), (owned(&["it's"]), owned(&["x"])));
}

/// Promise: a bad entry is told with the line of its name.
#[test]
fn tidb_refusals() {
    let entry = |name: &str, fields: &str| {
        format!(
            "{{\"{{'k': 1, 'v': 1}}\": {{\"start_ts\": 5, \"commit_ts\": 9}},\n\n\"{name}\": {{\n{fields}}}\n\n}}"
        )
    };
    let times = "\"start_ts\": 6, \"commit_ts\": 9";
    for (source, line, words) in [
        (entry("{'k': 1, 'v': 2}", "\"start_ts\": 5, \"commit_ts\": 8"), 3, "has `8` here and `9` in row 0"),
        (entry("{'k': 1, 'v': 2}", "\"start_ts\": 5"), 3, "commit_ts is missing"),
        (entry("{'k': 1, 'v': 2}", "\"start_ts\": \"x\", \"commit_ts\": 8"), 3, "start_ts is `\"x\"`"),
        (
            entry("{'k': 1, 'v': 2}", "\"start_ts\": 18446744073709551615"),
            3,
            "start_ts is `18446744073709551615`",
        ),
        (entry("{'k': 1}", times), 3, "entry `{'k': 1}`: the name is not of the form"),
        (entry("{'k': 1, 'k': 1}", times), 3, "not of the form"),
        (entry("{'k': 1, 'x': 1}", times), 3, "not of the form"),
        (entry("{'k': None, 'v': 1}", times), 3, "the key is None"),
        (entry("{'k': 1.5, 'v': 1}", times), 3, "`1.5` is not a 64-bit integer"),
        (entry("{'k': 'a, 'v': 1}", times), 3, "not of the form"),
        (entry("{'k': 'a', 'v': 1}", times), 3, "`a` is not an integer"),
        (entry("x", times), 3, "not of the form"),
        (entry("{'k': 1, 'v': 2}", "\"start_ts\": ]"), 4, "expected value"),
        ("\n[]".to_owned(), 2, "an object with an entry for each version"),
        (String::new(), 1, "EOF"),
        ("{}\n{}".to_owned(), 2, "trailing characters"),
        (format!("{{\"{{'k': 1, 'v': 1}}\": {}", "[".repeat(1_000)), 1, "recursion limit"),
    ] {
        refused(Format::TidbCdc, &source, line, words);
    }
}

/// Promise: JSON Lines are read by column name or mapped path; fields of no column are ignored.
#[test]
fn json_lines() {
    let source = r#"{"key": "a", "op": "w", "value": 1, "txn": 7, "session": "s", "status": "committed", "more": [1],
 "#;
    let source = source.replace("\n ", "")
        + "\"region\": \"eu\", \"at\": {\"lo\": 1, \"hi\": 5}}\n\n"
        + r#"{"key": "b", "op": "READ", "value": null, "txn": 8, "at": {"lo": 2, "hi": 2}}"#
        + "\r\n"
        + r#"{"key": "c", "op": "delete", "at.lo": 3, "at": {"lo": 9, "hi": 4}}"#
        + "\n"
        + r#"{"key": "d", "at": {"lo": 4, "hi": 4}}"#;
    let options = ImportOptions {
        unit: Some(Unit::Milliseconds),
        ..mapped(&[("commit_earliest", "at.lo"), ("commit_latest", "at.hi")])
    };
    let batch = take(Format::JsonLines, source.as_bytes(), &options).unwrap().log.finish().unwrap();
    assert_eq!(texts(&batch, "key"), owned(&["a", "b", "c", "d"]));
    assert_eq!(texts(&batch, "op"), owned(&["write", "read", "write", "write"]));
    assert_eq!(integers(&batch, "value"), [Some(1), None, None, None]);
    assert_eq!(integers(&batch, "txn"), [Some(7), Some(8), None, None]);
    assert_eq!(texts(&batch, "region")[..2], [Some("eu".to_owned()), None]);
    let earliest = batch.column_by_name("commit_earliest").unwrap();
    let earliest: Vec<_> = earliest.as_primitive::<TimestampMillisecondType>().iter().collect();
    assert_eq!(earliest, [1, 2, 3, 4].map(Some), "a field whose name has the dots comes first");
}

/// Promise: text times are RFC 3339; bounds round outwards, assigned timestamps not at all.
#[test]
fn json_times() {
    let source = br#"{"key":1,"commit_earliest":"1970-01-01T00:00:00.0015Z","commit_latest":"1970-01-01T01:00:00.0015+01:00"}"#;
    let options = ImportOptions { unit: Some(Unit::Milliseconds), ..ImportOptions::default() };
    let batch = take(Format::JsonLines, source, &options).unwrap().log.finish().unwrap();
    let ends = ["commit_earliest", "commit_latest"]
        .map(|name| batch.column_by_name(name).unwrap().as_primitive::<TimestampMillisecondType>().value(0));
    assert_eq!(ends, [1, 2]);
    let imported = take(Format::JsonLines, source, &ImportOptions::default()).unwrap();
    assert_eq!(imported.log.unit(), Unit::Nanoseconds);
    let exact = r#"{"key":1,"commit_ts":"1970-01-01T00:00:00.0015Z"}"#;
    refused_with(Format::JsonLines, exact, &options, 1, "is finer than the ticks of unit ms");
}

/// Promise: a bad line is told with its number, field and value.
#[test]
fn json_refusals() {
    let good = "{\"key\": 1, \"commit_ts\": 1}\n\n";
    for (line, words) in [
        ("{", "not JSON: EOF while parsing an object at column 1"),
        ("[1]", "`[1]` is not a JSON object"),
        ("{\"commit_ts\": 1}", "column key: null, but every operation has a key"),
        ("{\"key\": null}", "column key: null"),
        ("{\"key\": 1.5, \"commit_ts\": 1}", "field `key`: `1.5` is not a 64-bit integer"),
        ("{\"key\": 18446744073709551616}", "is not a 64-bit integer"),
        ("{\"key\": [1]}", "field `key`: `[1]` is neither an integer nor text"),
        ("{\"key\": \"1\", \"commit_ts\": 1}", "column key: `1` is not an integer"),
        ("{\"key\": 1}", "neither a commit bound nor a commit_ts"),
        ("{\"key\": 1, \"op\": \"upsert\"}", "column op: `upsert` is none of"),
        ("{\"key\": 1, \"op\": 1}", "column op: `1` is none of"),
        ("{\"key\": 1, \"op\": \"d\", \"value\": 2}", "column value: a delete carries the value `2`"),
        ("{\"key\": 1, \"status\": \"lost\"}", "column status: `lost` is none of"),
        ("{\"key\": 1, \"region\": 3}", "column region: `3` is not text"),
        ("{\"key\": 1, \"start_ts\": \"noon\"}", "column start_ts: `noon` is neither"),
        ("{\"key\": 1, \"start_ts\": 18446744073709551615}", "does not fit a signed 64-bit time"),
        ("{\"key\": 1, \"start_earliest\": 5}", "column start_latest: null, but the earliest end is `5`"),
        ("{\"key\": 1, \"commit_latest\": 5}", "column commit_earliest: null, but the latest end is `5`"),
        ("{\"key\": 1, \"start_earliest\": 5, \"start_latest\": 4}", "`5` is later than the latest end, `4`"),
        ("{\"key\": 1, \"commit_ts\": \"2024-01-01T00:00:00Z\"}", "--unit must say what integers count"),
    ] {
        refused(Format::JsonLines, &format!("{good}{line}\n{good}"), 3, words);
    }
    let far = "{\"key\": 1, \"commit_ts\": \"9999-01-01T00:00:00Z\"}";
    refused(Format::JsonLines, far, 1, "does not fit 64 bits of ticks of unit ns");
    let logical = ImportOptions { unit: Some(Unit::None), ..ImportOptions::default() };
    refused_with(Format::JsonLines, far, &logical, 1, "the unit is none");
    refused(Format::JsonLines, &"[".repeat(1_000), 1, "recursion limit");
    let (long, short) = (" ".repeat((16 << 20) + 1), "\n");
    refused(Format::JsonLines, &format!("{short}{long}"), 2, "longer than 16777216 bytes");
}

/// Promise: fields of CSV are text, whole columns of plain integers are integers, empty is null.
#[test]
fn csv() {
    let source =
        "id,op,value,txn,commit_ts,note\r\n1,w,07,a,5,\"x, y\"\r\n\r\n2,r,,b,,\r\n-3,w,\"two\nlines\",c,6,\n";
    let options = mapped(&[("key", "id")]);
    let batch = take(Format::Csv, source.as_bytes(), &options).unwrap().log.finish().unwrap();
    assert_eq!(integers(&batch, "key"), [1, 2, -3].map(Some));
    let value = [Some("07".to_owned()), None, Some("two\nlines".to_owned())];
    assert_eq!(texts(&batch, "value"), value);
    assert_eq!(texts(&batch, "txn"), owned(&["a", "b", "c"]));
    assert_eq!(integers(&batch, "commit_ts"), [Some(5), None, Some(6)]);
    let marked = log(Format::Csv, "\u{feff}key,commit_ts\n18446744073709551615,1\n");
    assert_eq!(marked.column(0).data_type(), &DataType::UInt64);
}

/// Promise: a bad CSV record is told with the line on which it begins.
#[test]
fn csv_refusals() {
    let head = "key,op,commit_ts\n1,w,1\n\n";
    for (rest, line, words) in [
        ("2,w\n", 4, "2 fields, but the header has 3"),
        ("2,x,5\n", 4, "column op: `x` is none of"),
        (",w,5\n", 4, "column key: null"),
        ("\"a\nb\",w,5\n3,w,x\n", 6, "column commit_ts: `x` is neither"),
        ("3,w,5\n\"4,w,5\n5,w,5\n", 5, "a quote is left open"),
        ("4\",w,5\n", 4, "stands alone in a field that is not quoted"),
        ("3,w,\n", 4, "neither a commit bound nor a commit_ts"),
    ] {
        refused(Format::Csv, &format!("{head}{rest}"), line, words);
        let windows = format!("{head}{rest}").replace('\n', "\r\n");
        refused(Format::Csv, &windows, line, words);
    }
    let open = format!("{head}\"{}", "a\n".repeat(9 << 20));
    refused(Format::Csv, &open, 4, "is a quote left open?");
    let bytes = take(Format::Csv, b"key,commit_ts\n1,1\n\xff,1\n", &ImportOptions::default()).unwrap_err();
    assert!(bytes.to_string().contains("line 3: field `key`: `0xff` is not UTF-8"), "{bytes}");
    for (source, words) in
        [("k,op\n", "has no `key`, only `k`, `op`"), ("key,op,op\n", "`op` twice"), ("", "no `key`")]
    {
        let error = take(Format::Csv, source.as_bytes(), &ImportOptions::default()).unwrap_err();
        assert!(matches!(&error, Error::Column { reason, .. } if reason.contains(words)), "{error}");
    }
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, true))).unwrap();
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// Promise: Parquet's columns come over by name, timestamps of different units in the finest.
#[test]
fn parquet_columns() {
    let regions: DictionaryArray<Int32Type> = [Some("eu"), None, Some("us")].into_iter().collect();
    let bytes = parquet(vec![
        ("id", Arc::new(UInt64Array::from(vec![1, 2, u64::MAX]))),
        ("value", Arc::new(StringArray::from(vec![Some("a"), None, Some("c")]))),
        ("region", Arc::new(regions)),
        ("commit_earliest", Arc::new(TimestampSecondArray::from(vec![1, 2, 3]).with_timezone("UTC"))),
        ("commit_latest", Arc::new(TimestampMillisecondArray::from(vec![1_500, 2_500, 3_500]))),
        ("unused", Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0]))),
    ]);
    let batch = take(Format::Parquet, &bytes, &mapped(&[("key", "id")])).unwrap().log.finish().unwrap();
    assert_eq!(batch.column(0).data_type(), &DataType::UInt64);
    assert_eq!(texts(&batch, "region"), [Some("eu".to_owned()), None, Some("us".to_owned())]);
    let earliest = batch.column_by_name("commit_earliest").unwrap();
    assert_eq!(earliest.as_primitive::<TimestampMillisecondType>().values()[..], [1_000, 2_000, 3_000]);
}

/// Promise: a bad Parquet row is told with its number, a bad file or column with its name.
#[test]
fn parquet_refusals() {
    let ticks = |ticks: Vec<Option<i64>>| -> ArrayRef { Arc::new(Int64Array::from(ticks)) };
    let bytes =
        parquet(vec![("key", ticks(vec![Some(1), None])), ("commit_ts", ticks(vec![Some(1), Some(2)]))]);
    let error = take(Format::Parquet, &bytes, &ImportOptions::default()).unwrap_err();
    assert!(
        matches!(&error, Error::Record { line: 2, reason, .. } if reason.contains("column key: null")),
        "{error}"
    );
    let float = parquet(vec![("key", Arc::new(Float64Array::from(vec![1.0])))]);
    for (bytes, words) in
        [(float, "its type Float64"), (parquet(vec![("k", ticks(vec![]))]), "no `key`, only `k`")]
    {
        let error = take(Format::Parquet, &bytes, &ImportOptions::default()).unwrap_err();
        assert!(matches!(&error, Error::Column { reason, .. } if reason.contains(words)), "{error}");
    }
    let error = take(Format::Parquet, b"PAR1 and so on", &ImportOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error}");
    let error =
        import(Format::Parquet, &[PathBuf::from("no-such-file")], &ImportOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

/// Text that looks like the formats, for parsers to get deep into.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        "\"",
        "'",
        ":",
        ",",
        "\n",
        " ",
        "#",
        "_",
        "\\",
        ";",
        "\r\n",
        "\u{feff}",
        "1",
        "-9",
        "99999999999999999999",
        "1.5e9",
        "nil",
        "null",
        "None",
        ":type ",
        ":invoke ",
        ":ok ",
        ":info ",
        ":f :txn ",
        ":process 0 ",
        ":value ",
        "[:w 1 2]",
        "[:r 1 nil]",
        ":ts {:cts 1}",
        "\"key\":",
        "\"op\":",
        "\"w\"",
        "key,op,value\n",
        "\"{'k': 1, 'v': 2}\":",
        "{\"start_ts\":1,\"commit_ts\":2}",
        "\"commit_ts\":1",
        "2024-01-01T00:00:00Z",
        "\u{1f600}",
    ];
    let piece = prop_oneof![
        9 => proptest::sample::select(pieces.to_vec()).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => any::<Vec<u8>>(),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    /// Promise: no input makes an importer panic, whatever it is and whatever format it is called.
    #[test]
    fn hostile_input_is_an_error_or_a_log(source in nearly(), clocks in any::<bool>()) {
        for format in Format::ALL {
            let client_times = clocks && format == Format::JepsenEdn;
            let options = ImportOptions { client_times, ..ImportOptions::default() };
            if let Ok(imported) = take(format, &source, &options) {
                prop_assert!(imported.log.finish().is_ok());
            }
        }
    }

    /// Promise: a damaged Parquet file is an error or a log, never a panic.
    #[test]
    fn damaged_parquet(flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4)) {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100));
        let mut bytes = parquet(vec![("key", column.clone()), ("commit_ts", column)]);
        for (place, byte) in flips {
            *place.get_mut(&mut bytes) = byte;
        }
        let _ = take(Format::Parquet, &bytes, &ImportOptions::default());
    }
}
