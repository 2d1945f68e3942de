//! What words that stand near each other have in common.

use std::ops::Add;

/// So many places apart words are still compared.
pub const NEAR: usize = 5;

/// Pairs of words at most [`NEAR`] places apart whose others are equal.
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

/// The vector of words that begins at `apart` in a window that is so much longer than a vector.
#[cfg(target_arch = "x86_64")]
#[inline]
pub(crate) fn lanes<const LANES: usize>(window: &[u64], apart: usize) -> &[u64; LANES] {
    window[apart..].first_chunk().unwrap_or(&[0; LANES])
}
