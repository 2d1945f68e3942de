//! The kernels on AVX-512: 8 ticks at a time, answers in mask registers.
//!
//! Each is the loop of the same name in `scalar.rs`, with these tricks:
//!
//! 1. A comparison yields a mask, and a masked subtraction leaves 0 where it fails, for nothing.
//! 2. A search looks at a block of 4 vectors, branches once, and lets the scalar loop name the
//!    place.
//! 3. There are 64-bit maxima, signed and unsigned, and there is a 64-bit product.
//! 4. Vectors that begin one number after the other are shifted together from two loads.
//! 5. Words that ascend are all compared: no step of a search has to wait for the one before it.
//! 6. The rows of a node are all moved, or stay by a mask: copies of stretches branch on their lengths.
//!
//! Knowingly left: tails of up to 7 ticks run in the scalar loop (masked loads take pointers,
//! and so `unsafe`); streams are not read ahead of nor stored around the cache (large slices
//! are bound by memory, and the caller's blocks are small).

use std::arch::x86_64::{
    __m512i, __mmask8, __mmask16, _mm512_add_epi64, _mm512_alignr_epi64, _mm512_cmpgt_epi64_mask,
    _mm512_cmple_epi64_mask, _mm512_cmplt_epu64_mask, _mm512_mask_add_epi64, _mm512_mask_cmpeq_epi64_mask,
    _mm512_mask_cmple_epu64_mask, _mm512_mask_compress_epi64, _mm512_mask_mov_epi32, _mm512_mask_mov_epi64,
    _mm512_mask_testn_epi64_mask, _mm512_maskz_compress_epi32, _mm512_maskz_sub_epi64, _mm512_max_epi64,
    _mm512_max_epu64, _mm512_min_epi64, _mm512_mullo_epi64, _mm512_permutex2var_epi32,
    _mm512_permutex2var_epi64, _mm512_reduce_add_epi64, _mm512_reduce_max_epi64, _mm512_reduce_max_epu64,
    _mm512_reduce_min_epi64, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_setzero_si512, _mm512_srli_epi64,
    _mm512_sub_epi32, _mm512_sub_epi64, _mm512_testn_epi64_mask, _mm512_xor_si512,
};

use bytemuck::{Pod, must_cast};

// Four places at a time: what has AVX-512 has that as well.
pub(crate) use crate::avx2::choose;

use crate::extent::Extent;
use crate::near::{Likeness, Marks, NEAR, NearPairs, lanes, push_places, span};
use crate::node::NodeRows;
use crate::scalar::{self, MIX_FIRST, MIX_SECOND};

/// 64-bit integers in a vector.
const LANES: usize = 8;
/// 32-bit numbers in a vector.
const HALVES: usize = 16;
/// Numbers of a vector and those that these are compared with.
const SPAN: usize = 2 * LANES;
/// 64-bit integers looked at between two branches of a search.
const BLOCK: usize = 4 * LANES;

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn load<T: Pod>(lanes: &[T; LANES]) -> __m512i {
    must_cast(*lanes)
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
pub(crate) fn rank<const N: usize>(words: &[u64; N], word: u64) -> usize {
    let (eights, few) = words.as_chunks();
    let than = _mm512_set1_epi64(word.cast_signed());
    let mut less = 0;
    for (at, eight) in eights.iter().enumerate() {
        less |= u64::from(_mm512_cmplt_epu64_mask(load(eight), than)) << (LANES * at);
    }
    // Those that are less come first.
    (less | scalar::less(few, word) << (LANES * eights.len())).trailing_ones() as usize
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
pub(crate) fn open_gap<const N: usize>(rows: NodeRows<'_, N>, at: usize, by: usize) {
    if !N.is_multiple_of(HALVES) || by > LANES {
        return scalar::open_gap(rows, at, by);
    }
    // The rows that are others afterwards.
    let moved = u32::MAX.unbounded_shl((at + by) as u32);
    shift_words(rows.words.as_chunks_mut().0, moved, by);
    shift_halves(rows.numbers.as_chunks_mut().0, moved, by);
    if let Some(others) = rows.others {
        shift_halves(others.as_chunks_mut().0, moved, by);
    }
}

/// Words that come from so many places below, but for those that do not move.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn shift_words(words: &mut [[u64; LANES]], moved: u32, by: usize) {
    let from = _mm512_sub_epi64(load(&[8u64, 9, 10, 11, 12, 13, 14, 15]), _mm512_set1_epi64(by as i64));
    for at in (0..words.len()).rev() {
        // Before the first there is none, nor does anything move from there.
        let (before, here) = (load(&words[at.saturating_sub(1)]), load(&words[at]));
        let shifted = _mm512_permutex2var_epi64(before, from, here);
        words[at] = must_cast(_mm512_mask_mov_epi64(here, (moved >> (LANES * at)) as __mmask8, shifted));
    }
}

/// As [`shift_words`], of numbers half as wide.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn shift_halves<T: Pod>(numbers: &mut [[T; HALVES]], moved: u32, by: usize) {
    let lanes: [i32; HALVES] = [16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31];
    let from = _mm512_sub_epi32(must_cast(lanes), _mm512_set1_epi32(by as i32));
    for at in (0..numbers.len()).rev() {
        let (before, here) = (must_cast(numbers[at.saturating_sub(1)]), must_cast(numbers[at]));
        let shifted = _mm512_permutex2var_epi32(before, from, here);
        numbers[at] = must_cast(_mm512_mask_mov_epi32(here, (moved >> (HALVES * at)) as __mmask16, shifted));
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
pub(crate) fn squeeze<const N: usize>(rows: NodeRows<'_, N>, kept: u32) {
    if !N.is_multiple_of(HALVES) {
        return scalar::squeeze(rows, kept);
    }
    squeeze_words(rows.words, kept);
    squeeze_halves(rows.numbers, kept);
    if let Some(others) = rows.others {
        squeeze_halves(others, kept);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn squeeze_words<const N: usize>(words: &mut [u64; N], kept: u32) {
    let (all, mut to) = (*words, 0);
    words.fill(u64::MAX);
    for (at, vector) in all.as_chunks().0.iter().enumerate() {
        let kept = (kept >> (LANES * at)) as __mmask8;
        // No more were kept so far than there were: there is room.
        if let Some(room) = words[to..].first_chunk_mut::<LANES>() {
            *room = must_cast(_mm512_mask_compress_epi64(_mm512_set1_epi64(-1), kept, load(vector)));
        }
        to += kept.count_ones() as usize;
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn squeeze_halves<T: Pod, const N: usize>(numbers: &mut [T; N], kept: u32) {
    let (all, mut to) = (*numbers, 0);
    numbers.fill(T::zeroed());
    for (at, vector) in all.as_chunks::<HALVES>().0.iter().enumerate() {
        let kept = (kept >> (HALVES * at)) as __mmask16;
        if let Some(room) = numbers[to..].first_chunk_mut::<HALVES>() {
            *room = must_cast(_mm512_maskz_compress_epi32(kept, must_cast(*vector)));
        }
        to += kept.count_ones() as usize;
    }
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
pub(crate) fn near_pairs(marks: Marks<'_>, likeness: Likeness, close: &mut Vec<u32>) -> NearPairs {
    // Chosen outside the loop.
    if marks.others.is_empty() {
        near::<false>(marks, likeness, close)
    } else {
        near::<true>(marks, likeness, close)
    }
}

/// A column's vector at hand and the one after it.
#[derive(Clone, Copy)]
struct Window {
    here: __m512i,
    ahead: __m512i,
}

impl Window {
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
    fn of(numbers: &[u64; SPAN]) -> Self {
        Window { here: load(lanes(numbers, 0)), ahead: load(lanes(numbers, LANES)) }
    }

    /// The vector that begins so many numbers later. It is made of both, since loads that cross the lines of the cache
    /// would take twice as long.
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
    fn apart<const APART: i32>(self) -> __m512i {
        _mm512_alignr_epi64::<APART>(self.ahead, self.here)
    }
}

/// What is compared with the marks at hand, and how.
#[derive(Clone, Copy)]
struct Near<const PAIRED: bool> {
    words: Window,
    others: Window,
    times: Window,
    looked_at: __m512i,
    reach: __m512i,
    both_ways: __m512i,
}

/// What was found so far.
struct Found {
    alike: __m512i,
    equal: __m512i,
    /// Of the marks at hand: which agree with a later one, and which are close to it as well.
    any: __mmask8,
    any_close: __mmask8,
}

impl<const PAIRED: bool> Near<PAIRED> {
    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
    fn compare<const APART: i32>(self, found: &mut Found) {
        let one = _mm512_set1_epi64(1);
        let differing = _mm512_xor_si512(self.words.here, self.words.apart::<APART>());
        let mut agree = _mm512_testn_epi64_mask(differing, self.looked_at);
        if PAIRED {
            agree = _mm512_mask_cmpeq_epi64_mask(agree, self.others.here, self.others.apart::<APART>());
        }
        found.any |= agree;
        found.alike = _mm512_mask_add_epi64(found.alike, agree, found.alike, one);
        let same = _mm512_mask_testn_epi64_mask(agree, differing, differing);
        found.equal = _mm512_mask_add_epi64(found.equal, same, found.equal, one);
        let until = _mm512_add_epi64(self.times.here, self.reach);
        let between = _mm512_sub_epi64(until, self.times.apart::<APART>());
        found.any_close |= _mm512_mask_cmple_epu64_mask(agree, between, self.both_ways);
    }
}

#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl")]
fn near<const PAIRED: bool>(marks: Marks<'_>, likeness: Likeness, close: &mut Vec<u32>) -> NearPairs {
    const { assert!(NEAR == 5, "each distance is compared below") };
    let Marks { words, times, .. } = marks;
    let others = if PAIRED { marks.others } else { words };
    let zero = _mm512_setzero_si512();
    let looked_at = _mm512_set1_epi64(likeness.bits.cast_signed());
    let reach = _mm512_set1_epi64(likeness.reach.cast_signed());
    let both_ways = _mm512_add_epi64(reach, reach);
    let mut found = Found { alike: zero, equal: zero, any: 0, any_close: 0 };
    let (mut repeated, mut at) = (0, 0);
    while let (Some(words), Some(others), Some(times)) =
        (span::<SPAN>(words, at), span::<SPAN>(others, at), span::<SPAN>(times, at))
    {
        let (words, others, times) = (Window::of(words), Window::of(others), Window::of(times));
        let near = Near::<PAIRED> { words, others, times, looked_at, reach, both_ways };
        (found.any, found.any_close) = (0, 0);
        near.compare::<1>(&mut found);
        near.compare::<2>(&mut found);
        near.compare::<3>(&mut found);
        near.compare::<4>(&mut found);
        near.compare::<5>(&mut found);
        repeated += u64::from(found.any.count_ones());
        push_places(close, at, found.any_close.into());
        at += LANES;
    }
    let sum = |lanes: __m512i| _mm512_reduce_add_epi64(lanes).cast_unsigned();
    NearPairs { alike: sum(found.alike), equal: sum(found.equal), repeated }
        + scalar::near_pairs_from(at, marks, likeness, close)
}
