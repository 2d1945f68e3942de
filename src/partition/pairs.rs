//! How many pairs the writes of each key make: by counting, without looking at one.

use std::ops::Add;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use skewer_kernels::{Isa, mix};

use super::groups::{Carried, Piece, fill, for_each_key, scatter};
use super::marks::{Counted, Counter, Mark, REGION_BITS, REGIONS, WideMark};
use super::record::Record;
use super::scatter::Sink;
use crate::error::Result;
use crate::history::{Segment, Writes};
use crate::log::Packing;

/// What all keys add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PairCounts {
    /// Keys that were written.
    pub(crate) keys: u64,
    /// Pairs of writes of one key.
    pub(crate) pairs: u64,
    /// Those of different regions.
    pub(crate) across: u64,
}

/// The pairs of `writes`.
///
/// # Errors
/// If records had to go to a file and it failed.
///
/// Cost: O(writes) expected, and 8 bytes a write of memory where fingerprints tell keys apart, else 16. Keys
/// are compared in the log only where regions are many or keys fit no two words.
pub(crate) fn count_pairs(writes: &Writes<'_>, isa: Isa) -> Result<PairCounts> {
    if writes.log.regions().len() > REGIONS {
        return count_groups(writes, isa);
    }
    if writes.exact {
        let record = |_: &Segment<'_>, _, label| Mark::of(label);
        let fill =
            |piece: Piece, sink: &mut Sink<'_, '_, Mark>| fill((writes, isa, false), piece, &record, sink);
        return count_marks(writes, isa, fill);
    }
    let packed = writes.packing().map(|packing| count_packed(writes, isa, &packing)).transpose()?;
    packed.flatten().map_or_else(|| count_groups(writes, isa), Ok)
}

/// Where marks say all of a write.
fn count_marks<R: Counted>(
    writes: &Writes<'_>,
    isa: Isa,
    fill: impl Fn(Piece, &mut Sink<'_, '_, R>) + Sync,
) -> Result<PairCounts> {
    let mut sum = PairCounts::default();
    scatter(writes, REGION_BITS, fill, |scattered| {
        let count = |counter: &mut Counter, partition| counter.count(isa, scattered, partition);
        let partitions = (0..scattered.len()).into_par_iter().map_init(Counter::default, count);
        sum = sum + partitions.reduce(PairCounts::default, PairCounts::add);
    })?;
    Ok(sum)
}

/// Where two words tell keys apart; `None` if they do not.
fn count_packed(writes: &Writes<'_>, isa: Isa, packing: &Packing) -> Result<Option<PairCounts>> {
    let unfit = AtomicBool::new(false);
    let fill = |(at, rows): Piece, sink: &mut Sink<'_, '_, WideMark>| {
        const STEP: usize = 512;
        let segment = &writes.segments[at];
        let [mut first, mut second, mut mixed] = [[0; STEP]; 3];
        let mut regions = [0; STEP];
        for start in rows.clone().step_by(STEP) {
            let len = STEP.min(rows.end - start);
            let (first, second) = (&mut first[..len], &mut second[..len]);
            if unfit.load(Ordering::Relaxed) || !segment.pack(packing, start, (first, second)) {
                unfit.store(true, Ordering::Relaxed);
                return;
            }
            segment.regions(start, &mut regions[..len]);
            // One round of a Feistel network: as the second word stays what it is, nothing is lost.
            mix(isa, second, &mut mixed[..len]);
            first.iter_mut().zip(&mixed).for_each(|(word, mixed)| *word ^= mixed);
            mix(isa, first, &mut mixed[..len]);
            sink.take(&mixed[..len], |i, rest| WideMark::of(rest, regions[i], second[i]));
        }
    };
    let counts = count_marks(writes, isa, fill)?;
    Ok((!unfit.load(Ordering::Relaxed)).then_some(counts))
}

/// Where keys must be compared, or regions are many.
fn count_groups(writes: &Writes<'_>, isa: Isa) -> Result<PairCounts> {
    let counts = for_each_key(
        writes,
        isa,
        Carried { least: 0, times: false },
        |_, _, label| Record::<2>::new(label, &[]),
        PairCounts::default,
        |counts, group: &[Record<2>]| *counts = *counts + PairCounts::of(group, Record::region_code),
    )?;
    Ok(counts.into_iter().fold(PairCounts::default(), PairCounts::add))
}

impl Add for PairCounts {
    type Output = PairCounts;

    fn add(self, other: PairCounts) -> PairCounts {
        PairCounts {
            keys: self.keys + other.keys,
            pairs: self.pairs + other.pairs,
            across: self.across + other.across,
        }
    }
}

/// Pairs of `n` writes.
fn pairs_of(n: u64) -> u64 {
    n * n.saturating_sub(1) / 2
}

impl PairCounts {
    /// The writes of one key.
    #[inline]
    pub(super) fn of<R>(group: &[R], region: impl Fn(&R) -> u16) -> Self {
        match group {
            [] => PairCounts::default(),
            [_] => PairCounts { keys: 1, pairs: 0, across: 0 },
            [a, b] => PairCounts { keys: 1, pairs: 1, across: u64::from(region(a) != region(b)) },
            _ => Self::of_many(group, region),
        }
    }

    /// The writes of one key, by how many each region has.
    #[inline]
    pub(super) fn of_regions(counts: &[u64]) -> Self {
        let all: u64 = counts.iter().sum();
        let within: u64 = counts.iter().map(|&n| pairs_of(n)).sum();
        PairCounts { keys: 1, pairs: pairs_of(all), across: pairs_of(all) - within }
    }

    fn of_many<R>(group: &[R], region: impl Fn(&R) -> u16) -> Self {
        let mut few = [0; REGIONS];
        let mut all: Vec<u64> = Vec::new();
        for region in group.iter().map(region).map(usize::from) {
            if let Some(count) = few.get_mut(region) {
                *count += 1;
            } else {
                all.resize(all.len().max(region + 1), 0);
                all[region] += 1;
            }
        }
        if all.is_empty() {
            return Self::of_regions(&few);
        }
        all[..REGIONS].copy_from_slice(&few);
        Self::of_regions(&all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: counted pairs are those that looking at each pair finds, with few regions and with many.
    #[test]
    fn counts_equal_pairs() {
        for regions in [1_usize, 2, 3, 16, 17, 40] {
            for writes in 0..50_usize {
                let group: Vec<u16> = (0..writes).map(|i| (i * i % regions) as u16).collect();
                let pairs = (0..writes).flat_map(|j| (0..j).map(move |i| (i, j)));
                let across = pairs.clone().filter(|&(i, j)| group[i] != group[j]).count();
                let keys = u64::from(writes > 0);
                let expected = PairCounts { keys, pairs: pairs.count() as u64, across: across as u64 };
                assert_eq!(
                    PairCounts::of(&group, |&region| region),
                    expected,
                    "{writes} writes, {regions} regions"
                );
            }
        }
    }
}
