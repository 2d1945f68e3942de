//! Valid logs of every kind that there is: what mutation starts from.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BinaryViewArray, DictionaryArray, FixedSizeBinaryArray, Int32Array, Int64Array,
    LargeStringArray, ListArray, RecordBatch, StringArray, StringViewArray, StructArray,
    TimestampMillisecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Int8Type, Int32Type, Int64Type, Schema};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{DictionaryHandling, FileWriter, IpcWriteOptions};

/// Rows of a seed's batch.
const ROWS: usize = 6;

/// A seed: its name, and the bytes of a log.
pub type Seed = (String, Vec<u8>);

/// Every seed.
///
/// # Panics
/// If one cannot be written.
pub fn all() -> Vec<Seed> {
    let mut seeds = Vec::new();
    for (name, key) in keys() {
        seeds.push((name.to_owned(), file(&[batch(key)], None)));
    }
    for (name, codec) in [("lz4", CompressionType::LZ4_FRAME), ("zstd", CompressionType::ZSTD)] {
        for (kind, key) in [("words", words(1)), ("views", views()), ("dictionary", dictionary(1))] {
            // A seventh copy of each row, or else nothing is small enough to be compressed.
            let rows = repeated(&batch(key), 20);
            seeds.push((format!("{name}-{kind}"), file(&[rows], Some(codec))));
        }
    }
    seeds.push(("batches".to_owned(), file(&[batch(integers()), batch(integers())], None)));
    seeds.push(("empty".to_owned(), file(&[batch(integers()).slice(0, 0)], None)));
    seeds.push(("deltas".to_owned(), file(&[batch(dictionary(1)), batch(dictionary(2))], None)));
    seeds.push(("nested".to_owned(), file(&[nested()], None)));
    seeds.push(("metadata".to_owned(), file(&[with_metadata()], None)));
    seeds
}

fn keys() -> Vec<(&'static str, ArrayRef)> {
    let bytes: Vec<&[u8]> = vec![b"a", b"", b"\xff\xfe", b"a", b"b", b"a"];
    let fixed = FixedSizeBinaryArray::try_from_iter([b"ab", b"cd", b"ab", b"ab", b"cd", b"ef"].iter());
    let small: DictionaryArray<Int8Type> = ["x", "y", "x", "x", "y", "x"].into_iter().collect();
    vec![
        ("integers", integers()),
        ("unsigned", Arc::new(UInt64Array::from(vec![1, u64::MAX, 1, 2, 2, 1]))),
        ("words", words(1)),
        ("large-words", Arc::new(LargeStringArray::from(vec!["a", "b", "a", "", "b", "c"]))),
        ("views", views()),
        ("binary", Arc::new(BinaryArray::from(bytes.clone()))),
        ("binary-views", Arc::new(BinaryViewArray::from(bytes))),
        ("fixed", Arc::new(fixed.expect("all are two bytes long"))),
        ("dictionary", dictionary(1)),
        ("small-dictionary", Arc::new(small)),
    ]
}

fn integers() -> ArrayRef {
    Arc::new(Int64Array::from(vec![1, 2, 1, 3, 2, 1]))
}

fn words(from: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter_values((from..from + ROWS).map(|n| format!("key {}", n % 3))))
}

/// Both inlined and long ones.
fn views() -> ArrayRef {
    let long = "a key that is too long to stand in its view";
    Arc::new(StringViewArray::from(vec!["a", long, "a", "another key of more than twelve bytes", "", long]))
}

fn dictionary(from: usize) -> ArrayRef {
    // A later dictionary only adds words: that is what a file may hold.
    let words = StringArray::from_iter_values((0..from + 3).map(|n| format!("key {n}")));
    let indices: Int32Array = (0..ROWS as i32).map(|n| n % 4).collect();
    Arc::new(DictionaryArray::new(indices, Arc::new(words)))
}

fn batch(key: ArrayRef) -> RecordBatch {
    let ops: DictionaryArray<Int8Type> = ["w", "r", "write", "d", "read", "w"].into_iter().collect();
    let regions: DictionaryArray<Int32Type> = ["eu", "us", "us", "eu", "us", "us"].into_iter().collect();
    let times = |times: [i64; ROWS]| Arc::new(TimestampMillisecondArray::from(times.to_vec())) as ArrayRef;
    let some: Vec<Option<i64>> = vec![Some(7), None, Some(8), None, Some(7), None];
    columns(vec![
        ("key", key),
        ("op", Arc::new(ops)),
        ("value", Arc::new(Int64Array::from(some.clone()))),
        ("txn", Arc::new(Int64Array::from(vec![1, 2, 3, 4, 5, 5]))),
        ("region", Arc::new(regions)),
        ("session", Arc::new(StringArray::from(vec![Some("s"), None, Some("s"), None, None, None]))),
        (
            "status",
            Arc::new(StringArray::from(vec![
                "committed",
                "aborted",
                "unknown",
                "committed",
                "committed",
                "committed",
            ])),
        ),
        ("start_earliest", times([1, 2, 3, 4, 5, 5])),
        ("start_latest", times([2, 3, 4, 5, 6, 6])),
        ("commit_earliest", times([11, 12, 13, 14, 15, 15])),
        ("commit_latest", times([21, 22, 23, 24, 25, 25])),
        ("commit_ts", times([16, 17, 18, 19, 20, 20])),
    ])
}

fn nested() -> RecordBatch {
    let lists: ListArray =
        ListArray::from_iter_primitive::<Int64Type, _, _>((0..3).map(|n| Some(vec![Some(n), None])));
    let field = Arc::new(Field::new("x", DataType::Int64, false));
    let pairs = StructArray::from(vec![(field, Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef)]);
    columns(vec![
        ("notes", Arc::new(lists) as ArrayRef),
        ("key", Arc::new(Int64Array::from(vec![1, 1, 2]))),
        ("pairs", Arc::new(pairs)),
        ("commit_ts", Arc::new(UInt64Array::from(vec![Some(1), Some(2), Some(3)]))),
    ])
}

fn with_metadata() -> RecordBatch {
    let plain = columns(vec![
        ("key", integers()),
        ("commit_ts", Arc::new(Int64Array::from(vec![5, 6, 7, 8, 9, 10])) as ArrayRef),
    ]);
    let words = [("skewer.region", "eu"), ("skewer.clock_error", "3"), ("skewer.unit", "us")];
    let metadata: HashMap<String, String> = words.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    let schema = Schema::new_with_metadata(plain.schema().fields().clone(), metadata);
    plain.with_schema(Arc::new(schema)).expect("only metadata differ")
}

fn columns(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .expect("columns of one length")
}

/// The batch, `times` over.
fn repeated(batch: &RecordBatch, times: usize) -> RecordBatch {
    // Transactions agree with themselves: the same rows may stand there again.
    let many: Vec<RecordBatch> = vec![batch.clone(); times];
    arrow::compute::concat_batches(&batch.schema(), &many).expect("one schema")
}

fn file(batches: &[RecordBatch], codec: Option<CompressionType>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let options = IpcWriteOptions::default()
        .with_dictionary_handling(DictionaryHandling::Delta)
        .try_with_compression(codec)
        .expect("the codec is built in");
    let mut writer = FileWriter::try_new_with_options(&mut bytes, &batches[0].schema(), options)
        .expect("memory can be written to");
    for batch in batches {
        writer.write(batch).expect("a batch of the schema");
    }
    writer.finish().expect("memory can be written to");
    drop(writer);
    bytes
}
