//! The window of a store that uses points only: the last version of each key, in a hash table.
//!
//! A bucket is three cache lines of fifteen slots: a check that finds nothing touches the first. A version that
//! the floor has passed counts as none, so that forgetting is a comparison; a sweep of a bucket every few
//! writes empties such slots. A key that finds its home full lies in one of the next buckets, and its home knows
//! how far, and of which kinds such keys are: with so many slots a bucket, few are full. Keys are compared in full: halves of hashes only spare
//! comparisons. A table of fingerprints compares 64 bits of a hash instead, and stores no keys.

mod bucket;
mod resize;
mod sweep;

use skewer_kernels::{places, prefetch_address, prefetch_read};

pub(super) use self::bucket::Hash;
use self::bucket::{Bucket, EMPTY, FURTHEST, Line, SLOTS, upper};
use super::hashes::Hasher;
use super::key_log::KeyLog;
use super::keys::KeyRef;
use super::stamps::Stamp;

const SMALLEST: usize = 2;

/// Where a table lies, and how many buckets it has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) address: usize,
    pub(super) buckets: usize,
}

/// The bucket where the key of a hash is looked for first: in the order of hashes, for any number of buckets.
#[inline]
fn home(upper: u32, buckets: usize) -> usize {
    ((u64::from(upper) * buckets as u64) >> 32) as usize
}

/// Keys and their last versions. Memory is bounded by the largest window that was held.
#[derive(Debug)]
pub(super) struct Points {
    buckets: Vec<Bucket>,
    hasher: Hasher,
    /// None: fingerprints only.
    keys: Option<KeyLog>,
    floor: Stamp,
    held: usize,
    swept: usize,
    owed: usize,
}

impl Points {
    pub(super) fn new() -> Self {
        Self {
            buckets: vec![EMPTY; SMALLEST],
            hasher: Hasher::new(64),
            keys: Some(KeyLog::default()),
            floor: 0,
            held: 0,
            swept: 0,
            owed: 0,
        }
    }

    /// A table that knows keys by `bits` bits (64 but in tests) of their hashes.
    pub(super) fn of_fingerprints(bits: u32) -> Self {
        Self { keys: None, hasher: Hasher::new(bits), ..Self::new() }
    }

    /// An empty table that knows keys as this one does.
    pub(super) fn like(&self) -> Self {
        let keys = self.keys.as_ref().map(|_| KeyLog::default());
        Self { keys, hasher: self.hasher.clone(), floor: self.floor, ..Self::new() }
    }

    pub(super) fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    pub(super) fn has_keys(&self) -> bool {
        self.keys.is_some()
    }

    #[inline]
    pub(super) fn hash(&self, key: &[u8]) -> Hash {
        self.hasher.hash(key)
    }

    /// Fetches what a look-up of a hash will touch.
    #[inline]
    pub(super) fn prefetch(&self, hash: Hash, written: bool) {
        let home = self.home(upper(hash));
        if written {
            self.prefetch_bucket(home);
        } else {
            prefetch_read(&self.buckets, home);
        }
    }

    /// Fetches the key that a look-up of a hash will compare, if any; its home is at hand.
    #[inline]
    pub(super) fn prefetch_key(&self, hash: Hash) {
        let bucket = &self.buckets[self.home(upper(hash))];
        if let (Some(keys), Some(slot)) = (&self.keys, places(bucket.hits(upper(hash))).next()) {
            keys.prefetch(bucket.keys[slot]);
        }
    }

    /// Where the table lies now.
    #[inline]
    pub(super) fn place(&self) -> Place {
        Place { address: self.buckets.as_ptr().addr(), buckets: self.buckets.len() }
    }

    /// As `prefetch`, of a table that lay there, if it lies there still.
    #[inline]
    pub(super) fn foresee(place: Place, hash: Hash, written: bool) {
        let bucket = place.address + size_of::<Bucket>() * home(upper(hash), place.buckets);
        prefetch_address(bucket);
        if written {
            prefetch_address(bucket + size_of::<Line<i32>>());
            prefetch_address(bucket + 2 * size_of::<Line<i32>>());
        }
    }

    #[inline]
    fn prefetch_bucket(&self, at: usize) {
        if let Some(bucket) = self.buckets.get(at) {
            prefetch_read(&bucket.hashes, 0);
            prefetch_read(&bucket.keys, 0);
            prefetch_read(&bucket.stamps, 0);
        }
    }

    /// Whether `key` was written after `since`, which is not below the floor.
    #[inline]
    pub(super) fn newer(&self, hash: Hash, key: &[u8], since: Stamp) -> bool {
        let home = self.home(upper(hash));
        let bucket = &self.buckets[home];
        bucket.hits(upper(hash)) | bucket.reach().includes(upper(hash)) != 0
            && self
                .seek(home, hash, |bucket, slot| {
                    bucket.stamps[slot] > since && self.is_same(bucket.keys[slot], hash, key)
                })
                .is_some()
    }

    /// When `key` was written last, if that is above the floor or not yet swept.
    pub(super) fn stamp(&self, hash: Hash, key: &[u8]) -> Option<Stamp> {
        self.find(hash, key).map(|(bucket, slot)| self.buckets[bucket].stamps[slot])
    }

    /// Notes that `key` was written at `version`, which is not below its last.
    #[inline]
    pub(super) fn write(&mut self, hash: Hash, key: &[u8], stamp: Stamp) {
        match self.find(hash, key) {
            Some(place) => self.rewrite(place, key, stamp),
            None => self.insert(hash, key, stamp),
        }
        self.owed += 1;
    }

    fn rewrite(&mut self, (bucket, slot): (usize, usize), key: &[u8], stamp: Stamp) {
        let bucket = &mut self.buckets[bucket];
        bucket.stamps[slot] = stamp;
        if let Some(keys) = &mut self.keys
            && keys.is_aged(bucket.keys[slot])
        {
            keys.free(bucket.keys[slot]);
            bucket.keys[slot] = keys.store(key);
        }
    }

    pub(super) fn floor(&self) -> Stamp {
        self.floor
    }

    pub(super) fn set_floor(&mut self, floor: Stamp) {
        self.floor = floor;
    }

    /// Lowers all stamps.
    #[cold]
    pub(super) fn lower(&mut self, by: Stamp) {
        let stamps = self.buckets.iter_mut().flat_map(|bucket| &mut bucket.stamps[..SLOTS]);
        stamps.for_each(|stamp| *stamp = (*stamp - by).max(0));
        self.floor -= by;
    }

    /// The keys that were not forgotten, with their versions, in no order. None from fingerprints.
    pub(super) fn live(&self) -> impl Iterator<Item = (&[u8], Stamp)> {
        let slots =
            self.buckets.iter().flat_map(|bucket| places(bucket.used()).map(move |slot| (bucket, slot)));
        slots.filter(|(bucket, slot)| bucket.stamps[*slot] > self.floor).filter_map(|(bucket, slot)| {
            Some((self.keys.as_ref()?.get(bucket.keys[slot]), bucket.stamps[slot]))
        })
    }

    /// Keys held, those included that are forgotten and not yet swept.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn bytes(&self) -> usize {
        self.keys.as_ref().map_or(0, KeyLog::bytes) + self.buckets.capacity() * size_of::<Bucket>()
    }

    #[inline]
    fn home(&self, upper: u32) -> usize {
        home(upper, self.buckets.len())
    }

    #[inline]
    fn next(&self, bucket: usize) -> usize {
        if bucket + 1 == self.buckets.len() { 0 } else { bucket + 1 }
    }

    #[inline]
    fn find(&self, hash: Hash, key: &[u8]) -> Option<(usize, usize)> {
        let home = self.home(upper(hash));
        let bucket = &self.buckets[home];
        if bucket.hits(upper(hash)) | bucket.reach().includes(upper(hash)) == 0 {
            return None;
        }
        self.seek(home, hash, |bucket, slot| self.is_same(bucket.keys[slot], hash, key))
    }

    /// The first slot whose key has that upper half of a hash and of which `is` holds, where a key of that home may lie.
    #[inline(never)]
    fn seek(&self, home: usize, hash: Hash, is: impl Fn(&Bucket, usize) -> bool) -> Option<(usize, usize)> {
        let mut at = home;
        let mut left = self.buckets[at].reach().distance_of(upper(hash));
        loop {
            let bucket = &self.buckets[at];
            if let Some(slot) = places(bucket.hits(upper(hash))).find(|slot| is(bucket, *slot)) {
                return Some((at, slot));
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
    fn insert(&mut self, hash: Hash, key: &[u8], stamp: Stamp) {
        if self.is_full() {
            self.grow();
        }
        let home = self.home(upper(hash));
        let (at, distance) = self.nearest(home);
        let Some(slot) = self.buckets[at].vacant() else {
            self.spread();
            return self.insert(hash, key, stamp);
        };
        let key = self.keys.as_mut().map_or(hash as u32, |keys| keys.store(key));
        self.fill((at, slot), (upper(hash), key, stamp), (home, distance));
        self.held += 1;
    }

    /// The bucket for a key of this home, which is full if none that is near has room, and how far it is.
    #[inline]
    fn nearest(&self, home: usize) -> (usize, usize) {
        match self.buckets[home].vacant() {
            Some(_) => (home, 0),
            None => self.vacancy(home),
        }
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
        (upper, key, stamp): (u32, KeyRef, Stamp),
        (home, distance): (usize, usize),
    ) {
        let bucket = &mut self.buckets[at];
        bucket.hashes[SLOTS] |= 1 << slot;
        bucket.hashes[slot] = upper as i32;
        bucket.keys[slot] = key;
        bucket.stamps[slot] = stamp;
        if distance > 0 {
            *bucket.strangers() |= 1 << slot;
            self.buckets[home].extend(upper, distance);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: what is forgotten is swept though the table is made anew before a sweep of it is through.
    #[test]
    fn tables_that_change_are_swept() {
        const WINDOW: Stamp = 2_000;
        let mut points = Points::new();
        for stamp in 1..60_000 {
            let key = skewer_kernels::mix_one(stamp as u64).to_be_bytes();
            points.write(points.hash(&key), &key, stamp);
            points.sweep();
            points.set_floor((stamp - WINDOW).max(0));
            if stamp % 300 == 0 {
                let buckets = points.buckets.len();
                points.resize(buckets);
            }
            assert!(points.held() <= WINDOW as usize * 3 / 2, "{} held", points.held());
        }
        assert!(points.buckets.len() * SLOTS <= WINDOW as usize * 4, "{} buckets", points.buckets.len());
        let kept = (60_000 - WINDOW..60_000)
            .map(|stamp| (stamp, skewer_kernels::mix_one(stamp as u64).to_be_bytes()));
        for (stamp, key) in kept {
            assert_eq!(points.stamp(points.hash(&key), &key), Some(stamp));
            assert!(points.newer(points.hash(&key), &key, stamp - 1));
            assert!(!points.newer(points.hash(&key), &key, stamp));
        }
    }

    /// Promise: a table with room for a window is not made anew while it holds no more.
    #[test]
    fn room_for_a_window_is_room_enough() {
        const WINDOW: Stamp = 100_000;
        let mut points = Points::of_fingerprints(64);
        points.reserve(WINDOW as usize);
        let place = points.place();
        for stamp in 1..WINDOW * 6 {
            let key = skewer_kernels::mix_one(stamp as u64).to_be_bytes();
            points.write(points.hash(&key), &key, stamp);
            points.sweep();
            points.set_floor((stamp - WINDOW).max(0));
        }
        assert_eq!(points.place(), place);
    }
}
