//! Keys, operations, values, ids and words: each type, each default, each refusal.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, BooleanArray, DictionaryArray, FixedSizeBinaryArray,
    Float64Array, Int16Array, Int32Array, Int64Array, LargeBinaryArray, LargeStringArray, ListArray,
    NullArray, PrimitiveArray, RunArray, StringArray, StringViewArray, StructArray, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowDictionaryKeyType, DataType, Field, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use serde_json::Value;

use super::{blind, coded, inspected, ints, regions, set, verdict, without, words};
use crate::verdicts::Logs;

fn fixed(values: &[&str]) -> ArrayRef {
    Arc::new(FixedSizeBinaryArray::try_from_iter(values.iter()).unwrap())
}

/// The words in every type that holds text or bytes.
fn texts(values: &[&str]) -> Vec<ArrayRef> {
    let bytes: Vec<&[u8]> = values.iter().map(|v| v.as_bytes()).collect();
    vec![
        Arc::new(StringArray::from(values.to_vec())),
        Arc::new(LargeStringArray::from(values.to_vec())),
        Arc::new(StringViewArray::from(values.to_vec())),
        Arc::new(BinaryArray::from(bytes.clone())),
        Arc::new(LargeBinaryArray::from(bytes.clone())),
        Arc::new(BinaryViewArray::from(bytes)),
        fixed(values),
    ]
}

/// The numbers in every type that holds them.
fn numbers(values: &[i64]) -> Vec<ArrayRef> {
    let unsigned = values.iter().map(|v| u64::try_from(*v).unwrap()).collect::<UInt64Array>();
    vec![Arc::new(Int64Array::from(values.to_vec())), Arc::new(unsigned)]
}

/// Rows 0, 1, 0 of a dictionary of two.
fn dictionary<K: ArrowDictionaryKeyType>(values: &ArrayRef) -> ArrayRef {
    let indices = cast(&Int32Array::from(vec![0, 1, 0]), &K::DATA_TYPE).unwrap();
    let indices: &PrimitiveArray<K> = indices.as_any().downcast_ref().unwrap();
    Arc::new(DictionaryArray::try_new(indices.clone(), Arc::clone(values)).unwrap())
}

/// What is said of the log of blind writers with those keys, ids and values.
fn said(logs: &Logs, column: &'static str, array: ArrayRef) -> Value {
    let mut page = verdict(&[&logs.sheet("a.arrow", set(blind(), column, array))]);
    assert_eq!(page["models"]["cross-region-conflicts"]["kinds"]["write-write"]["definite"], 1);
    page["log"].take();
    page
}

fn same_for_all(column: &'static str, plain: Vec<ArrayRef>, pairs: &[ArrayRef]) {
    let logs = Logs::new();
    let expected = said(&logs, column, Arc::clone(&plain[0]));
    for array in plain.into_iter().chain(pairs.iter().map(dictionary::<Int32Type>)) {
        let data_type = array.data_type().clone();
        assert_eq!(said(&logs, column, array), expected, "{column} is {data_type}");
    }
}

/// Promise: every type of key gives the same verdict, also behind a dictionary.
#[test]
fn key_types() {
    same_for_all("key", texts(&["kappa", "lambd", "kappa"]), &texts(&["kappa", "lambd"]));
    same_for_all("key", numbers(&[41, 42, 41]), &numbers(&[41, 42]));
}

/// Promise: a dictionary's indices may be of any width.
#[test]
fn index_types() {
    let logs = Logs::new();
    let values = &texts(&["kappa", "lambd"])[0];
    let expected = said(&logs, "key", dictionary::<Int32Type>(values));
    let widths = [
        dictionary::<Int8Type>(values),
        dictionary::<Int16Type>(values),
        dictionary::<Int64Type>(values),
        dictionary::<UInt8Type>(values),
        dictionary::<UInt16Type>(values),
        dictionary::<UInt32Type>(values),
        dictionary::<UInt64Type>(values),
    ];
    for array in widths {
        assert_eq!(said(&logs, "key", array), expected);
    }
}

/// Promise: transactions, sessions and values are of any of these types too.
#[test]
fn id_types() {
    for column in ["txn", "session", "value"] {
        let three = ["a1", "b2", "c3"];
        if column == "txn" {
            same_for_all(column, texts(&three), &[]);
            same_for_all(column, numbers(&[7, 8, 9]), &[]);
        } else {
            same_for_all(column, texts(&["a1", "b2", "a1"]), &texts(&["a1", "b2"]));
            same_for_all(column, numbers(&[7, 8, 7]), &numbers(&[7, 8]));
        }
    }
}

/// Promise: keys of integer columns are the same key in files of both types, up to the largest.
#[test]
fn integer_keys_across_types() {
    let logs = Logs::new();
    let eu = logs.sheet("eu.arrow", set(blind(), "key", numbers(&[1, 2, 1]).remove(0)));
    let ids = set(blind(), "txn", words(&["u1", "u2", "u3"]));
    let us = logs.sheet("us.arrow", set(ids, "key", Arc::new(UInt64Array::from(vec![1, u64::MAX, 1]))));
    let page = verdict(&[&eu, &us]);
    assert_eq!(page["log"]["keys"], 3);
    assert_eq!(page["models"]["cross-region-conflicts"]["kinds"]["write-write"]["definite"], 4);
}

/// Promise: keys that are no text are told as hex, integers as decimal.
#[test]
fn keys_in_findings() {
    let logs = Logs::new();
    let keys: Vec<&[u8]> = vec![b"\xff\x00", b"x", b"\xff\x00"];
    let page = verdict(&[&logs.sheet("a.arrow", set(blind(), "key", Arc::new(BinaryArray::from(keys))))]);
    assert_eq!(page["findings"][0]["key"], "0xff00");
    let keys = Arc::new(UInt64Array::from(vec![u64::MAX, 1, u64::MAX]));
    let page = verdict(&[&logs.sheet("a.arrow", set(blind(), "key", keys))]);
    assert_eq!(page["findings"][0]["key"], "18446744073709551615");
}

/// Promise: every operation has a key: the column is there, of a type for keys, never null.
#[test]
fn keys_refused() {
    let logs = Logs::new();
    logs.refused(without(blind(), "key"), "column key: is missing; every log has it");
    let nulls = ints(&[Some(1), Some(2), None]);
    logs.refused(set(blind(), "key", nulls), "row 2: column key: is null; every operation has a key");
    let values: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
    let line = "row 1: column key: is null; every operation has a key";
    logs.refused(set(blind(), "key", dictionary::<Int32Type>(&values)), line);
    let expected = "expected integers (64 bits), text, binary, or a dictionary of one of these";
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![1.0, 2.0, 1.0]));
    for array in [floats, Arc::new(Int16Array::from(vec![1, 2, 1])), Arc::new(NullArray::new(3))] {
        let line = format!("column key: is {}; {expected}", array.data_type());
        logs.refused(set(blind(), "key", array), &line);
    }
    let nested = dictionary::<Int32Type>(&(Arc::new(BooleanArray::from(vec![true, false])) as ArrayRef));
    let line = format!("column key: is {}; {expected}", nested.data_type());
    logs.refused(set(blind(), "key", nested), &line);
}

/// Promise: a column of ids or values of another type is refused by name.
#[test]
fn ids_refused() {
    let logs = Logs::new();
    for column in ["value", "txn", "session"] {
        let line = format!(
            "column {column}: is Float64; expected integers (64 bits), text, binary, or a dictionary of one of these"
        );
        logs.refused(set(blind(), column, Arc::new(Float64Array::from(vec![1.0, 2.0, 3.0]))), &line);
    }
}

fn operations(logs: &Logs, ops: ArrayRef) -> Value {
    let rows = ops.len();
    let many = vec![1; rows];
    let columns = vec![("key", ints(&many)), ("op", ops), ("commit_ts", ints(&many))];
    inspected(&[&logs.sheet("a.arrow", columns)])["operations"].clone()
}

/// Promise: operations are spelt in full or by their letter, and are writes where nothing is said.
#[test]
fn operation_words() {
    let logs = Logs::new();
    let spelt = ["read", "r", "write", "w", "delete", "d", "w"];
    let two_two_three = serde_json::json!({ "reads": 2, "writes": 3, "deletes": 2 });
    assert_eq!(operations(&logs, words(&spelt)), two_two_three);
    assert_eq!(operations(&logs, coded(&spelt)), two_two_three);
    for array in [
        Arc::new(LargeStringArray::from(spelt.to_vec())) as ArrayRef,
        Arc::new(StringViewArray::from(spelt.to_vec())),
    ] {
        assert_eq!(operations(&logs, array), two_two_three);
    }
    let nulls = words(&[Some("r"), None, Some("d"), None]);
    let expected = serde_json::json!({ "reads": 1, "writes": 2, "deletes": 1 });
    assert_eq!(operations(&logs, nulls), expected);
    let writes = serde_json::json!({ "reads": 0, "writes": 3, "deletes": 0 });
    assert_eq!(operations(&logs, Arc::new(NullArray::new(3))), writes);
    assert_eq!(inspected(&[&logs.sheet("a.arrow", blind())])["operations"], writes);
}

/// Promise: an unknown word is refused with its row, and quoted.
#[test]
fn words_refused() {
    let logs = Logs::new();
    let ops = "is none of read, r, write, w, delete, d";
    for array in [words(&["w", "R", "w"]), coded(&["w", "R", "w"])] {
        logs.refused(set(blind(), "op", array), &format!("row 1: column op: `R` {ops}"));
    }
    logs.refused(set(blind(), "op", words(&["w", "w", ""])), &format!("row 2: column op: `` {ops}"));
    let escape = format!("row 0: column op: `\\u{{1b}}[31m\\n` {ops}");
    logs.refused(set(blind(), "op", words(&["\u{1b}[31m\n", "w", "w"])), &escape);
    let long = "x".repeat(5_000);
    let cut = format!("row 0: column op: `{}...` {ops}", "x".repeat(80));
    logs.refused(set(blind(), "op", words(&[long.as_str(), "w", "w"])), &cut);
    let line = "row 1: column status: `Committed` is none of committed, aborted, unknown";
    logs.refused(set(blind(), "status", words(&["committed", "Committed", "aborted"])), line);
    for column in ["op", "region", "status"] {
        let line = format!("column {column}: is Int64; expected text or a dictionary of text");
        logs.refused(set(blind(), column, ints(&[1, 2, 3])), &line);
    }
}

/// Promise: a transaction is committed unless its status says otherwise.
#[test]
fn statuses() {
    let logs = Logs::new();
    let statuses = |array: ArrayRef| {
        inspected(&[&logs.sheet("a.arrow", set(blind(), "status", array))])["statuses"].clone()
    };
    let counts = |committed, aborted, unknown| serde_json::json!({ "committed": committed, "aborted": aborted, "unknown": unknown });
    assert_eq!(statuses(words(&["committed", "aborted", "unknown"])), counts(1, 1, 1));
    assert_eq!(statuses(coded(&["unknown", "aborted", "unknown"])), counts(0, 1, 2));
    assert_eq!(statuses(words(&[None, Some("aborted"), None])), counts(2, 1, 0));
    assert_eq!(statuses(Arc::new(NullArray::new(3))), counts(3, 0, 0));
    assert_eq!(inspected(&[&logs.sheet("a.arrow", blind())])["statuses"], counts(3, 0, 0));
}

/// Promise: what is absent or null has the meaning of the format's table.
#[test]
fn defaults() {
    let logs = Logs::new();
    // Without a txn column, and where it is null, each row is a transaction of its own.
    let txns = |columns| inspected(&[&logs.sheet("a.arrow", columns)])["transactions"].clone();
    assert_eq!(txns(without(blind(), "txn")), 3);
    assert_eq!(txns(set(blind(), "txn", words(&[None, None, Some("t")]))), 3);
    assert_eq!(txns(set(blind(), "txn", Arc::new(NullArray::new(3)))), 3);
    // Without values each write is its own version, and models of reads are not checked.
    let page = verdict(&[&logs.sheet("a.arrow", without(blind(), "txn"))]);
    assert_eq!(page["models"]["snapshot-isolation"]["verdict"], "not-checked");
    assert_eq!(page["models"]["cross-region-conflicts"]["verdict"], "violated");
    // Without a session column there are no sessions.
    assert_eq!(page["log"]["sessions"], 0);
    let page =
        verdict(&[&logs.sheet("a.arrow", set(blind(), "session", words(&[Some("s"), None, Some("s")])))]);
    assert_eq!(page["log"]["sessions"], 1);
}

/// Promise: a region that no cell names is that of the metadata, else the file's stem if there
/// are several files, else `-`.
#[test]
fn default_regions() {
    let logs = Logs::new();
    let bare = |ids: [&'static str; 3]| set(without(blind(), "region"), "txn", words(&ids));
    let eu = logs.sheet("eu.arrow", bare(["a", "b", "c"]));
    let us = logs.sheet("us.west.arrow", bare(["d", "e", "f"]));
    assert_eq!(regions(&[&eu]), ["-"]);
    assert_eq!(regions(&[&eu, &us]), ["eu", "us.west"]);
    let stated = super::Sheet::from(bare(["g", "h", "i"])).with("skewer.region", "ap");
    let ap = logs.sheet("x.arrow", stated);
    assert_eq!(regions(&[&ap]), ["ap"]);
    assert_eq!(regions(&[&ap, &eu, &us]), ["ap", "eu", "us.west"]);
    let some = set(bare(["g", "h", "i"]), "region", words(&[Some("us"), None, None]));
    let some = logs.sheet("some.arrow", super::Sheet::from(some).with("skewer.region", "ap"));
    assert_eq!(regions(&[&some]), ["ap", "us"]);
}

/// Promise: other columns are ignored, of whatever type; `order` keeps them.
#[test]
fn extra_columns() {
    let logs = Logs::new();
    let expected = verdict(&[&logs.sheet("a.arrow", blind())]);
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>((0..3).map(|n| Some(vec![Some(n)])));
    let field = Arc::new(Field::new("x", DataType::Int64, false));
    let pairs = StructArray::from(vec![(field, ints(&[1, 2, 3]))]);
    let mut columns = blind();
    columns.insert(0, ("notes", Arc::new(lists) as ArrayRef));
    columns.push(("pairs", Arc::new(pairs)));
    columns.push(("flag", Arc::new(BooleanArray::from(vec![None, Some(true), Some(false)]))));
    columns.push(("Key", words(&[None::<&str>, None, None])));
    let log = logs.sheet("a.arrow", columns);
    assert_eq!(verdict(&[&log]), expected);
    let run = crate::cli::skewer(&["order", &log, "-o", &logs.text("out.arrow")]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    let columns = &inspected(&[&logs.text("out.arrow")])["files"][0]["columns"];
    let names: Vec<&str> = columns.as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(&names[..2], ["notes", "key"]);
    assert_eq!(&names[names.len() - 5..], ["pairs", "flag", "Key", "position", "frontier"]);
}

/// Promise: a column of the format stands once; other columns may share a name.
#[test]
fn duplicate_columns() {
    let logs = Logs::new();
    let mut columns = blind();
    columns.push(("key", ints(&[1, 2, 3])));
    logs.refused(columns, "column key: stands twice");
    let mut columns = blind();
    columns.extend([("note", ints(&[1, 2, 3])), ("note", words(&["a", "b", "c"]))]);
    assert_eq!(inspected(&[&logs.sheet("a.arrow", columns)])["rows"], 3);
}

/// Promise: run-end encoding is refused wherever it stands, by the column's name.
#[test]
fn run_ends_refused() {
    let logs = Logs::new();
    let runs = RunArray::try_new(&Int32Array::from(vec![2, 3]), &StringArray::from(vec!["a", "b"])).unwrap();
    let runs: ArrayRef = Arc::new(runs);
    let line = |column| format!("column {column}: run-end encoding is not supported");
    logs.refused(set(blind(), "note", Arc::clone(&runs)), &line("note"));
    logs.refused(set(blind(), "key", runs), &line("key"));
}
