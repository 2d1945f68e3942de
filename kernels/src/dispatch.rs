//! The safe face of the kernels: lengths are checked here, once per call, and the token picks
//! the loop.

#[cfg(target_arch = "x86_64")]
use crate::{avx2, avx512};

use crate::choose::{High, SLACK};
use crate::extent::Extent;
use crate::isa::{Isa, Kind};
use crate::near::{Likeness, Marks, NearPairs};
use crate::node::NodeRows;
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

/// How many of a node's words, which ascend, are less than `word`: of those that do not ascend, some number up to `N`.
///
/// `N` is a power of two, and at most 64. O(N) compared at once, or O(log N) one after the other.
///
/// ```
/// use skewer_kernels::{Isa, rank};
/// assert_eq!(rank(Isa::best(), &[10, 20, 20, u64::MAX], 20), 1);
/// assert_eq!(rank(Isa::best(), &[10, 20, 20, u64::MAX], 21), 3);
/// ```
#[inline]
pub fn rank<const N: usize>(isa: Isa, words: &[u64; N], word: u64) -> usize {
    const { assert!(N.is_power_of_two() && N <= 64, "a bit for each word") };
    dispatch!(isa, rank(words, word))
}

/// Moves the rows of a node from `at` on up by `by` places. The last `by` rows fall off; those from `at` up to `at + by`
/// stay as they are, for the caller to set.
///
/// O(N); with AVX-512 no branch depends on where the gap is.
///
/// # Panics
/// If `at + by` is more than `N`.
///
/// ```
/// use skewer_kernels::{Isa, NodeRows, open_gap};
/// let (mut words, mut numbers) = ([1, 2, 3, 4], [-1, -2, -3, -4]);
/// open_gap(Isa::best(), NodeRows { words: &mut words, numbers: &mut numbers, others: None }, 1, 2);
/// assert_eq!((words, numbers), ([1, 2, 3, 2], [-1, -2, -3, -2]));
/// ```
#[inline]
pub fn open_gap<const N: usize>(isa: Isa, rows: NodeRows<'_, N>, at: usize, by: usize) {
    const { assert!(N <= 32, "a bit for each row") };
    assert!(at <= N && by <= N - at, "a gap within the node");
    dispatch!(isa, open_gap(rows, at, by));
}

/// Moves the rows of a node whose bits are set to the front, in order. Behind them all words are the greatest, and all
/// numbers 0.
///
/// O(N); with AVX-512 no branch depends on which are kept.
///
/// ```
/// use skewer_kernels::{Isa, NodeRows, squeeze};
/// let (mut words, mut numbers) = ([1, 2, 3, 4], [-1, -2, -3, -4]);
/// squeeze(Isa::best(), NodeRows { words: &mut words, numbers: &mut numbers, others: None }, 0b1010);
/// assert_eq!((words, numbers), ([2, 4, u64::MAX, u64::MAX], [-2, -4, 0, 0]));
/// ```
#[inline]
pub fn squeeze<const N: usize>(isa: Isa, rows: NodeRows<'_, N>, kept: u32) {
    const { assert!(N <= 32, "a bit for each row") };
    dispatch!(isa, squeeze(rows, kept));
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

/// The places, in order, of the words whose highest bits have a value. They stand in `places`, which only grows: of a
/// list that is used again nothing is allocated.
///
/// O(n) in words, and no branch depends on which are chosen.
///
/// # Panics
/// If there are more words than a `u32` counts, or the shift is 64 or more.
///
/// ```
/// use skewer_kernels::{High, Isa, choose};
/// let words = [0x10, 0x22, 0x11, 0x30, 0x1f];
/// assert_eq!(choose(Isa::best(), &words, High { shift: 4, value: 1 }, &mut Vec::new()), [0, 2, 4]);
/// ```
#[inline]
pub fn choose<'p>(isa: Isa, words: &[u64], high: High, places: &'p mut Vec<u32>) -> &'p [u32] {
    assert!(u32::try_from(words.len()).is_ok() && high.shift < u64::BITS, "numbers in their range");
    let room = words.len() + SLACK;
    if places.len() < room {
        places.resize(room, 0);
    }
    let slots = &mut places[..];
    let count = dispatch!(isa, choose(words, high, slots));
    &places[..count]
}

/// How many pairs of marks at most [`NEAR`](crate::NEAR) places apart agree in `likeness.bits` of their words, and
/// in all bits of their others, if there are any. Appends to `close` the places, in order, of those that agree with
/// one that comes after them and was made within `likeness.reach`.
///
/// Where marks that agree stand together, and no more than `NEAR + 1` of them, these are all pairs that do,
/// found without sorting, and without a branch where few are close.
///
/// O(n) in marks.
///
/// # Panics
/// If columns differ in length (`others` may be empty), there are more marks than a `u32` counts, or the reach is
/// 2^63 or more.
///
/// ```
/// use skewer_kernels::{Isa, Likeness, Marks, near_pairs};
/// let marks = Marks { words: &[0x10, 0x20, 0x11, 0x20], others: &[], times: &[7, 50, 100, 60] };
/// let (likeness, mut close) = (Likeness { bits: !0xf, reach: 10 }, Vec::new());
/// let pairs = near_pairs(Isa::best(), marks, likeness, &mut close);
/// assert_eq!((pairs.alike, pairs.equal, pairs.repeated), (2, 1, 2));
/// assert_eq!(close, [1]);
/// let marks = Marks { others: &[1, 2, 3, 2], ..marks };
/// assert_eq!(near_pairs(Isa::best(), marks, likeness, &mut close).alike, 1);
/// ```
#[inline]
pub fn near_pairs(isa: Isa, marks: Marks<'_>, likeness: Likeness, close: &mut Vec<u32>) -> NearPairs {
    let Marks { words, others, times } = marks;
    assert!(others.is_empty() || others.len() == words.len(), "one other for each word, or none");
    assert_eq!(times.len(), words.len(), "one time for each word");
    assert!(u32::try_from(words.len()).is_ok() && likeness.reach < 1 << 63, "numbers in their range");
    dispatch!(isa, near_pairs(marks, likeness, close))
}
