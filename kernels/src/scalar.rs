//! The meaning of every kernel, in plain Rust.
//!
//! The other files of this folder must give the same answers bit for bit, and hand their tails
//! to these loops. Conditions are joined by `&`, not `&&`, so that the compiler may use whatever
//! vectors the target always has (SSE2, NEON): this is the honest rival of the wide kernels.
//!
//! Knowingly left: [`histogram`] waits on a bucket that is hit twice in a row. Private tables
//! per lane would fix that, and cost more than they give while fingerprints are well mixed.

#![expect(clippy::needless_bitwise_bool, reason = "`&&` is a branch, or a load on condition: no vectors")]

use crate::extent::Extent;

/// First multiplier of the mixer: an odd number of about half its bits set.
pub(crate) const MIX_FIRST: u64 = 0xbf58_476d_1ce4_e5b9;
/// Second multiplier of the mixer.
pub(crate) const MIX_SECOND: u64 = 0x94d0_49bb_1331_11eb;

pub(crate) fn first_inverted(earliest: &[i64], latest: &[i64]) -> Option<usize> {
    earliest.iter().zip(latest).position(|(earliest, latest)| earliest > latest)
}

pub(crate) fn first_difference(values: &[u64]) -> Option<usize> {
    values.iter().position(|value| *value != values[0])
}

pub(crate) fn extent(begin: &[i64], end: &[i64]) -> Extent {
    let mut all = Extent::EMPTY;
    for (&begin, &end) in begin.iter().zip(end) {
        let max_width = if begin <= end { end.abs_diff(begin) } else { 0 };
        all = all.merge(Extent { min_begin: begin, max_begin: begin, max_width, inverted: begin > end });
    }
    all
}

pub(crate) fn count_blind(begins: &[i64], ends: &[i64], begin: i64, end: i64) -> u64 {
    begins.iter().zip(ends).map(|(b, e)| u64::from((*b < end) & (begin < *e))).sum()
}

pub(crate) fn count_blind_elsewhere(
    begins: &[i64],
    ends: &[i64],
    regions: &[u16],
    begin: i64,
    end: i64,
    region: u16,
) -> u64 {
    let rows = begins.iter().zip(ends).zip(regions);
    rows.map(|((b, e), r)| u64::from((*b < end) & (begin < *e) & (*r != region))).sum()
}

pub(crate) fn count_concurrent(earliest: &[i64], latest: &[i64], e: i64, l: i64) -> u64 {
    earliest.iter().zip(latest).map(|(from, to)| u64::from((*from <= l) & (e <= *to))).sum()
}

pub(crate) fn count_concurrent_elsewhere(
    earliest: &[i64],
    latest: &[i64],
    regions: &[u16],
    e: i64,
    l: i64,
    region: u16,
) -> u64 {
    let rows = earliest.iter().zip(latest).zip(regions);
    rows.map(|((from, to), r)| u64::from((*from <= l) & (e <= *to) & (*r != region))).sum()
}

pub(crate) fn count_less(values: &[i64], bound: i64) -> u64 {
    values.iter().map(|value| u64::from(*value < bound)).sum()
}

pub(crate) fn max_i64(values: &[i64]) -> Option<i64> {
    values.iter().copied().max()
}

pub(crate) fn min_i64(values: &[i64]) -> Option<i64> {
    values.iter().copied().min()
}

pub(crate) fn mix(keys: &[u64], out: &mut [u64]) {
    for (key, out) in keys.iter().zip(out) {
        *out = mix_one(*key);
    }
}

pub(crate) fn spread(stamps: &[i64], error: u64, earliest: &mut [i64], latest: &mut [i64]) {
    for ((stamp, earliest), latest) in stamps.iter().zip(earliest).zip(latest) {
        *earliest = stamp.saturating_sub_unsigned(error);
        *latest = stamp.saturating_add_unsigned(error);
    }
}

pub(crate) fn shift_earlier(values: &[i64], ticks: u64, out: &mut [i64]) {
    for (value, out) in values.iter().zip(out) {
        *out = value.saturating_sub_unsigned(ticks);
    }
}

pub(crate) fn histogram(fingerprints: &[u64], bits: u32, counts: &mut [u32]) {
    // Shifting by 63 and then once more: a shift by all 64 bits would overflow where `bits` is 0.
    let shift = 63 - bits.min(63);
    let last = counts.len() - 1;
    for fingerprint in fingerprints {
        // The mask changes nothing (2^bits = counts.len()); it tells the compiler so.
        let count = &mut counts[(fingerprint >> 1 >> shift) as usize & last];
        *count = count.wrapping_add(1);
    }
}

/// `key` mixed so that each of its bits changes about half of the result's: the one-key form of
/// [`mix`](crate::mix()).
///
/// A bijection ([`unmix_one`] is its inverse): different integer keys never collide in all 64
/// bits. 0 stays 0. Xor-shifts and multiplications as in Austin Appleby's `MurmurHash3`
/// finaliser, with the constants of David Stafford, *Better bit mixing* (2011), Mix13.
pub const fn mix_one(key: u64) -> u64 {
    let key = (key ^ (key >> 30)).wrapping_mul(MIX_FIRST);
    let key = (key ^ (key >> 27)).wrapping_mul(MIX_SECOND);
    key ^ (key >> 31)
}

/// The key that [`mix_one`] turned into `mixed`.
pub const fn unmix_one(mixed: u64) -> u64 {
    const FIRST: u64 = inverse(MIX_FIRST);
    const SECOND: u64 = inverse(MIX_SECOND);
    let mixed = unshift(mixed, 31).wrapping_mul(SECOND);
    let mixed = unshift(mixed, 27).wrapping_mul(FIRST);
    unshift(mixed, 30)
}

/// The x for which `x ^ (x >> by)` is `shifted`, where `by` is more than a third of 64.
const fn unshift(shifted: u64, by: u32) -> u64 {
    let two = shifted >> by >> by;
    shifted ^ (shifted >> by) ^ two
}

/// The number by which to multiply to undo a multiplication by the odd number `odd`, modulo 2^64.
const fn inverse(odd: u64) -> u64 {
    // Newton's iteration doubles the right bits each time; an odd number is its own inverse
    // in the lowest three.
    let mut guess = odd;
    let mut right_bits = 3;
    while right_bits < 64 {
        guess = guess.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(guess)));
        right_bits *= 2;
    }
    guess
}
