//! Record batches out of blocks whose headers were checked.
//!
//! Arrow's decoder asks each index of a dictionary column in turn whether it is null, a number, and inside the
//! dictionary: a tenth of the time that a log of plain integers takes to be judged. And it asks each text where its
//! characters begin. So the first batch alone is decoded as it is declared, which tells the dictionaries; of the others
//! the indices are decoded as integers, checked many at a time, and joined to their dictionary, and texts are decoded as
//! bytes and checked as such.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, OffsetSizeTrait, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::{ArrowDictionaryKeyType, DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::FileDecoder;
use arrow::ipc::{Block, MetadataVersion};
use rayon::prelude::*;
use skewer_kernels::{dictionary, text};

/// A block with its bytes, headers checked.
pub(super) type Checked = (Block, Buffer);

/// What all blocks of a file have in common.
pub(super) struct Layout<'a> {
    pub(super) schema: &'a SchemaRef,
    pub(super) version: MetadataVersion,
    /// The columns that are decoded.
    pub(super) wanted: &'a [usize],
}

impl Layout<'_> {
    /// The record batches of a file. With `aligned` a body that would have to be copied is an error.
    pub(super) fn decode(
        &self,
        dictionaries: &[Checked],
        blocks: &[Checked],
        aligned: bool,
    ) -> Result<Vec<RecordBatch>, ArrowError> {
        let mut declared = self.decoder(Arc::clone(self.schema), aligned);
        for (block, data) in dictionaries {
            declared.read_dictionary(block, data)?;
        }
        let Some((first, others)) = blocks.split_first() else { return Ok(Vec::new()) };
        let first = read(&declared, first)?;
        let bare = self.bare().map(|schema| self.decoder(schema, aligned));
        let other = |block: &Checked| {
            let quick = bare.as_ref().and_then(|bare| as_declared(&first, &read(bare, block).ok()?).ok());
            // What is wrong is Arrow's to say.
            quick.map_or_else(|| read(&declared, block), Ok)
        };
        let others: Vec<RecordBatch> = others.par_iter().map(other).collect::<Result<_, _>>()?;
        Ok(std::iter::once(first).chain(others).collect())
    }

    fn decoder(&self, schema: SchemaRef, aligned: bool) -> FileDecoder {
        FileDecoder::new(schema, self.version)
            .with_projection(self.wanted.to_vec())
            .with_require_alignment(aligned)
    }

    /// The schema with the type of its indices in place of each wanted dictionary column's, and bytes in place of texts;
    /// `None` if there is none, or if a column may hold a dictionary further inside.
    fn bare(&self) -> Option<SchemaRef> {
        if self.wanted.iter().any(|&at| self.schema.field(at).data_type().is_nested()) {
            return None;
        }
        let bare = |(at, field): (usize, &Arc<Field>)| {
            let bare = match field.data_type() {
                DataType::Dictionary(index, _) => (**index).clone(),
                DataType::Utf8 => DataType::Binary,
                DataType::LargeUtf8 => DataType::LargeBinary,
                _ => return Arc::clone(field),
            };
            if !self.wanted.contains(&at) {
                return Arc::clone(field);
            }
            Arc::new(Field::new(field.name(), bare, field.is_nullable()))
        };
        let fields: Vec<Arc<Field>> = self.schema.fields().iter().enumerate().map(bare).collect();
        let schema = Schema::new(fields);
        (schema.fields() != self.schema.fields()).then(|| Arc::new(schema))
    }
}

fn read(decoder: &FileDecoder, (block, data): &Checked) -> Result<RecordBatch, ArrowError> {
    let batch = decoder.read_record_batch(block, data)?;
    batch.ok_or_else(|| ArrowError::IpcError("a block holds no record batch".to_owned()))
}

/// The batch with texts where it holds their bytes, and with the dictionaries of `first` where it holds indices alone:
/// those of a file's batches are the same.
fn as_declared(first: &RecordBatch, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let join = |(declared, column): (&ArrayRef, &ArrayRef)| match declared.data_type() {
        same if same == column.data_type() => Ok(Arc::clone(column)),
        DataType::Utf8 => with_text::<i32>(column),
        DataType::LargeUtf8 => with_text::<i64>(column),
        _ => with_dictionary(declared, column),
    };
    let columns = first.columns().iter().zip(batch.columns()).map(join).collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(first.schema(), columns)
}

fn with_text<O: OffsetSizeTrait>(bytes: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(text(bytes.as_binary::<O>().clone())?))
}

fn with_dictionary(declared: &ArrayRef, indices: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    fn join<K: ArrowDictionaryKeyType>(
        indices: &ArrayRef,
        values: &ArrayRef,
    ) -> Result<ArrayRef, ArrowError> {
        let indices = indices.as_primitive::<K>().clone();
        Ok(Arc::new(dictionary::<K>(indices, Arc::clone(values))?))
    }
    use arrow::array::downcast_integer;
    let values = declared.as_any_dictionary().values();
    macro_rules! of_type {
        ($index:ty) => {
            join::<$index>(indices, values)
        };
    }
    downcast_integer! {
        indices.data_type() => (of_type),
        other => Err(ArrowError::SchemaError(format!("{other} is no type of dictionary indices"))),
    }
}
