//! The kernels on AVX2: 4 ticks at a time, answers in vectors of all-ones lanes.
//!
//! Each is the loop of the same name in `scalar.rs`, with these tricks:
//!
//! 1. There is only "greater": `a <= b` is the complement of `a > b`, and `andnot` takes the
//!    complement for nothing.
//! 2. A search looks at a block of 4 vectors, branches once, and lets the scalar loop name the
//!    place.
//! 3. There is no 64-bit maximum: a comparison and a blend.
//! 4. There is no 64-bit product: three of 32 by 32 bits, of which the fourth falls off the top.
//! 5. Chosen places come from a table of all choices out of four; what is written behind them is
//!    written over.
//! 6. Words that ascend are all compared: no step of a search has to wait for the one before it.
//! 7. Unsigned widths and words are compared with their sign bit turned, and turned back once at the end.
//!
//! Knowingly left: tails of up to 3 ticks run in the scalar loop, and rows of nodes move in scalar copies, since vectors without
//! masks were no faster (measured); streams are not read ahead of
//! nor stored around the cache.

use std::arch::x86_64::{
    __m128i, __m256i, _mm_add_epi32, _mm_cvtsi32_si128, _mm_set1_epi32, _mm256_add_epi64, _mm256_and_si256,
    _mm256_andnot_si256, _mm256_blendv_epi8, _mm256_castsi256_pd, _mm256_cmpeq_epi64, _mm256_cmpgt_epi64,
    _mm256_movemask_pd, _mm256_mul_epu32, _mm256_or_si256, _mm256_set1_epi64x, _mm256_setzero_si256,
    _mm256_slli_epi64, _mm256_srl_epi64, _mm256_srli_epi64, _mm256_sub_epi64, _mm256_testz_si256,
    _mm256_xor_si256,
};

use bytemuck::{Pod, must_cast};

use crate::choose::{High, SLACK};
use crate::extent::Extent;
use crate::near::{Likeness, Marks, NEAR, NearPairs, lanes, push_places, span};
use crate::node::NodeRows;
use crate::scalar::{self, MIX_FIRST, MIX_SECOND};

/// 64-bit integers in a vector.
const LANES: usize = 4;
/// Numbers of a vector and those that these are compared with.
const SPAN: usize = LANES + NEAR;
/// 64-bit integers looked at between two branches of a search.
const BLOCK: usize = 4 * LANES;

#[inline]
#[target_feature(enable = "avx2")]
fn load<T: Pod>(lanes: &[T; LANES]) -> __m256i {
    must_cast(*lanes)
}

#[inline]
#[target_feature(enable = "avx2")]
fn any(lanes: __m256i) -> bool {
    _mm256_testz_si256(lanes, lanes) == 0
}

/// One bit for each lane that is all ones.
#[inline]
#[target_feature(enable = "avx2")]
fn mask(lanes: __m256i) -> u32 {
    _mm256_movemask_pd(_mm256_castsi256_pd(lanes)).cast_unsigned()
}

#[inline]
#[target_feature(enable = "avx2")]
fn larger(a: __m256i, b: __m256i) -> __m256i {
    _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(a, b))
}

#[inline]
#[target_feature(enable = "avx2")]
fn smaller(a: __m256i, b: __m256i) -> __m256i {
    _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b))
}

#[inline]
#[target_feature(enable = "avx2")]
fn largest(lanes: __m256i) -> i64 {
    let [a, b, c, d] = must_cast::<_, [i64; LANES]>(lanes);
    a.max(b).max(c.max(d))
}

#[inline]
#[target_feature(enable = "avx2")]
fn smallest(lanes: __m256i) -> i64 {
    let [a, b, c, d] = must_cast::<_, [i64; LANES]>(lanes);
    a.min(b).min(c.min(d))
}

/// The low 64 bits of `a * factor`, where `factor_high` holds `factor`'s high halves.
#[inline]
#[target_feature(enable = "avx2")]
fn product(a: __m256i, factor: __m256i, factor_high: __m256i) -> __m256i {
    let crossed = _mm256_add_epi64(
        _mm256_mul_epu32(_mm256_srli_epi64::<32>(a), factor),
        _mm256_mul_epu32(a, factor_high),
    );
    _mm256_add_epi64(_mm256_mul_epu32(a, factor), _mm256_slli_epi64::<32>(crossed))
}

#[inline]
#[target_feature(enable = "avx2")]
fn any_inverted(earliest: &[i64; BLOCK], latest: &[i64; BLOCK]) -> bool {
    let mut inverted = _mm256_setzero_si256();
    for (e, l) in earliest.as_chunks().0.iter().zip(latest.as_chunks().0) {
        inverted = _mm256_or_si256(inverted, _mm256_cmpgt_epi64(load(e), load(l)));
    }
    any(inverted)
}

#[target_feature(enable = "avx2")]
pub(crate) fn rank<const N: usize>(words: &[u64; N], word: u64) -> usize {
    let (fours, few) = words.as_chunks();
    let sign = _mm256_set1_epi64x(i64::MIN);
    let than = _mm256_xor_si256(_mm256_set1_epi64x(word.cast_signed()), sign);
    let mut less = 0;
    for (at, four) in fours.iter().enumerate() {
        let is_less = _mm256_cmpgt_epi64(than, _mm256_xor_si256(load(four), sign));
        less |= u64::from(mask(is_less)) << (LANES * at);
    }
    // Those that are less come first.
    (less | scalar::less(few, word) << (LANES * fours.len())).trailing_ones() as usize
}

#[target_feature(enable = "avx2")]
pub(crate) fn open_gap<const N: usize>(rows: NodeRows<'_, N>, at: usize, by: usize) {
    scalar::open_gap(rows, at, by);
}

#[target_feature(enable = "avx2")]
pub(crate) fn squeeze<const N: usize>(rows: NodeRows<'_, N>, kept: u32) {
    scalar::squeeze(rows, kept);
}

#[target_feature(enable = "avx2")]
pub(crate) fn first_inverted(earliest: &[i64], latest: &[i64]) -> Option<usize> {
    let mut clean = 0;
    for (e, l) in earliest.as_chunks().0.iter().zip(latest.as_chunks().0) {
        if any_inverted(e, l) {
            break;
        }
        clean += BLOCK;
    }
    scalar::first_inverted(&earliest[clean..], &latest[clean..]).map(|i| clean + i)
}

#[target_feature(enable = "avx2")]
pub(crate) fn extent(begin: &[i64], end: &[i64]) -> Extent {
    let (begin, begin_tail) = begin.as_chunks();
    let (end, end_tail) = end.as_chunks();
    let sign = _mm256_set1_epi64x(i64::MIN);
    let mut min_begin = _mm256_set1_epi64x(i64::MAX);
    let (mut max_begin, mut max_width) = (sign, sign);
    let mut inverted = _mm256_setzero_si256();
    for (b, e) in begin.iter().zip(end) {
        let (b, e) = (load(b), load(e));
        let improper = _mm256_cmpgt_epi64(b, e);
        inverted = _mm256_or_si256(inverted, improper);
        min_begin = smaller(min_begin, b);
        max_begin = larger(max_begin, b);
        let width = _mm256_andnot_si256(improper, _mm256_sub_epi64(e, b));
        max_width = larger(max_width, _mm256_xor_si256(width, sign));
    }
    let body = Extent {
        min_begin: smallest(min_begin),
        max_begin: largest(max_begin),
        max_width: (largest(max_width) ^ i64::MIN).cast_unsigned(),
        inverted: any(inverted),
    };
    body.merge(scalar::extent(begin_tail, end_tail))
}

#[target_feature(enable = "avx2")]
pub(crate) fn mix(keys: &[u64], out: &mut [u64]) {
    let (keys, keys_tail) = keys.as_chunks();
    let (out, out_tail) = out.as_chunks_mut::<LANES>();
    let first = _mm256_set1_epi64x(MIX_FIRST.cast_signed());
    let second = _mm256_set1_epi64x(MIX_SECOND.cast_signed());
    let first_high = _mm256_srli_epi64::<32>(first);
    let second_high = _mm256_srli_epi64::<32>(second);
    for (keys, out) in keys.iter().zip(out) {
        let key = load(keys);
        let key = product(_mm256_xor_si256(key, _mm256_srli_epi64::<30>(key)), first, first_high);
        let key = product(_mm256_xor_si256(key, _mm256_srli_epi64::<27>(key)), second, second_high);
        *out = must_cast(_mm256_xor_si256(key, _mm256_srli_epi64::<31>(key)));
    }
    scalar::mix(keys_tail, out_tail);
}

/// Which of four places are chosen, in front of any others, by one bit each.
const CHOSEN: [[u32; LANES]; 1 << LANES] = {
    let mut table = [[0; LANES]; 1 << LANES];
    let mut bits = 0;
    while bits < table.len() {
        let (mut lane, mut count) = (0, 0);
        while lane < LANES {
            if bits >> lane & 1 == 1 {
                table[bits][count] = lane as u32;
                count += 1;
            }
            lane += 1;
        }
        bits += 1;
    }
    table
};

#[target_feature(enable = "avx2")]
pub(crate) fn choose(words: &[u64], high: High, places: &mut [u32]) -> usize {
    const { assert!(SLACK >= LANES) };
    let value = _mm256_set1_epi64x(high.value.cast_signed());
    let shift = _mm_cvtsi32_si128(high.shift.cast_signed());
    let (vectors, tail) = words.as_chunks();
    let (mut count, mut at) = (0, 0);
    for vector in vectors {
        let is_chosen = mask(_mm256_cmpeq_epi64(_mm256_srl_epi64(load(vector), shift), value));
        let chosen: __m128i = must_cast(CHOSEN[is_chosen as usize]);
        if let Some(slots) = places[count..].first_chunk_mut::<LANES>() {
            *slots = must_cast(_mm_add_epi32(_mm_set1_epi32(at), chosen));
        }
        count += is_chosen.count_ones() as usize;
        at += LANES as i32;
    }
    scalar::choose_from(words.len() - tail.len(), count, words, high, places)
}

#[target_feature(enable = "avx2")]
pub(crate) fn near_pairs(marks: Marks<'_>, likeness: Likeness, close: &mut Vec<u32>) -> NearPairs {
    // Chosen outside the loop.
    if marks.others.is_empty() {
        near::<false>(marks, likeness, close)
    } else {
        near::<true>(marks, likeness, close)
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn near<const PAIRED: bool>(marks: Marks<'_>, likeness: Likeness, close: &mut Vec<u32>) -> NearPairs {
    let Marks { words, times, .. } = marks;
    let others = if PAIRED { marks.others } else { words };
    let looked_at = _mm256_set1_epi64x(likeness.bits.cast_signed());
    // There is no unsigned comparison: both sides are moved by half the range.
    let reach = _mm256_set1_epi64x(likeness.reach.cast_signed().wrapping_add(i64::MIN));
    let both_ways = _mm256_set1_epi64x((2 * likeness.reach).cast_signed().wrapping_add(i64::MIN));
    let zero = _mm256_setzero_si256();
    let (mut alike, mut equal) = (zero, zero);
    let (mut repeated, mut at) = (0, 0);
    while let (Some(window), Some(beside), Some(when)) =
        (span::<SPAN>(words, at), span::<SPAN>(others, at), span::<SPAN>(times, at))
    {
        let (here, other) = (load(lanes(window, 0)), load(lanes(beside, 0)));
        let until = _mm256_add_epi64(load(lanes(when, 0)), reach);
        let (mut any, mut any_close) = (zero, zero);
        for apart in 1..=NEAR {
            let differing = _mm256_xor_si256(here, load(lanes(window, apart)));
            let mut agree = _mm256_cmpeq_epi64(_mm256_and_si256(differing, looked_at), zero);
            if PAIRED {
                agree = _mm256_and_si256(agree, _mm256_cmpeq_epi64(other, load(lanes(beside, apart))));
            }
            any = _mm256_or_si256(any, agree);
            // All ones is -1.
            alike = _mm256_sub_epi64(alike, agree);
            equal = _mm256_sub_epi64(equal, _mm256_and_si256(agree, _mm256_cmpeq_epi64(differing, zero)));
            let between = _mm256_sub_epi64(until, load(lanes(when, apart)));
            let far = _mm256_cmpgt_epi64(between, both_ways);
            any_close = _mm256_or_si256(any_close, _mm256_andnot_si256(far, agree));
        }
        repeated += u64::from(mask(any).count_ones());
        push_places(close, at, mask(any_close));
        at += LANES;
    }
    let sum = |lanes: __m256i| must_cast::<_, [u64; LANES]>(lanes).iter().sum();
    NearPairs { alike: sum(alike), equal: sum(equal), repeated }
        + scalar::near_pairs_from(at, marks, likeness, close)
}
