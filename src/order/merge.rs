//! Writing the rows of all files in serial order.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use arrow::compute::{cast, interleave};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::writer::FileWriter;

use super::serial::{Place, serial};
use crate::error::{Error, Result};
use crate::log::{Chunk, JOINED, Joined, Log, TIME_COLUMNS};
use crate::output;

/// Rows in a batch of the output.
const BATCH: usize = 1 << 16;

/// The columns that are added.
const ADDED: [&str; 2] = ["position", "frontier"];

/// Writes `log` to the Arrow file `out` in serial order: all of its columns (open it with
/// [`all_columns`](crate::OpenOptions::all_columns) to keep those that are no part of the
/// format), the column `position` (UInt64, from 0), and `frontier` (Boolean; see
/// [`Place::frontier`]). A log whose regions follow from its files gets a column `region`.
///
/// # Errors
/// If files disagree on the type of a column that is no part of the format, a column is called
/// `position` or `frontier` already, or `out` cannot be written: it is then left as it was.
pub fn write(log: &Log, out: &Path) -> Result<()> {
    let sources = sources(log)?;
    let places = serial(log);
    output::replace(out, |to| {
        let refused = |e: arrow::error::ArrowError| Error::malformed(out, e.to_string());
        let schema = schema(log, &sources);
        let mut writer = FileWriter::try_new(to, &schema).map_err(refused)?;
        for (at, places) in places.chunks(BATCH).enumerate() {
            let batch = batch(log, &sources, &schema, (at * BATCH) as u64, places).map_err(refused)?;
            writer.write(&batch).map_err(refused)?;
        }
        writer.finish().map_err(refused)?;
        log.check_unchanged()
    })
}

/// One column of the output: its type, and where each chunk has it.
struct SourceColumn {
    name: String,
    data_type: DataType,
    /// By chunk.
    arrays: Vec<ArrayRef>,
}

/// The columns of all files, in the order of their first appearance.
fn sources(log: &Log) -> Result<Vec<SourceColumn>> {
    let mut names: Vec<String> = Vec::new();
    for (table, field) in log.tables.iter().flat_map(|t| t.schema.fields().iter().map(move |f| (t, f))) {
        if ADDED.contains(&field.name().as_str()) {
            return Err(Error::Log(format!(
                "the log has a column {} already: it was ordered before",
                field.name()
            )));
        }
        // A column that was not read would be written as nothing but nulls.
        let was_read = table.batches.iter().all(|b| b.column_by_name(field.name()).is_some());
        if was_read && !names.contains(field.name()) {
            names.push(field.name().clone());
        }
    }
    if !names.iter().any(|n| n == "region") && log.regions() != ["-"] {
        names.push("region".to_owned());
    }
    names.into_iter().map(|name| source(log, name)).collect()
}

fn source(log: &Log, name: String) -> Result<SourceColumn> {
    let batches: Vec<&RecordBatch> =
        log.tables.iter().flat_map(|t| t.batches.iter().filter(|b| b.num_rows() > 0)).collect();
    let found: Vec<Option<&ArrayRef>> = batches.iter().map(|b| b.column_by_name(&name)).collect();
    let several = log.tables.len() > 1;
    // Regions that follow from a file's name or metadata are written out: the file is gone then.
    if name == "region" && found.iter().any(|a| a.is_none_or(|a| a.logical_null_count() > 0)) {
        let arrays = log.chunks.iter().map(|c| region_names(log, c)).collect();
        return Ok(SourceColumn { name, data_type: DataType::Utf8, arrays });
    }
    let Some(mut data_type) = common_type(log, &name)? else {
        return Ok(SourceColumn { arrays: Vec::new(), data_type: DataType::Null, name });
    };
    if let DataType::Dictionary(_, values) = &data_type
        && !share_dictionary(&found)
    {
        data_type = (**values).clone();
    }
    let convert = |(at, array): (usize, Option<&ArrayRef>)| -> Result<ArrayRef> {
        let rows = batches[at].num_rows();
        let Some(array) = array else { return Ok(arrow::array::new_null_array(&data_type, rows)) };
        if several && let Some(ticks) = time_column(&log.chunks[at], &name) {
            return cast_to(&name, &ticks, &data_type);
        }
        if *array.data_type() == data_type {
            Ok(Arc::clone(array))
        } else {
            cast_to(&name, array, &data_type)
        }
    };
    let arrays = found.into_iter().enumerate().map(convert).collect::<Result<_>>()?;
    Ok(SourceColumn { name, data_type, arrays })
}

/// Whether all arrays have one dictionary. Joined ones may be too large for their indices, and
/// would differ from batch to batch of the output, which a file cannot hold.
fn share_dictionary(arrays: &[Option<&ArrayRef>]) -> bool {
    let mut all = arrays.iter().map(|a| Some(a.as_ref()?.as_any_dictionary_opt()?.values().to_data()));
    let Some(Some(first)) = all.next() else { return arrays.is_empty() };
    all.all(|values| values.is_some_and(|v| v.ptr_eq(&first)))
}

fn cast_to(name: &str, array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    cast(array, data_type).map_err(|e| Error::Log(format!("column {name}: {e}")))
}

/// The type of a column in the output: what all files that have it agree on. Columns of the
/// format may differ in how they are written; then words become text, and times the log's unit.
fn common_type(log: &Log, name: &str) -> Result<Option<DataType>> {
    let types: Vec<&DataType> =
        log.tables.iter().filter_map(|t| Some(t.schema.field_with_name(name).ok()?.data_type())).collect();
    let Some(first) = types.first() else { return Ok(None) };
    if types.iter().all(|t| t == first) {
        return Ok(Some((*first).clone()));
    }
    if TIME_COLUMNS.contains(&name) {
        return Ok(Some(timestamp_type(log)));
    }
    let plain = |t: &DataType| match t {
        DataType::Dictionary(_, values) => (**values).clone(),
        other => other.clone(),
    };
    let text = |t: &DataType| matches!(t, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let bytes = |t: &DataType| {
        text(t)
            || matches!(
                t,
                DataType::Binary
                    | DataType::LargeBinary
                    | DataType::BinaryView
                    | DataType::FixedSizeBinary(_)
            )
    };
    let plain: Vec<DataType> = types.into_iter().map(plain).collect();
    if plain.iter().all(|t| *t == plain[0]) {
        Ok(Some(plain[0].clone()))
    } else if plain.iter().all(text) {
        Ok(Some(DataType::LargeUtf8))
    } else if plain.iter().all(bytes) {
        Ok(Some(DataType::LargeBinary))
    } else {
        let all: Vec<String> = plain.iter().map(ToString::to_string).collect();
        Err(Error::Log(format!(
            "column {name} is {} in different files: they cannot be written as one",
            all.join(", ")
        )))
    }
}

/// How times of the log's unit are written.
fn timestamp_type(log: &Log) -> DataType {
    use crate::time::Unit;
    use arrow::datatypes::TimeUnit;
    match log.unit() {
        Unit::Seconds => DataType::Timestamp(TimeUnit::Second, None),
        Unit::Milliseconds => DataType::Timestamp(TimeUnit::Millisecond, None),
        Unit::Microseconds => DataType::Timestamp(TimeUnit::Microsecond, None),
        Unit::Nanoseconds => DataType::Timestamp(TimeUnit::Nanosecond, None),
        Unit::None => DataType::Int64,
    }
}

/// A time column of a chunk, in the log's unit.
fn time_column(chunk: &Chunk, name: &str) -> Option<ArrayRef> {
    let start = chunk.start.as_ref();
    let commit = chunk.commit.as_ref();
    let ticks = match name {
        "start_earliest" => start.map(|b| &b.earliest),
        "start_latest" => start.map(|b| &b.latest),
        "commit_earliest" => commit.map(|b| &b.earliest),
        "commit_latest" => commit.map(|b| &b.latest),
        "start_ts" => chunk.start_ts.as_ref(),
        "commit_ts" => chunk.commit_ts.as_ref(),
        _ => None,
    }?;
    Some(Arc::new((0..chunk.rows).map(|row| ticks.get(row)).collect::<Int64Array>()))
}

fn region_names(log: &Log, chunk: &Chunk) -> ArrayRef {
    let names = (0..chunk.rows).map(|row| Some(log.regions()[usize::from(chunk.region.get(row))].as_str()));
    Arc::new(names.collect::<StringArray>())
}

fn schema(log: &Log, sources: &[SourceColumn]) -> SchemaRef {
    let field = |column: &SourceColumn| Field::new(&column.name, column.data_type.clone(), true);
    let added =
        [Field::new(ADDED[0], DataType::UInt64, false), Field::new(ADDED[1], DataType::Boolean, false)];
    let mut metadata = log.tables.first().map(|t| t.schema.metadata().clone()).unwrap_or_default();
    metadata.retain(|key, _| !key.starts_with("skewer."));
    metadata.insert("skewer.unit".to_owned(), log.unit().name().to_owned());
    // Files with different clock errors share no metadata; each row's bound was judged above.
    let mut errors = log.chunks.iter().map(|c| c.clock_error);
    if let Some(Some(error)) = errors.next()
        && errors.all(|e| e == Some(error))
    {
        metadata.insert("skewer.clock_error".to_owned(), error.to_string());
    }
    let mut joined = Joined::default();
    for chunk in &log.chunks {
        joined.start |= chunk.joined.start;
        joined.commit |= chunk.joined.commit;
    }
    if let Some(names) = joined.text() {
        metadata.insert(JOINED.to_owned(), names.to_owned());
    }
    Arc::new(Schema::new_with_metadata(sources.iter().map(field).chain(added).collect::<Vec<_>>(), metadata))
}

fn batch(
    log: &Log,
    sources: &[SourceColumn],
    schema: &SchemaRef,
    position: u64,
    places: &[Place],
) -> std::result::Result<RecordBatch, arrow::error::ArrowError> {
    let indices: Vec<(usize, usize)> = places
        .iter()
        .map(|p| {
            let at = log.chunks.partition_point(|c| c.first_row <= p.row) - 1;
            (at, (p.row - log.chunks[at].first_row) as usize)
        })
        .collect();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(sources.len() + ADDED.len());
    for column in sources {
        let arrays: Vec<&dyn Array> = column.arrays.iter().map(AsRef::as_ref).collect();
        columns.push(interleave(&arrays, &indices)?);
    }
    columns.push(Arc::new(UInt64Array::from_iter_values(position..position + places.len() as u64)));
    columns.push(Arc::new(places.iter().map(|p| Some(p.frontier)).collect::<BooleanArray>()));
    RecordBatch::try_new(Arc::clone(schema), columns)
}
