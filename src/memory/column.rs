//! Columns that are written once, in order, and looked up at random.

use arrow::buffer::ScalarBuffer;
use arrow::datatypes::ArrowNativeType;
use bytemuck::Pod;
use skewer_kernels::advise_huge;

use super::{Budget, Temporary};
use crate::error::{Error, Result};

/// Bytes that come from memory together.
const CACHE_LINE: usize = 64;

/// Bytes that are written to a file at a time.
const WRITE_BYTES: usize = 1 << 18;

/// Writes a column to memory or, where the budget does not hold it, to a file.
#[derive(Debug)]
pub(crate) struct ColumnWriter<N> {
    /// The column, or what of it was not written yet.
    values: Vec<N>,
    /// Where it goes, and what went wrong there.
    file: Option<(Temporary, Option<Error>)>,
    len: usize,
}

impl<N: Pod + ArrowNativeType> ColumnWriter<N> {
    /// A column that will have up to `len` values.
    ///
    /// # Errors
    /// If a file is needed and cannot be made.
    pub(crate) fn new(budget: Budget, len: usize) -> Result<Self> {
        if budget.holds_column((len * size_of::<N>()) as u64) {
            return Ok(ColumnWriter { values: Vec::with_capacity(len), file: None, len: 0 });
        }
        let values = Vec::with_capacity(WRITE_BYTES / size_of::<N>());
        Ok(ColumnWriter { values, file: Some((Temporary::create()?, None)), len: 0 })
    }

    /// How many values were written.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Appends a value. If it cannot be written, [`finish`](Self::finish) tells.
    #[inline]
    pub(crate) fn push(&mut self, value: N) {
        if self.values.len() == self.values.capacity() {
            self.write();
        }
        self.values.push(value);
        self.len += 1;
    }

    /// Appends values. If they cannot be written, [`finish`](Self::finish) tells.
    pub(crate) fn extend(&mut self, values: impl IntoIterator<Item = N>) {
        values.into_iter().for_each(|value| self.push(value));
    }

    #[cold]
    fn write(&mut self) {
        if let Some((file, failed)) = &mut self.file {
            if failed.is_none() {
                *failed = file.append(bytemuck::cast_slice(&self.values)).err();
            }
            self.values.clear();
        }
    }

    /// The column.
    ///
    /// # Errors
    /// If some of it could not be written.
    pub(crate) fn finish(mut self) -> Result<ScalarBuffer<N>> {
        self.write();
        match self.file {
            None => Ok(self.values.into()),
            Some((_, Some(error))) => Err(error),
            // An empty file has no place in memory that could be aligned.
            Some(_) if self.len == 0 => Ok(Vec::new().into()),
            Some((file, None)) => Ok(ScalarBuffer::new(file.map()?, 0, self.len)),
        }
    }
}

/// A column that is computed in pieces of `piece` values, on all threads: `fill(first, values)` is given the
/// number of a piece's first value.
///
/// # Errors
/// If it had to go to a file and could not.
pub(crate) fn column_of<N: Pod + ArrowNativeType>(
    budget: Budget,
    len: usize,
    piece: usize,
    fill: impl Fn(usize, &mut [N]) + Sync,
) -> Result<ScalarBuffer<N>> {
    use rayon::prelude::*;
    let each = |values: &mut [N], first: usize| {
        let pieces = values.par_chunks_mut(piece).enumerate();
        pieces.for_each(|(at, values)| fill(first + at * piece, values));
    };
    if budget.holds_column((len * size_of::<N>()) as u64) {
        // Aligned to cache lines, as files are. What the system has not cleared yet is cleared by all threads.
        let mut room = vec![N::zeroed(); len + CACHE_LINE / size_of::<N>()];
        advise_huge(&room);
        let first = room.as_ptr().align_offset(CACHE_LINE);
        each(&mut room[first..first + len], 0);
        return Ok(ScalarBuffer::new(room.into(), first, len));
    }
    let step = piece * rayon::current_num_threads() * 4;
    let mut writer = ColumnWriter::new(budget, len)?;
    let mut values = vec![N::zeroed(); step.min(len)];
    for first in (0..len).step_by(step) {
        let values = &mut values[..step.min(len - first)];
        each(values, first);
        writer.extend(values.iter().copied());
    }
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a column is the same in memory and in a file, whatever its length.
    #[test]
    fn one_column_either_way() {
        for len in [0, 1, 1000, 300_000_usize] {
            let wanted: Vec<u32> = (0..len as u32).map(|i| i.wrapping_mul(i) % 977).collect();
            for budget in [None, Some(0), Some(1 << 30)] {
                let mut writer = ColumnWriter::new(Budget::of(budget), len).unwrap();
                writer.extend(wanted.iter().copied());
                assert_eq!(writer.finish().unwrap()[..], wanted, "{len} values, {budget:?}");
                // What was announced may not come.
                let none: ColumnWriter<u32> = ColumnWriter::new(Budget::of(budget), len).unwrap();
                assert!(none.finish().unwrap().is_empty(), "{budget:?}");
                let made = column_of(Budget::of(budget), len, 100, |first, values: &mut [u32]| {
                    values.iter_mut().enumerate().for_each(|(i, v)| *v = wanted[first + i]);
                });
                assert_eq!(made.unwrap()[..], wanted, "{len} values, {budget:?}");
            }
        }
    }
}
