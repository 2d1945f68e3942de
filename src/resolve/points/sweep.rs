//! Slots of forgotten keys are emptied, a bucket at a time.

use skewer_kernels::{places, prefetch_read};

use super::bucket::SLOTS;
use super::{KeyLog, Points};

/// Writes for which a bucket is swept. A rotation of a table with room for a window then takes two fifths of the window's writes, and what
/// is dead and not yet swept is about a fifth of what lives, and less in a table that is fuller.
const WRITES_PER_SWEEP: usize = 3;

impl Points {
    /// Sweeps what the writes since the last call owe: constant work a write.
    #[inline]
    pub(in crate::resolve) fn sweep(&mut self) {
        while self.owed >= WRITES_PER_SWEEP {
            self.owed -= WRITES_PER_SWEEP;
            self.sweep_bucket();
        }
    }

    /// Fetches what the next sweep will touch.
    #[inline]
    pub(in crate::resolve) fn foresee_sweep(&self) {
        prefetch_read(&self.buckets, self.swept);
        if let Some(bucket) = self.buckets.get(self.swept) {
            prefetch_read(std::slice::from_ref(&bucket.stamps), 0);
        }
    }

    #[inline]
    pub(super) fn empty(&mut self, at: usize, slot: usize) {
        let bucket = &mut self.buckets[at];
        bucket.hashes[SLOTS] &= !(1 << slot);
        *bucket.strangers() &= !(1 << slot);
        self.held -= 1;
        if let Some(keys) = &mut self.keys {
            keys.free(bucket.keys[slot]);
        }
    }

    #[inline]
    fn sweep_bucket(&mut self) {
        let at = self.swept;
        places(self.buckets[at].dead(self.floor)).for_each(|slot| self.empty(at, slot));
        if self.keys.as_ref().is_some_and(KeyLog::has_condemned) {
            self.move_keys(at);
        }
        places(*self.buckets[at].strangers()).for_each(|slot| self.meet(at, slot));
        // All that may lie behind this home was met since it was settled last.
        let back = self.furthest();
        let settled = if at >= back { at - back } else { at + self.buckets.len() - back };
        self.buckets[settled].settle();
        self.swept = self.next(at);
        self.prefetch_bucket(self.swept);
    }

    /// Moves keys that keep chunks from being given back.
    #[cold]
    fn move_keys(&mut self, at: usize) {
        let Some(keys) = &mut self.keys else { return };
        let bucket = &mut self.buckets[at];
        for slot in places(bucket.used()) {
            if keys.is_condemned(bucket.keys[slot]) {
                bucket.keys[slot] = keys.restore(bucket.keys[slot]);
            }
        }
    }

    /// Notes how far from home a key lies.
    fn meet(&mut self, at: usize, slot: usize) {
        let upper = self.buckets[at].hashes[slot] as u32;
        let home = self.home(upper);
        let distance = if at >= home { at - home } else { at + self.buckets.len() - home };
        self.buckets[home].meet(upper, distance);
    }
}
