//! Hashes of keys, taken before the resolver is at hand.
//!
//! A caller of a shared resolver hashes while another is judged: then less is left to do one after the other.

use super::batch::{Access, Batch, Keyed};

/// How a window hashes keys. Each window has seeds of its own, drawn at random: nobody can choose keys that
/// collide.
#[derive(Debug, Clone)]
pub(super) struct Hasher {
    seeds: [u64; 3],
    /// The bits that are used; all but in tests of collisions.
    mask: u64,
}

impl Hasher {
    /// A hasher of which the `bits` highest bits count.
    pub(super) fn new(bits: u32) -> Self {
        let seeds = [(); 3].map(|()| std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0));
        Self { seeds, mask: u64::MAX.checked_shl(64 - bits.min(64)).unwrap_or(0) }
    }

    /// What tells it from others.
    pub(super) fn seeds(&self) -> [u64; 3] {
        self.seeds
    }

    /// As wyhash has it: products of two words at a time, each with a seed in it, whose halves are folded.
    #[inline]
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        let [first, second, third] = self.seeds;
        let mut state = first;
        let mut rest = key;
        while rest.len() > 16
            && let Some((sixteen, behind)) = rest.split_first_chunk::<16>()
        {
            let [low, high] = words(sixteen);
            state = fold(low ^ second, high ^ state);
            rest = behind;
        }
        // The last sixteen bytes, of which some may have been taken before.
        let [low, high] = key.last_chunk::<16>().map_or_else(|| short(key), words);
        fold(third ^ key.len() as u64, fold(low ^ second, high ^ state)) & self.mask
    }
}

#[inline]
fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[inline]
fn words(sixteen: &[u8; 16]) -> [u64; 2] {
    let both = u128::from_le_bytes(*sixteen);
    [both as u64, (both >> 64) as u64]
}

/// All of less than sixteen bytes, in two words that may share some.
#[inline]
fn short(key: &[u8]) -> [u64; 2] {
    if let (Some(first), Some(last)) = (key.first_chunk::<8>(), key.last_chunk::<8>()) {
        return [u64::from_le_bytes(*first), u64::from_le_bytes(*last)];
    }
    if let (Some(first), Some(last)) = (key.first_chunk::<4>(), key.last_chunk::<4>()) {
        return [u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into()];
    }
    let mut few = [0; 8];
    few[..key.len()].copy_from_slice(key);
    [u64::from_le_bytes(few), 0]
}

/// The hashes of a batch's accesses, in the order of these.
#[derive(Debug, Default)]
pub(super) struct Hashes {
    /// Of the hasher that took them.
    seeds: [u64; 3],
    pub(super) reads: Vec<u64>,
    pub(super) writes: Vec<u64>,
}

impl Hashes {
    /// Takes those of a batch; 0 for what is no point.
    pub(super) fn take(&mut self, hasher: &Hasher, batch: &Batch) {
        let hash = |access: &Access| match batch.keyed(*access) {
            Keyed::Point(key) => hasher.hash(key),
            Keyed::Nothing | Keyed::Range(_) => 0,
        };
        self.seeds = hasher.seeds;
        self.reads.clear();
        self.reads.extend(batch.reads().iter().map(hash));
        self.writes.clear();
        self.writes.extend(batch.writes().iter().map(hash));
    }

    /// Whether this hasher took them.
    #[inline]
    pub(super) fn are_of(&self, hasher: &Hasher) -> bool {
        self.seeds == hasher.seeds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: keys of any length that differ in a byte, or in their length, have different hashes.
    #[test]
    fn every_byte_counts() {
        let hasher = Hasher::new(64);
        for len in 0..50 {
            let key = vec![7; len];
            let hash = hasher.hash(&key);
            for at in 0..len {
                let mut other = key.clone();
                other[at] ^= 1;
                assert_ne!(hasher.hash(&other), hash);
            }
            assert_ne!(hasher.hash(&vec![7; len + 1]), hash);
            assert_ne!(hasher.hash(&vec![0; len + 1]), hasher.hash(&vec![0; len]));
        }
    }

    /// Promise: hashes are spread evenly by their highest bits, for any seeds.
    #[test]
    fn hashes_are_spread() {
        for _ in 0..200 {
            let hasher = Hasher::new(64);
            let mut counts = [0u32; 64];
            for number in 0..6_400u64 {
                let mut key = [b'.'; 20];
                key[12..].copy_from_slice(&(number * 25_000).to_be_bytes());
                counts[(hasher.hash(&key) >> 58) as usize] += 1;
            }
            assert!(counts.iter().all(|count| (40..=170).contains(count)), "{counts:?}");
        }
    }
}
