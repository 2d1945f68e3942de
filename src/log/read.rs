//! One record batch becomes one chunk: columns found by name, their types checked.

use std::path::Path;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Schema, SchemaRef};

use super::assemble::column_error;
use super::chunk::{Bounds, Chunk, DELETE, READ, WRITE, status_code};
use super::codes::{Codes, is_words};
use super::join::Joined;
use super::scalars::{Dictionaries, Scalars};
use super::times::{Ticks, TicksError};
use super::units::FileUnit;
use crate::error::{Error, Result};
use crate::txn::{Brief, Status};

/// Reads the batches of one file, in order.
pub(super) struct Reader<'a> {
    pub(super) file: usize,
    pub(super) path: &'a Path,
    /// Rows of the file read so far.
    pub(super) file_row: u64,
    /// Rows of the log read so far.
    pub(super) log_row: u64,
    pub(super) default_region: &'a str,
    /// Names met so far, in that order.
    pub(super) regions: &'a mut Vec<String>,
    pub(super) unit: FileUnit,
    pub(super) dictionaries: Dictionaries,
    /// Which bounds were made of timestamps.
    pub(super) joined: Joined,
}

impl Reader<'_> {
    /// Checks what holds for a file even if it has no rows.
    pub(super) fn check_schema(&self, schema: &Schema) -> Result<()> {
        if schema.index_of("key").is_err() {
            return Err(column_error(self.path, "key", "is missing; every log has it".to_owned()));
        }
        for (earliest, latest) in [("start_earliest", "start_latest"), ("commit_earliest", "commit_latest")] {
            let (has_earliest, has_latest) =
                (schema.index_of(earliest).is_ok(), schema.index_of(latest).is_ok());
            if has_earliest != has_latest {
                let (has, lacks) = if has_earliest { (earliest, latest) } else { (latest, earliest) };
                return Err(column_error(
                    self.path,
                    lacks,
                    format!("is missing beside {has}; a bound has two ends"),
                ));
            }
        }
        for (at, field) in schema.fields().iter().enumerate() {
            if super::open::is_known(field.name())
                && schema.fields()[..at].iter().any(|f| f.name() == field.name())
            {
                return Err(column_error(self.path, field.name(), "stands twice".to_owned()));
            }
        }
        Ok(())
    }

    /// Checks the types of a file that has no rows: nothing else would.
    pub(super) fn check_types(&mut self, schema: &SchemaRef) -> Result<()> {
        let known = |i: &usize| super::open::is_known(schema.field(*i).name());
        let known: Vec<usize> = (0..schema.fields().len()).filter(known).collect();
        let schema = schema.project(&known).map_err(|e| Error::malformed(self.path, e.to_string()))?;
        let met = self.regions.len();
        self.chunk(&RecordBatch::new_empty(SchemaRef::new(schema)))?;
        // A region that no row names is none of the log's.
        self.regions.truncate(met);
        Ok(())
    }

    /// The chunk of the next batch.
    pub(super) fn chunk(&mut self, batch: &RecordBatch) -> Result<Chunk> {
        let rows = batch.num_rows();
        let key = self.scalars(batch, "key")?;
        let Some(key) = key else {
            return Err(column_error(self.path, "key", "is missing; every log has it".to_owned()));
        };
        if let Some(row) = key.first_null() {
            return Err(self.row_error(row, "key", "is null; every operation has a key".to_owned()));
        }
        let chunk = Chunk {
            file: self.file,
            first_row: self.log_row,
            rows,
            key,
            op: self.codes(batch, "op", |_, word| op_code(word))?,
            value: self.scalars(batch, "value")?,
            txn: self.scalars(batch, "txn")?,
            region: self.codes(batch, "region", |reader, word| {
                let name = word.unwrap_or(reader.default_region);
                intern(reader.regions, name)
            })?,
            session: self.scalars(batch, "session")?,
            status: self.codes(batch, "status", |_, word| status_of(word))?,
            start: self.bounds(batch, "start_earliest", "start_latest")?,
            commit: self.bounds(batch, "commit_earliest", "commit_latest")?,
            start_ts: self.ticks(batch, "start_ts")?,
            commit_ts: self.ticks(batch, "commit_ts")?,
            outline: Vec::new(),
            clock_error: None,
            joined: self.joined,
        };
        self.file_row += rows as u64;
        self.log_row += rows as u64;
        Ok(chunk)
    }

    fn row_error(&self, row: usize, column: &str, reason: String) -> Error {
        Error::Row {
            path: self.path.to_owned(),
            row: self.file_row + row as u64,
            column: column.to_owned(),
            reason,
        }
    }

    fn scalars(&mut self, batch: &RecordBatch, column: &'static str) -> Result<Option<Scalars>> {
        let Some(array) = batch.column_by_name(column).filter(|a| column == "key" || !is_null_type(a)) else {
            return Ok(None);
        };
        match Scalars::of_column(array, &mut self.dictionaries) {
            Some(scalars) => Ok(Some(scalars)),
            None => Err(column_error(
                self.path,
                column,
                format!(
                    "is {}; expected integers (64 bits), text, binary, or a dictionary of one of these",
                    array.data_type()
                ),
            )),
        }
    }

    fn codes(
        &mut self,
        batch: &RecordBatch,
        column: &'static str,
        mut code: impl FnMut(&mut Self, Option<&str>) -> Result<u16, String>,
    ) -> Result<Codes> {
        let Some(array) = batch.column_by_name(column).filter(|a| !is_null_type(a)) else {
            let absent = code(self, None).map_err(Error::Log)?;
            return Ok(Codes::Constant(absent));
        };
        if !is_words(array.data_type()) {
            let reason = format!("is {}; expected text or a dictionary of text", array.data_type());
            return Err(column_error(self.path, column, reason));
        }
        let codes = Codes::of_column(array, |word| code(self, word));
        codes.map_err(|(row, reason)| self.row_error(row, column, reason))
    }

    fn ticks(&mut self, batch: &RecordBatch, column: &'static str) -> Result<Option<Ticks>> {
        let Some(array) = batch.column_by_name(column).filter(|a| !is_null_type(a)) else { return Ok(None) };
        match Ticks::of_column(array) {
            Ok((ticks, unit)) => {
                self.unit.see(column, unit);
                Ok(Some(ticks))
            }
            Err(TicksError::Type(reason)) => Err(column_error(self.path, column, reason)),
            Err(TicksError::TooLarge(row, value)) => {
                let reason = format!("{value} is above {}, the largest time", i64::MAX);
                Err(self.row_error(row, column, reason))
            }
        }
    }

    fn bounds(
        &mut self,
        batch: &RecordBatch,
        earliest: &'static str,
        latest: &'static str,
    ) -> Result<Option<Bounds>> {
        let (first, last) = (self.ticks(batch, earliest)?, self.ticks(batch, latest)?);
        match (first, last) {
            (Some(earliest), Some(latest)) => Ok(Some(Bounds { earliest, latest })),
            (None, None) => Ok(None),
            // Of a column without a type each row is null; the rows are checked later.
            (Some(earliest), None) => Ok(Some(Bounds { latest: Ticks::nulls(batch.num_rows()), earliest })),
            (None, Some(latest)) => Ok(Some(Bounds { earliest: Ticks::nulls(batch.num_rows()), latest })),
        }
    }
}

/// A column that a writer knew nothing of but its name.
fn is_null_type(array: &ArrayRef) -> bool {
    *array.data_type() == arrow::datatypes::DataType::Null
}

fn op_code(word: Option<&str>) -> Result<u16, String> {
    match word {
        Some("read" | "r") => Ok(READ),
        Some("write" | "w") | None => Ok(WRITE),
        Some("delete" | "d") => Ok(DELETE),
        Some(other) => Err(format!("`{}` is none of read, r, write, w, delete, d", Brief(other.into()))),
    }
}

fn status_of(word: Option<&str>) -> Result<u16, String> {
    let Some(word) = word else { return Ok(status_code(Status::Committed)) };
    [Status::Committed, Status::Aborted, Status::Unknown]
        .into_iter()
        .find(|s| s.name() == word)
        .map(status_code)
        .ok_or_else(|| format!("`{}` is none of committed, aborted, unknown", Brief(word.into())))
}

/// The code of a region's name, which is new if it was not met before.
fn intern(regions: &mut Vec<String>, name: &str) -> Result<u16, String> {
    if let Some(code) = regions.iter().position(|r| r == name) {
        return Ok(code as u16);
    }
    if regions.len() > usize::from(u16::MAX) {
        let most = usize::from(u16::MAX) + 1;
        return Err(format!("`{}` is one region too many; the most is {most}", Brief(name.into())));
    }
    regions.push(name.to_owned());
    Ok((regions.len() - 1) as u16)
}
