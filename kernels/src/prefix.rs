//! What two byte strings both begin with.
//!
//! What every x86-64 has, SSE2, is enough for this, so nothing is dispatched and a call can be inlined.

/// The length of the longest common prefix, in bytes.
///
/// O(n) in bytes. Of strings of 8 to 64 bytes, branches depend on the length of the shorter one alone: where
/// strings begin to differ is what no CPU guesses.
///
/// ```
/// use skewer_kernels::common_prefix;
/// assert_eq!(common_prefix(b"eu-west", b"eu-east"), 3);
/// assert_eq!(common_prefix(b"eu", b"eu-east"), 2);
/// ```
#[inline]
pub fn common_prefix(a: &[u8], b: &[u8]) -> usize {
    let least = a.len().min(b.len());
    let (a, b) = (&a[..least], &b[..least]);
    let same = if least < 8 {
        return a.iter().zip(b).take_while(|(a, b)| a == b).count();
    } else if least < 16 {
        of_ends(a, b, |a, b| same_of_8(*a, *b))
    } else if least < 32 {
        of_ends(a, b, same_of_16)
    } else if least <= 64 {
        of_ends(a, b, same_of_32)
    } else {
        return of_long(a, b);
    };
    same.trailing_ones() as usize
}

/// One bit for each byte that is the same in both: of the first `N` bytes and of the last `N`, which are all.
#[inline]
fn of_ends<const N: usize>(a: &[u8], b: &[u8], same: impl Fn(&[u8; N], &[u8; N]) -> u64) -> u64 {
    let (Some(first), Some(last)) =
        (a.first_chunk().zip(b.first_chunk()), a.last_chunk().zip(b.last_chunk()))
    else {
        unreachable!("there are as many bytes")
    };
    // What lies in both ends is told twice, and the same.
    same(first.0, first.1) | same(last.0, last.1) << (a.len() - N)
}

/// As `common_prefix`, of strings of one length, more than 64 bytes.
fn of_long(a: &[u8], b: &[u8]) -> usize {
    let (blocks, others) = (a.as_chunks::<32>().0, b.as_chunks::<32>().0);
    let differs = |(a, b): (&[u8; 32], &[u8; 32])| same_of_32(a, b) != u64::from(u32::MAX);
    match blocks.iter().zip(others).position(differs) {
        Some(block) => 32 * block + same_of_32(&blocks[block], &others[block]).trailing_ones() as usize,
        // The last bytes decide, some of which are known to be the same.
        None => match (a.last_chunk(), b.last_chunk()) {
            (Some(x), Some(y)) => a.len() - 32 + same_of_32(x, y).trailing_ones() as usize,
            _ => unreachable!("there are more than 64 bytes"),
        },
    }
}

/// One bit for each byte that is the same in both.
#[inline]
fn same_of_8(a: [u8; 8], b: [u8; 8]) -> u64 {
    let differs = u64::from_le_bytes(a) ^ u64::from_le_bytes(b);
    // Of bytes behind the first that differs none is needed.
    (1 << (differs.trailing_zeros() / 8)) - 1
}

#[inline]
fn same_of_32(a: &[u8; 32], b: &[u8; 32]) -> u64 {
    let ([a, more_a], [b, more_b]) = (halves(a), halves(b));
    same_of_16(a, b) | same_of_16(more_a, more_b) << 16
}

#[inline]
fn halves(bytes: &[u8; 32]) -> [&[u8; 16]; 2] {
    let (first, last) = bytes.as_chunks::<16>().0.split_at(1);
    [&first[0], &last[0]]
}

#[cfg(target_arch = "x86_64")]
#[inline]
fn same_of_16(a: &[u8; 16], b: &[u8; 16]) -> u64 {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_movemask_epi8};

    use bytemuck::must_cast;

    #[inline]
    #[target_feature(enable = "sse2")]
    fn same(a: [u8; 16], b: [u8; 16]) -> u64 {
        let bits = _mm_movemask_epi8(_mm_cmpeq_epi8(must_cast(a), must_cast(b)));
        u64::from(bits.cast_unsigned())
    }
    // SAFETY: SSE2 is part of x86-64.
    unsafe { same(*a, *b) }
}

#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn same_of_16(a: &[u8; 16], b: &[u8; 16]) -> u64 {
    a.iter().zip(b).enumerate().fold(0, |bits, (at, (a, b))| bits | u64::from(a == b) << at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: it is as long as it can be, at any length, whatever follows, and whichever string is longer.
    #[test]
    fn prefixes_are_as_long_as_can_be() {
        for len in 0..200_usize {
            let a: Vec<u8> = (0..len).map(|at| (at * 37) as u8).collect();
            for first in 0..=len {
                for more in [0, 1, 40] {
                    let mut b = [&a[..], &vec![7; more]].concat();
                    b[first..len].iter_mut().step_by(3).for_each(|byte| *byte ^= 0xFF);
                    assert_eq!(
                        (common_prefix(&a, &b), common_prefix(&b, &a)),
                        (first, first),
                        "{len} {more}"
                    );
                }
            }
        }
    }
}
