//! Some slots of a table, in three cache lines.

use skewer_kernels::{at_most, equal_to};

use crate::resolve::keys::KeyRef;
use crate::resolve::stamps::Stamp;

pub(super) const SLOTS: usize = 15;

/// A hash. Its upper half chooses the home and is compared first, the lower one completes a fingerprint.
pub(in crate::resolve) type Hash = u64;

/// A cache line: a number for each slot, and one more for what is said of the bucket.
pub(super) type Line<T> = [T; SLOTS + 1];

#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Bucket {
    /// The upper halves of hashes, which say where keys are at home. The last number has a bit for each slot that holds a
    /// key, then the reach: how many buckets behind this one a key may lie whose home it is, as known since the
    /// sweep settled it.
    pub(super) hashes: Line<i32>,
    /// Where the keys are, or the lower halves of their hashes. Last, a bit for each slot whose key has its home elsewhere.
    pub(super) keys: Line<KeyRef>,
    /// When the keys were written. Last, the reach as found since it was settled.
    pub(super) stamps: Line<Stamp>,
}

pub(super) const EMPTY: Bucket =
    Bucket { hashes: [0; SLOTS + 1], keys: [0; SLOTS + 1], stamps: [0; SLOTS + 1] };
/// One bit for each slot.
const ALL: u32 = (1 << SLOTS) - 1;

impl Bucket {
    /// One bit for each slot that holds a key.
    #[inline]
    pub(super) fn used(&self) -> u32 {
        self.hashes[SLOTS] as u32 & ALL
    }

    #[inline]
    pub(super) fn reach(&self) -> u32 {
        self.hashes[SLOTS] as u32 >> SLOTS
    }

    #[inline]
    pub(super) fn set_reach(&mut self, reach: u32) {
        self.hashes[SLOTS] = (self.used() | reach << SLOTS) as i32;
    }

    #[inline]
    pub(super) fn found(&mut self) -> &mut i32 {
        &mut self.stamps[SLOTS]
    }

    #[inline]
    pub(super) fn strangers(&mut self) -> &mut u32 {
        &mut self.keys[SLOTS]
    }

    /// One bit for each slot whose key has a hash with this upper half.
    #[inline]
    pub(super) fn hits(&self, upper: u32) -> u32 {
        equal_to(&self.hashes, upper as i32) & self.used()
    }

    /// The first empty slot.
    #[inline]
    pub(super) fn vacant(&self) -> Option<usize> {
        (self.used() != ALL).then_some(self.used().trailing_ones() as usize)
    }

    /// One bit for each slot whose version is not above the floor.
    #[inline]
    pub(super) fn dead(&self, floor: Stamp) -> u32 {
        at_most(&self.stamps, floor) & self.used()
    }
}

#[inline]
pub(super) fn upper(hash: Hash) -> u32 {
    (hash >> 32) as u32
}
