//! Records as Arrow batches, in every type that a column of the log format may have.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryArray, BinaryViewArray, DictionaryArray, FixedSizeBinaryArray, Int64Array,
    LargeBinaryArray, LargeStringArray, RecordBatch, StringArray, StringViewArray, TimestampNanosecondArray,
    UInt64Array,
};
use arrow::datatypes::{Field, Int16Type, Int32Type, Schema, UInt8Type};
use skewer::BoundedTimestamp;
use skewer::log::build::{Record, Value};
use skewer::txn::{Op, Status};

/// The type of one value of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plain {
    Int64,
    UInt64,
    Utf8,
    LargeUtf8,
    Utf8View,
    Binary,
    LargeBinary,
    BinaryView,
    /// Four bytes.
    Fixed,
}

/// The type of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) plain: Plain,
    /// Whether through a dictionary, and the number of bits of its indices.
    pub(crate) dictionary: Option<u8>,
}

impl Form {
    pub(crate) const fn plain(plain: Plain) -> Self {
        Form { plain, dictionary: None }
    }
}

/// How the times of a file are typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeForm {
    Integers,
    Timestamps,
    /// In UTC by name.
    Utc,
}

/// How the columns of a file look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) key: Form,
    pub(crate) value: Form,
    pub(crate) txn: Form,
    pub(crate) session: Form,
    /// Operation, region and status.
    pub(crate) words: Form,
    pub(crate) times: TimeForm,
    /// Rows in each of its batches but the last.
    pub(crate) batch_rows: usize,
    /// Whether columns that say nothing are left out.
    pub(crate) lean: bool,
    /// Whether operations are letters, and deletes carry a value that means nothing.
    pub(crate) letters: bool,
}

impl Default for Look {
    fn default() -> Self {
        let text = Form::plain(Plain::Utf8);
        let integer = Form::plain(Plain::Int64);
        Look {
            key: integer,
            value: integer,
            txn: integer,
            session: integer,
            words: text,
            times: TimeForm::Integers,
            batch_rows: 1 << 16,
            lean: true,
            letters: false,
        }
    }
}

/// The batches of a file that holds `records`.
pub(crate) fn batches(records: &[Record], look: &Look) -> Vec<RecordBatch> {
    let columns: Vec<&'static str> =
        COLUMNS.into_iter().filter(|name| has_column(records, look, name)).collect();
    if records.is_empty() {
        return vec![batch(&[], look, &columns)];
    }
    records.chunks(look.batch_rows.max(1)).map(|rows| batch(rows, look, &columns)).collect()
}

const COLUMNS: [&str; 13] = [
    "commit_latest",
    "key",
    "op",
    "value",
    "txn",
    "region",
    "session",
    "status",
    "start_earliest",
    "start_latest",
    "commit_earliest",
    "start_ts",
    "commit_ts",
];

/// Whether the file has a column of that name.
pub(crate) fn has_column(records: &[Record], look: &Look, name: &str) -> bool {
    let says = |r: &Record| match name {
        "key" => true,
        "op" => r.op == Op::Read || (look.letters && r.value.is_none()),
        "value" => r.value.is_some(),
        "txn" => r.txn.is_some(),
        "region" => r.region.is_some(),
        "session" => r.session.is_some(),
        "status" => r.status != Status::Committed,
        "start_earliest" | "start_latest" => r.start.is_some(),
        "commit_earliest" | "commit_latest" => r.commit.is_some(),
        "start_ts" => r.start_ts.is_some(),
        _ => r.commit_ts.is_some(),
    };
    !look.lean || name == "key" || records.iter().any(says)
}

fn batch(rows: &[Record], look: &Look, columns: &[&'static str]) -> RecordBatch {
    let arrays: Vec<ArrayRef> = columns.iter().map(|name| column(rows, look, name)).collect();
    let fields: Vec<Field> = columns
        .iter()
        .zip(&arrays)
        .map(|(name, array)| Field::new(*name, array.data_type().clone(), *name != "key"))
        .collect();
    let metadata = HashMap::from([("skewer.unit".to_owned(), "ns".to_owned())]);
    RecordBatch::try_new(Arc::new(Schema::new_with_metadata(fields, metadata)), arrays).unwrap()
}

fn column(rows: &[Record], look: &Look, name: &str) -> ArrayRef {
    let data = |form, of: &dyn Fn(&Record) -> Option<Value>| {
        scalars(&rows.iter().map(of).collect::<Vec<Option<Value>>>(), form)
    };
    let ticks = |of: &dyn Fn(&Record) -> Option<i64>| times(rows.iter().map(of), look.times);
    match name {
        "key" => data(look.key, &|r| Some(r.key.clone())),
        "op" => data(look.words, &|r| op_word(r, look.letters).map(Value::from)),
        "value" => data(look.value, &|r| value(r, look)),
        "txn" => data(look.txn, &|r| r.txn.clone()),
        "region" => data(look.words, &|r| r.region.as_deref().map(Value::from)),
        "session" => data(look.session, &|r| r.session.clone()),
        "status" => data(look.words, &|r| Some(r.status.name().into())),
        "start_earliest" => ticks(&|r| r.start.map(BoundedTimestamp::earliest)),
        "start_latest" => ticks(&|r| r.start.map(BoundedTimestamp::latest)),
        "commit_earliest" => ticks(&|r| r.commit.map(BoundedTimestamp::earliest)),
        "commit_latest" => ticks(&|r| r.commit.map(BoundedTimestamp::latest)),
        "start_ts" => ticks(&|r| r.start_ts),
        _ => ticks(&|r| r.commit_ts),
    }
}

fn op_word(record: &Record, letters: bool) -> Option<&'static str> {
    match (record.op, letters) {
        (Op::Read, true) => Some("r"),
        (Op::Read, false) => Some("read"),
        (Op::Write, true) if record.value.is_none() => Some("d"),
        (Op::Write, true) => Some("w"),
        // A null operation is a write.
        (Op::Write, false) => record.value.as_ref().map(|_| "write"),
    }
}

fn value(record: &Record, look: &Look) -> Option<Value> {
    let deletes = look.letters && record.op == Op::Write && record.value.is_none();
    if deletes { Some(filler(look.value.plain)) } else { record.value.clone() }
}

/// Some value of that type, which others may have too.
fn filler(plain: Plain) -> Value {
    match plain {
        Plain::Int64 | Plain::UInt64 => Value::Integer(1),
        Plain::Fixed => Value::Bytes(vec![0xff, 0, 0, 1]),
        _ => Value::Text("w1".to_owned()),
    }
}

fn times(ticks: impl Iterator<Item = Option<i64>>, form: TimeForm) -> ArrayRef {
    match form {
        TimeForm::Integers => Arc::new(ticks.collect::<Int64Array>()),
        TimeForm::Timestamps => Arc::new(ticks.collect::<TimestampNanosecondArray>()),
        TimeForm::Utc => Arc::new(ticks.collect::<TimestampNanosecondArray>().with_timezone("UTC")),
    }
}

/// A column of keys, values, ids or words.
pub(crate) fn scalars(values: &[Option<Value>], form: Form) -> ArrayRef {
    match form.dictionary {
        None => plain(values, form.plain),
        Some(bits) => dictionary(values, form.plain, bits),
    }
}

/// A dictionary as no tidy writer makes it: with an entry that no row uses, with equal entries,
/// and with nulls of both sorts: no index, and the index of a null.
fn dictionary(values: &[Option<Value>], form: Plain, bits: u8) -> ArrayRef {
    let mut entries = vec![Some(filler(form))];
    let mut indices: Vec<Option<usize>> = Vec::with_capacity(values.len());
    for (row, value) in values.iter().enumerate() {
        let known = entries.iter().skip(1).position(|e| e == value).map(|at| at + 1);
        indices.push(match known {
            _ if value.is_none() && row % 2 == 0 => None,
            Some(at) if row % 7 != 6 || entries.len() > 100 => Some(at),
            _ => {
                entries.push(value.clone());
                Some(entries.len() - 1)
            }
        });
    }
    let bits = if bits == 8 && entries.len() > 256 { 16 } else { bits };
    let entries = plain(&entries, form);
    match bits {
        8 => Arc::new(DictionaryArray::<UInt8Type>::new(
            indices.into_iter().map(|i| i.map(|i| u8::try_from(i).unwrap())).collect(),
            entries,
        )),
        16 => Arc::new(DictionaryArray::<Int16Type>::new(
            indices.into_iter().map(|i| i.map(|i| i16::try_from(i).unwrap())).collect(),
            entries,
        )),
        _ => Arc::new(DictionaryArray::<Int32Type>::new(
            indices.into_iter().map(|i| i.map(|i| i32::try_from(i).unwrap())).collect(),
            entries,
        )),
    }
}

fn plain(values: &[Option<Value>], form: Plain) -> ArrayRef {
    let present = values.iter().map(Option::as_ref);
    let (bytes, text) = (present.clone().map(|v| v.map(bytes)), present.clone().map(|v| v.map(text)));
    match form {
        Plain::Int64 => Arc::new(present.map(|v| v.map(signed)).collect::<Int64Array>()),
        Plain::UInt64 => Arc::new(present.map(|v| v.map(unsigned)).collect::<UInt64Array>()),
        Plain::Utf8 => Arc::new(text.collect::<StringArray>()),
        Plain::LargeUtf8 => Arc::new(text.collect::<LargeStringArray>()),
        Plain::Utf8View => Arc::new(text.collect::<StringViewArray>()),
        Plain::Binary => Arc::new(bytes.collect::<BinaryArray>()),
        Plain::LargeBinary => Arc::new(bytes.collect::<LargeBinaryArray>()),
        Plain::BinaryView => Arc::new(bytes.collect::<BinaryViewArray>()),
        Plain::Fixed => Arc::new(FixedSizeBinaryArray::try_from_sparse_iter_with_size(bytes, 4).unwrap()),
    }
}

fn signed(value: &Value) -> i64 {
    match value {
        Value::Integer(n) => *n,
        other => panic!("{other:?} is no Int64"),
    }
}

fn unsigned(value: &Value) -> u64 {
    match value {
        Value::Integer(n) => u64::try_from(*n).unwrap(),
        Value::Unsigned(n) => *n,
        other => panic!("{other:?} is no UInt64"),
    }
}

fn bytes(value: &Value) -> &[u8] {
    match value {
        Value::Text(text) => text.as_bytes(),
        Value::Bytes(bytes) => bytes,
        other => panic!("{other:?} is not bytes"),
    }
}

fn text(value: &Value) -> &str {
    std::str::from_utf8(bytes(value)).unwrap()
}
