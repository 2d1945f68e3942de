//! The window of a store that uses points only: the last version of each key, in a hash table.
//!
//! A bucket is two cache lines of eight slots: a check that finds nothing touches the first. Slots whose
//! version the floor has passed count as empty, so that forgetting is a comparison; a sweep of a
//! few buckets a write gives their keys back. Keys are compared in full: tags only spare comparisons.

use skewer_kernels::prefetch_read;

use super::Version;
use super::keys::{KeyRef, Keys, NONE};

const SLOTS: usize = 8;
const SMALLEST: usize = 4;

#[derive(Debug, Clone)]
#[repr(align(64))]
struct Bucket {
    /// Hashes; the home bucket is in their low bits.
    tags: [u32; SLOTS],
    keys: [KeyRef; SLOTS],
    versions: [Version; SLOTS],
}

const EMPTY: Bucket = Bucket { tags: [0; SLOTS], keys: [NONE; SLOTS], versions: [Version::MIN; SLOTS] };

/// Keys and their last versions. Memory is bounded by the largest window that was held.
#[derive(Debug)]
pub(super) struct Points {
    buckets: Vec<Bucket>,
    /// How many buckets behind its home a key may lie, by home: as known since the last rotation of the
    /// sweep, and as found in this one.
    reach: Vec<u8>,
    found: Vec<u8>,
    hasher: ahash::RandomState,
    keys: Keys,
    floor: Version,
    held: usize,
    swept: usize,
    owed: usize,
    /// Keys to be stored for which a block was fetched.
    expected: usize,
}

impl Points {
    pub(super) fn new(floor: Version) -> Self {
        // Seeded at random: nobody can choose keys that collide.
        let mut seeds = [0; 4];
        for seed in &mut seeds {
            *seed = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0);
        }
        Self {
            buckets: vec![EMPTY; SMALLEST],
            reach: vec![0; SMALLEST],
            found: vec![0; SMALLEST],
            hasher: ahash::RandomState::with_seeds(seeds[0], seeds[1], seeds[2], seeds[3]),
            keys: Keys::default(),
            floor,
            held: 0,
            swept: 0,
            owed: 0,
            expected: 0,
        }
    }

    /// Makes room for a window of `keys` keys at once, instead of while it grows.
    pub(super) fn reserve(&mut self, keys: usize) {
        let wanted = (keys * 2 / SLOTS).next_power_of_two();
        if wanted > self.buckets.len() {
            self.resize(wanted);
        }
    }

    #[inline]
    pub(super) fn hash(&self, key: &[u8]) -> u32 {
        (self.hasher.hash_one(key) >> 32) as u32
    }

    /// Begins a group of accesses whose hints are taken together.
    #[inline]
    pub(super) fn begin_hints(&mut self) {
        self.expected = 0;
    }

    /// The hash of a key. What a check reads is fetched from memory, and with `write` what a write touches.
    #[inline]
    pub(super) fn hint(&mut self, key: &[u8], write: bool) -> u32 {
        let hash = self.hash(key);
        if write {
            self.keys.prefetch_block(key.len(), self.expected);
            self.expected += 1;
        }
        self.prefetch(hash, write);
        hash
    }

    #[inline]
    fn prefetch(&self, hash: u32, write: bool) {
        let home = self.home(hash);
        prefetch_read(&self.buckets, home);
        if write && let Some(bucket) = self.buckets.get(home) {
            prefetch_read(&bucket.versions, 0);
        }
    }

    /// The version of the last write of `key`, if it is above the floor or not yet swept.
    #[inline]
    pub(super) fn version(&self, hash: u32, key: &[u8]) -> Option<Version> {
        self.find(hash, key).map(|(bucket, slot)| self.buckets[bucket].versions[slot])
    }

    /// Notes that `key` was written at `version`, which is not below its last.
    #[inline]
    pub(super) fn write(&mut self, hash: u32, key: &[u8], version: Version) {
        if let Some((bucket, slot)) = self.find(hash, key) {
            self.buckets[bucket].versions[slot] = version;
        } else {
            self.insert(hash, key, version);
        }
        self.owed += 1;
    }

    /// Sweeps what the writes since the last call owe: constant work a write.
    #[inline]
    pub(super) fn sweep(&mut self) {
        // A rotation then takes 0.4 to 0.5 windows, and what is dead and not yet swept stays a fifth or a quarter
        // of what lives: the emptier the table, the more buckets a write has to sweep.
        let writes = if self.held * 2 < self.buckets.len() * SLOTS { 1 } else { 2 };
        while self.owed >= writes {
            self.owed -= writes;
            self.sweep_bucket();
        }
    }

    pub(super) fn set_floor(&mut self, floor: Version) {
        self.floor = floor;
    }

    /// The keys that were not forgotten, with their versions, in no order.
    pub(super) fn live(&self) -> impl Iterator<Item = (&[u8], Version)> {
        let slots = self.buckets.iter().flat_map(|b| b.keys.iter().zip(&b.versions));
        slots
            .filter(|(key, version)| **key != NONE && **version > self.floor)
            .map(|(key, version)| (self.keys.get(*key), *version))
    }

    /// Keys held, those included that are forgotten and not yet swept.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn bytes(&self) -> usize {
        self.keys.bytes() + self.buckets.capacity() * (size_of::<Bucket>() + 2)
    }

    #[inline]
    fn home(&self, hash: u32) -> usize {
        hash as usize & (self.buckets.len() - 1)
    }

    #[inline]
    fn find(&self, hash: u32, key: &[u8]) -> Option<(usize, usize)> {
        let home = self.home(hash);
        let mut at = home;
        for _ in 0..=self.reach[home] {
            let bucket = &self.buckets[at];
            let mut hits = hits(bucket, hash);
            while hits != 0 {
                let slot = hits.trailing_zeros() as usize;
                if bucket.keys[slot] != NONE && self.keys.get(bucket.keys[slot]) == key {
                    return Some((at, slot));
                }
                hits &= hits - 1;
            }
            at = (at + 1) & (self.buckets.len() - 1);
        }
        None
    }

    #[inline]
    fn insert(&mut self, hash: u32, key: &[u8], version: Version) {
        let home = self.home(hash);
        let mask = self.buckets.len() - 1;
        for distance in 0..=mask.min(u8::MAX as usize) {
            let at = (home + distance) & mask;
            let free = self.buckets[at].versions.iter().position(|v| *v <= self.floor);
            if let Some(slot) = free {
                self.empty(at, slot);
                let place = self.keys.store(key);
                self.fill(at, slot, (hash, place, version));
                self.note_reach(home, distance as u8);
                self.held += 1;
                if self.held * 8 > self.buckets.len() * SLOTS * 5 {
                    self.resize(self.buckets.len() * 2);
                }
                return;
            }
        }
        self.resize(self.buckets.len() * 2);
        self.insert(hash, key, version);
    }

    fn note_reach(&mut self, home: usize, distance: u8) {
        if distance > 0 {
            self.reach[home] = self.reach[home].max(distance);
            self.found[home] = self.found[home].max(distance);
        }
    }

    fn fill(&mut self, at: usize, slot: usize, (tag, key, version): (u32, KeyRef, Version)) {
        let bucket = &mut self.buckets[at];
        bucket.tags[slot] = tag;
        bucket.keys[slot] = key;
        bucket.versions[slot] = version;
    }

    fn empty(&mut self, at: usize, slot: usize) {
        let bucket = &mut self.buckets[at];
        let key = std::mem::replace(&mut bucket.keys[slot], NONE);
        bucket.versions[slot] = Version::MIN;
        if key != NONE {
            self.keys.free(key);
            self.held -= 1;
        }
    }

    fn sweep_bucket(&mut self) {
        let mask = self.buckets.len() - 1;
        let at = self.swept;
        let bucket = &self.buckets[at];
        let (mut dead, mut away) = (0u32, 0u32);
        for slot in 0..SLOTS {
            let used = u32::from(bucket.keys[slot] != NONE);
            let gone = u32::from(bucket.versions[slot] <= self.floor);
            let strange = u32::from(bucket.tags[slot] as usize & mask != at);
            dead |= (used & gone) << slot;
            away |= (used & (gone ^ 1) & strange) << slot;
        }
        bits(dead).for_each(|slot| self.empty(at, slot));
        for slot in bits(away) {
            let home = self.home(self.buckets[at].tags[slot]);
            let distance = at.wrapping_sub(home) & mask;
            self.found[home] = self.found[home].max(distance as u8);
        }
        self.swept += 1;
        if self.swept > mask {
            // A full rotation saw every key: what it found is how far they lie.
            self.swept = 0;
            std::mem::swap(&mut self.reach, &mut self.found);
            self.found.fill(0);
        }
        // The next ones, for the next call.
        for ahead in 1..3 {
            prefetch_read(&self.buckets, self.swept + ahead);
            if let Some(bucket) = self.buckets.get(self.swept + ahead) {
                prefetch_read(&bucket.versions, 0);
            }
        }
    }

    /// Moves all keys to a table of `buckets`, or of more if some key does not come to lie near its home.
    #[cold]
    fn resize(&mut self, mut buckets: usize) {
        let old = std::mem::take(&mut self.buckets);
        while !self.refill(&old, buckets) {
            buckets *= 2;
        }
    }

    fn refill(&mut self, old: &[Bucket], buckets: usize) -> bool {
        self.buckets = vec![EMPTY; buckets];
        self.reach = vec![0; buckets];
        self.found = vec![0; buckets];
        self.swept = 0;
        old.iter().all(|bucket| {
            (0..SLOTS).all(|slot| {
                let (tag, key) = (bucket.tags[slot], bucket.keys[slot]);
                key == NONE || self.rehome(tag, key, bucket.versions[slot])
            })
        })
    }

    fn rehome(&mut self, tag: u32, key: KeyRef, version: Version) -> bool {
        let home = self.home(tag);
        let mask = self.buckets.len() - 1;
        for distance in 0..=mask.min(u8::MAX as usize) {
            let at = (home + distance) & mask;
            if let Some(slot) = self.buckets[at].keys.iter().position(|k| *k == NONE) {
                self.fill(at, slot, (tag, key, version));
                self.note_reach(home, distance as u8);
                return true;
            }
        }
        false
    }
}

/// The places of the bits that are set.
fn bits(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = bits.trailing_zeros() as usize;
        bits &= bits.wrapping_sub(1);
        (at < SLOTS).then_some(at)
    })
}

/// One bit for each slot whose tag is `tag`.
#[inline]
fn hits(bucket: &Bucket, tag: u32) -> u32 {
    bucket.tags.iter().enumerate().fold(0, |hits, (slot, t)| hits | (u32::from(*t == tag) << slot))
}
