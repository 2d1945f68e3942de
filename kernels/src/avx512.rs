//! The kernels on AVX-512: 8 ticks at a time, answers in mask registers.
//!
//! Each is the loop of the same name in `scalar.rs`, with these tricks:
//!
//! 1. A comparison yields a mask, and a masked comparison joins it with the one before for
//!    nothing. Counts add 1 under the mask: no mask ever leaves for a general register.
//! 2. Searches look at a block of 4 vectors, branch once, and let the scalar loop name the place.
//! 3. `i64` maxima have a latency of 3 cycles: 4 of them run side by side.
//! 4. A saturating `t - n` is `max(t, MIN + n) - n`: the bound is exact modulo 2^64 for every
//!    unsigned `n`, and the loop has neither branch nor carry.
//! 5. "Is each begin at least the one before it" needs no second load: the lane before comes
//!    from the last vector by a rotation (`valignq`).
//!
//! Knowingly left: tails of up to 7 ticks run in the scalar loop (masked loads take pointers,
//! and so `unsafe`); streams are not read ahead of nor stored around the cache (large slices
//! are bound by memory, and the caller's blocks are small).

use std::arch::x86_64::{
    __m128i, __m512i, __mmask8, _mm_cmpneq_epi16_mask, _mm_set1_epi16, _mm512_add_epi64,
    _mm512_cmpgt_epi64_mask, _mm512_cmple_epi64_mask, _mm512_cmplt_epi64_mask, _mm512_cmpneq_epi64_mask,
    _mm512_mask_add_epi64, _mm512_mask_cmple_epi64_mask, _mm512_mask_cmplt_epi64_mask,
    _mm512_maskz_sub_epi64, _mm512_max_epi64, _mm512_max_epu64, _mm512_min_epi64, _mm512_mullo_epi64,
    _mm512_reduce_add_epi64, _mm512_reduce_max_epi64, _mm512_reduce_max_epu64, _mm512_reduce_min_epi64,
    _mm512_set1_epi64, _mm512_setzero_si512, _mm512_srli_epi64, _mm512_sub_epi64, _mm512_xor_si512,
};

use bytemuck::{Pod, must_cast};

use crate::extent::Extent;
use crate::scalar::{self, MIX_FIRST, MIX_SECOND};

/// 64-bit integers in a vector.
const LANES: usize = 8;
/// 64-bit integers looked at between two branches of a search.
const BLOCK: usize = 4 * LANES;

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn load<T: Pod>(lanes: &[T; LANES]) -> __m512i {
    must_cast(*lanes)
}

/// `count` with 1 more in each lane that is set in `mask`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn tally(count: __m512i, mask: __mmask8) -> __m512i {
    _mm512_mask_add_epi64(count, mask, count, _mm512_set1_epi64(1))
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn total(count: __m512i) -> u64 {
    _mm512_reduce_add_epi64(count).cast_unsigned()
}

/// The lanes whose region is not `region`.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn elsewhere(regions: &[u16; LANES], region: __m128i) -> __mmask8 {
    _mm_cmpneq_epi16_mask(must_cast(*regions), region)
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn any_inverted(earliest: &[i64; BLOCK], latest: &[i64; BLOCK]) -> bool {
    let mut inverted: __mmask8 = 0;
    for (e, l) in earliest.as_chunks().0.iter().zip(latest.as_chunks().0) {
        inverted |= _mm512_cmpgt_epi64_mask(load(e), load(l));
    }
    inverted != 0
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
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
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn any_other(values: &[u64; BLOCK], first: __m512i) -> bool {
    let mut other: __mmask8 = 0;
    for lanes in values.as_chunks().0 {
        other |= _mm512_cmpneq_epi64_mask(load(lanes), first);
    }
    other != 0
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
pub(crate) fn first_difference(values: &[u64]) -> Option<usize> {
    let first = *values.first()?;
    let mut clean = 0;
    for block in values.as_chunks().0 {
        if any_other(block, _mm512_set1_epi64(first.cast_signed())) {
            break;
        }
        clean += BLOCK;
    }
    values[clean..].iter().position(|value| *value != first).map(|i| clean + i)
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
pub(crate) fn extent(begin: &[i64], end: &[i64]) -> Extent {
    let (begin, begin_tail) = begin.as_chunks();
    let (end, end_tail) = end.as_chunks();
    let mut min_begin = _mm512_set1_epi64(i64::MAX);
    let mut max_begin = _mm512_set1_epi64(i64::MIN);
    let mut max_width = _mm512_setzero_si512();
    let mut inverted: __mmask8 = 0;
    for (b, e) in begin.iter().zip(end) {
        let (b, e) = (load(b), load(e));
        min_begin = _mm512_min_epi64(min_begin, b);
        max_begin = _mm512_max_epi64(max_begin, b);
        let proper = _mm512_cmple_epi64_mask(b, e);
        inverted |= !proper;
        let width = _mm512_maskz_sub_epi64(proper, e, b);
        max_width = _mm512_max_epu64(max_width, width);
    }
    let body = Extent {
        min_begin: _mm512_reduce_min_epi64(min_begin),
        max_begin: _mm512_reduce_max_epi64(max_begin),
        max_width: _mm512_reduce_max_epu64(max_width),
        inverted: inverted != 0,
    };
    body.merge(scalar::extent(begin_tail, end_tail))
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
pub(crate) fn count_blind(begins: &[i64], ends: &[i64], begin: i64, end: i64) -> u64 {
    let (begins, begins_tail) = begins.as_chunks();
    let (ends, ends_tail) = ends.as_chunks();
    let (from, to) = (_mm512_set1_epi64(begin), _mm512_set1_epi64(end));
    let mut count = _mm512_setzero_si512();
    for (b, e) in begins.iter().zip(ends) {
        let blind = _mm512_cmplt_epi64_mask(load(b), to);
        count = tally(count, _mm512_mask_cmplt_epi64_mask(blind, from, load(e)));
    }
    total(count) + scalar::count_blind(begins_tail, ends_tail, begin, end)
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
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
    let (from, to) = (_mm512_set1_epi64(begin), _mm512_set1_epi64(end));
    let home = _mm_set1_epi16(region.cast_signed());
    let mut count = _mm512_setzero_si512();
    for ((b, e), r) in begins.iter().zip(ends).zip(regions) {
        let blind = _mm512_mask_cmplt_epi64_mask(elsewhere(r, home), load(b), to);
        count = tally(count, _mm512_mask_cmplt_epi64_mask(blind, from, load(e)));
    }
    total(count) + scalar::count_blind_elsewhere(begins_tail, ends_tail, regions_tail, begin, end, region)
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
pub(crate) fn count_concurrent(earliest: &[i64], latest: &[i64], e: i64, l: i64) -> u64 {
    let (earliest, earliest_tail) = earliest.as_chunks();
    let (latest, latest_tail) = latest.as_chunks();
    let (from, to) = (_mm512_set1_epi64(e), _mm512_set1_epi64(l));
    let mut count = _mm512_setzero_si512();
    for (theirs_from, theirs_to) in earliest.iter().zip(latest) {
        let met = _mm512_cmple_epi64_mask(load(theirs_from), to);
        count = tally(count, _mm512_mask_cmple_epi64_mask(met, from, load(theirs_to)));
    }
    total(count) + scalar::count_concurrent(earliest_tail, latest_tail, e, l)
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
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
    let (from, to) = (_mm512_set1_epi64(e), _mm512_set1_epi64(l));
    let home = _mm_set1_epi16(region.cast_signed());
    let mut count = _mm512_setzero_si512();
    for ((theirs_from, theirs_to), r) in earliest.iter().zip(latest).zip(regions) {
        let met = _mm512_mask_cmple_epi64_mask(elsewhere(r, home), load(theirs_from), to);
        count = tally(count, _mm512_mask_cmple_epi64_mask(met, from, load(theirs_to)));
    }
    total(count) + scalar::count_concurrent_elsewhere(earliest_tail, latest_tail, regions_tail, e, l, region)
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
pub(crate) fn count_less(values: &[i64], bound: i64) -> u64 {
    let (values, tail) = values.as_chunks();
    let bounds = _mm512_set1_epi64(bound);
    let mut count = _mm512_setzero_si512();
    for lanes in values {
        count = tally(count, _mm512_cmplt_epi64_mask(load(lanes), bounds));
    }
    total(count) + scalar::count_less(tail, bound)
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
pub(crate) fn max_i64(values: &[i64]) -> Option<i64> {
    let (blocks, tail) = values.as_chunks::<BLOCK>();
    let mut most = [_mm512_set1_epi64(*values.first()?); BLOCK / LANES];
    for block in blocks {
        for (most, lanes) in most.iter_mut().zip(block.as_chunks().0) {
            *most = _mm512_max_epi64(*most, load(lanes));
        }
    }
    let [a, b, c, d] = most;
    let body = _mm512_reduce_max_epi64(_mm512_max_epi64(_mm512_max_epi64(a, b), _mm512_max_epi64(c, d)));
    scalar::max_i64(tail).max(Some(body))
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
pub(crate) fn min_i64(values: &[i64]) -> Option<i64> {
    let (blocks, tail) = values.as_chunks::<BLOCK>();
    let mut least = [_mm512_set1_epi64(*values.first()?); BLOCK / LANES];
    for block in blocks {
        for (least, lanes) in least.iter_mut().zip(block.as_chunks().0) {
            *least = _mm512_min_epi64(*least, load(lanes));
        }
    }
    let [a, b, c, d] = least;
    let body = _mm512_reduce_min_epi64(_mm512_min_epi64(_mm512_min_epi64(a, b), _mm512_min_epi64(c, d)));
    Some(scalar::min_i64(tail).map_or(body, |tail| tail.min(body)))
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
pub(crate) fn mix(keys: &[u64], out: &mut [u64]) {
    let (keys, keys_tail) = keys.as_chunks();
    let (out, out_tail) = out.as_chunks_mut::<LANES>();
    let first = _mm512_set1_epi64(MIX_FIRST.cast_signed());
    let second = _mm512_set1_epi64(MIX_SECOND.cast_signed());
    for (keys, out) in keys.iter().zip(out) {
        let key = load(keys);
        let key = _mm512_mullo_epi64(_mm512_xor_si512(key, _mm512_srli_epi64::<30>(key)), first);
        let key = _mm512_mullo_epi64(_mm512_xor_si512(key, _mm512_srli_epi64::<27>(key)), second);
        *out = must_cast(_mm512_xor_si512(key, _mm512_srli_epi64::<31>(key)));
    }
    scalar::mix(keys_tail, out_tail);
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
pub(crate) fn spread(stamps: &[i64], error: u64, earliest: &mut [i64], latest: &mut [i64]) {
    let (stamps, stamps_tail) = stamps.as_chunks();
    let (earliest, earliest_tail) = earliest.as_chunks_mut::<LANES>();
    let (latest, latest_tail) = latest.as_chunks_mut::<LANES>();
    let floor = _mm512_set1_epi64(i64::MIN.wrapping_add_unsigned(error));
    let ceiling = _mm512_set1_epi64(i64::MAX.wrapping_sub_unsigned(error));
    let width = _mm512_set1_epi64(error.cast_signed());
    for ((stamps, earliest), latest) in stamps.iter().zip(earliest).zip(latest) {
        let stamp = load(stamps);
        *earliest = must_cast(_mm512_sub_epi64(_mm512_max_epi64(stamp, floor), width));
        *latest = must_cast(_mm512_add_epi64(_mm512_min_epi64(stamp, ceiling), width));
    }
    scalar::spread(stamps_tail, error, earliest_tail, latest_tail);
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
pub(crate) fn shift_earlier(values: &[i64], ticks: u64, out: &mut [i64]) {
    let (values, values_tail) = values.as_chunks();
    let (out, out_tail) = out.as_chunks_mut::<LANES>();
    let floor = _mm512_set1_epi64(i64::MIN.wrapping_add_unsigned(ticks));
    let by = _mm512_set1_epi64(ticks.cast_signed());
    for (values, out) in values.iter().zip(out) {
        *out = must_cast(_mm512_sub_epi64(_mm512_max_epi64(load(values), floor), by));
    }
    scalar::shift_earlier(values_tail, ticks, out_tail);
}
