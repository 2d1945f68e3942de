//! The safe face of the kernels: lengths are checked here, once per call, and the token picks
//! the loop.

#[cfg(target_arch = "x86_64")]
use crate::{avx2, avx512};

use crate::extent::Extent;
use crate::isa::{Isa, Kind};
use crate::near::NearPairs;
use crate::scalar;

/// Calls one kernel on the instruction set of a token. Takes names only, so that no expression
/// of the caller is evaluated inside `unsafe`.
macro_rules! dispatch {
    ($isa:ident, $kernel:ident($($argument:ident),*)) => {
        match $isa.kind() {
            Kind::Scalar => scalar::$kernel($($argument),*),
            // SAFETY: `Isa::available` makes a token of this kind only where the CPU has AVX2,
            // which is all that these functions enable.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { avx2::$kernel($($argument),*) },
            // SAFETY: `Isa::available` makes a token of this kind only where the CPU has
            // AVX-512 F, DQ, BW and VL, which is all that these functions enable.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { avx512::$kernel($($argument),*) },
        }
    };
}

/// The first row with `earliest > latest`: the first interval that is none.
///
/// O(n) in rows.
///
/// # Panics
/// If the slices' lengths differ.
///
/// ```
/// use skewer_kernels::{Isa, first_inverted};
/// assert_eq!(first_inverted(Isa::best(), &[1, 2, 3], &[1, 5, 2]), Some(2));
/// ```
#[inline]
pub fn first_inverted(isa: Isa, earliest: &[i64], latest: &[i64]) -> Option<usize> {
    assert_eq!(earliest.len(), latest.len(), "one latest for each earliest");
    dispatch!(isa, first_inverted(earliest, latest))
}

/// The outline of the intervals `[begin, end]`; of none, [`Extent::EMPTY`].
///
/// O(n) in rows.
///
/// # Panics
/// If the slices' lengths differ.
#[inline]
pub fn extent(isa: Isa, begin: &[i64], end: &[i64]) -> Extent {
    assert_eq!(begin.len(), end.len(), "one end for each begin");
    dispatch!(isa, extent(begin, end))
}

/// Writes [`mix_one`](crate::mix_one) of each key to the same place in `out`.
///
/// O(n) in rows.
///
/// # Panics
/// If the slices' lengths differ.
#[inline]
pub fn mix(isa: Isa, keys: &[u64], out: &mut [u64]) {
    assert_eq!(keys.len(), out.len(), "one place for each key");
    dispatch!(isa, mix(keys, out));
}

/// How many pairs of words at most [`NEAR`](crate::NEAR) places apart agree in `bits`, and in all bits of
/// their `others`, if there are any.
///
/// Where words that agree stand together, and no more than `NEAR + 1` of them, these are all pairs that do,
/// found without sorting and without a branch.
///
/// O(n) in words.
///
/// # Panics
/// If there are `others`, but not one for each word.
///
/// ```
/// use skewer_kernels::{Isa, near_pairs};
/// let words = [0x10, 0x20, 0x11, 0x20];
/// let pairs = near_pairs(Isa::best(), &words, &[], !0xf);
/// assert_eq!((pairs.alike, pairs.equal, pairs.repeated), (2, 1, 2));
/// assert_eq!(near_pairs(Isa::best(), &words, &[1, 2, 3, 2], !0xf).alike, 1);
/// ```
#[inline]
pub fn near_pairs(isa: Isa, words: &[u64], others: &[u64], bits: u64) -> NearPairs {
    assert!(others.is_empty() || others.len() == words.len(), "one other for each word, or none");
    dispatch!(isa, near_pairs(words, others, bits))
}
