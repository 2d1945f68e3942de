//! When writes began, roughly: enough to rule out for most pairs of a key that their bounds touch.

use skewer_kernels::Extent;

/// Bits of a stamp's number.
const NUMBER_BITS: u32 = u32::BITS;

/// Bits of a stamp's time: one less than there is room for, so that no difference is taken for its opposite.
const TIME_BITS: u32 = u64::BITS - NUMBER_BITS - 1;

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
        // Rounding may bring two begins one tick farther apart.
        let ticks = ((all.max_width >> shift) + 1).min((1 << TIME_BITS) - 1);
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
    stamps: &'a [u64],
    reach: u64,
}

impl<'a> NearWrites<'a> {
    /// Of writes with these stamps; `None` if there are no two such. Brings stamps into order.
    pub(super) fn of(stamps: &'a mut [u64], reach: u64) -> Option<Self> {
        if !stamps.is_sorted() {
            stamps.sort_unstable();
        }
        let near = stamps.array_windows().any(|[a, b]| b - a <= reach);
        near.then_some(NearWrites { stamps, reach })
    }

    /// How many.
    pub(crate) fn len(self) -> usize {
        self.stamps.len()
    }

    /// Their numbers.
    pub(crate) fn numbers(self) -> impl Iterator<Item = u32> {
        self.stamps.iter().map(|&stamp| stamp as u32)
    }

    /// The numbers of those that are so near the last one that they may have come after it.
    pub(crate) fn last(self) -> impl Iterator<Item = u32> {
        let end = self.stamps.last().map_or(0, |&last| last.saturating_sub(self.reach));
        let from = self.stamps.partition_point(|&stamp| stamp < end);
        NearWrites { stamps: &self.stamps[from..], ..self }.numbers()
    }

    /// Hands over the numbers of each pair that may touch, unless there are more than `most`; whether all were.
    pub(crate) fn pairs(self, most: usize, mut meet: impl FnMut(u32, u32)) -> bool {
        let mut left = most;
        for (at, &stamp) in self.stamps.iter().enumerate() {
            for &before in self.stamps[..at].iter().rev().take_while(|&&before| stamp - before <= self.reach) {
                if left == 0 {
                    return false;
                }
                left -= 1;
                meet(before as u32, stamp as u32);
            }
        }
        true
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
            drawn in prop::collection::vec((any::<i64>(), 0..1_000_i64, 0..63_u32), 2..30),
        ) {
            let bounds: Vec<(i64, i64)> = drawn.iter().map(|&(tick, width, shift)| {
                let begin = (tick >> shift).min(i64::MAX - 1_000);
                (begin, begin + width)
            }).collect();
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
                prop_assert!(near.pairs(usize::MAX, |a, b| met += usize::from(touch(a, b))));
                last.extend(near.last());
                prop_assert!(!near.pairs(0, |_, _| ()));
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
