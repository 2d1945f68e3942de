//! The meaning of every kernel, in plain Rust.
//!
//! The other files of this folder must give the same answers bit for bit, and hand their tails
//! to these loops. The compiler may use whatever vectors the target always has (SSE2, NEON): this
//! is the honest rival of the wide kernels.

use crate::choose::High;
use crate::extent::Extent;
use crate::near::{Likeness, Marks, NEAR, NearPairs};
use crate::node::{NodeRows, places};

/// First multiplier of the mixer: an odd number of about half its bits set.
pub(crate) const MIX_FIRST: u64 = 0xbf58_476d_1ce4_e5b9;
/// Second multiplier of the mixer.
pub(crate) const MIX_SECOND: u64 = 0x94d0_49bb_1331_11eb;

/// The binary search without a branch: on the words of a node, no CPU guesses them well.
#[inline]
pub(crate) fn rank<const N: usize>(words: &[u64; N], word: u64) -> usize {
    let (mut at, mut step) = (0, N / 2);
    while step > 0 {
        at += if words[(at + step - 1) & (N - 1)] < word { step } else { 0 };
        step /= 2;
    }
    at + usize::from(words[at & (N - 1)] < word)
}

/// One bit for each of a few words that is less than `word`.
#[inline]
pub(crate) fn less(few: &[u64], word: u64) -> u64 {
    few.iter().enumerate().fold(0, |less, (at, one)| less | u64::from(*one < word) << at)
}

pub(crate) fn open_gap<const N: usize>(rows: NodeRows<'_, N>, at: usize, by: usize) {
    let moved = at..N - by;
    rows.words.copy_within(moved.clone(), at + by);
    rows.numbers.copy_within(moved.clone(), at + by);
    if let Some(others) = rows.others {
        others.copy_within(moved, at + by);
    }
}

pub(crate) fn squeeze<const N: usize>(rows: NodeRows<'_, N>, kept: u32) {
    squeeze_column(rows.words, kept, u64::MAX);
    squeeze_column(rows.numbers, kept, 0);
    if let Some(others) = rows.others {
        squeeze_column(others, kept, 0);
    }
}

fn squeeze_column<T: Copy, const N: usize>(column: &mut [T; N], kept: u32, past: T) {
    // Those that stay where they are.
    let first = (kept.trailing_ones() as usize).min(N);
    let rest = places(kept & u32::MAX.unbounded_shl(first as u32)).take_while(|at| *at < N);
    let mut to = first;
    for at in rest {
        column[to] = column[at];
        to += 1;
    }
    column[to..].fill(past);
}

pub(crate) fn first_inverted(earliest: &[i64], latest: &[i64]) -> Option<usize> {
    earliest.iter().zip(latest).position(|(earliest, latest)| earliest > latest)
}

pub(crate) fn extent(begin: &[i64], end: &[i64]) -> Extent {
    let mut all = Extent::EMPTY;
    for (&begin, &end) in begin.iter().zip(end) {
        let max_width = if begin <= end { end.abs_diff(begin) } else { 0 };
        all = all.merge(Extent { min_begin: begin, max_begin: begin, max_width, inverted: begin > end });
    }
    all
}

pub(crate) fn near_pairs(marks: Marks<'_>, likeness: Likeness, close: &mut Vec<u32>) -> NearPairs {
    near_pairs_from(0, marks, likeness, close)
}

/// The pairs whose first mark stands at `from` or after it.
pub(crate) fn near_pairs_from(
    from: usize,
    Marks { words, others, times }: Marks<'_>,
    likeness: Likeness,
    close: &mut Vec<u32>,
) -> NearPairs {
    let mut sum = NearPairs::default();
    for at in from..words.len() {
        let (mut repeated, mut is_close) = (false, false);
        for near in at + 1..words.len().min(at + 1 + NEAR) {
            let agree = others.is_empty() || others[at] == others[near];
            let alike = agree && (words[at] ^ words[near]) & likeness.bits == 0;
            sum.alike += u64::from(alike);
            sum.equal += u64::from(agree && words[at] == words[near]);
            repeated |= alike;
            is_close |= alike && likeness.is_close(times[at], times[near]);
        }
        sum.repeated += u64::from(repeated);
        if is_close {
            close.push(at as u32);
        }
    }
    sum
}

pub(crate) fn choose(words: &[u64], high: High, places: &mut [u32]) -> usize {
    choose_from(0, 0, words, high, places)
}

/// The same of the words from `from` on, where `count` places are known.
pub(crate) fn choose_from(
    from: usize,
    mut count: usize,
    words: &[u64],
    high: High,
    places: &mut [u32],
) -> usize {
    // Written always and kept if it counts: whether it does is a coin that no CPU guesses.
    for (at, &word) in words.iter().enumerate().skip(from) {
        places[count] = at as u32;
        count += usize::from(high.is_of(word));
    }
    count
}

pub(crate) fn mix(keys: &[u64], out: &mut [u64]) {
    for (key, out) in keys.iter().zip(out) {
        *out = mix_one(*key);
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
