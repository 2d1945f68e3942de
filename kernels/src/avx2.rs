//! The kernels on AVX2: 4 ticks at a time, answers in vectors of all-ones lanes.
//!
//! Each is the loop of the same name in `scalar.rs`, with these tricks:
//!
//! 1. A lane that compares true is all ones, which is -1: subtracting it counts.
//! 2. There is only "greater": `a <= b` is the complement of `a > b`, and `andnot` joins the
//!    complement with another condition for nothing.
//! 3. Searches look at a block of 4 vectors, branch once, and let the scalar loop name the place.
//! 4. There is no 64-bit maximum: a comparison and a blend, 4 of them side by side.
//! 5. There is no 64-bit product: three of 32 by 32 bits, of which the fourth falls off the top.
//! 6. Unsigned widths are compared with their sign bit turned, and turned back once at the end.
//! 7. A saturating `t - n` is `max(t, MIN + n) - n`, exact for every unsigned `n`.
//!
//! Knowingly left: tails of up to 3 ticks run in the scalar loop; streams are not read ahead of
//! nor stored around the cache.

use std::arch::x86_64::{
    __m256i, _mm_cvtsi64_si128, _mm256_add_epi64, _mm256_and_si256, _mm256_andnot_si256, _mm256_blendv_epi8,
    _mm256_cmpeq_epi64, _mm256_cmpgt_epi64, _mm256_cvtepu16_epi64, _mm256_mul_epu32, _mm256_or_si256,
    _mm256_set1_epi64x, _mm256_setzero_si256, _mm256_slli_epi64, _mm256_srli_epi64, _mm256_sub_epi64,
    _mm256_testz_si256, _mm256_xor_si256,
};

use bytemuck::{Pod, must_cast};

use crate::extent::Extent;
use crate::scalar::{self, MIX_FIRST, MIX_SECOND};

/// 64-bit integers in a vector.
const LANES: usize = 4;
/// 64-bit integers looked at between two branches of a search.
const BLOCK: usize = 4 * LANES;

#[inline]
#[target_feature(enable = "avx2")]
fn load<T: Pod>(lanes: &[T; LANES]) -> __m256i {
    must_cast(*lanes)
}

/// The number of times a lane was subtracted from `count` as -1.
#[inline]
#[target_feature(enable = "avx2")]
fn total(count: __m256i) -> u64 {
    must_cast::<_, [u64; LANES]>(count).iter().sum()
}

#[inline]
#[target_feature(enable = "avx2")]
fn any(lanes: __m256i) -> bool {
    _mm256_testz_si256(lanes, lanes) == 0
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

/// The lanes whose region is `region`.
#[inline]
#[target_feature(enable = "avx2")]
fn at_home(regions: [u16; LANES], region: __m256i) -> __m256i {
    _mm256_cmpeq_epi64(_mm256_cvtepu16_epi64(_mm_cvtsi64_si128(must_cast(regions))), region)
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

#[inline]
#[target_feature(enable = "avx2")]
fn any_other(values: &[u64; BLOCK], first: __m256i) -> bool {
    let mut other = _mm256_setzero_si256();
    for lanes in values.as_chunks().0 {
        other = _mm256_or_si256(other, _mm256_xor_si256(load(lanes), first));
    }
    any(other)
}

#[target_feature(enable = "avx2")]
pub(crate) fn first_difference(values: &[u64]) -> Option<usize> {
    let first = *values.first()?;
    let mut clean = 0;
    for block in values.as_chunks().0 {
        if any_other(block, _mm256_set1_epi64x(first.cast_signed())) {
            break;
        }
        clean += BLOCK;
    }
    values[clean..].iter().position(|value| *value != first).map(|i| clean + i)
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
pub(crate) fn count_blind(begins: &[i64], ends: &[i64], begin: i64, end: i64) -> u64 {
    let (begins, begins_tail) = begins.as_chunks();
    let (ends, ends_tail) = ends.as_chunks();
    let (from, to) = (_mm256_set1_epi64x(begin), _mm256_set1_epi64x(end));
    let mut count = _mm256_setzero_si256();
    for (b, e) in begins.iter().zip(ends) {
        let blind = _mm256_and_si256(_mm256_cmpgt_epi64(to, load(b)), _mm256_cmpgt_epi64(load(e), from));
        count = _mm256_sub_epi64(count, blind);
    }
    total(count) + scalar::count_blind(begins_tail, ends_tail, begin, end)
}

#[target_feature(enable = "avx2")]
pub(crate) fn count_blind_elsewhere(
    begins: &[i64],
    ends: &[i64],
    regions: &[u16],
    begin: i64,
    end: i64,
    region: u16,
) -> u64 {
    let (begins, begins_tail) = begins.as_chunks();
    let (ends, ends_tail) = ends.as_chunks();
    let (regions, regions_tail) = regions.as_chunks();
    let (from, to) = (_mm256_set1_epi64x(begin), _mm256_set1_epi64x(end));
    let home = _mm256_set1_epi64x(i64::from(region));
    let mut count = _mm256_setzero_si256();
    for ((b, e), r) in begins.iter().zip(ends).zip(regions) {
        let blind = _mm256_and_si256(_mm256_cmpgt_epi64(to, load(b)), _mm256_cmpgt_epi64(load(e), from));
        count = _mm256_sub_epi64(count, _mm256_andnot_si256(at_home(*r, home), blind));
    }
    total(count) + scalar::count_blind_elsewhere(begins_tail, ends_tail, regions_tail, begin, end, region)
}

/// The lanes of intervals `[earliest, latest]` that certainly precede `[from, to]` or follow it.
#[inline]
#[target_feature(enable = "avx2")]
fn apart(earliest: __m256i, latest: __m256i, from: __m256i, to: __m256i) -> __m256i {
    _mm256_or_si256(_mm256_cmpgt_epi64(earliest, to), _mm256_cmpgt_epi64(from, latest))
}

#[target_feature(enable = "avx2")]
pub(crate) fn count_concurrent(earliest: &[i64], latest: &[i64], e: i64, l: i64) -> u64 {
    let (earliest, earliest_tail) = earliest.as_chunks();
    let (latest, latest_tail) = latest.as_chunks();
    let (from, to) = (_mm256_set1_epi64x(e), _mm256_set1_epi64x(l));
    let mut not_met = _mm256_setzero_si256();
    for (theirs_from, theirs_to) in earliest.iter().zip(latest) {
        not_met = _mm256_sub_epi64(not_met, apart(load(theirs_from), load(theirs_to), from, to));
    }
    let met = (earliest.len() * LANES) as u64 - total(not_met);
    met + scalar::count_concurrent(earliest_tail, latest_tail, e, l)
}

#[target_feature(enable = "avx2")]
pub(crate) fn count_concurrent_elsewhere(
    earliest: &[i64],
    latest: &[i64],
    regions: &[u16],
    e: i64,
    l: i64,
    region: u16,
) -> u64 {
    let (earliest, earliest_tail) = earliest.as_chunks();
    let (latest, latest_tail) = latest.as_chunks();
    let (regions, regions_tail) = regions.as_chunks();
    let (from, to) = (_mm256_set1_epi64x(e), _mm256_set1_epi64x(l));
    let home = _mm256_set1_epi64x(i64::from(region));
    let mut not_met = _mm256_setzero_si256();
    for ((theirs_from, theirs_to), r) in earliest.iter().zip(latest).zip(regions) {
        let apart = apart(load(theirs_from), load(theirs_to), from, to);
        not_met = _mm256_sub_epi64(not_met, _mm256_or_si256(apart, at_home(*r, home)));
    }
    let met = (earliest.len() * LANES) as u64 - total(not_met);
    met + scalar::count_concurrent_elsewhere(earliest_tail, latest_tail, regions_tail, e, l, region)
}

#[target_feature(enable = "avx2")]
pub(crate) fn count_less(values: &[i64], bound: i64) -> u64 {
    let (values, tail) = values.as_chunks();
    let bounds = _mm256_set1_epi64x(bound);
    let mut count = _mm256_setzero_si256();
    for lanes in values {
        count = _mm256_sub_epi64(count, _mm256_cmpgt_epi64(bounds, load(lanes)));
    }
    total(count) + scalar::count_less(tail, bound)
}

#[target_feature(enable = "avx2")]
pub(crate) fn max_i64(values: &[i64]) -> Option<i64> {
    let (blocks, tail) = values.as_chunks::<BLOCK>();
    let mut most = [_mm256_set1_epi64x(*values.first()?); BLOCK / LANES];
    for block in blocks {
        for (most, lanes) in most.iter_mut().zip(block.as_chunks().0) {
            *most = larger(*most, load(lanes));
        }
    }
    let [a, b, c, d] = most;
    scalar::max_i64(tail).max(Some(largest(larger(larger(a, b), larger(c, d)))))
}

#[target_feature(enable = "avx2")]
pub(crate) fn min_i64(values: &[i64]) -> Option<i64> {
    let (blocks, tail) = values.as_chunks::<BLOCK>();
    let mut least = [_mm256_set1_epi64x(*values.first()?); BLOCK / LANES];
    for block in blocks {
        for (least, lanes) in least.iter_mut().zip(block.as_chunks().0) {
            *least = smaller(*least, load(lanes));
        }
    }
    let [a, b, c, d] = least;
    let body = smallest(smaller(smaller(a, b), smaller(c, d)));
    Some(scalar::min_i64(tail).map_or(body, |tail| tail.min(body)))
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

#[target_feature(enable = "avx2")]
pub(crate) fn spread(stamps: &[i64], error: u64, earliest: &mut [i64], latest: &mut [i64]) {
    let (stamps, stamps_tail) = stamps.as_chunks();
    let (earliest, earliest_tail) = earliest.as_chunks_mut::<LANES>();
    let (latest, latest_tail) = latest.as_chunks_mut::<LANES>();
    let floor = _mm256_set1_epi64x(i64::MIN.wrapping_add_unsigned(error));
    let ceiling = _mm256_set1_epi64x(i64::MAX.wrapping_sub_unsigned(error));
    let width = _mm256_set1_epi64x(error.cast_signed());
    for ((stamps, earliest), latest) in stamps.iter().zip(earliest).zip(latest) {
        let stamp = load(stamps);
        *earliest = must_cast(_mm256_sub_epi64(larger(stamp, floor), width));
        *latest = must_cast(_mm256_add_epi64(smaller(stamp, ceiling), width));
    }
    scalar::spread(stamps_tail, error, earliest_tail, latest_tail);
}

#[target_feature(enable = "avx2")]
pub(crate) fn shift_earlier(values: &[i64], ticks: u64, out: &mut [i64]) {
    let (values, values_tail) = values.as_chunks();
    let (out, out_tail) = out.as_chunks_mut::<LANES>();
    let floor = _mm256_set1_epi64x(i64::MIN.wrapping_add_unsigned(ticks));
    let by = _mm256_set1_epi64x(ticks.cast_signed());
    for (values, out) in values.iter().zip(out) {
        *out = must_cast(_mm256_sub_epi64(larger(load(values), floor), by));
    }
    scalar::shift_earlier(values_tail, ticks, out_tail);
}
