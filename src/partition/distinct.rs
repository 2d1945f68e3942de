//! How many different values a column has.

use std::array::from_fn;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use skewer_kernels::Isa;

use super::groups::{Sorter, pieces_of_chunks, stretches};
use super::pairs::{STEP, scramble};
use super::record::{Label, Record};
use super::scatter::{Keyed, Partition, Scattered, Sink, Split, bucket};
use crate::error::Result;
use crate::log::{Chunk, Log, Packing, Scalars};
use crate::memory::{Budget, Spare};

/// Slots of a table at first.
const SLOTS: usize = 1 << 10;

/// The number of distinct values, nulls left out, in the column that `column` picks.
///
/// # Errors
/// If records had to go to a file and it failed.
///
/// Cost: O(rows), and 8 to 16 bytes a row of memory, of up to 1 GiB at a time; with a smaller budget each
/// record is written and read once more.
pub(crate) fn count_distinct(
    log: &Log,
    budget: Budget,
    column: impl Fn(&Chunk) -> Option<&Scalars> + Sync,
) -> Result<u64> {
    let columns = || log.chunks.iter().filter_map(&column);
    let identity = columns().next().and_then(Scalars::identity);
    let exact = identity.is_some() && columns().all(|values| values.identity() == identity);
    if columns().any(Scalars::has_nulls) {
        return by_groups(log, budget, column, exact);
    }
    let isa = Isa::in_use();
    let counted = if exact {
        by_words::<1>(log, budget, &column, |values, first, (firsts, _)| {
            values.fingerprints(isa, first, firsts);
            true
        })?
    } else if let Some(packing) = Packing::of(columns()) {
        by_words::<2>(log, budget, &column, |values, first, (firsts, seconds)| {
            let fits = packing.fill(values, first.., (firsts, seconds));
            scramble(isa, firsts, seconds);
            fits
        })?
    } else {
        None
    };
    counted.map_or_else(|| by_groups(log, budget, column, exact), Ok)
}

/// A value that so many words tell from all others; the lowest bit of the first is set.
#[derive(Clone, Copy, Debug)]
struct Known<const W: usize>([u64; W]);

impl<const W: usize> Keyed for Known<W> {
    type Words = [u64; W];

    const ZERO: Self = Known([0; W]);

    fn pack(self) -> [u64; W] {
        self.0
    }

    fn unpack(words: [u64; W]) -> Self {
        Known(words)
    }

    fn fingerprint(&self) -> u64 {
        self.0[0]
    }

    fn key_row(&self) -> Option<u32> {
        None
    }
}

/// Counts values that are known by their words: `words` gives those of some rows of a column from one on, or says that they
/// have none. Then this is `None`.
fn by_words<const W: usize>(
    log: &Log,
    budget: Budget,
    column: &(impl Fn(&Chunk) -> Option<&Scalars> + Sync),
    words: impl Fn(&Scalars, usize, (&mut [u64], &mut [u64])) -> bool + Sync,
) -> Result<Option<u64>> {
    // The bit that is cut off at least has room for the one that is set.
    let split = Split::of(log.len() as usize, size_of::<[u64; W]>(), budget, 1);
    let stretches = stretches(pieces_of_chunks(log));
    let given_up = AtomicBool::new(false);
    let fill = |stretch: usize, sink: &mut Sink<'_, '_, Known<W>>| {
        let (mut firsts, mut seconds) = ([0; STEP], [0; STEP]);
        for (chunk, rows) in &stretches[stretch] {
            let Some(values) = column(chunk) else { continue };
            for first in rows.clone().step_by(STEP) {
                let len = STEP.min(rows.end - first);
                let (firsts, seconds) = (&mut firsts[..len], &mut seconds[..len]);
                if given_up.load(Ordering::Relaxed) || !words(values, first, (firsts, seconds)) {
                    return given_up.store(true, Ordering::Relaxed);
                }
                sink.take(firsts, |i, rest| Known(from_fn(|at| if at == 0 { rest | 1 } else { seconds[i] })));
            }
        }
    };
    let lens = stretches.iter().map(|pieces| pieces.iter().map(|(_, rows)| rows.len()).sum());
    let mut scattered = Scattered::new(split, lens, Spare::default());
    let mut sum = 0;
    for round in split.rounds() {
        scattered.fill(Isa::in_use(), round, fill)?;
        if given_up.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let partitions = (0..scattered.len()).into_par_iter();
        sum +=
            partitions.map_init(Seen::default, |seen, at| seen.count(&scattered.partition(at))).sum::<u64>();
    }
    Ok(Some(sum))
}

/// The values of a partition, each once. Kept from one to the next for its memory.
#[derive(Debug)]
struct Seen<const W: usize> {
    /// By their first words; those that are empty are zero.
    slots: Vec<[u64; W]>,
    values: usize,
    /// How many of the highest bits of first words are the same for all.
    shared_bits: u32,
}

impl<const W: usize> Default for Seen<W> {
    fn default() -> Self {
        Seen { slots: Vec::new(), values: 0, shared_bits: 0 }
    }
}

impl<const W: usize> Seen<W> {
    /// How many different values a partition has.
    fn count(&mut self, partition: &Partition<'_, Known<W>>) -> u64 {
        self.slots.clear();
        self.slots.resize(SLOTS.max(self.slots.capacity() / 2 + 1).next_power_of_two(), [0; W]);
        (self.values, self.shared_bits) = (0, partition.shared_bits());
        partition.each(|words| self.add(words));
        self.values as u64
    }

    #[inline]
    fn add(&mut self, words: [u64; W]) {
        let mut at = bucket(words[0] << self.shared_bits, self.slots.len().trailing_zeros());
        loop {
            let slot = &mut self.slots[at];
            if *slot == words {
                return;
            }
            if slot[0] == 0 {
                *slot = words;
                self.values += 1;
                if 2 * self.values > self.slots.len() {
                    self.grow();
                }
                return;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    #[cold]
    fn grow(&mut self) {
        let slots = vec![[0; W]; 2 * self.slots.len()];
        let old = std::mem::replace(&mut self.slots, slots);
        self.values = 0;
        old.into_iter().filter(|slot| slot[0] != 0).for_each(|words| self.add(words));
    }
}

/// Counts values by their fingerprints, and looks at values that share one unless these are `exact`.
fn by_groups(
    log: &Log,
    budget: Budget,
    column: impl Fn(&Chunk) -> Option<&Scalars> + Sync,
    exact: bool,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Promise: each value counts once, however often it comes, wherever its slot is taken, and however the table grows.
        #[test]
        fn values_count_once(
            drawn in prop::collection::vec((0..50_u64, any::<u16>()), 0..4_000),
            spread in 0..16_u32,
            shared_bits in 0..8_u32,
        ) {
            let mut seen = Seen { slots: vec![[0; 2]; 2], values: 0, shared_bits };
            let values: Vec<[u64; 2]> = drawn.iter().map(|&(first, second)| {
                // Values of few slots, which differ at either end or in the other word alone.
                [first << (64 - 6 - shared_bits) | 1, u64::from(second >> spread)]
            }).collect();
            values.iter().for_each(|value| seen.add(*value));
            prop_assert_eq!(seen.values, values.iter().collect::<BTreeSet<_>>().len());
        }
    }
}
