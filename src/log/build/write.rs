//! The built log as Arrow batches, and as a file.

use std::fs::File;
use std::io::BufWriter;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Int32Array, Int64Array, PrimitiveArray, RecordBatch, StringArray,
};
use arrow::datatypes::{
    ArrowTimestampType, DataType, Field, Int32Type, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow::error::ArrowError;
use arrow::ipc::writer::FileWriter;

use super::column::Ticks;
use super::{LogBuilder, STATUSES};
use crate::bounds::BoundHistories;
use crate::error::{Error, Result};
use crate::log::{HOST, Joiner};
use crate::time::Unit;
use crate::txn::Status;

/// Rows of one batch of a written log.
const BATCH_ROWS: usize = 65_536;
/// Bytes of text at which a batch of a written log ends early: Arrow's offsets are 32 bits.
const BATCH_BYTES: usize = 1 << 30;

impl LogBuilder {
    /// The whole log as one batch.
    ///
    /// # Errors
    /// [`Error::Log`] if a column holds more than 2 GiB of text; [`write_to`](Self::write_to)
    /// has no such limit.
    pub fn finish(&self) -> Result<RecordBatch> {
        self.batch(&self.schema(), &self.dictionaries(), 0..self.len())
            .map_err(|e| Error::Log(format!("the log does not fit one batch: {e}")))
    }

    /// Writes the log as an uncompressed Arrow IPC file, in batches of at most 65,536 rows.
    ///
    /// It is written beside `path` under another name, made durable, then renamed: `path`
    /// holds what it held before or the whole log, never a part.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be written to, [`Error::Log`] if Arrow refuses.
    pub fn write_to(&self, path: impl AsRef<Path>) -> Result<()> {
        self.write(path.as_ref(), None).map(|_| ())
    }

    /// As [`write_to`](Self::write_to), with bounds beside timestamps that have none, made of what is
    /// known of their clocks. Records without a region are of region `-`. Returns what a user should know of
    /// histories of which no timestamp is, in sentences without a full stop.
    ///
    /// # Errors
    /// Also [`Error::Option`], if the histories do not fit the log: a history of a host where no record
    /// has one, or times that are no times of day.
    pub fn write_with_bounds(&self, path: impl AsRef<Path>, bounds: &BoundHistories) -> Result<Vec<String>> {
        self.write(path.as_ref(), Some(bounds))
    }

    fn write(&self, path: &Path, bounds: Option<&BoundHistories>) -> Result<Vec<String>> {
        let schema = self.schema();
        let stated = Some(self.unit);
        let lacks = |name: &str| self.times().into_iter().any(|(time, c)| time == name && c.has_nulls());
        let joiner = bounds.map(|bounds| Joiner::new(bounds, &schema, "-", stated, lacks)).transpose();
        let joiner = joiner.map_err(|reason| Error::Option { option: "--bounds", reason })?.flatten();
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let failed = |e| Error::io(path, e);
        let mut file = temporary_in(folder).map_err(failed)?;
        self.write_batches(file.as_file_mut(), joiner.as_ref()).map_err(|e| match e {
            ArrowError::IoError(_, source) => failed(source),
            other => Error::Log(format!("the log cannot be written: {other}")),
        })?;
        file.as_file().sync_all().map_err(failed)?;
        file.persist(path).map_err(|e| failed(e.error))?;
        let Some(bounds) = bounds else { return Ok(Vec::new()) };
        let used = joiner.map_or(vec![false; bounds.count()], |joiner| joiner.used());
        Ok(bounds.unused(&used))
    }

    fn write_batches(&self, file: &mut File, joiner: Option<&Joiner<'_>>) -> Result<(), ArrowError> {
        let schema = self.schema();
        let dictionaries = self.dictionaries();
        let written = joiner.map_or(schema.clone(), Joiner::schema);
        let mut writer = FileWriter::try_new(BufWriter::new(file), &written)?;
        let mut row = 0;
        while row < self.len() {
            let end = self.batch_end(row);
            let batch = self.batch(&schema, &dictionaries, row..end)?;
            match joiner {
                None => writer.write(&batch)?,
                Some(joiner) => writer.write(&joiner.join_one(&batch)?)?,
            }
            row = end;
        }
        writer.finish()
    }

    /// One past the last row of the batch that begins at `row`.
    fn batch_end(&self, row: usize) -> usize {
        let columns = [&self.key, &self.value, &self.txn, &self.session, &self.host];
        let mut bytes = 0;
        let mut end = row;
        while end < self.len() && end - row < BATCH_ROWS && bytes < BATCH_BYTES {
            bytes += columns.iter().map(|column| column.text_bytes(end)).sum::<usize>();
            end += 1;
        }
        end
    }

    fn schema(&self) -> SchemaRef {
        let word = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let mut fields =
            vec![Field::new("key", self.key.data_type(), false), Field::new("op", word(), false)];
        let datums =
            [("value", &self.value), ("txn", &self.txn), ("session", &self.session), (HOST, &self.host)];
        for (name, column) in datums.into_iter().filter(|(_, c)| !c.all_null()) {
            fields.push(Field::new(name, column.data_type(), true));
        }
        if !self.region_names.is_empty() {
            fields.push(Field::new("region", word(), true));
        }
        if self.statuses.iter().any(|s| *s != 0) {
            fields.push(Field::new("status", word(), false));
        }
        for (name, _) in self.times().into_iter().filter(|(_, c)| !c.all_null()) {
            fields.push(Field::new(name, time_type(self.unit), true));
        }
        let mut schema = Schema::new(fields);
        if self.unit == Unit::None {
            schema.metadata.insert("skewer.unit".to_owned(), self.unit.name().to_owned());
        }
        Arc::new(schema)
    }

    /// The words of the three coded columns: all batches of a file must share them.
    fn dictionaries(&self) -> [ArrayRef; 3] {
        [
            Arc::new(StringArray::from_iter_values(["read", "write"])),
            Arc::new(StringArray::from_iter_values(&self.region_names)),
            Arc::new(StringArray::from_iter_values(STATUSES.map(Status::name))),
        ]
    }

    fn batch(
        &self,
        schema: &SchemaRef,
        [ops, regions, statuses]: &[ArrayRef; 3],
        rows: Range<usize>,
    ) -> Result<RecordBatch, ArrowError> {
        let column = |field: &Arc<Field>| {
            let name = field.name().as_str();
            match name {
                "key" => self.key.array(rows.clone()),
                "value" => self.value.array(rows.clone()),
                "txn" => self.txn.array(rows.clone()),
                "session" => self.session.array(rows.clone()),
                HOST => self.host.array(rows.clone()),
                "op" => coded(self.ops[rows.clone()].iter().copied().map(Some), ops),
                "region" => coded(self.regions[rows.clone()].iter().copied(), regions),
                "status" => coded(self.statuses[rows.clone()].iter().copied().map(Some), statuses),
                time => {
                    let found = self.times().into_iter().find(|(name, _)| *name == time);
                    let (_, column) = found.ok_or_else(|| ArrowError::SchemaError(time.to_owned()))?;
                    Ok(time_array(column, self.unit, rows.clone()))
                }
            }
        };
        let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
        RecordBatch::try_new(schema.clone(), columns)
    }
}

fn time_type(unit: Unit) -> DataType {
    let unit = match unit {
        Unit::Seconds => TimeUnit::Second,
        Unit::Milliseconds => TimeUnit::Millisecond,
        Unit::Microseconds => TimeUnit::Microsecond,
        Unit::Nanoseconds => TimeUnit::Nanosecond,
        Unit::None => return DataType::Int64,
    };
    DataType::Timestamp(unit, None)
}

fn time_array(column: &Ticks, unit: Unit, rows: Range<usize>) -> ArrayRef {
    fn timestamps<T: ArrowTimestampType>(column: &Ticks, rows: Range<usize>) -> ArrayRef {
        let (ticks, nulls) = column.slice(rows);
        Arc::new(PrimitiveArray::<T>::new(ticks, nulls))
    }
    match unit {
        Unit::Seconds => timestamps::<TimestampSecondType>(column, rows),
        Unit::Milliseconds => timestamps::<TimestampMillisecondType>(column, rows),
        Unit::Microseconds => timestamps::<TimestampMicrosecondType>(column, rows),
        Unit::Nanoseconds => timestamps::<TimestampNanosecondType>(column, rows),
        Unit::None => {
            let (ticks, nulls) = column.slice(rows);
            Arc::new(Int64Array::new(ticks, nulls))
        }
    }
}

fn coded(ids: impl Iterator<Item = Option<u32>>, words: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let ids: Int32Array = ids.map(|id| id.map(u32::cast_signed)).collect();
    Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(ids, words.clone())?))
}

/// A temporary file with the access rights of any new file, not of a secret one.
fn temporary_in(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".skewer-");
    #[cfg(unix)]
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(permissions);
    builder.tempfile_in(folder)
}
