//! Tables are made anew when they are full.

use skewer_kernels::{advise_huge, places};

use super::bucket::{Bucket, EMPTY, SLOTS};
use super::{KeyRef, Points, SMALLEST, Stamp};

/// Keys are moved to a greater table when this one is so full, in sixteenths; that one is so full then.
const FULL: usize = 10;
const REFILLED: usize = 8;

impl Points {
    /// Makes room for a window of `keys` keys at once, instead of while it grows.
    pub(in crate::resolve) fn reserve(&mut self, keys: usize) {
        // With the dead ones that are not yet swept.
        let wanted = (keys + keys / 4) * 16 / FULL / SLOTS + 1;
        if wanted > self.buckets.len() {
            self.resize(wanted);
        }
    }

    /// Whether the table is too full for one more key.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.held * 16 >= self.buckets.len() * SLOTS * FULL
    }

    /// Moves all keys to a table with room for more.
    #[cold]
    pub(super) fn grow(&mut self) {
        self.resize((self.held * 16).div_ceil(REFILLED * SLOTS));
    }

    /// The same because some key would come to lie too far from home.
    #[cold]
    pub(super) fn spread(&mut self) {
        self.resize(self.buckets.len() * 5 / 4 + 1);
    }

    /// Moves all keys that are not forgotten to a table of `buckets`, or of more if some key does not come to lie near its
    /// home.
    #[cold]
    pub(super) fn resize(&mut self, mut buckets: usize) {
        for at in 0..self.buckets.len() {
            places(self.buckets[at].dead(self.floor)).for_each(|slot| self.empty(at, slot));
        }
        let old = std::mem::take(&mut self.buckets);
        while !self.refill(&old, buckets.max(SMALLEST)) {
            buckets = buckets * 5 / 4 + 1;
        }
        // The order of homes is the same: the sweep goes on where it was, lest it never comes to the end of a table
        // that grows again and again.
        self.swept = self.swept * self.buckets.len() / old.len();
    }

    fn refill(&mut self, old: &[Bucket], buckets: usize) -> bool {
        self.buckets = Vec::with_capacity(buckets);
        advise_huge(self.buckets.spare_capacity_mut());
        self.buckets.resize(buckets, EMPTY);
        old.iter().all(|bucket| {
            places(bucket.used())
                .all(|slot| self.rehome((bucket.hashes[slot] as u32, bucket.keys[slot], bucket.stamps[slot])))
        })
    }

    fn rehome(&mut self, item: (u32, KeyRef, Stamp)) -> bool {
        let home = self.home(item.0);
        let (at, distance) = self.nearest(home);
        let vacant = self.buckets[at].vacant();
        if let Some(slot) = vacant {
            self.fill((at, slot), item, (home, distance));
        }
        vacant.is_some()
    }
}
