//! Which of a few 32-bit numbers are equal to one, or not above it: one bit each.
//!
//! What every x86-64 has, SSE2, is enough for this, so nothing is dispatched and a call can be inlined; the compiler
//! does not find these instructions by itself. Elsewhere the loops that say what is meant do the work.

/// One bit for each number that is `value`.
#[inline]
pub fn equal_to<const N: usize>(numbers: &[i32; N], value: i32) -> u32 {
    const { assert!(N <= 32) };
    by_fours(
        numbers,
        #[cfg(target_arch = "x86_64")]
        // SAFETY: SSE2 is part of x86-64.
        |four| unsafe { sse2::equal_to(four, value) },
        |number| number == value,
    )
}

/// One bit for each number that is at most `most`.
#[inline]
pub fn at_most<const N: usize>(numbers: &[i32; N], most: i32) -> u32 {
    const { assert!(N <= 32) };
    by_fours(
        numbers,
        #[cfg(target_arch = "x86_64")]
        // SAFETY: SSE2 is part of x86-64.
        |four| unsafe { sse2::at_most(four, most) },
        |number| number <= most,
    )
}

/// Gathers the bits of four numbers at a time; the last few, and all where there is no such instruction, by ones.
#[inline]
fn by_fours<const N: usize>(
    numbers: &[i32; N],
    #[cfg(target_arch = "x86_64")] of_four: impl Fn([i32; 4]) -> u32,
    of_one: impl Fn(i32) -> bool,
) -> u32 {
    #[cfg(target_arch = "x86_64")]
    let (bits, done) = {
        let fours = numbers.as_chunks::<4>().0;
        let gather = |bits, (at, four): (usize, &[i32; 4])| bits | of_four(*four) << (4 * at);
        (fours.iter().enumerate().fold(0, gather), fours.len() * 4)
    };
    #[cfg(not(target_arch = "x86_64"))]
    let (bits, done) = (0, 0);
    let gather = |bits, (at, number): (usize, &i32)| bits | u32::from(of_one(*number)) << at;
    numbers.iter().enumerate().skip(done).fold(bits, gather)
}

#[cfg(target_arch = "x86_64")]
mod sse2 {
    use std::arch::x86_64::{
        _mm_castsi128_ps, _mm_cmpeq_epi32, _mm_cmpgt_epi32, _mm_movemask_ps, _mm_set1_epi32,
    };

    use bytemuck::must_cast;

    #[inline]
    #[target_feature(enable = "sse2")]
    pub(super) fn equal_to(four: [i32; 4], value: i32) -> u32 {
        let equal = _mm_cmpeq_epi32(must_cast(four), _mm_set1_epi32(value));
        _mm_movemask_ps(_mm_castsi128_ps(equal)) as u32
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    pub(super) fn at_most(four: [i32; 4], most: i32) -> u32 {
        let above = _mm_cmpgt_epi32(must_cast(four), _mm_set1_epi32(most));
        _mm_movemask_ps(_mm_castsi128_ps(above)) as u32 ^ 0xF
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers<const N: usize>() -> [i32; N] {
        std::array::from_fn(|at| [i32::MIN, -1, 0, 1, 7, i32::MAX][at * 7 % 6])
    }

    fn holds<const N: usize>() {
        let numbers = numbers::<N>();
        for value in [i32::MIN, -2, -1, 0, 1, 7, 8, i32::MAX] {
            let bits = |is: &dyn Fn(i32) -> bool| {
                numbers.iter().enumerate().fold(0, |bits, (at, n)| bits | u32::from(is(*n)) << at)
            };
            assert_eq!(equal_to(&numbers, value), bits(&|n| n == value));
            assert_eq!(at_most(&numbers, value), bits(&|n| n <= value));
        }
    }

    /// Promise: a bit is set where the comparison holds, for any number of numbers and at the ends of their range.
    #[test]
    fn bits_are_comparisons() {
        holds::<0>();
        holds::<1>();
        holds::<5>();
        holds::<8>();
        holds::<16>();
        holds::<31>();
        holds::<32>();
    }
}
