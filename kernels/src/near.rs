//! What words that stand near each other have in common.

use std::ops::Add;

/// So many places apart marks are still compared.
pub const NEAR: usize = 5;

/// Marks in columns of one length: what tells them apart, and when they were made.
#[derive(Clone, Copy, Debug)]
pub struct Marks<'a> {
    /// What is looked at in part.
    pub words: &'a [u64],
    /// What must be equal in whole; none where words say all.
    pub others: &'a [u64],
    /// Times, on a clock that begins again after 2^64 ticks.
    pub times: &'a [u64],
}

/// When two marks are alike, and when they are close as well.
#[derive(Clone, Copy, Debug)]
pub struct Likeness {
    /// The bits of words that are looked at.
    pub bits: u64,
    /// The most that times of close marks differ by: less than 2^63.
    pub reach: u64,
}

impl Likeness {
    /// Whether two times are no farther from each other than the reach.
    #[inline]
    pub(crate) fn is_close(self, one: u64, other: u64) -> bool {
        one.wrapping_sub(other).wrapping_add(self.reach) <= 2 * self.reach
    }
}

/// Pairs of marks at most [`NEAR`] places apart whose others are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NearPairs {
    /// Pairs that agree in the bits looked at.
    pub alike: u64,
    /// Pairs that agree in all bits.
    pub equal: u64,
    /// Words that agree, in the bits looked at, with one that comes after them.
    pub repeated: u64,
}

impl Add for NearPairs {
    type Output = NearPairs;

    fn add(self, other: NearPairs) -> NearPairs {
        NearPairs {
            alike: self.alike + other.alike,
            equal: self.equal + other.equal,
            repeated: self.repeated + other.repeated,
        }
    }
}

/// So many numbers from `at` on, if there are.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn span<const SPAN: usize>(numbers: &[u64], at: usize) -> Option<&[u64; SPAN]> {
    numbers[at..].first_chunk()
}

/// The vector of numbers that begins at `apart` in a window that is so much longer than a vector.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn lanes<const LANES: usize>(window: &[u64], apart: usize) -> &[u64; LANES] {
    window[apart..].first_chunk().unwrap_or(&[0; LANES])
}

/// Appends the places of a vector at `at` whose bits are set.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn push_places(places: &mut Vec<u32>, at: usize, mut bits: u32) {
    while bits != 0 {
        places.push(at as u32 + bits.trailing_zeros());
        bits &= bits - 1;
    }
}
