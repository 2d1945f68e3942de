//! When writes began, roughly: enough to rule out for most pairs of a key that their bounds touch.

use rayon::prelude::*;
use skewer_kernels::Extent;

use crate::memory::reserve;

/// Bits of a stamp's number.
const NUMBER_BITS: u32 = u32::BITS;

/// Bits of a stamp's time: one less than there is room for, so that no difference is taken for its opposite.
const TIME_BITS: u32 = u64::BITS - NUMBER_BITS - 1;

/// Less is not worth another thread.
const PARALLEL_MIN: usize = 1 << 14;

/// A clock of 31 bits over the time of a log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamps {
    first: i64,
    /// Ticks of the log in one of the clock, as a power of two.
    shift: u32,
    /// Stamps of two writes whose bounds touch differ by no more.
    pub(super) reach: u64,
}

impl Stamps {
    /// The clock for bounds of that extent.
    pub(super) fn of(all: Extent) -> Self {
        let span = if all.min_begin <= all.max_begin { all.max_begin.abs_diff(all.min_begin) } else { 0 };
        let shift = (u64::BITS - span.leading_zeros()).saturating_sub(TIME_BITS);
        // Rounding may bring two begins one tick farther apart. (A width of all time has no tick to add.)
        let ticks = (all.max_width >> shift).saturating_add(1).min((1 << TIME_BITS) - 1);
        Stamps { first: all.min_begin, shift, reach: ticks << NUMBER_BITS | u64::from(u32::MAX) }
    }

    /// The stamp of the write of that number whose commit bound begins at `begin`: they are in the order of begins
    /// as far as the clock tells these apart, and then in that of numbers.
    #[inline]
    pub(super) fn stamp(self, begin: i64, number: u32) -> u64 {
        (begin.wrapping_sub(self.first).cast_unsigned() >> self.shift) << NUMBER_BITS | u64::from(number)
    }
}

/// All writes of a key, two of which began so near each other that their bounds may touch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NearWrites<'a> {
    /// In order.
    pub(super) stamps: &'a [u64],
    pub(super) reach: u64,
    pub(super) pairs: usize,
}

impl<'a> NearWrites<'a> {
    /// Of writes with these stamps; `None` if there are no two such. Brings stamps into order.
    pub(super) fn of(stamps: &'a mut [u64], reach: u64) -> Option<Self> {
        if !stamps.is_sorted() {
            stamps.sort_unstable();
        }
        let (mut pairs, mut first) = (0, 0);
        for (at, &stamp) in stamps.iter().enumerate() {
            while stamp - stamps[first] > reach {
                first += 1;
            }
            pairs += at - first;
        }
        (pairs > 0).then_some(NearWrites { stamps, reach, pairs })
    }

    /// How many.
    pub(crate) fn len(self) -> usize {
        self.stamps.len()
    }

    /// What `of` makes of their numbers, in the order of stamps.
    pub(crate) fn map<T: Send>(self, of: impl Fn(u32) -> T + Sync) -> Vec<T> {
        // All threads are needed where one key is much of the log.
        let least = self.stamps.len().div_ceil(rayon::current_num_threads()).max(PARALLEL_MIN);
        let mut all = Vec::new();
        reserve(&mut all, self.stamps.len());
        all.par_extend(self.stamps.par_iter().with_min_len(least).map(|&stamp| of(stamp as u32)));
        all
    }

    /// The numbers of those that are so near the last one that they may have come after it.
    pub(crate) fn last(self) -> impl Iterator<Item = u32> {
        let end = self.stamps.last().map_or(0, |&last| last.saturating_sub(self.reach));
        let from = self.stamps.partition_point(|&stamp| stamp < end);
        self.stamps[from..].iter().map(|&stamp| stamp as u32)
    }

    /// Whether they began in the order of their numbers.
    pub(crate) fn are_in_order(self) -> bool {
        self.stamps.is_sorted_by_key(|&stamp| stamp as u32)
    }

    /// How many pairs may touch.
    pub(crate) fn pairs(self) -> usize {
        self.pairs
    }

    /// Hands over the numbers of each pair that may touch.
    pub(crate) fn for_each_pair(self, mut meet: impl FnMut(u32, u32)) {
        for (at, &stamp) in self.stamps.iter().enumerate() {
            let before = self.stamps[..at].iter().rev().take_while(|&&before| stamp - before <= self.reach);
            before.for_each(|&before| meet(before as u32, stamp as u32));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Promise: bounds that touch are near, however far apart the first and the last one are, and those that
        /// may be last are among the last.
        #[test]
        fn nothing_that_touches_is_missed(
            drawn in prop::collection::vec((any::<i64>(), 0..1_000_i64, 0..64_u32), 2..30),
            from in prop_oneof![3 => Just(0), 1 => Just(i64::MIN)],
            is_unbounded in prop::bool::weighted(0.25),
        ) {
            let mut bounds: Vec<(i64, i64)> = drawn.iter().map(|&(tick, width, shift)| {
                let begin = (tick >> shift).min(i64::MAX - 1_000);
                // From the first tick of all on, or from where it is.
                let begin = if from < 0 { from.saturating_add(begin.max(0)) } else { begin };
                (begin, begin + width)
            }).collect();
            if is_unbounded {
                bounds[0] = (i64::MIN, i64::MAX);
            }
            let (begins, ends): (Vec<i64>, Vec<i64>) = bounds.iter().copied().unzip();
            let stamps = Stamps::of(skewer_kernels::extent(skewer_kernels::Isa::scalar(), &begins, &ends));
            let mut all: Vec<u64> = (0..).zip(&begins).map(|(number, &begin)| stamps.stamp(begin, number)).collect();
            let touch = |a: u32, b: u32| {
                let (a, b) = (bounds[a as usize], bounds[b as usize]);
                a.0 <= b.1 && b.0 <= a.1
            };
            let numbers = 0..bounds.len() as u32;
            let count = numbers.clone().flat_map(|b| (0..b).map(move |a| (a, b))).filter(|&(a, b)| touch(a, b)).count();
            let (mut met, mut last) = (0, Vec::new());
            if let Some(near) = NearWrites::of(&mut all, stamps.reach) {
                let mut pairs = 0;
                near.for_each_pair(|a, b| {
                    pairs += 1;
                    met += usize::from(touch(a, b));
                });
                prop_assert_eq!(near.pairs(), pairs);
                last.extend(near.last());
            }
            prop_assert_eq!(met, count);
            let begun = begins.iter().max().copied().unwrap_or_default();
            let may_be_last = numbers.filter(|&n| bounds[n as usize].1 >= begun).collect::<Vec<_>>();
            if may_be_last.len() > 1 {
                prop_assert!(may_be_last.iter().all(|n| last.contains(n)));
            }
        }
    }
}
