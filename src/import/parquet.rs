//! Parquet, one row an operation.
//!
//! Columns may have the types of a log, and integers and timestamps of any width. Timestamps
//! with a time zone are instants whatever the zone. A file that makes the reader of the format
//! panic is malformed.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::cells::{COLUMNS, Cell, Cells, Interpreter, KEY, Mapping};
use super::{ImportOptions, Imported, bad_record, open};
use crate::error::{Error, Result};
use crate::log::build::LogBuilder;
use crate::time::Unit;

/// Rows decoded at once.
const BATCH_ROWS: usize = 8_192;

pub(super) fn import(inputs: &[PathBuf], options: &ImportOptions) -> Result<Imported> {
    let mapping = Mapping::new(options)?;
    let mut units = Vec::new();
    for path in inputs {
        let builder = guarded(path, || open_builder(path))?;
        units.extend(time_units(&builder, &mapping));
    }
    let finest = units.into_iter().min_by_key(|unit| unit.nanoseconds());
    let mut interpreter = Interpreter::new(options, finest.unwrap_or(Unit::Nanoseconds))?;
    let mut log = LogBuilder::new(Unit::None);
    for path in inputs {
        guarded(path, || import_file(path, &mut interpreter, &mut log))?;
    }
    log.set_unit(interpreter.unit());
    Ok(Imported::whole(log))
}

/// Turns a panic of the Parquet reader, which hostile files can cause, into an error.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T>) -> Result<T> {
    // What a panic leaves half done is dropped with the error.
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(Error::malformed(path, "the Parquet reader gave up on it")))
}

fn open_builder(path: &Path) -> Result<ParquetRecordBatchReaderBuilder<File>> {
    ParquetRecordBatchReaderBuilder::try_new(open(path)?)
        .map_err(|e| Error::malformed(path, format!("not Parquet: {e}")))
}

/// The units of the timestamp columns that will be read.
fn time_units(builder: &ParquetRecordBatchReaderBuilder<File>, mapping: &Mapping) -> Vec<Unit> {
    let fields = mapping.fields.iter().filter_map(|name| builder.schema().field_with_name(name).ok());
    fields
        .filter_map(|field| match field.data_type() {
            DataType::Timestamp(unit, _) => Some(unit_of(*unit)),
            _ => None,
        })
        .collect()
}

fn unit_of(unit: TimeUnit) -> Unit {
    match unit {
        TimeUnit::Second => Unit::Seconds,
        TimeUnit::Millisecond => Unit::Milliseconds,
        TimeUnit::Microsecond => Unit::Microseconds,
        TimeUnit::Nanosecond => Unit::Nanoseconds,
    }
}

fn import_file(path: &Path, interpreter: &mut Interpreter, log: &mut LogBuilder) -> Result<()> {
    let builder = open_builder(path)?;
    let columns = places(path, &builder, &interpreter.mapping)?;
    let roots = columns.iter().flatten().copied();
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let broken = |e: &dyn std::fmt::Display| Error::malformed(path, format!("not Parquet: {e}"));
    let reader = builder.with_projection(mask).with_batch_size(BATCH_ROWS).build().map_err(|e| broken(&e))?;
    let mut row = 0;
    for batch in reader {
        let batch = batch.map_err(|e| broken(&e))?;
        import_batch(path, &batch, row, interpreter, log)?;
        row += batch.num_rows() as u64;
    }
    Ok(())
}

/// The place among the file's root columns of each column of the log.
fn places(
    path: &Path,
    builder: &ParquetRecordBatchReaderBuilder<File>,
    mapping: &Mapping,
) -> Result<[Option<usize>; COLUMNS.len()]> {
    let fields = builder.schema().fields();
    let mut places = [None; COLUMNS.len()];
    for (column, name) in mapping.fields.iter().enumerate() {
        let wrong = |reason: String| {
            Err(Error::Column { path: path.to_owned(), column: COLUMNS[column].to_owned(), reason })
        };
        let mut found = (0..fields.len()).filter(|place| fields[*place].name() == name);
        places[column] = found.next();
        if found.next().is_some() {
            return wrong(format!("the file has two columns `{name}`"));
        }
        if places[column].is_none() && (column == KEY || mapping.named[column]) {
            let names: Vec<_> = fields.iter().map(|f| f.name().as_str()).collect();
            return wrong(format!("the file has no `{name}`, only `{}`", super::brief(names.join("`, `"))));
        }
    }
    Ok(places)
}

fn import_batch(
    path: &Path,
    batch: &RecordBatch,
    rows_before: u64,
    interpreter: &mut Interpreter,
    log: &mut LogBuilder,
) -> Result<()> {
    let mut readers: [Option<CellReader>; COLUMNS.len()] = Default::default();
    for (column, name) in interpreter.mapping.fields.iter().enumerate() {
        let Some(array) = batch.column_by_name(name) else { continue };
        let reader = cell_reader(array).map_err(|reason| Error::Column {
            path: path.to_owned(),
            column: COLUMNS[column].to_owned(),
            reason,
        })?;
        readers[column] = Some(reader);
    }
    for row in 0..batch.num_rows() {
        let bad = |reason: String| bad_record(path, rows_before + row as u64 + 1, reason);
        let cells: Cells =
            std::array::from_fn(|column| readers[column].as_ref().map_or(Cell::Null, |read| read(row)));
        let record = interpreter.record(cells).map_err(bad)?;
        log.try_push(record).map_err(bad)?;
    }
    Ok(())
}

/// Reads the cell of a row.
type CellReader = Box<dyn Fn(usize) -> Cell>;

fn cell_reader(array: &ArrayRef) -> Result<CellReader, String> {
    let read = value_reader(array)?;
    let nulls = array.logical_nulls();
    Ok(Box::new(
        move |row| {
            if nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) { Cell::Null } else { read(row) }
        },
    ))
}

/// Reads rows that are not null.
fn value_reader(array: &ArrayRef) -> Result<CellReader, String> {
    let array = array.clone();
    Ok(match array.data_type() {
        DataType::Int8 => primitive::<Int8Type>(&array, |n| Cell::Integer(n.into())),
        DataType::Int16 => primitive::<Int16Type>(&array, |n| Cell::Integer(n.into())),
        DataType::Int32 => primitive::<Int32Type>(&array, |n| Cell::Integer(n.into())),
        DataType::Int64 => primitive::<Int64Type>(&array, Cell::Integer),
        DataType::UInt8 => primitive::<UInt8Type>(&array, |n| Cell::Unsigned(n.into())),
        DataType::UInt16 => primitive::<UInt16Type>(&array, |n| Cell::Unsigned(n.into())),
        DataType::UInt32 => primitive::<UInt32Type>(&array, |n| Cell::Unsigned(n.into())),
        DataType::UInt64 => primitive::<UInt64Type>(&array, Cell::Unsigned),
        DataType::Utf8 => Box::new(move |row| text(array.as_string::<i32>().value(row))),
        DataType::LargeUtf8 => Box::new(move |row| text(array.as_string::<i64>().value(row))),
        DataType::Utf8View => Box::new(move |row| text(array.as_string_view().value(row))),
        DataType::Binary => Box::new(move |row| bytes(array.as_binary::<i32>().value(row))),
        DataType::LargeBinary => Box::new(move |row| bytes(array.as_binary::<i64>().value(row))),
        DataType::BinaryView => Box::new(move |row| bytes(array.as_binary_view().value(row))),
        DataType::FixedSizeBinary(_) => Box::new(move |row| bytes(array.as_fixed_size_binary().value(row))),
        DataType::Timestamp(unit, _) => timestamps(&array, *unit),
        DataType::Dictionary(_, _) => dictionary(&array)?,
        other => {
            return Err(format!("its type {other} is no integer, text, binary, timestamp or dictionary"));
        }
    })
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn bytes(bytes: &[u8]) -> Cell {
    Cell::Bytes(bytes.to_vec())
}

fn primitive<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    cell: impl Fn(T::Native) -> Cell + 'static,
) -> CellReader {
    let array = array.as_primitive::<T>().clone();
    Box::new(move |row| cell(array.value(row)))
}

fn timestamps(array: &ArrayRef, unit: TimeUnit) -> CellReader {
    let tick = i128::from(unit_of(unit).nanoseconds().unwrap_or(1));
    let cell = move |ticks: i64| Cell::Instant(i128::from(ticks) * tick);
    match unit {
        TimeUnit::Second => primitive::<TimestampSecondType>(array, cell),
        TimeUnit::Millisecond => primitive::<TimestampMillisecondType>(array, cell),
        TimeUnit::Microsecond => primitive::<TimestampMicrosecondType>(array, cell),
        TimeUnit::Nanosecond => primitive::<TimestampNanosecondType>(array, cell),
    }
}

fn dictionary(array: &ArrayRef) -> Result<CellReader, String> {
    let dictionary = array.as_any_dictionary();
    let read = cell_reader(dictionary.values())?;
    // Without values every row is null, and there are no keys to normalise.
    let keys = if dictionary.values().is_empty() { Vec::new() } else { dictionary.normalized_keys() };
    Ok(Box::new(move |row| keys.get(row).map_or(Cell::Null, |key| read(*key))))
}
