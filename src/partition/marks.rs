//! Writes of which nothing is asked but how many of a key there are.

use std::ops::Range;

use skewer_kernels::{Isa, NEAR, near_pairs, prefetch_range};

use super::pairs::PairCounts;
use super::record::Label;
use super::scatter::{Keyed, Scattered, bucket};

/// Regions are told apart by that many bits.
pub(super) const REGION_BITS: u32 = 4;

/// As many regions as there may be.
pub(super) const REGIONS: usize = 1 << REGION_BITS;

/// The lowest bits of a mark.
const REGION: u64 = REGIONS as u64 - 1;

/// What tells keys apart, and says a write's region.
pub(super) trait Counted: Keyed {
    /// Whether there is a second word.
    const WIDE: bool;

    /// A fingerprint, and the region in the bits that the split cut off.
    fn first(words: Self::Words) -> u64;

    /// What two keys of one fingerprint differ in.
    fn second(words: Self::Words) -> u64;
}

/// A write's key and its region, where fingerprints tell keys apart: eight bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark(u64);

impl Mark {
    /// The mark of a write whose label's `rest` has room for its region.
    #[inline]
    pub(super) fn of(label: Label) -> Self {
        Mark(label.rest | u64::from(label.region))
    }
}

impl Keyed for Mark {
    type Words = u64;

    const ZERO: Self = Mark(0);

    fn pack(self) -> u64 {
        self.0
    }

    fn unpack(words: u64) -> Self {
        Mark(words)
    }

    fn fingerprint(&self) -> u64 {
        self.0 & !REGION
    }

    fn key_row(&self) -> Option<u32> {
        None
    }
}

impl Counted for Mark {
    const WIDE: bool = false;

    fn first(word: u64) -> u64 {
        word
    }

    fn second(_: u64) -> u64 {
        0
    }
}

/// The same where two words tell keys apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct WideMark([u64; 2]);

impl WideMark {
    /// The mark of a write of which `rest` has room for the region.
    #[inline]
    pub(super) fn of(rest: u64, region: u16, second: u64) -> Self {
        WideMark([rest | u64::from(region), second])
    }
}

impl Keyed for WideMark {
    type Words = [u64; 2];

    const ZERO: Self = WideMark([0; 2]);

    fn pack(self) -> [u64; 2] {
        self.0
    }

    fn unpack(words: [u64; 2]) -> Self {
        WideMark(words)
    }

    fn fingerprint(&self) -> u64 {
        self.0[0] & !REGION
    }

    fn key_row(&self) -> Option<u32> {
        None
    }
}

impl Counted for WideMark {
    const WIDE: bool = true;

    fn first(words: [u64; 2]) -> u64 {
        words[0]
    }

    fn second(words: [u64; 2]) -> u64 {
        words[1]
    }
}

/// More marks than that in a bucket do not all stand near each other.
const NEAR_MAX: u32 = NEAR as u32 + 1;

/// In a bucket of many marks so many keys are taken to have most of them.
const HOT_KEYS: usize = 4;

/// Counts partitions, one after the other, in the same memory.
#[derive(Default)]
pub(super) struct Counter {
    starts: Vec<u32>,
    words: Vec<u64>,
    /// The second words, where there are any.
    seconds: Vec<u64>,
    /// Buckets of many marks: where they begin and end.
    large: Vec<(usize, usize)>,
}

impl Counter {
    /// The keys of a partition, and their pairs.
    ///
    /// Marks are brought into buckets of about one, in which equal keys stand near each other, in
    /// whatever order. Nothing here depends on what the marks are, so that no branch is guessed wrong;
    /// a bucket of many is what a hot key has.
    pub(super) fn count<R: Counted>(&mut self, isa: Isa, all: &Scattered<R>, partition: usize) -> PairCounts {
        self.fill(all, partition);
        let mut sum = PairCounts::default();
        let mut at = 0;
        let large = std::mem::take(&mut self.large);
        for &(start, end) in &large {
            sum = sum + self.near(isa, at..start) + self.any(isa, start..end);
            at = end;
        }
        self.large = large;
        sum + self.near(isa, at..self.words.len())
    }

    /// Brings the marks of a partition into buckets.
    fn fill<R: Counted>(&mut self, scattered: &Scattered<R>, partition: usize) {
        let slices: Vec<&[R::Words]> = scattered.slices(partition).collect();
        let marks: usize = slices.iter().map(|slice| slice.len()).sum();
        let bits = marks.next_power_of_two().trailing_zeros().min(20);
        let shared = scattered.shared_bits();
        let place = |words: R::Words| bucket(R::first(words) << shared, bits);
        self.starts.clear();
        self.starts.resize(1 << bits, 0);
        for (at, slice) in slices.iter().enumerate() {
            slices.get(at + 1).inspect(|next| prefetch_range(next, 0, next.len()));
            slice.iter().for_each(|&words| self.starts[place(words)] += 1);
        }
        self.number();
        self.words.resize(marks, 0);
        self.seconds.resize(if R::WIDE { marks } else { 0 }, 0);
        for &words in slices.into_iter().flatten() {
            let start = &mut self.starts[place(words)];
            self.words[*start as usize] = R::first(words);
            if R::WIDE {
                self.seconds[*start as usize] = R::second(words);
            }
            *start += 1;
        }
    }

    /// Makes numbers of marks the places where their buckets begin.
    fn number(&mut self) {
        self.large.clear();
        let mut sum = 0;
        for start in &mut self.starts {
            let count = std::mem::replace(start, sum);
            sum += count;
            if count > NEAR_MAX {
                self.large.push((*start as usize, sum as usize));
            }
        }
    }

    /// The pairs of marks of which those of one key stand near each other.
    fn near(&self, isa: Isa, range: Range<usize>) -> PairCounts {
        let seconds = if self.seconds.is_empty() { &[] } else { &self.seconds[range.clone()] };
        let pairs = near_pairs(isa, &self.words[range.clone()], seconds, !REGION);
        PairCounts {
            keys: range.len() as u64 - pairs.repeated,
            pairs: pairs.alike,
            across: pairs.alike - pairs.equal,
        }
    }

    /// The pairs of any marks: those of the keys that many of them have are counted out, one key after the
    /// other, and the rest is sorted.
    fn any(&mut self, isa: Isa, mut range: Range<usize>) -> PairCounts {
        let mut sum = PairCounts::default();
        for _ in 0..HOT_KEYS {
            if range.len() <= NEAR_MAX as usize {
                return sum + self.near(isa, range);
            }
            sum = sum + self.take_first_key(&mut range);
        }
        sum + self.sorted(range)
    }

    /// The pairs of the key of the first mark, whose marks are taken out of the range.
    fn take_first_key(&mut self, range: &mut Range<usize>) -> PairCounts {
        let words = &mut self.words[range.clone()];
        let mut counts = [0; REGIONS];
        let (key, mut kept) = (words[0] & !REGION, 0);
        if self.seconds.is_empty() {
            for at in 0..words.len() {
                let word = words[at];
                // Kept always and counted if it is another key's: no CPU guesses which are.
                words[kept] = word;
                let is_same = word & !REGION == key;
                kept += usize::from(!is_same);
                counts[(word & REGION) as usize] += u64::from(is_same);
            }
        } else {
            let seconds = &mut self.seconds[range.clone()];
            let second = seconds[0];
            for at in 0..words.len() {
                let (word, other) = (words[at], seconds[at]);
                (words[kept], seconds[kept]) = (word, other);
                let is_same = word & !REGION == key && other == second;
                kept += usize::from(!is_same);
                counts[(word & REGION) as usize] += u64::from(is_same);
            }
        }
        range.end = range.start + kept;
        PairCounts::of_regions(&counts)
    }

    /// The pairs of marks that are sorted for it.
    fn sorted(&self, range: Range<usize>) -> PairCounts {
        let second = |at: usize| self.seconds.get(at).copied().unwrap_or(0);
        let mut marks: Vec<(u64, u64, u16)> = range
            .map(|at| (self.words[at] & !REGION, second(at), (self.words[at] & REGION) as u16))
            .collect();
        marks.sort_unstable();
        let groups = marks.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
        groups.fold(PairCounts::default(), |sum, group| sum + PairCounts::of(group, |mark| mark.2))
    }
}
