//! Hashes of keys, taken before the resolver is at hand.
//!
//! A caller of a shared resolver hashes while another is judged: then less is left to do one after the other.

use super::batch::{Access, Batch, Keyed};

/// How a window hashes keys. Each window has seeds of its own, drawn at random: nobody can choose keys that
/// collide.
#[derive(Debug, Clone)]
pub(super) struct Hasher {
    state: ahash::RandomState,
    /// The bits that are used; all but in tests of collisions.
    mask: u64,
    /// The hash of nothing: tells hashers apart.
    name: u64,
}

impl Hasher {
    /// A hasher of which the `bits` highest bits count.
    pub(super) fn new(bits: u32) -> Self {
        let mut seeds = [0; 4];
        for seed in &mut seeds {
            *seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
        }
        let state = ahash::RandomState::with_seeds(seeds[0], seeds[1], seeds[2], seeds[3]);
        let mask = u64::MAX.checked_shl(64 - bits.min(64)).unwrap_or(0);
        let name = state.hash_one(());
        Self { state, mask, name }
    }

    #[inline]
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        self.state.hash_one(key) & self.mask
    }
}

/// The hashes of a batch's accesses, in the order of these.
#[derive(Debug, Default)]
pub(super) struct Hashes {
    /// Of the hasher that took them.
    name: u64,
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
        self.name = hasher.name;
        self.reads.clear();
        self.reads.extend(batch.reads().iter().map(hash));
        self.writes.clear();
        self.writes.extend(batch.writes().iter().map(hash));
    }

    /// Whether this hasher took them.
    #[inline]
    pub(super) fn are_of(&self, hasher: &Hasher) -> bool {
        self.name == hasher.name
    }
}
