//! Arrow IPC files: footer, schema, dictionaries, record batches.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::ipc::convert::try_fb_to_schema;
use arrow::ipc::reader::read_footer_length;
use arrow::ipc::{Block, Footer, root_as_footer};
use rayon::prelude::*;

use super::decode::Layout;
use super::source::Source;
use super::{foreign, guard};
use crate::error::{Error, Result};

/// Magic at the start of a file, with its padding, and footer length + magic at the end.
const HEAD_LEN: usize = 8;
const TAIL_LEN: usize = 10;

const CUT: &str = "the file is cut short or still being written (no Arrow footer at its end)";

/// What of a file is wanted.
pub(crate) struct IpcOptions<'a> {
    /// Whether a column of that name is decoded; the others are skipped.
    pub(crate) wanted: &'a (dyn Fn(&str) -> bool + Sync),
}

/// A decoded file.
pub(crate) struct IpcFile {
    /// The schema of all columns, wanted or not.
    pub(crate) schema: SchemaRef,
    /// The wanted columns.
    pub(crate) batches: Vec<RecordBatch>,
    /// Whether a body was misaligned, so that its columns had to be copied.
    pub(crate) copied: bool,
}

impl IpcFile {
    /// The record batches of `source`. Uncompressed, aligned columns are slices of it.
    pub(crate) fn decode(source: &Source, options: &IpcOptions<'_>) -> Result<Self> {
        // Arrow's decoder still panics on a few hostile files that pass the guard.
        let outcome = catch_unwind(AssertUnwindSafe(|| decode(source.bytes(), options)));
        outcome
            .unwrap_or_else(|_| Err("its columns contradict each other".to_owned()))
            .map_err(|reason| Error::malformed(source.path(), reason))
    }
}

fn decode(bytes: &Buffer, options: &IpcOptions<'_>) -> Result<IpcFile, String> {
    let footer = footer(bytes)?;
    let fb_schema = footer.schema().ok_or("the footer holds no schema")?;
    if !fb_schema.endianness().equals_to_target_endianness() {
        return Err("the file is big-endian; logs are little-endian".to_owned());
    }
    let schema = Arc::new(try_fb_to_schema(fb_schema).map_err(|e| e.to_string())?);
    refuse_run_ends(&schema)?;
    let wanted: Vec<usize> =
        (0..schema.fields().len()).filter(|&i| (options.wanted)(schema.field(i).name())).collect();
    let blocks: Vec<Block> = footer.recordBatches().into_iter().flatten().copied().collect();
    let dictionaries: Vec<Block> = footer.dictionaries().into_iter().flatten().copied().collect();
    guard::check_apart(dictionaries.iter().chain(&blocks))?;
    let mut budget = guard::expansion_max(bytes.len());
    let dictionaries = checked(bytes, &dictionaries, &mut budget)?;
    let blocks = checked(bytes, &blocks, &mut budget)?;

    let layout = Layout { schema: &schema, version: footer.version(), wanted: &wanted };
    let attempt = |aligned| layout.decode(&dictionaries, &blocks, aligned).map_err(|e| e.to_string());
    // Misaligned bodies are legal Arrow: copy them, but only when there is no other way.
    let (batches, copied) = match attempt(true) {
        Ok(batches) => (batches, false),
        Err(_) => (attempt(false)?, true),
    };
    Ok(IpcFile { schema, batches, copied })
}

fn footer(bytes: &[u8]) -> Result<Footer<'_>, String> {
    if let Some(other) = foreign::name(bytes) {
        return Err(other.to_owned());
    }
    let tail: Option<&[u8; TAIL_LEN]> = bytes.last_chunk();
    let (Some(tail), true) = (tail, bytes.len() >= HEAD_LEN + TAIL_LEN) else {
        return Err(CUT.to_owned());
    };
    let len = read_footer_length(*tail).map_err(|_| CUT.to_owned())?;
    let end = bytes.len() - TAIL_LEN;
    let start = end.checked_sub(len).filter(|&s| s >= HEAD_LEN);
    let start = start.ok_or_else(|| format!("the footer declares {len} bytes, more than the file has"))?;
    root_as_footer(&bytes[start..end]).map_err(|e| format!("the footer cannot be read: {e}"))
}

/// The blocks with their bytes, their headers looked at; what they say that they expand to is
/// taken from `budget`.
fn checked(bytes: &Buffer, blocks: &[Block], budget: &mut u64) -> Result<Vec<(Block, Buffer)>, String> {
    let check = |block: &Block| {
        let (start, len) = guard::block_span(block, bytes.len())?;
        let data = bytes.slice_with_length(start, len);
        let meta = usize::try_from(block.metaDataLength()).map_err(|e| e.to_string())?;
        let expanded = guard::check_message(&data, meta)?;
        Ok::<_, String>((*block, data, expanded))
    };
    let checked: Vec<_> = blocks.par_iter().map(check).collect::<Result<_, _>>()?;
    let total = checked.iter().fold(0u64, |sum, (.., expanded)| sum.saturating_add(*expanded));
    *budget = budget.checked_sub(total).ok_or_else(|| {
        format!(
            "its {} bytes say that they expand to {total} bytes or more: too many to believe",
            bytes.len()
        )
    })?;
    Ok(checked.into_iter().map(|(block, data, _)| (block, data)).collect())
}

/// Run-end encoded columns were the way into out-of-bounds reads before; no log needs them.
fn refuse_run_ends(schema: &Schema) -> Result<(), String> {
    fn run_ends(data_type: &DataType) -> bool {
        match data_type {
            DataType::RunEndEncoded(..) => true,
            DataType::Dictionary(_, values) => run_ends(values),
            DataType::List(field)
            | DataType::LargeList(field)
            | DataType::ListView(field)
            | DataType::LargeListView(field)
            | DataType::FixedSizeList(field, _)
            | DataType::Map(field, _) => run_ends(field.data_type()),
            DataType::Struct(fields) => fields.iter().any(|f| run_ends(f.data_type())),
            DataType::Union(fields, _) => fields.iter().any(|(_, f)| run_ends(f.data_type())),
            _ => false,
        }
    }
    match schema.fields().iter().find(|f| run_ends(f.data_type())) {
        Some(field) => Err(format!("column {}: run-end encoding is not supported", field.name())),
        None => Ok(()),
    }
}
