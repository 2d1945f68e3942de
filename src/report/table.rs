//! The findings as a table, for tools that query tables.
//!
//! | column | type | null |
//! |---|---|---|
//! | `model`, `kind`, `certainty` | Utf8 | never |
//! | `key` | Utf8 | where the kind is not about a key |
//! | `txn_a`, `region_a`, `row_a` | Utf8, Utf8, `UInt64` | never: the first transaction |
//! | `txn_b`, `region_b`, `row_b` | same | if there is one transaction only; else the last one |
//! | `earliest_a`, `latest_a`, `earliest_b`, `latest_b` | Int64 | without a commit time |
//! | `explanation` | Utf8 | never |
//!
//! Times are ticks of the unit in the schema's metadata `skewer.unit`. Rows count from 0 through
//! the log's files in the order of their names.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Builder, RecordBatch, StringBuilder, UInt64Builder};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;

use crate::error::{Error, Result};
use crate::output;

use crate::report::{Finding, Party, Report, explain};
use crate::time::{BoundedTimestamp, Unit};

/// Findings in one record batch. Small enough that no text column comes near the 2 GiB that its
/// offsets can address, unless texts are longer than [`BATCH_BYTES`] says.
const BATCH_ROWS: usize = 65_536;

/// Bytes of text after which a record batch ends early.
const BATCH_BYTES: usize = 1 << 28;

/// The table's columns, with the log's unit as metadata.
pub fn schema(unit: Unit) -> Schema {
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);
    let time = |name: &str| Field::new(name, DataType::Int64, true);
    let row = |name: &str, nullable| Field::new(name, DataType::UInt64, nullable);
    let fields = vec![
        text("model", false),
        text("kind", false),
        text("certainty", false),
        text("key", true),
        text("txn_a", true),
        text("txn_b", true),
        text("region_a", true),
        text("region_b", true),
        time("earliest_a"),
        time("latest_a"),
        time("earliest_b"),
        time("latest_b"),
        row("row_a", true),
        row("row_b", true),
        text("explanation", false),
    ];
    let metadata = HashMap::from([("skewer.unit".to_owned(), unit.name().to_owned())]);
    Schema::new_with_metadata(fields, metadata)
}

/// The findings of all models in sorted order as record batches of [`schema`]; one empty batch
/// if there are none.
///
/// # Errors
/// A single text of more than 2 GiB.
pub fn batches(report: &Report) -> Result<Vec<RecordBatch>, ArrowError> {
    let schema = Arc::new(schema(report.log.unit));
    let mut done = Vec::new();
    let mut rows = Columns::default();
    for finding in report.findings() {
        rows.push(finding, report.log.unit)?;
        if rows.is_full() {
            done.push(rows.finish(&schema)?);
        }
    }
    if done.is_empty() || rows.len > 0 {
        done.push(rows.finish(&schema)?);
    }
    Ok(done)
}

/// Writes all findings that the report holds to `path` as an Arrow IPC file, whole or not at all.
///
/// # Errors
/// What the system said of the file.
pub fn write(report: &Report, path: &Path) -> Result<()> {
    output::replace(path, |to| {
        let write = || -> Result<(), ArrowError> {
            let mut file = FileWriter::try_new(to, &schema(report.log.unit))?;
            batches(report)?.iter().try_for_each(|batch| file.write(batch))?;
            file.finish()
        };
        write().map_err(|e| match e {
            ArrowError::IoError(_, source) => Error::io(path, source),
            other => Error::malformed(path, other.to_string()),
        })
    })
}

/// One transaction's columns of a finding.
#[derive(Default)]
struct Side {
    txn: StringBuilder,
    region: StringBuilder,
    earliest: Int64Builder,
    latest: Int64Builder,
    row: UInt64Builder,
}

impl Side {
    fn push(&mut self, party: Option<&Party>) {
        let commit = party.and_then(Party::commit);
        self.txn.append_option(party.map(|p| &p.txn));
        self.region.append_option(party.map(|p| &p.region));
        self.earliest.append_option(commit.map(BoundedTimestamp::earliest));
        self.latest.append_option(commit.map(BoundedTimestamp::latest));
        self.row.append_option(party.map(|p| p.row));
    }
}

#[derive(Default)]
struct Columns {
    len: usize,
    bytes: usize,
    model: StringBuilder,
    kind: StringBuilder,
    certainty: StringBuilder,
    key: StringBuilder,
    first: Side,
    last: Side,
    explanation: StringBuilder,
}

impl Columns {
    fn is_full(&self) -> bool {
        self.len >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    fn push(&mut self, finding: &Finding, unit: Unit) -> Result<(), ArrowError> {
        let sentence = explain(finding, unit);
        let first = finding.parties.first();
        let last = finding.parties.last().filter(|_| finding.parties.len() > 1);
        let names = [first, last].into_iter().flatten().map(|p| p.txn.len() + p.region.len());
        let bytes = sentence.len() + finding.key.as_ref().map_or(0, String::len) + names.sum::<usize>();
        // What is in the batch is less than `BATCH_BYTES`: the sum stays below 2 GiB.
        if bytes > i32::MAX as usize - BATCH_BYTES {
            return Err(ArrowError::InvalidArgumentError("a key or transaction id is too long".to_owned()));
        }
        self.len += 1;
        self.bytes += bytes;
        self.model.append_value(finding.model.name());
        self.kind.append_value(finding.kind.name());
        self.certainty.append_value(finding.certainty.name());
        self.key.append_option(finding.key.as_ref());
        self.first.push(first);
        self.last.push(last);
        self.explanation.append_value(sentence);
        Ok(())
    }

    /// The rows so far as a batch; none are left.
    fn finish(&mut self, schema: &Arc<Schema>) -> Result<RecordBatch, ArrowError> {
        (self.len, self.bytes) = (0, 0);
        let Self { model, kind, certainty, key, first: a, last: b, explanation, .. } = self;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(model.finish()),
            Arc::new(kind.finish()),
            Arc::new(certainty.finish()),
            Arc::new(key.finish()),
            Arc::new(a.txn.finish()),
            Arc::new(b.txn.finish()),
            Arc::new(a.region.finish()),
            Arc::new(b.region.finish()),
            Arc::new(a.earliest.finish()),
            Arc::new(a.latest.finish()),
            Arc::new(b.earliest.finish()),
            Arc::new(b.latest.finish()),
            Arc::new(a.row.finish()),
            Arc::new(b.row.finish()),
            Arc::new(explanation.finish()),
        ];
        RecordBatch::try_new(Arc::clone(schema), columns)
    }
}
