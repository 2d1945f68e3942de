//! A transaction log: one or several Arrow IPC files, checked against every rule of the format.
//!
//! A [`Log`] that exists is valid: bounds are not inverted, the rows of a transaction agree, every
//! committed writer has a time. Nothing downstream checks these again.

mod agree;
mod assemble;
pub mod build;
mod check;
mod chunk;
mod codes;
mod join;
mod open;
mod packing;
mod paths;
mod read;
mod rows;
mod scalars;
mod shares;
mod times;
mod txns;
mod units;
mod whereabouts;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

pub(crate) use assemble::span_in;
pub(crate) use chunk::{Bounds, COMMITTED, Chunk, DELETE, OUTLINE, READ, WRITE};
pub(crate) use join::{HOST, JOINED, Joined, Joiner};
pub use open::OpenOptions;
pub(crate) use open::is_known;
pub(crate) use packing::Packing;
pub(crate) use scalars::Scalars;
pub(crate) use txns::Txns;
pub(crate) use units::TIME_COLUMNS;
pub(crate) use whereabouts::Whereabouts;

use crate::bytes::{Looks, Map};
use crate::time::Unit;
use crate::txn::{Columns, Places};

/// A file's columns as they came.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// All of its columns, also those that were not read.
    pub(crate) schema: SchemaRef,
    /// Those that were read.
    pub(crate) batches: Vec<RecordBatch>,
}

/// A checked log, its columns in place.
#[derive(Debug)]
pub struct Log {
    pub(crate) tables: Vec<Table>,
    pub(crate) places: Places,
    pub(crate) chunks: Vec<Chunk>,
    whereabouts: Whereabouts,
    /// Region names, sorted: comparing codes compares names.
    pub(crate) regions: Vec<String>,
    pub(crate) unit: Unit,
    pub(crate) columns: Columns,
    pub(crate) txns: Txns,
    notes: Vec<String>,
    /// Of the files that it was read from.
    looks: Vec<Looks>,
    maps: Vec<Map>,
}

impl Log {
    /// What a tick lasts.
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Operations.
    pub fn len(&self) -> u64 {
        self.chunks.last().map_or(0, |c| c.first_row + c.rows as u64)
    }

    /// Whether there is no operation.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The files and how many rows each has, in the order in which rows are numbered.
    pub fn places(&self) -> &Places {
        &self.places
    }

    /// Which optional columns there are.
    pub fn columns(&self) -> Columns {
        self.columns
    }

    /// Region names, sorted.
    pub fn regions(&self) -> &[String] {
        &self.regions
    }

    /// What a user should know of how the log was read, in sentences.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether equal fingerprints of keys mean equal keys for certain: one permutation serves all
    /// chunks.
    pub(crate) fn exact_keys(&self) -> bool {
        let first = self.chunks.first().and_then(|c| c.key.identity());
        first.is_some() && self.chunks.iter().all(|c| c.key.identity() == first)
    }

    /// The same of values that are not null.
    pub(crate) fn exact_values(&self) -> bool {
        let mut columns = self.chunks.iter().filter_map(|c| c.value.as_ref());
        let first = columns.next().map(Scalars::identity);
        first.is_none_or(|first| first.is_some() && columns.all(|c| c.identity() == first))
    }

    /// The chunk that holds log row `row`, and the row's place in it.
    pub(crate) fn locate(&self, row: u64) -> (&Chunk, usize) {
        let (chunk, at) = self.whereabouts.find(row);
        (&self.chunks[chunk], at)
    }
}
