//! Pairs of a partition's keys: counted without being looked at, but for those that may touch.

use std::ops::Range;

use skewer_kernels::{Isa, Likeness, Marks, NEAR, near_pairs};

use super::marks::{Counted, REGION, REGIONS};
use super::pairs::{PairCounts, pairs_of};
use super::scatter::{Partition, Scattered};
use super::stamps::NearWrites;

/// More marks than that in a bucket do not all stand near each other.
const NEAR_MAX: u32 = NEAR as u32 + 1;

/// In a bucket of many marks so many keys are taken to have most of them.
const HOT_KEYS: usize = 4;

/// Counts partitions, one after the other, in the same memory.
pub(super) struct Counter {
    isa: Isa,
    /// Stamps of writes that touch differ by no more.
    reach: u64,
    starts: Vec<u32>,
    words: Vec<u64>,
    /// The second words, where there are any.
    seconds: Vec<u64>,
    stamps: Vec<u64>,
    /// Buckets of many marks: where they begin and end.
    large: Vec<(u32, u32)>,
    /// Places of marks that may touch another one.
    close: Vec<u32>,
    /// The stamps of one key.
    key: Vec<u64>,
}

impl Counter {
    /// Nothing counted so far.
    pub(super) fn new(isa: Isa, reach: u64) -> Self {
        let (starts, words, seconds, stamps) = Default::default();
        let (large, close, key) = Default::default();
        Counter { isa, reach, starts, words, seconds, stamps, large, close, key }
    }

    /// The keys of a partition, and their pairs; `meet` is given each key that has writes which may touch.
    ///
    /// Marks are brought into buckets of about one, in which equal keys stand near each other, in
    /// whatever order. Nothing here depends on what the marks are, so that no branch is guessed wrong;
    /// a bucket of many is what a hot key has.
    pub(super) fn count<R: Counted>(
        &mut self,
        all: &Scattered<R>,
        partition: usize,
        mut meet: impl FnMut(NearWrites<'_>),
    ) -> PairCounts {
        self.fill(&all.partition(partition));
        let mut sum = PairCounts::default();
        let mut at = 0;
        let large = std::mem::take(&mut self.large);
        for &(start, end) in &large {
            let (start, end) = (start as usize, end as usize);
            sum = sum + self.near(at..start, &mut meet) + self.any(start..end, &mut meet);
            at = end;
        }
        self.large = large;
        sum + self.near(at..self.words.len(), &mut meet)
    }

    /// Brings the marks of a partition into buckets.
    fn fill<R: Counted>(&mut self, partition: &Partition<'_, R>) {
        let marks = partition.rows();
        partition.count(&mut self.starts);
        self.number();
        self.words.resize(marks, 0);
        self.seconds.resize(if R::WIDE { marks } else { 0 }, 0);
        self.stamps.resize(marks, 0);
        let (words, seconds, stamps) = (&mut self.words[..], &mut self.seconds[..], &mut self.stamps[..]);
        partition.place(&mut self.starts, move |at, mark| {
            words[at] = R::first(mark);
            if R::WIDE {
                seconds[at] = R::second(mark);
            }
            stamps[at] = R::stamp(mark);
        });
    }

    /// Makes numbers of marks the places where their buckets begin.
    fn number(&mut self) {
        self.large.clear();
        let mut sum = 0;
        for start in &mut self.starts {
            let count = std::mem::replace(start, sum);
            sum += count;
            if count > NEAR_MAX {
                self.large.push((*start, sum));
            }
        }
    }

    /// The pairs of marks of which those of one key stand near each other.
    fn near(&mut self, range: Range<usize>, meet: &mut impl FnMut(NearWrites<'_>)) -> PairCounts {
        if range.is_empty() {
            return PairCounts::default();
        }
        let (mut close, mut key) = (std::mem::take(&mut self.close), std::mem::take(&mut self.key));
        close.clear();
        let marks = self.marks(range.clone());
        let pairs = near_pairs(self.isa, marks, Likeness { bits: !REGION, reach: self.reach }, &mut close);
        for nth in 0..close.len() {
            if gather(marks, &close[..=nth], &mut key) {
                hand_over(&mut key, self.reach, meet);
            }
        }
        (self.key, self.close) = (key, close);
        PairCounts {
            keys: range.len() as u64 - pairs.repeated,
            pairs: pairs.alike,
            across: pairs.alike - pairs.equal,
        }
    }

    fn marks(&self, range: Range<usize>) -> Marks<'_> {
        let others = if self.seconds.is_empty() { &[] } else { &self.seconds[range.clone()] };
        Marks { words: &self.words[range.clone()], others, times: &self.stamps[range] }
    }

    /// The pairs of any marks: those of the keys that many of them have are taken out, one key after the
    /// other, and the rest is sorted.
    fn any(&mut self, mut range: Range<usize>, meet: &mut impl FnMut(NearWrites<'_>)) -> PairCounts {
        if let Some((counts, may_be_near)) = self.one_key(range.clone()) {
            if may_be_near {
                hand_over(&mut self.stamps[range], self.reach, meet);
            }
            return counts;
        }
        let mut sum = PairCounts::default();
        for _ in 0..HOT_KEYS {
            if range.len() <= NEAR_MAX as usize {
                return sum + self.near(range, meet);
            }
            sum = sum + self.take_first_key(&mut range);
            hand_over(&mut self.key, self.reach, meet);
        }
        sum + self.sorted(range, meet)
    }

    /// The pairs of marks if these are all of one key, and whether some of these may be near: surely not if their
    /// stamps ascend by more than the reach at every step.
    fn one_key(&self, range: Range<usize>) -> Option<(PairCounts, bool)> {
        let Marks { words, others, times } = self.marks(range);
        // The first has none before it. (Within a reach of the whole clock, where this wraps, all may be near.)
        let mut before = times[0].wrapping_sub(self.reach).wrapping_sub(1);
        let is_near = |apart: u64| apart.cast_signed() <= self.reach.cast_signed();
        let (mut differing, mut may_be_near, mut regions) = (0, false, Regions::default());
        for (few, times) in words.chunks(Regions::FEW).zip(times.chunks(Regions::FEW)) {
            // All in one loop: most keys have few marks, and each end of a loop is guessed wrong.
            for (&word, &time) in few.iter().zip(times) {
                differing |= word ^ words[0];
                regions.add(word);
                may_be_near |= is_near(time.wrapping_sub(before));
                before = time;
            }
            regions.settle();
        }
        let is_one = differing & !REGION == 0 && others.iter().all(|&other| other == others[0]);
        is_one.then(|| (regions.pairs(), may_be_near))
    }

    /// The pairs of the key of the first mark, whose marks are taken out of the range; leaves their stamps.
    fn take_first_key(&mut self, range: &mut Range<usize>) -> PairCounts {
        let (words, stamps) = (&mut self.words[range.clone()], &mut self.stamps[range.clone()]);
        let seconds = if self.seconds.is_empty() { &mut [] } else { &mut self.seconds[range.clone()] };
        let (first, second) = (words[0] & !REGION, seconds.first().copied());
        let (mut counts, mut kept, mut taken) = ([0; REGIONS], 0, 0);
        self.key.resize(words.len(), 0);
        let key = &mut self.key[..words.len()];
        for at in 0..words.len() {
            let (word, stamp) = (words[at], stamps[at]);
            let mut is_same = word & !REGION == first;
            if let Some(second) = second {
                let other = seconds[at];
                seconds[kept] = other;
                is_same &= other == second;
            }
            // Written always and counted if it belongs there: no CPU guesses which do.
            (words[kept], stamps[kept], key[taken]) = (word, stamp, stamp);
            kept += usize::from(!is_same);
            taken += usize::from(is_same);
            counts[(word & REGION) as usize] += u64::from(is_same);
        }
        self.key.truncate(taken);
        range.end = range.start + kept;
        PairCounts::of_regions(&counts)
    }

    /// The pairs of marks that are sorted for it.
    fn sorted(&mut self, range: Range<usize>, meet: &mut impl FnMut(NearWrites<'_>)) -> PairCounts {
        let Marks { words, others, times } = self.marks(range.clone());
        let second = |at: usize| others.get(at).copied().unwrap_or(0);
        let mut marks: Vec<(u64, u64, u64, u16)> = (0..range.len())
            .map(|at| (words[at] & !REGION, second(at), times[at], (words[at] & REGION) as u16))
            .collect();
        marks.sort_unstable();
        let mut sum = PairCounts::default();
        for group in marks.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            sum = sum + PairCounts::of(group, |mark| mark.3);
            self.key.clear();
            self.key.extend(group.iter().map(|mark| mark.2));
            hand_over(&mut self.key, self.reach, meet);
        }
        sum
    }
}

/// How many marks of each region a key has.
#[derive(Default)]
struct Regions {
    /// Those of the last few: counts side by side in one register, since in memory each would wait for the one before it.
    packed: u64,
    /// All others, where there are any.
    counts: [u64; REGIONS],
    marks: u64,
    /// Pairs within a region.
    within: u64,
}

impl Regions {
    const COUNT_BITS: u32 = u64::BITS / REGIONS as u32;
    /// As many have room in a register, whatever their regions.
    const FEW: usize = (1 << Self::COUNT_BITS) - 1;

    #[inline]
    fn add(&mut self, word: u64) {
        self.packed += 1 << ((word & REGION) as u32 * Self::COUNT_BITS);
    }

    /// Makes room for as many again.
    #[inline]
    fn settle(&mut self) {
        let (mut packed, mut region) = (std::mem::take(&mut self.packed), 0);
        while packed != 0 {
            let new = packed & Self::FEW as u64;
            // New ones make pairs among themselves and with those before them.
            self.within += pairs_of(new) + new * self.counts[region];
            self.counts[region] += new;
            self.marks += new;
            packed >>= Self::COUNT_BITS;
            region += 1;
        }
    }

    /// The pairs of a key, all of whose marks are settled.
    fn pairs(&self) -> PairCounts {
        let pairs = pairs_of(self.marks);
        PairCounts { keys: 1, pairs, across: pairs - self.within }
    }
}

/// Makes `key` the stamps of the key at the last of these places, unless it is the key of one before. All marks of a key
/// stand near each other.
fn gather(Marks { words, others, times }: Marks<'_>, close: &[u32], key: &mut Vec<u64>) -> bool {
    let Some((&at, before)) = close.split_last() else { return false };
    let at = at as usize;
    let is_same = |other: usize| {
        words[at] & !REGION == words[other] & !REGION && (others.is_empty() || others[at] == others[other])
    };
    let known = before.iter().rev().map(|&other| other as usize).take_while(|other| at - other <= NEAR);
    if known.into_iter().any(is_same) {
        return false;
    }
    let around = at.saturating_sub(NEAR)..(at + NEAR + 1).min(words.len());
    key.clear();
    key.extend(around.filter(|&other| is_same(other)).map(|other| times[other]));
    true
}

/// Gives `meet` the writes of a key with these stamps if some of them may touch.
fn hand_over(stamps: &mut [u64], reach: u64, meet: &mut impl FnMut(NearWrites<'_>)) {
    if let Some(near) = NearWrites::of(stamps, reach) {
        meet(near);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: one loop over the marks of a key counts what looking at each pair counts, and misses no two that are
    /// near, in whatever order they came and however far the reach.
    #[test]
    fn one_loop_is_enough() {
        for len in 1..60_u64 {
            for (step, reach) in [(10, 9), (10, 10), (7, 1 << 40), (1 << 56, (1 << 63) - 1), (1 << 56, 0)] {
                for turned in [false, true] {
                    let mut counter = Counter::new(Isa::scalar(), reach);
                    counter.words = (0..len).map(|i| 0x50 | (i * i % 7)).collect();
                    counter.stamps = (0..len).map(|i| step * if turned { len - i } else { i }).collect();
                    let (counts, may_be_near) = counter.one_key(0..len as usize).unwrap();
                    let region = |word: &u64| (word & REGION) as u16;
                    assert_eq!(counts, PairCounts::of(&counter.words, region), "{len}");
                    let is_near = NearWrites::of(&mut counter.stamps.clone(), reach).is_some();
                    assert!(may_be_near || !is_near, "{len} {step} {reach} {turned}");
                    assert!(is_near || turned || !may_be_near || reach > 1 << 62, "{len} {step} {reach}");
                }
            }
        }
        let mut counter = Counter::new(Isa::scalar(), 1);
        (counter.words, counter.stamps) = (vec![0x50, 0x61, 0x50], vec![1, 2, 3]);
        assert!(counter.one_key(0..3).is_none());
    }
}
