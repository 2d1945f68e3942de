//! The window of a store that uses points only: the last version of each key, in a hash table.
//!
//! A bucket is two cache lines of seven slots: a check that finds nothing touches the first. A version that
//! the floor has passed counts as none, so that forgetting is a comparison; a sweep of a bucket or two a
//! write empties such slots. A key that finds its home full lies in one of the next buckets, and its home knows
//! how far. Keys are compared in full: tags only spare comparisons. A table of fingerprints compares 64
//! bits of a hash instead, and stores no keys.

use skewer_kernels::{advise_huge, prefetch_read};

use super::Version;
use super::hashes::Hasher;
use super::key_log::KeyLog;
use super::keys::{KeyRef, NONE};

const SLOTS: usize = 7;
const SMALLEST: usize = 4;
/// Writes for which a bucket is swept. A rotation then takes a fifth to a quarter of a window's writes, and what
/// is dead and not yet swept stays about an eighth of what lives.
const WRITES_PER_SWEEP: usize = 1;
/// Keys are moved to a greater table when this one is so full, in sixteenths; that one is so full then.
const FULL: usize = 11;
const REFILLED: usize = 9;
/// How far from home a key may lie.
const FURTHEST: usize = 15;

/// A hash. Its upper half chooses the home, the lower one gives the tag and completes a fingerprint.
pub(super) type Hash = u64;

#[derive(Debug, Clone, Copy)]
#[repr(C, align(128))]
struct Bucket {
    /// One byte a slot: 0 in an empty one, else a tag. The last byte is the reach: how many buckets behind this
    /// one a key may lie whose home it is, as known since the sweep settled it.
    signs: u64,
    /// The upper halves of hashes, which say where keys are at home.
    hashes: [u32; SLOTS],
    /// Where the keys are, or the lower halves of their hashes.
    keys: [KeyRef; SLOTS],
    /// `Version::MAX` in an empty slot.
    versions: [Version; SLOTS],
    /// The reach as found since it was settled.
    found: u8,
    /// One bit for each slot whose key has its home elsewhere.
    strangers: u8,
}

const EMPTY: Bucket = Bucket {
    signs: 0,
    hashes: [0; SLOTS],
    keys: [NONE; SLOTS],
    versions: [Version::MAX; SLOTS],
    found: 0,
    strangers: 0,
};

/// A byte for each slot, and one for the lowest, highest bit of it.
const EACH: u64 = 0x00FF_FFFF_FFFF_FFFF;
const LOWEST: u64 = 0x0001_0101_0101_0101;
const HIGHEST: u64 = 0x0080_8080_8080_8080;
const REACH: u32 = 56;

impl Bucket {
    /// The highest bit of the byte of each slot whose tag may be `tag`: none that has it is left out.
    #[inline]
    fn hits(&self, tag: u8) -> u64 {
        let differs = (self.signs & EACH) ^ (LOWEST * u64::from(tag));
        differs.wrapping_sub(LOWEST) & !differs & HIGHEST
    }

    /// The first empty slot.
    #[inline]
    fn vacant(&self) -> Option<usize> {
        let vacant = !self.signs & HIGHEST;
        (vacant != 0).then_some(slot(vacant))
    }

    #[inline]
    fn is_used(&self, slot: usize) -> bool {
        self.signs >> (8 * slot) & 0xFF != 0
    }

    #[inline]
    fn reach(&self) -> u8 {
        (self.signs >> REACH) as u8
    }

    #[inline]
    fn set_reach(&mut self, reach: u8) {
        self.signs = (self.signs & EACH) | u64::from(reach) << REACH;
    }

    #[inline]
    fn sign(&mut self, slot: usize, tag: u8) {
        self.signs = (self.signs & !(0xFF << (8 * slot))) | u64::from(tag) << (8 * slot);
    }

    /// One bit for each slot whose version is not above `floor`.
    #[inline]
    fn dead(&self, floor: Version) -> u32 {
        self.versions.iter().enumerate().fold(0, |dead, (slot, v)| dead | (u32::from(*v <= floor) << slot))
    }
}

/// The slot of the lowest bit that is set.
#[inline]
fn slot(bits: u64) -> usize {
    (bits.trailing_zeros() / 8) as usize
}

/// Keys and their last versions. Memory is bounded by the largest window that was held.
#[derive(Debug)]
pub(super) struct Points {
    buckets: Vec<Bucket>,
    hasher: Hasher,
    /// None: fingerprints only.
    keys: Option<KeyLog>,
    floor: Version,
    held: usize,
    swept: usize,
    owed: usize,
}

impl Points {
    pub(super) fn new(floor: Version) -> Self {
        Self {
            buckets: vec![EMPTY; SMALLEST],
            hasher: Hasher::new(64),
            keys: Some(KeyLog::default()),
            floor,
            held: 0,
            swept: 0,
            owed: 0,
        }
    }

    /// A table that knows keys by `bits` bits (64 but in tests) of their hashes.
    pub(super) fn of_fingerprints(floor: Version, bits: u32) -> Self {
        Self { keys: None, hasher: Hasher::new(bits), ..Self::new(floor) }
    }

    /// An empty table that knows keys as this one does.
    pub(super) fn sibling(&self, floor: Version) -> Self {
        let keys = self.keys.as_ref().map(|_| KeyLog::default());
        Self { keys, hasher: self.hasher.clone(), ..Self::new(floor) }
    }

    pub(super) fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    pub(super) fn has_keys(&self) -> bool {
        self.keys.is_some()
    }

    /// Makes room for a window of `keys` keys at once, instead of while it grows.
    pub(super) fn reserve(&mut self, keys: usize) {
        // With the dead ones that are not yet swept.
        let wanted = (keys + keys / 4) * 16 / FULL / SLOTS + 1;
        if wanted > self.buckets.len() {
            self.resize(wanted);
        }
    }

    #[inline]
    pub(super) fn hash(&self, key: &[u8]) -> Hash {
        self.hasher.hash(key)
    }

    /// Fetches what a look-up of a hash will touch.
    #[inline]
    pub(super) fn prefetch(&self, hash: Hash, written: bool) {
        let home = self.home(upper(hash));
        prefetch_read(&self.buckets, home);
        if written && let Some(bucket) = self.buckets.get(home) {
            prefetch_read(&bucket.versions, 0);
        }
    }

    /// The version of the last write of `key`, if it is above the floor or not yet swept.
    #[inline]
    pub(super) fn version(&self, hash: Hash, key: &[u8]) -> Option<Version> {
        self.find(hash, key).map(|(bucket, slot)| self.buckets[bucket].versions[slot])
    }

    /// Notes that `key` was written at `version`, which is not below its last.
    #[inline]
    pub(super) fn write(&mut self, hash: Hash, key: &[u8], version: Version) {
        match self.find(hash, key) {
            Some(place) => self.rewrite(place, key, version),
            None => self.insert(hash, key, version),
        }
        self.owed += 1;
    }

    fn rewrite(&mut self, (bucket, slot): (usize, usize), key: &[u8], version: Version) {
        let bucket = &mut self.buckets[bucket];
        bucket.versions[slot] = version;
        if let Some(keys) = &mut self.keys
            && keys.is_aged(bucket.keys[slot])
        {
            keys.free(bucket.keys[slot]);
            bucket.keys[slot] = keys.store(key);
        }
    }

    /// Sweeps what the writes since the last call owe: constant work a write.
    #[inline]
    pub(super) fn sweep(&mut self) {
        while self.owed >= WRITES_PER_SWEEP {
            self.owed -= WRITES_PER_SWEEP;
            self.sweep_bucket();
        }
    }

    /// Fetches what the next sweep will touch.
    #[inline]
    pub(super) fn foresee_sweep(&self) {
        prefetch_read(&self.buckets, self.swept);
        if let Some(bucket) = self.buckets.get(self.swept) {
            prefetch_read(&bucket.versions, 0);
        }
    }

    pub(super) fn set_floor(&mut self, floor: Version) {
        self.floor = floor;
    }

    /// The keys that were not forgotten, with their versions, in no order. None from fingerprints.
    pub(super) fn live(&self) -> impl Iterator<Item = (&[u8], Version)> {
        let slots = self.buckets.iter().flat_map(|bucket| (0..SLOTS).map(move |slot| (bucket, slot)));
        slots
            .filter(|(bucket, slot)| bucket.is_used(*slot) && bucket.versions[*slot] > self.floor)
            .filter_map(|(bucket, slot)| {
                Some((self.keys.as_ref()?.get(bucket.keys[slot]), bucket.versions[slot]))
            })
    }

    /// Keys held, those included that are forgotten and not yet swept.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn bytes(&self) -> usize {
        self.keys.as_ref().map_or(0, KeyLog::bytes) + self.buckets.capacity() * size_of::<Bucket>()
    }

    /// The bucket where the key of a hash is looked for first: in the order of hashes, for any number of buckets.
    #[inline]
    fn home(&self, upper: u32) -> usize {
        ((u64::from(upper) * self.buckets.len() as u64) >> 32) as usize
    }

    #[inline]
    fn next(&self, bucket: usize) -> usize {
        if bucket + 1 == self.buckets.len() { 0 } else { bucket + 1 }
    }

    #[inline]
    fn find(&self, hash: Hash, key: &[u8]) -> Option<(usize, usize)> {
        let home = self.home(upper(hash));
        let bucket = &self.buckets[home];
        if bucket.hits(tag(hash)) | u64::from(bucket.reach()) == 0 {
            return None;
        }
        self.find_from(home, hash, key)
    }

    #[inline(never)]
    fn find_from(&self, home: usize, hash: Hash, key: &[u8]) -> Option<(usize, usize)> {
        let mut at = home;
        let mut left = self.buckets[at].reach();
        loop {
            let bucket = &self.buckets[at];
            let mut hits = bucket.hits(tag(hash));
            while hits != 0 {
                let slot = slot(hits);
                if bucket.hashes[slot] == upper(hash) && self.is_same(bucket.keys[slot], hash, key) {
                    return Some((at, slot));
                }
                hits &= hits - 1;
            }
            if left == 0 {
                return None;
            }
            left -= 1;
            at = self.next(at);
        }
    }

    #[inline]
    fn is_same(&self, held: KeyRef, hash: Hash, key: &[u8]) -> bool {
        match &self.keys {
            Some(keys) => keys.get(held) == key,
            None => held == hash as u32,
        }
    }

    #[inline]
    fn insert(&mut self, hash: Hash, key: &[u8], version: Version) {
        if self.held * 16 >= self.buckets.len() * SLOTS * FULL {
            self.resize(self.held * 16 / REFILLED / SLOTS);
        }
        let home = self.home(upper(hash));
        let (at, distance) = match self.buckets[home].vacant() {
            Some(_) => (home, 0),
            None => self.vacancy(home),
        };
        let Some(slot) = self.buckets[at].vacant() else {
            self.resize(self.buckets.len() * 5 / 4 + 1);
            return self.insert(hash, key, version);
        };
        let key = self.keys.as_mut().map_or(hash as u32, |keys| keys.store(key));
        self.fill((at, slot), (tag(hash), upper(hash), key, version), (home, distance));
        self.held += 1;
    }

    /// The nearest bucket behind a full home that is not full, if any is near, and how far it is.
    #[inline(never)]
    fn vacancy(&self, home: usize) -> (usize, usize) {
        let mut at = home;
        for distance in 1..=self.furthest() {
            at = self.next(at);
            if self.buckets[at].vacant().is_some() {
                return (at, distance);
            }
        }
        (home, 0)
    }

    /// The greatest distance from home: a table where some key would lie farther grows.
    #[inline]
    fn furthest(&self) -> usize {
        FURTHEST.min(self.buckets.len() - 1)
    }

    #[inline]
    fn fill(
        &mut self,
        (at, slot): (usize, usize),
        (tag, upper, key, version): (u8, u32, KeyRef, Version),
        (home, distance): (usize, usize),
    ) {
        let bucket = &mut self.buckets[at];
        bucket.sign(slot, tag);
        bucket.hashes[slot] = upper;
        bucket.keys[slot] = key;
        bucket.versions[slot] = version;
        if distance > 0 {
            bucket.strangers |= 1 << slot;
            let home = &mut self.buckets[home];
            home.set_reach(home.reach().max(distance as u8));
            home.found = home.found.max(distance as u8);
        }
    }

    #[inline]
    fn empty(&mut self, at: usize, slot: usize) {
        let bucket = &mut self.buckets[at];
        if !bucket.is_used(slot) {
            return;
        }
        bucket.sign(slot, 0);
        bucket.versions[slot] = Version::MAX;
        bucket.strangers &= !(1 << slot);
        self.held -= 1;
        if let Some(keys) = &mut self.keys {
            keys.free(bucket.keys[slot]);
        }
    }

    #[inline]
    fn sweep_bucket(&mut self) {
        let at = self.swept;
        let dead = self.buckets[at].dead(self.floor);
        if dead != 0 {
            bits(dead).for_each(|slot| self.empty(at, slot));
        }
        if self.keys.as_ref().is_some_and(KeyLog::has_condemned) {
            self.move_keys(at);
        }
        let strangers = self.buckets[at].strangers;
        if strangers != 0 {
            bits(u32::from(strangers)).for_each(|slot| self.meet(at, slot));
        }
        // All that may lie behind this home was met since it was settled last.
        let back = self.furthest();
        let settled = if at >= back { at - back } else { at + self.buckets.len() - back };
        let settled = &mut self.buckets[settled];
        if settled.found != settled.reach() {
            settled.set_reach(settled.found);
        }
        settled.found = 0;
        self.swept = self.next(at);
    }

    /// Moves keys that keep chunks from being given back.
    #[cold]
    fn move_keys(&mut self, at: usize) {
        let Some(keys) = &mut self.keys else { return };
        let bucket = &mut self.buckets[at];
        for slot in 0..SLOTS {
            if bucket.is_used(slot) && keys.is_condemned(bucket.keys[slot]) {
                bucket.keys[slot] = keys.restore(bucket.keys[slot]);
            }
        }
    }

    /// Notes how far from home a key lies.
    fn meet(&mut self, at: usize, slot: usize) {
        let home = self.home(self.buckets[at].hashes[slot]);
        let distance = if at >= home { at - home } else { at + self.buckets.len() - home };
        self.buckets[home].found = self.buckets[home].found.max(distance as u8);
    }

    /// Moves all keys to a table of `buckets`, or of more if some key does not come to lie near its home.
    #[cold]
    fn resize(&mut self, mut buckets: usize) {
        let old = std::mem::take(&mut self.buckets);
        while !self.refill(&old, buckets.max(SMALLEST)) {
            buckets = buckets * 5 / 4 + 1;
        }
    }

    fn refill(&mut self, old: &[Bucket], buckets: usize) -> bool {
        self.buckets = Vec::with_capacity(buckets);
        advise_huge(self.buckets.spare_capacity_mut());
        self.buckets.resize(buckets, EMPTY);
        self.swept = 0;
        old.iter().all(|bucket| {
            (0..SLOTS).all(|slot| {
                let tag = (bucket.signs >> (8 * slot)) as u8;
                let item = (tag, bucket.hashes[slot], bucket.keys[slot], bucket.versions[slot]);
                tag == 0 || self.rehome(item)
            })
        })
    }

    fn rehome(&mut self, item: (u8, u32, KeyRef, Version)) -> bool {
        let home = self.home(item.1);
        let (at, distance) = match self.buckets[home].vacant() {
            Some(_) => (home, 0),
            None => self.vacancy(home),
        };
        let vacant = self.buckets[at].vacant();
        if let Some(slot) = vacant {
            self.fill((at, slot), item, (home, distance));
        }
        vacant.is_some()
    }
}

#[inline]
fn upper(hash: Hash) -> u32 {
    (hash >> 32) as u32
}

/// Seven bits of the lower half, and one that tells it from an empty slot's.
#[inline]
fn tag(hash: Hash) -> u8 {
    hash as u8 | 0x80
}

/// The places of the bits that are set.
#[inline]
fn bits(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (bits != 0).then_some(bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        at
    })
}
