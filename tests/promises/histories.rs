//! Histories of real databases, recorded by others. They stand outside the project.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int32Type, Int64Type};
use skewer::import::{Format, ImportOptions, Imported, import};
use skewer::order::serial;
use skewer::report::{Counts, Model, Verdict};
use skewer::{Log, OpenOptions, VerifyOptions, verify};

use crate::readings::{comparable, truth};

/// The history of that name, or `None`, loudly, where the recordings are missing.
fn history(name: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/histories");
    let folder = std::env::var_os("SKEWER_HISTORIES").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let path = folder.join(name);
    if path.is_file() {
        return Some(path);
    }
    eprintln!("SKIPPED: there is no {}; SKEWER_HISTORIES names the folder of real histories", path.display());
    None
}

fn imported(format: Format, path: PathBuf, options: &ImportOptions) -> (Imported, RecordBatch) {
    let imported = import(format, &[path], options).unwrap();
    let batch = imported.log.finish().unwrap();
    (imported, batch)
}

fn opened(batch: RecordBatch) -> Log {
    Log::from_batches(vec![("log.arrow".to_owned(), vec![batch])], &OpenOptions::default()).unwrap()
}

fn integers(batch: &RecordBatch, column: &str) -> Vec<Option<i64>> {
    let array = batch.column_by_name(column).unwrap_or_else(|| panic!("column {column}"));
    array.as_primitive::<Int64Type>().iter().collect()
}

fn words(batch: &RecordBatch, column: &str) -> Vec<String> {
    let array = batch.column_by_name(column).unwrap_or_else(|| panic!("column {column}"));
    let array = array.as_dictionary::<Int32Type>().downcast_dict::<arrow::array::StringArray>().unwrap();
    array.into_iter().map(|word| word.unwrap().to_owned()).collect()
}

/// Promise: a Jepsen history keeps every committed transaction with the server's timestamps,
/// and nothing that was not observed.
#[test]
fn dgraph_is_imported_whole() {
    let Some(path) = history("dgraph/history.edn") else { return };
    let (imported, batch) = imported(Format::JepsenEdn, path, &ImportOptions::default());
    let (txns, statuses) = (integers(&batch, "txn"), words(&batch, "status"));
    let committed = |row: &usize| statuses[*row] == "committed";
    let rows: Vec<_> = (0..batch.num_rows()).filter(committed).collect();
    assert_eq!(rows.len(), 1_975, "operations of committed transactions");
    assert_eq!(rows.iter().map(|row| txns[*row]).collect::<HashSet<_>>().len(), 504);
    let assigned = [integers(&batch, "start_ts"), integers(&batch, "commit_ts")];
    assert!(rows.iter().all(|row| assigned.iter().all(|ts| ts[*row].is_some())));
    assert!(statuses.iter().all(|status| status != "unknown"), "every invocation was answered");
    let ops = words(&batch, "op");
    assert!((0..batch.num_rows()).all(|row| committed(&row) || ops[row] == "write"));
    assert!(imported.unanswered_reads > 0);
    assert_eq!(imported.skipped_entries, 0);
    assert!(batch.column_by_name("commit_earliest").is_none(), "client times only when asked for");
}

/// Promise: Dgraph's history keeps snapshot isolation by the server's timestamps, as another
/// checker found too, and its serial order is violated by exactly 99 stale reads.
#[test]
fn dgraph_verdicts() {
    let Some(path) = history("dgraph/history.edn") else { return };
    let (_, batch) = imported(Format::JepsenEdn, path, &ImportOptions::default());
    let log = opened(batch);
    let report = verify(&log, &VerifyOptions::default()).unwrap();
    let snapshot = &report.models[&Model::SnapshotIsolation];
    assert_eq!((snapshot.verdict, snapshot.total()), (Verdict::Holds, Counts::default()));
    let serializable = &report.models[&Model::Serializable];
    assert_eq!(serializable.verdict, Verdict::Violated);
    let found: Vec<_> =
        serializable.kinds.iter().filter(|(_, counts)| **counts != Counts::default()).collect();
    assert_eq!(found, [(&"stale-read", &Counts { definite: 99, possible: 0 })]);
    assert_eq!(serializable.findings.len(), 99);
    for model in [Model::WriteOrder, Model::CrossRegionConflicts] {
        let report = &report.models[&model];
        assert_eq!(report.verdict, Verdict::NotChecked, "timestamps without bounds");
        assert_eq!(report.reason.as_deref(), Some("the log has no commit bounds"));
    }
}

/// Promise: on recorded histories every model says what the reference says: reason, facts, counts,
/// findings. (Of TiDB's the first three thousand versions: the reference looks at all pairs.)
#[test]
fn histories_equal_the_reference() {
    let dgraph = history("dgraph/history.edn").map(|path| {
        let client = ImportOptions { client_times: true, ..ImportOptions::default() };
        [ImportOptions::default(), client]
            .map(|options| imported(Format::JepsenEdn, path.clone(), &options).1)
    });
    let tidb = history("tidb-cdc/cdc.json").map(|path| {
        let (_, batch) = imported(Format::TidbCdc, path, &ImportOptions::default());
        batch.slice(0, batch.num_rows().min(3_000))
    });
    let files = dgraph.into_iter().flatten().chain(tidb);
    for batch in files {
        let files = vec![("log.arrow".to_owned(), vec![batch])];
        // Where nothing but timestamps was recorded, a clock error makes bounds of them.
        let clock_error = Some(skewer::time::Span::Ticks(3));
        let log = Log::from_batches(files, &OpenOptions { clock_error, ..OpenOptions::default() }).unwrap();
        let options = VerifyOptions { models: Some(Model::ALL.to_vec()), ..VerifyOptions::default() };
        for (model, said) in verify(&log, &options).unwrap().models {
            assert_eq!(comparable(said), comparable(truth(&log, model, None)), "{}", model.name());
        }
    }
}

/// Promise: with `--client-times` both bounds span the operation, in nanoseconds.
#[test]
fn dgraph_client_times() {
    let Some(path) = history("dgraph/history.edn") else { return };
    let options = ImportOptions { client_times: true, ..ImportOptions::default() };
    let (imported, batch) = imported(Format::JepsenEdn, path, &options);
    assert_eq!(imported.log.unit(), skewer::time::Unit::Nanoseconds);
    let statuses = words(&batch, "status");
    let ends = ["start_earliest", "start_latest", "commit_earliest", "commit_latest"];
    let ends = ends.map(|name| batch.column_by_name(name).unwrap().clone());
    for (row, status) in statuses.iter().enumerate() {
        let commits = [ends[2].is_valid(row), ends[3].is_valid(row)];
        assert_eq!(commits, [status == "committed"; 2], "row {row}");
        assert!(ends[0].is_valid(row) && ends[1].is_valid(row));
    }
}

/// Promise: `TiDB`'s own version order comes out of serial order without exception.
#[test]
fn tidb_version_order() {
    let Some(path) = history("tidb-cdc/cdc.json") else { return };
    let source: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let (_, batch) = imported(Format::TidbCdc, path, &ImportOptions::default());
    let [keys, values] = ["key", "value"].map(|name| integers(&batch, name));
    assert_eq!(batch.num_rows(), 10_624);

    let mut versions: HashMap<i64, Vec<i64>> = HashMap::new();
    for place in serial(&opened(batch)) {
        let row = place.row as usize;
        versions.entry(keys[row].unwrap()).or_default().push(values[row].unwrap());
    }
    assert_eq!(versions.len(), 1_962);

    // A later run wrote some values again, and the recording keeps one entry a value: what such an
    // entry replaced in its own run is gone, and its name stands for a version of a later time.
    let (mut named, mut dangling, mut right_before) = (0, 0, 0);
    for (key, list) in &versions {
        for (place, value) in list.iter().enumerate() {
            let entry = &source[format!("{{'k': {key}, 'v': {value}}}")];
            let Some(before) = entry["pre_write"]["v"].as_i64() else { continue };
            named += 1;
            match list[..place].iter().rposition(|value| *value == before) {
                None => dangling += 1,
                Some(found) => right_before += usize::from(found + 1 == place),
            }
        }
    }
    assert_eq!((named, dangling, right_before), (7_118, 585, 6_533));
}
