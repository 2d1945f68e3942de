//! Every line of the log format's table and every rule below it, through the program.

mod columns;
mod files;
mod times;
mod transactions;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Int32Type, Schema};
use arrow::ipc::CompressionType;
use arrow::ipc::writer::{FileWriter, IpcWriteOptions};
use serde_json::Value;

use crate::cli::skewer;
use crate::verdicts::Logs;

/// Named columns of one length.
type Columns = Vec<(&'static str, ArrayRef)>;

/// A log as it is about to be written.
struct Sheet {
    columns: Columns,
    metadata: HashMap<String, String>,
    codec: Option<CompressionType>,
}

impl From<Columns> for Sheet {
    fn from(columns: Columns) -> Self {
        Sheet { columns, metadata: HashMap::new(), codec: None }
    }
}

impl Sheet {
    fn with(mut self, key: &str, value: &str) -> Self {
        self.metadata.insert(key.to_owned(), value.to_owned());
        self
    }

    fn compressed(mut self, codec: CompressionType) -> Self {
        self.codec = Some(codec);
        self
    }

    fn batch(&self) -> RecordBatch {
        let columns = self.columns.iter().map(|(name, array)| (*name, Arc::clone(array), true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let schema = Schema::new_with_metadata(batch.schema().fields().clone(), self.metadata.clone());
        batch.with_schema(Arc::new(schema)).unwrap()
    }

    /// The bytes of a file that holds the sheet `times` over, a batch each.
    fn bytes(&self, times: usize) -> Vec<u8> {
        let batch = self.batch();
        let options = IpcWriteOptions::default().try_with_compression(self.codec).unwrap();
        let mut file = FileWriter::try_new_with_options(Vec::new(), &batch.schema(), options).unwrap();
        (0..times).for_each(|_| file.write(&batch).unwrap());
        file.into_inner().unwrap()
    }
}

impl Logs {
    /// Writes the sheet as the log of that name and returns its path as text.
    fn sheet(&self, name: &str, sheet: impl Into<Sheet>) -> String {
        std::fs::write(self.path(name), sheet.into().bytes(1)).unwrap();
        self.text(name)
    }

    /// Fails unless the logs of those names are refused on each command with exactly that one
    /// line, where `DIR` stands for the folder.
    fn refuses(&self, names: &[&str], line: &str) {
        let paths: Vec<String> = names.iter().map(|name| self.text(name)).collect();
        let out = self.text("out.arrow");
        let folder = self.text("");
        let expected = format!("skewer: error: {}\n", line.replace("DIR/", &folder));
        for job in [&["verify"][..], &["verify", "--no-mmap"], &["inspect"], &["order", "-o", &out]] {
            let args: Vec<&str> = job.iter().copied().chain(paths.iter().map(String::as_str)).collect();
            let run = skewer(&args);
            assert_eq!(
                (run.status, run.out.as_str(), run.err.as_str()),
                (2, "", expected.as_str()),
                "{job:?}"
            );
        }
        assert!(!self.path("out.arrow").exists());
    }

    /// As [`refuses`](Self::refuses), of one log.
    fn refused(&self, sheet: impl Into<Sheet>, line: &str) {
        self.sheet("a.arrow", sheet);
        self.refuses(&["a.arrow"], &format!("DIR/a.arrow: {line}"));
    }
}

/// What `verify` says of the logs, as JSON.
fn verdict(args: &[&str]) -> Value {
    let run = skewer(&[&["verify", "--format", "json"], args].concat());
    assert!(run.err.is_empty() && run.status < 2, "{}", run.err);
    serde_json::from_str(&run.out).unwrap()
}

/// What `inspect` says of the logs, as JSON.
fn inspected(args: &[&str]) -> Value {
    let run = skewer(&[&["inspect", "--format", "json"], args].concat());
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    serde_json::from_str(&run.out).unwrap()
}

/// The names of the regions of the logs.
fn regions(args: &[&str]) -> Vec<String> {
    let page = inspected(args);
    page["regions"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap().to_owned()).collect()
}

fn ints<T: Copy + Into<Option<i64>>>(values: &[T]) -> ArrayRef {
    Arc::new(values.iter().map(|&v| v.into()).collect::<Int64Array>())
}

fn words<'a, T: Copy + Into<Option<&'a str>>>(values: &[T]) -> ArrayRef {
    Arc::new(values.iter().map(|&v| v.into()).collect::<StringArray>())
}

fn coded(values: &[&str]) -> ArrayRef {
    Arc::new(values.iter().copied().collect::<DictionaryArray<Int32Type>>())
}

/// Two blind writers of key 1 in different regions, and a third of key 2.
fn blind() -> Columns {
    vec![
        ("key", ints(&[1, 2, 1])),
        ("txn", words(&["t1", "t2", "t3"])),
        ("region", words(&["eu", "eu", "us"])),
        ("start_earliest", ints(&[1, 1, 1])),
        ("start_latest", ints(&[2, 2, 2])),
        ("commit_earliest", ints(&[10, 20, 30])),
        ("commit_latest", ints(&[12, 22, 32])),
    ]
}

/// The columns, with the one of that name replaced, or added.
fn set(mut columns: Columns, name: &'static str, array: ArrayRef) -> Columns {
    match columns.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => *old = array,
        None => columns.push((name, array)),
    }
    columns
}

/// The columns without that one.
fn without(mut columns: Columns, name: &str) -> Columns {
    columns.retain(|(known, _)| *known != name);
    columns
}
