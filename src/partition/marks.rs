//! Writes of which no more is carried than what counts the pairs of a key, and tells which of them may touch.

use super::scatter::Keyed;

/// Regions are told apart by that many bits.
pub(super) const REGION_BITS: u32 = 4;

/// As many regions as there may be.
pub(super) const REGIONS: usize = 1 << REGION_BITS;

/// The lowest bits of a mark.
pub(super) const REGION: u64 = REGIONS as u64 - 1;

/// What tells keys apart, a write's region, and its stamp.
pub(super) trait Counted: Keyed {
    /// Whether there is a second word.
    const WIDE: bool;

    /// The mark of a write of which `rest` has room for the region.
    fn of(rest: u64, region: u16, second: u64, stamp: u64) -> Self;

    /// A fingerprint, and the region in the bits that the split cut off.
    fn first(words: Self::Words) -> u64;

    /// What two keys of one fingerprint differ in.
    fn second(words: Self::Words) -> u64;

    /// The stamp.
    fn stamp(words: Self::Words) -> u64;
}

/// A mark of a write whose fingerprint tells keys apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark([u64; 2]);

/// The same where two words tell keys apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct WideMark([u64; 3]);

impl Counted for Mark {
    const WIDE: bool = false;

    #[inline]
    fn of(rest: u64, region: u16, _: u64, stamp: u64) -> Self {
        Mark([rest | u64::from(region), stamp])
    }

    fn first([first, _]: [u64; 2]) -> u64 {
        first
    }

    fn second(_: [u64; 2]) -> u64 {
        0
    }

    fn stamp([_, stamp]: [u64; 2]) -> u64 {
        stamp
    }
}

impl Counted for WideMark {
    const WIDE: bool = true;

    #[inline]
    fn of(rest: u64, region: u16, second: u64, stamp: u64) -> Self {
        WideMark([rest | u64::from(region), second, stamp])
    }

    fn first([first, ..]: [u64; 3]) -> u64 {
        first
    }

    fn second([_, second, _]: [u64; 3]) -> u64 {
        second
    }

    fn stamp([.., stamp]: [u64; 3]) -> u64 {
        stamp
    }
}

/// A mark of words is kept as these.
macro_rules! keyed {
    ($mark:ident, $words:literal) => {
        impl Keyed for $mark {
            type Words = [u64; $words];

            const ZERO: Self = $mark([0; $words]);

            fn pack(self) -> Self::Words {
                self.0
            }

            fn unpack(words: Self::Words) -> Self {
                $mark(words)
            }

            fn fingerprint(&self) -> u64 {
                self.0[0] & !REGION
            }

            fn key_row(&self) -> Option<u32> {
                None
            }
        }
    };
}

keyed!(Mark, 2);
keyed!(WideMark, 3);
