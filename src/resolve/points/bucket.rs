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
    /// key, then the reach, as known since the sweep settled it.
    pub(super) hashes: Line<i32>,
    /// Where the keys are, or the lower halves of their hashes. Last, a bit for each slot whose key has its home elsewhere.
    pub(super) keys: Line<KeyRef>,
    /// When the keys were written. Last, the reach as found since then.
    pub(super) stamps: Line<Stamp>,
}

pub(super) const EMPTY: Bucket =
    Bucket { hashes: [0; SLOTS + 1], keys: [0; SLOTS + 1], stamps: [0; SLOTS + 1] };
/// One bit for each slot.
const ALL: u32 = (1 << SLOTS) - 1;

/// How many buckets behind its home a key may lie, in the lowest bits, and then a bit for each kind of which one does. Most keys that
/// are looked for are not in the window: mostly their kind says so, and no other bucket is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reach(u32);

const DISTANCE_BITS: u32 = 6;
const KINDS: u32 = 8;
/// How far from home a key may lie.
pub(super) const FURTHEST: usize = (1 << DISTANCE_BITS) - 1;

/// The bit of a key's kind. The lowest bit here says which of two tables has the key, where there are two.
#[inline]
fn kind(upper: u32) -> u32 {
    DISTANCE_BITS + (upper >> 1) % KINDS
}

impl Reach {
    /// How far a key with this upper half of a hash may lie: 0 if only at home.
    #[inline]
    pub(super) fn distance_of(self, upper: u32) -> u32 {
        if self.includes(upper) == 0 { 0 } else { self.distance() }
    }

    /// 1 if such a key may lie elsewhere.
    #[inline]
    pub(super) fn includes(self, upper: u32) -> u32 {
        self.0 >> kind(upper) & 1
    }

    #[inline]
    fn distance(self) -> u32 {
        self.0 & FURTHEST as u32
    }

    /// With a key that lies so far away.
    #[inline]
    fn with(self, upper: u32, distance: usize) -> Self {
        let kinds = self.0 & !(FURTHEST as u32) | 1 << kind(upper);
        Self(kinds | self.distance().max(distance as u32))
    }
}

impl Bucket {
    /// One bit for each slot that holds a key.
    #[inline]
    pub(super) fn used(&self) -> u32 {
        self.hashes[SLOTS] as u32 & ALL
    }

    #[inline]
    pub(super) fn reach(&self) -> Reach {
        Reach(self.hashes[SLOTS] as u32 >> SLOTS)
    }

    /// Notes that a key whose home this is lies so far behind it.
    #[inline]
    pub(super) fn meet(&mut self, upper: u32, distance: usize) {
        self.stamps[SLOTS] = self.found().with(upper, distance).0 as i32;
    }

    /// The same for look-ups, which have to find it from now on.
    #[inline]
    pub(super) fn extend(&mut self, upper: u32, distance: usize) {
        self.set_reach(self.reach().with(upper, distance));
        self.meet(upper, distance);
    }

    /// Takes for the reach what was found since that was done last.
    #[inline]
    pub(super) fn settle(&mut self) {
        self.set_reach(self.found());
        self.stamps[SLOTS] = 0;
    }

    #[inline]
    fn found(&self) -> Reach {
        Reach(self.stamps[SLOTS] as u32)
    }

    #[inline]
    fn set_reach(&mut self, Reach(reach): Reach) {
        self.hashes[SLOTS] = (self.used() | reach << SLOTS) as i32;
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
