//! How many different values a column has.

use rayon::prelude::*;
use skewer_kernels::Isa;

use super::groups::{Sorter, pieces_of_chunks, stretches};
use super::record::{Label, Record};
use super::scatter::{Keyed, Scattered, Sink, Split};
use crate::error::Result;
use crate::log::{Chunk, Log, Scalars};
use crate::memory::{Budget, Spare};

/// The number of distinct values, nulls left out, in the column that `column` picks.
///
/// # Errors
/// If records had to go to a file and it failed.
///
/// Cost: O(rows), and 16 bytes a row of memory, of up to 2 GiB at a time; with a smaller budget each
/// record is written and read once more.
pub(crate) fn count_distinct(
    log: &Log,
    budget: Budget,
    column: impl Fn(&Chunk) -> Option<&Scalars> + Sync,
) -> Result<u64> {
    if log.chunks.iter().all(|c| column(c).is_none()) {
        return Ok(0);
    }
    let split = Split::of(log.len() as usize, size_of::<Record<2>>(), budget, 0);
    let stretches = stretches(pieces_of_chunks(log));
    let fill = |stretch: usize, sink: &mut Sink<'_, '_, Record<2>>| {
        for (chunk, rows) in &stretches[stretch] {
            let Some(values) = column(chunk) else { continue };
            let mut fingerprints = vec![0; rows.len()];
            values.fingerprints(Isa::in_use(), rows.start, &mut fingerprints);
            let mut present: Vec<usize> = rows.clone().collect();
            if values.has_nulls() {
                present.retain(|&at| !values.is_null(at));
                fingerprints = present.iter().map(|at| fingerprints[at - rows.start]).collect();
            }
            let row = |i: usize| (chunk.first_row + present[i] as u64) as u32;
            sink.take(&fingerprints, |i, rest| Record::new(Label { rest, region: 0, row: row(i) }, &[]));
        }
    };
    let identity = log.chunks.iter().find_map(&column).and_then(Scalars::identity);
    let exact = identity.is_some() && log.chunks.iter().filter_map(&column).all(|v| v.identity() == identity);
    let value = |record: &Record<2>| {
        let (chunk, at) = log.locate(u64::from(record.key_row()?));
        column(chunk).map(|values| (values, at))
    };
    let lens = stretches.iter().map(|pieces| pieces.iter().map(|(_, rows)| rows.len()).sum());
    let mut scattered = Scattered::new(split, lens, Spare::default());
    let mut sum = 0;
    for round in split.rounds() {
        scattered.fill(Isa::in_use(), round, fill)?;
        let count = |sorter: &mut Sorter<Record<2>>, partition: usize| {
            sorter.sort(&scattered, partition);
            let mut count = 0;
            sorter.groups(exact, value, |_| {}, |_| count += 1);
            count
        };
        let partitions = (0..scattered.len()).into_par_iter();
        sum += partitions.map_init(Sorter::default, count).sum::<u64>();
    }
    Ok(sum)
}
