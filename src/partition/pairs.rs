//! How many pairs the writes of each key make: by counting, without looking at more of them than may touch.

use std::ops::Add;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use skewer_kernels::{Extent, Isa, mix, prefetch_range};

use super::counter::Counter;
use super::groups::{Piece, scatter};
use super::marks::{Counted, Mark, REGION_BITS, REGIONS, WideMark};
use super::scatter::{Scattered, Sink};
use super::stamps::{NearWrites, Stamps};
use crate::error::Result;
use crate::history::Writes;
use crate::scatter::States;

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

/// The pairs of `writes`, whose commit bounds have the extent `all`, and what `visit` made of the keys that have writes whose commit bounds may touch: each is
/// handed over once, and no other. `None` if regions are many, keys fit no two words, or `visit` said once that this
/// leads nowhere.
///
/// # Errors
/// If records had to go to a file and it failed.
///
/// Cost: O(writes) expected, and O(writes log writes) of a hot key; memory 16 bytes a write where fingerprints tell
/// keys apart, else 24.
pub(crate) fn count_pairs<T: Send>(
    writes: &Writes<'_>,
    (isa, all): (Isa, Extent),
    make: impl Fn() -> T + Sync,
    visit: impl Fn(&mut T, NearWrites<'_>) -> bool + Sync,
) -> Result<Option<(PairCounts, Vec<T>)>> {
    if writes.log.regions().len() > REGIONS {
        return Ok(None);
    }
    let marking = Marking { writes, isa, stamps: Stamps::of(all) };
    if writes.exact {
        let words = |(at, first): (usize, usize), fingerprints: &mut [u64], _: &mut [u64]| {
            writes.fingerprints(isa, at, first, fingerprints);
            true
        };
        return marking.count::<Mark, T>(words, make, visit);
    }
    let Some(packing) = writes.packing() else { return Ok(None) };
    let words = |place: (usize, usize), first: &mut [u64], second: &mut [u64]| {
        writes.segments[place.0].pack(&packing, place.1, (first, second)) && {
            scramble(isa, first, second);
            true
        }
    };
    marking.count::<WideMark, T>(words, make, visit)
}

/// Makes a fingerprint of each first word, with the help of the second: nothing is lost, as that stays what it is.
pub(super) fn scramble(isa: Isa, first: &mut [u64], second: &[u64]) {
    // One round of a Feistel network.
    let mut mixed = [0; STEP];
    let mixed = &mut mixed[..first.len()];
    mix(isa, second, mixed);
    mixed.iter_mut().zip(&*first).for_each(|(mixed, word)| *mixed ^= word);
    mix(isa, mixed, first);
}

/// Writes whose keys are looked at in one go.
pub(super) const STEP: usize = 512;

/// How writes become marks.
struct Marking<'w> {
    writes: &'w Writes<'w>,
    isa: Isa,
    stamps: Stamps,
}

impl Marking<'_> {
    /// `words` says what tells the keys of some writes of a segment apart, or that these do not fit.
    fn count<R: Counted, T: Send>(
        &self,
        words: impl Fn((usize, usize), &mut [u64], &mut [u64]) -> bool + Sync,
        make: impl Fn() -> T + Sync,
        visit: impl Fn(&mut T, NearWrites<'_>) -> bool + Sync,
    ) -> Result<Option<(PairCounts, Vec<T>)>> {
        let (given_up, states) = (AtomicBool::new(false), States::default());
        let fill = |piece: Piece, sink: &mut Sink<'_, '_, R>| {
            if given_up.load(Ordering::Relaxed) || !self.fill(piece, &words, sink) {
                given_up.store(true, Ordering::Relaxed);
            }
        };
        let mut sum = PairCounts::default();
        scatter(self.writes, (self.isa, REGION_BITS), fill, |scattered| {
            sum = sum + self.count_round(scattered, (&states, &given_up), &make, &visit);
            !given_up.load(Ordering::Relaxed)
        })?;
        Ok((!given_up.into_inner()).then(|| (sum, states.into_all())))
    }

    /// Hands in the marks of a piece; whether all keys fit.
    fn fill<R: Counted>(
        &self,
        (at, rows): Piece,
        words: &impl Fn((usize, usize), &mut [u64], &mut [u64]) -> bool,
        sink: &mut Sink<'_, '_, R>,
    ) -> bool {
        let segment = &self.writes.segments[at];
        let (mut fingerprints, mut seconds) = ([0; STEP], [0; STEP]);
        for first in rows.clone().step_by(STEP) {
            let len = STEP.min(rows.end - first);
            if !words((at, first), &mut fingerprints[..len], &mut seconds[..len]) {
                return false;
            }
            let regions = |places: Option<&[u32]>| {
                let mut regions = [0; STEP];
                match places {
                    None => segment.regions(first, &mut regions[..len]),
                    Some(places) => segment.regions_at(first, places, &mut regions[..places.len()]),
                }
                regions
            };
            let begins = &segment.commit.earliest[first..first + len];
            self.writes.prefetch_keys(at, first + len, STEP);
            prefetch_range(&segment.commit.earliest, first + len, STEP);
            let number = self.writes.number(at, first);
            sink.take_of(&fingerprints[..len], regions, |regions, nth, i, rest| {
                R::of(rest, regions[nth], seconds[i], self.stamps.stamp(begins[i], number + i as u32))
            });
        }
        true
    }

    fn count_round<R: Counted, T: Send>(
        &self,
        scattered: &Scattered<R>,
        (states, given_up): (&States<T>, &AtomicBool),
        make: impl Fn() -> T + Sync,
        visit: impl Fn(&mut T, NearWrites<'_>) -> bool + Sync,
    ) -> PairCounts {
        let per_task = scattered.len().div_ceil(rayon::current_num_threads() * 8).max(1);
        let tasks: Vec<usize> = (0..scattered.len()).step_by(per_task).collect();
        let count = |first: usize| {
            let mut state = states.take().unwrap_or_else(&make);
            let mut counter = Counter::new(self.isa, self.stamps.reach);
            let partitions = first..(first + per_task).min(scattered.len());
            let mut meet = |near: NearWrites<'_>| {
                if !given_up.load(Ordering::Relaxed) && !visit(&mut state, near) {
                    given_up.store(true, Ordering::Relaxed);
                }
            };
            let left = partitions.take_while(|_| !given_up.load(Ordering::Relaxed));
            let counts = left.map(|partition| counter.count(scattered, partition, &mut meet));
            let sum = counts.fold(PairCounts::default(), PairCounts::add);
            states.leave(state);
            sum
        };
        tasks.into_par_iter().map(count).reduce(PairCounts::default, PairCounts::add)
    }
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
pub(super) fn pairs_of(n: u64) -> u64 {
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
