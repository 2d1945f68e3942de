//! Serial order and its frontiers, and the file that `skewer order` writes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray,
    TimestampSecondArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, TimeUnit, UInt64Type};
use arrow::ipc::{reader::FileReader, writer::FileWriter};
use proptest::prelude::*;
use skewer::log::build::Record;
use skewer::order::{self, Place};
use skewer::time::Unit;
use skewer::txn::{Datum, Op, Row, Times};
use skewer::{BoundedTimestamp, Log, OpenOptions};

use crate::columns;
use crate::logs::{Asked, How, Sample, pools};
use crate::strategies::{alike, samples};

/// What a serial order goes by: no stamp last, then stamp, region, transaction and row.
fn rank<'a>(row: &Row<'a>, times: &Times) -> (bool, Option<i64>, &'a str, Option<Datum<'a>>, u64) {
    (times.stamp().is_none(), times.stamp(), row.region, row.txn, row.row)
}

/// Serial order by its definition: "by commit stamp (`commit_ts`, else midpoint), then region,
/// transaction, row", where a transaction that wrote nothing stands at its start if it has no
/// commit; and frontiers by comparing each row with every other.
fn naive<'a>(rows: &[Row<'a>]) -> Vec<Place> {
    let wrote = |row: &Row<'a>| {
        rows.iter().any(|r| r.op == Op::Write && (r.row == row.row || r.txn.is_some() && r.txn == row.txn))
    };
    let timed = |row: &Row<'a>| {
        let times = if wrote(row) { row.times } else { row.times.at_start_if_uncommitted() };
        (*row, times)
    };
    let mut rows: Vec<_> = rows.iter().map(timed).collect();
    rows.sort_by(|(a, a_times), (b, b_times)| rank(a, a_times).cmp(&rank(b, b_times)));
    let bound = |at: usize| {
        let when = rows[at].1;
        when.commit.or(when.commit_ts.map(BoundedTimestamp::point)).unwrap_or(BoundedTimestamp::UNBOUNDED)
    };
    let frontier = |at: usize| {
        (0..at).all(|earlier| bound(earlier).precedes(bound(at)))
            && (at + 1..rows.len()).all(|later| !bound(later).precedes(bound(at)))
    };
    (0..rows.len()).map(|at| Place { row: rows[at].0.row, frontier: frontier(at) }).collect()
}

/// What `skewer order` writes of a log, read back.
fn ordered(log: &Log) -> (tempfile::TempDir, PathBuf, RecordBatch) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ordered.arrow");
    order::write(log, &path).unwrap();
    let batch = read(&path);
    (folder, path, batch)
}

fn read(path: &Path) -> RecordBatch {
    let reader = FileReader::try_new(std::fs::File::open(path).unwrap(), None).unwrap();
    let schema = reader.schema();
    concat_batches(&schema, &reader.map(Result::unwrap).collect::<Vec<_>>()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    /// Promise: serial order and frontiers are those of the definition, on any number of threads.
    #[test]
    fn serial_is_as_defined(sample in samples()) {
        let log = sample.open();
        let expected = naive(&sample.input(0).rows);
        for pool in pools() {
            prop_assert_eq!(&pool.install(|| order::serial(&log)), &expected);
        }
    }

    /// Promise: an ordered log is a log with the same rows, and with the same verdicts.
    #[test]
    fn an_ordered_log_is_judged_alike(sample in alike()) {
        let log = sample.open();
        let (_folder, path, batch) = ordered(&log);
        let positions = batch.column_by_name("position").unwrap().as_primitive::<UInt64Type>();
        prop_assert!(positions.values().iter().copied().eq(0..log.len()));
        let again = Log::open(&[path], &OpenOptions::default()).unwrap();
        let places = order::serial(&log);
        let frontiers = batch.column_by_name("frontier").unwrap().as_boolean();
        prop_assert!(frontiers.iter().map(Option::unwrap).eq(places.iter().map(|p| p.frontier)));
        for (at, place) in (0..).zip(&places) {
            let (before, after) = (log.row(place.row), again.row(at));
            prop_assert_eq!(after, Row { row: at, ..before });
        }
        let asked = Asked { visibility_lag: 1, findings: Some(0) };
        // A log without regions of its own is in region `-`, by name or not.
        let judged = |log: &Log| How::paths()[0].verify(log, asked).models;
        let told = |log: &Log| judged(log).into_values().map(|m| (m.verdict, m.facts, m.kinds)).collect::<Vec<_>>();
        prop_assert_eq!(told(&again), told(&log));
    }
}

fn file(folder: &Path, name: &str, columns: Vec<(&str, ArrayRef)>, metadata: &[(&str, &str)]) -> PathBuf {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let metadata: HashMap<String, String> =
        metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, metadata));
    let batch =
        RecordBatch::try_new(schema.clone(), columns.into_iter().map(|(_, array)| array).collect()).unwrap();
    let path = folder.join(name);
    let mut writer = FileWriter::try_new(std::fs::File::create(&path).unwrap(), &schema).unwrap();
    writer.write(&batch).unwrap();
    writer.finish().unwrap();
    path
}

fn texts(of: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(of.to_vec()))
}

fn integers(of: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(of.to_vec()))
}

/// Three files: of seconds, of milliseconds and of milliseconds as integers; with an extra column,
/// with transactions, with a region of its own.
fn three_files(folder: &Path) -> Vec<PathBuf> {
    let seconds = || -> ArrayRef { Arc::new(TimestampSecondArray::from(vec![3, 1])) };
    let millis = |of: Vec<i64>| -> ArrayRef { Arc::new(TimestampMillisecondArray::from(of)) };
    vec![
        file(
            folder,
            "ap.arrow",
            vec![
                ("key", texts(&["x", "y"])),
                ("note", texts(&["third", "first"])),
                ("commit_earliest", seconds()),
                ("commit_latest", seconds()),
            ],
            &[],
        ),
        file(
            folder,
            "eu.arrow",
            vec![
                ("commit_ts", millis(vec![2_500, 1_500])),
                ("key", texts(&["x", "y"])),
                ("txn", integers(&[8, 9])),
            ],
            &[("skewer.clock_error", "100")],
        ),
        file(
            folder,
            "us.arrow",
            vec![
                ("key", texts(&["x"])),
                ("commit_ts", integers(&[1_550])),
                ("commit_earliest", integers(&[1_500])),
                ("commit_latest", integers(&[1_600])),
            ],
            &[("skewer.unit", "ms"), ("skewer.region", "sa")],
        ),
    ]
}

fn texts_of(batch: &RecordBatch, column: &str) -> Vec<Option<String>> {
    let array = batch.column_by_name(column).unwrap_or_else(|| panic!("column {column}"));
    let array = arrow::compute::cast(array, &DataType::Utf8).unwrap();
    array.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

fn millis_of(batch: &RecordBatch, column: &str) -> Vec<Option<i64>> {
    let array = batch.column_by_name(column).unwrap_or_else(|| panic!("column {column}"));
    let array = arrow::compute::cast(array, &DataType::Timestamp(TimeUnit::Millisecond, None)).unwrap();
    let array = arrow::compute::cast(&array, &DataType::Int64).unwrap();
    array.as_primitive::<Int64Type>().iter().collect()
}

/// Promise: files of different units and columns are written as one, with every column, in the
/// finest unit, and with the regions that followed from the files.
#[test]
fn several_files_become_one() {
    let folder = tempfile::tempdir().unwrap();
    let paths = three_files(folder.path());
    let options = OpenOptions { all_columns: true, ..OpenOptions::default() };
    let log = Log::open(&paths, &options).unwrap();
    assert_eq!(log.unit(), Unit::Milliseconds);
    let (_out, path, batch) = ordered(&log);
    let some = |of: &[&str]| of.iter().map(|t| Some((*t).to_owned())).collect::<Vec<_>>();
    assert_eq!(texts_of(&batch, "key"), some(&["y", "y", "x", "x", "x"]));
    assert_eq!(texts_of(&batch, "region"), some(&["ap", "eu", "sa", "eu", "ap"]));
    assert_eq!(
        texts_of(&batch, "note"),
        [Some("first".to_owned()), None, None, None, Some("third".to_owned())]
    );
    assert_eq!(texts_of(&batch, "txn"), [None, Some("9".into()), None, Some("8".into()), None]);
    assert_eq!(millis_of(&batch, "commit_ts"), [None, Some(1_500), Some(1_550), Some(2_500), None]);
    assert_eq!(
        millis_of(&batch, "commit_earliest"),
        [Some(1_000), None, Some(1_500), None, Some(3_000)],
        "bounds that were not recorded are not written"
    );
    assert_eq!(batch.column_by_name("frontier").unwrap().as_boolean().true_count(), 4);
    // Its clock error held for one file alone: the ordered log has no metadata that says so.
    let again = Log::open(&[path], &options).unwrap();
    assert_eq!((again.unit(), again.len()), (Unit::Milliseconds, 5));
    assert_eq!(again.regions(), ["ap", "eu", "sa"]);
}

/// Promise: without `all_columns` only the columns of the format are written.
#[test]
fn extra_columns_are_written_if_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = three_files(folder.path()).remove(0);
    for all_columns in [false, true] {
        let options = OpenOptions { all_columns, ..OpenOptions::default() };
        let (_out, _, batch) = ordered(&Log::open(std::slice::from_ref(&path), &options).unwrap());
        assert_eq!(batch.column_by_name("note").is_some(), all_columns);
        assert!(batch.column_by_name("region").is_none(), "one file alone tells no region");
    }
}

/// Promise: a log that was ordered before is refused, and what the output was stays.
#[test]
fn ordered_twice() {
    let sample = Sample::of(vec![Record { commit_ts: Some(1), ..Record::default() }]);
    let (folder, path, _) = ordered(&sample.open());
    let options = OpenOptions { all_columns: true, ..OpenOptions::default() };
    let out = folder.path().join("twice.arrow");
    std::fs::write(&out, "old").unwrap();
    let refused = order::write(&Log::open(&[path], &options).unwrap(), &out).unwrap_err();
    assert!(refused.to_string().contains("position"), "{refused}");
    assert_eq!(std::fs::read(&out).unwrap(), b"old");
}

/// Promise: dictionaries of narrow indices from several batches are joined, however many values
/// they have together.
#[test]
fn narrow_dictionaries_are_joined() {
    let form = columns::Form { plain: columns::Plain::Utf8, dictionary: Some(8) };
    let records = (0..400).map(|n| Record {
        key: format!("key {n}").as_str().into(),
        commit_ts: Some(n),
        ..Record::default()
    });
    let mut sample = Sample::of(records.collect());
    sample.files[0].look.key = form;
    sample.files[0].look.batch_rows = 50;
    let (_out, path, batch) = ordered(&sample.open());
    let keys: Vec<_> = (0..400).map(|n| Some(format!("key {n}"))).collect();
    assert_eq!(texts_of(&batch, "key"), keys);
    assert_eq!(Log::open(&[path], &OpenOptions::default()).unwrap().len(), 400);
}

/// Promise: long files whose keys come through dictionaries of their own are written as one (the
/// second batch of the output, being small, had another dictionary than the first).
#[test]
fn dictionaries_of_long_files_are_joined() {
    let records = |first: i64| -> Vec<Record> {
        let record = |n: i64| Record {
            key: format!("key {}", first + n % 300).as_str().into(),
            commit_ts: Some(2 * n + first),
            ..Record::default()
        };
        (0..32_800).map(record).collect()
    };
    let mut sample = Sample::in_files(vec![records(0), records(1)]);
    let key = columns::Form { plain: columns::Plain::Utf8, dictionary: Some(32) };
    sample.files.iter_mut().for_each(|f| f.look.key = key);
    let (_out, path, _) = ordered(&sample.open());
    assert_eq!(Log::open(&[path], &OpenOptions::default()).unwrap().len(), 65_600);
}
