//! The safe face of the kernels: lengths are checked here, once per call, and the token picks
//! the loop.

#[cfg(target_arch = "x86_64")]
use crate::{avx2, avx512};

use crate::extent::Extent;
use crate::isa::{Isa, Kind};
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

/// The first row whose value is not that of row 0; `None` if all are equal, or there are none.
///
/// O(n) in rows.
#[inline]
pub fn first_difference(isa: Isa, values: &[u64]) -> Option<usize> {
    dispatch!(isa, first_difference(values))
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

/// The number of rows blind to a transaction that runs from `begin` to `end`, and it to them:
/// `begins[i] < end && begin < ends[i]`. Both comparisons are strict: touching ends see each
/// other.
///
/// O(n) in rows.
///
/// # Panics
/// If the slices' lengths differ.
///
/// ```
/// use skewer_kernels::{Isa, count_blind};
/// // One that ends where ours begins, one within, one that begins where ours ends.
/// assert_eq!(count_blind(Isa::best(), &[0, 6, 8], &[5, 7, 9], 5, 8), 1);
/// ```
#[inline]
pub fn count_blind(isa: Isa, begins: &[i64], ends: &[i64], begin: i64, end: i64) -> u64 {
    assert_eq!(begins.len(), ends.len(), "one end for each begin");
    dispatch!(isa, count_blind(begins, ends, begin, end))
}

/// [`count_blind`], of the rows in other regions than `region`.
///
/// O(n) in rows.
///
/// # Panics
/// If the slices' lengths differ.
#[inline]
pub fn count_blind_elsewhere(
    isa: Isa,
    begins: &[i64],
    ends: &[i64],
    regions: &[u16],
    begin: i64,
    end: i64,
    region: u16,
) -> u64 {
    assert_eq!(begins.len(), ends.len(), "one end for each begin");
    assert_eq!(begins.len(), regions.len(), "one region for each begin");
    dispatch!(isa, count_blind_elsewhere(begins, ends, regions, begin, end, region))
}

/// The number of rows concurrent with `[e, l]`: `earliest[i] <= l && e <= latest[i]`. Intervals
/// are closed: touching ends are concurrent.
///
/// O(n) in rows.
///
/// # Panics
/// If the slices' lengths differ.
///
/// ```
/// use skewer_kernels::{Isa, count_concurrent};
/// assert_eq!(count_concurrent(Isa::best(), &[0, 6, 9], &[5, 7, 9], 5, 8), 2);
/// ```
#[inline]
pub fn count_concurrent(isa: Isa, earliest: &[i64], latest: &[i64], e: i64, l: i64) -> u64 {
    assert_eq!(earliest.len(), latest.len(), "one latest for each earliest");
    dispatch!(isa, count_concurrent(earliest, latest, e, l))
}

/// [`count_concurrent`], of the rows in other regions than `region`.
///
/// O(n) in rows.
///
/// # Panics
/// If the slices' lengths differ.
#[inline]
pub fn count_concurrent_elsewhere(
    isa: Isa,
    earliest: &[i64],
    latest: &[i64],
    regions: &[u16],
    e: i64,
    l: i64,
    region: u16,
) -> u64 {
    assert_eq!(earliest.len(), latest.len(), "one latest for each earliest");
    assert_eq!(earliest.len(), regions.len(), "one region for each earliest");
    dispatch!(isa, count_concurrent_elsewhere(earliest, latest, regions, e, l, region))
}

/// The number of values strictly less than `bound`.
///
/// O(n) in rows.
#[inline]
pub fn count_less(isa: Isa, values: &[i64], bound: i64) -> u64 {
    dispatch!(isa, count_less(values, bound))
}

/// The greatest value; `None` of none.
///
/// O(n) in rows.
#[inline]
pub fn max_i64(isa: Isa, values: &[i64]) -> Option<i64> {
    dispatch!(isa, max_i64(values))
}

/// The least value; `None` of none.
///
/// O(n) in rows.
#[inline]
pub fn min_i64(isa: Isa, values: &[i64]) -> Option<i64> {
    dispatch!(isa, min_i64(values))
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

/// Writes the bound of each clock reading: `earliest[i] = stamps[i] - error` and
/// `latest[i] = stamps[i] + error`, in ticks, saturating at the ends of `i64`.
///
/// O(n) in rows.
///
/// # Panics
/// If the slices' lengths differ.
///
/// ```
/// use skewer_kernels::{Isa, spread};
/// let (mut earliest, mut latest) = ([0; 2], [0; 2]);
/// spread(Isa::best(), &[10, i64::MAX - 1], 3, &mut earliest, &mut latest);
/// assert_eq!((earliest, latest), ([7, i64::MAX - 4], [13, i64::MAX]));
/// ```
#[inline]
pub fn spread(isa: Isa, stamps: &[i64], error: u64, earliest: &mut [i64], latest: &mut [i64]) {
    assert_eq!(stamps.len(), earliest.len(), "one earliest for each stamp");
    assert_eq!(stamps.len(), latest.len(), "one latest for each stamp");
    dispatch!(isa, spread(stamps, error, earliest, latest));
}

/// Writes each value less `ticks`, saturating at `i64::MIN`, to the same place in `out`.
///
/// O(n) in rows.
///
/// # Panics
/// If the slices' lengths differ.
#[inline]
pub fn shift_earlier(isa: Isa, values: &[i64], ticks: u64, out: &mut [i64]) {
    assert_eq!(values.len(), out.len(), "one place for each value");
    dispatch!(isa, shift_earlier(values, ticks, out));
}

/// Adds to `counts`, for each fingerprint, 1 in the bucket that its top `bits` bits number: the
/// one bucket there is, where `bits` is 0. A bucket counts modulo 2^32.
///
/// The loop is the same on every instruction set: it is bound by its stores, one a row. The
/// token keeps its place in case that changes. O(n) in rows.
///
/// # Panics
/// If `bits` is over 16, or the number of buckets is not `2^bits`.
///
/// ```
/// use skewer_kernels::{Isa, histogram};
/// let mut counts = [0; 4];
/// histogram(Isa::best(), &[0, 1, u64::MAX], 2, &mut counts);
/// assert_eq!(counts, [2, 0, 0, 1]);
/// ```
#[inline]
pub fn histogram(_isa: Isa, fingerprints: &[u64], bits: u32, counts: &mut [u32]) {
    assert!(bits <= 16, "{bits} bits number more than 65,536 buckets");
    assert_eq!(counts.len(), 1 << bits, "2^bits buckets");
    scalar::histogram(fingerprints, bits, counts);
}
