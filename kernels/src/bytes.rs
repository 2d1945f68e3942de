//! Fingerprints of byte strings.

use crate::scalar::{MIX_FIRST, MIX_SECOND, mix_one};

/// What the first half of a step is stirred with.
const STIR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A 64-bit fingerprint of `bytes`: equal strings have equal ones, and different strings seldom do.
///
/// Sixteen bytes a step, folded by a product of 64 by 64 bits whose halves are joined (as in Wang Yi's
/// wyhash), the last step over the last sixteen bytes whether or not some were seen already; then
/// [`mix_one`], so that the highest bits are as good as any. Not for secrets: whoever chooses the strings can
/// make them meet.
///
/// O(n) in bytes.
///
/// ```
/// use skewer_kernels::mix_bytes;
/// assert_eq!(mix_bytes(b"user:17"), mix_bytes(b"user:17"));
/// assert_ne!(mix_bytes(b"user:17"), mix_bytes(b"user:18"));
/// ```
#[inline]
pub fn mix_bytes(bytes: &[u8]) -> u64 {
    let mut state = MIX_SECOND ^ (bytes.len() as u64).wrapping_mul(STIR);
    let (first, last) = if let Some(last) = bytes.last_chunk::<16>() {
        let (steps, rest) = bytes.as_chunks::<16>();
        // A whole number of steps ends with the last one.
        let steps = if rest.is_empty() { &steps[..steps.len() - 1] } else { steps };
        for step in steps {
            let [first, last] = halves(step);
            state = fold(first ^ state, last ^ MIX_FIRST);
        }
        let [first, last] = halves(last);
        (first, last)
    } else {
        short(bytes)
    };
    mix_one(fold(first ^ state, last ^ STIR))
}

#[inline]
fn halves(bytes: &[u8; 16]) -> [u64; 2] {
    let word = u128::from_le_bytes(*bytes);
    [word as u64, (word >> 64) as u64]
}

/// Less than sixteen bytes in two words: different strings of one length have different ones.
#[inline]
fn short(bytes: &[u8]) -> (u64, u64) {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        (u64::from_le_bytes(*first), u64::from_le_bytes(*last))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into())
    } else {
        let at = |at: usize| u64::from(bytes.get(at).copied().unwrap_or(0));
        (at(0) | at(1) << 8 | at(2) << 16, 0)
    }
}

/// Both halves of the product, joined.
#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Promise: strings that differ in one byte, or in length, have different fingerprints, whatever their
    /// length.
    #[test]
    fn near_strings_differ() {
        let mut seen = BTreeSet::new();
        let mut count = 0;
        for len in 0..70_usize {
            let zeros = vec![0; len];
            let changed = (0..len).flat_map(|at| [1, 0x80, 0xff].map(|byte| (at, byte)));
            let strings = changed.map(|(at, byte)| {
                let mut string = zeros.clone();
                string[at] = byte;
                string
            });
            for string in strings.chain([zeros.clone()]) {
                count += 1;
                assert!(seen.insert(mix_bytes(&string)), "{string:?}");
            }
        }
        assert_eq!(seen.len(), count);
    }

    /// Promise: numbered names spread over the highest bits about as evenly as chance would.
    #[test]
    fn names_spread() {
        for name in ["k", "user:", "a name of more than sixteen bytes/"] {
            let mut slots = [0_u32; 1 << 10];
            for number in 0..100_000 {
                slots[(mix_bytes(format!("{name}{number}").as_bytes()) >> 54) as usize] += 1;
            }
            // 98 expected a slot, within six standard deviations.
            assert!(slots.iter().all(|&n| (38..158).contains(&n)), "{name}: {:?}", slots.iter().max());
        }
    }
}
