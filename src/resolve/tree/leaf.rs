//! A leaf: up to [`CAP`] boundaries in key order, each with a version.
//!
//! A *border* gives its version to all keys from itself to the next border; a *point* to its own key
//! alone, and the keys behind it keep the version of the border before. `base` is the version of the
//! keys before the first border. So one entry holds a point write, and two a range write.
//!
//! The heads tell keys apart. A key is stored only where its head does not say all of it.

use std::ops::{Range, RangeInclusive};

use skewer_kernels::{Isa, NodeRows, at_most, open_gap, places, squeeze};

use crate::resolve::key_log::KeyLog;
use crate::resolve::keys::{KeyRef, Keys, NONE, PAST, alike, head, is_whole, rehead, search};
use crate::resolve::stamps::Stamp;
use crate::resolve::stored::skipped;

/// Entries of a leaf. Few, since a check of a cold leaf costs what it moves through the cache; fewer
/// still in tests, so that small inputs split and merge.
pub(super) const CAP: usize = if cfg!(test) { 8 } else { 32 };

/// So many entries of equal heads are many.
pub(super) const MANY: usize = CAP / 4;

/// The number of a leaf.
pub(super) type LeafId = u32;
/// No leaf.
pub(super) const NO_LEAF: LeafId = u32::MAX;
/// What stands behind a leaf that is none at present.
pub(super) const SPARE: LeafId = NO_LEAF - 1;

#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct Leaf {
    /// `PAST` behind the last.
    pub(super) heads: [u64; CAP],
    pub(super) stamps: [Stamp; CAP],
    /// Where is stored what heads that are not whole do not say.
    pub(super) keys: [KeyRef; CAP],
    /// One bit for each entry that is a point.
    pub(super) points: u32,
    pub(super) len: u32,
    /// All keys that belong here share so many bytes; heads stand for what follows.
    pub(super) prefix: u32,
    /// The inner node that has it.
    pub(super) parent: u32,
    /// The least key that belongs here, which the leaf owns, and the least that no longer does,
    /// which the next one owns. `NONE` at the ends of the order.
    pub(super) low: KeyRef,
    pub(super) high: KeyRef,
    pub(super) high_head: u64,
    pub(super) base: Stamp,
    /// Whether some entry's key may be stored.
    stores: bool,
}

/// What is put into a leaf.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) head: u64,
    /// Where is stored what the head does not say, unless it is whole.
    pub(super) key: KeyRef,
    pub(super) stamp: Stamp,
    pub(super) point: bool,
}

impl Leaf {
    pub(super) fn new(base: Stamp) -> Self {
        Self {
            points: 0,
            len: 0,
            prefix: 0,
            parent: 0,
            low: NONE,
            high: NONE,
            stores: false,
            high_head: PAST,
            base,
            heads: [PAST; CAP],
            stamps: [0; CAP],
            keys: [NONE; CAP],
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    #[inline]
    pub(super) fn head(&self, key: &[u8]) -> u64 {
        head(key, self.prefix as usize)
    }

    #[inline]
    pub(super) fn is_point(&self, at: usize) -> bool {
        self.points >> at & 1 != 0
    }

    /// The version of the keys right before entry `at` (and not those of a point there).
    #[inline]
    pub(super) fn stamp_before(&self, at: usize) -> Stamp {
        let borders = !self.points & below(at);
        match borders.checked_ilog2() {
            Some(border) => self.stamps[border as usize & (CAP - 1)],
            None => self.base,
        }
    }

    /// The first entry not less than `key`, and whether it is `key`. The key shares the leaf's prefix.
    #[inline]
    pub(super) fn find(&self, keys: &KeyLog, key: &[u8], head: u64) -> (usize, bool) {
        let at = search(&self.heads, head);
        if at >= CAP || self.heads[at] != head {
            return (at, false);
        }
        if is_whole(head) {
            return (at, true);
        }
        self.find_tied(keys, key, head, at)
    }

    /// Fetches the keys that [`find`](Self::find) would read.
    #[inline]
    pub(super) fn foresee_ties(&self, keys: &KeyLog, key: &[u8]) {
        if !self.stores {
            return;
        }
        let head = self.head(key);
        let at = search(&self.heads, head);
        if at < CAP && self.heads[at] == head && !is_whole(head) {
            let tied = self.heads[at..].iter().zip(&self.keys[at..]).take_while(|(h, _)| **h == head);
            tied.for_each(|(_, key)| keys.prefetch(*key));
        }
    }

    /// Tells entries of equal heads apart by their whole keys.
    #[inline(never)]
    fn find_tied(&self, keys: &KeyLog, key: &[u8], head: u64, first: usize) -> (usize, bool) {
        let tied = alike(&self.heads[first..self.len()], head);
        let tied = &self.keys[first..first + tied];
        match tied.binary_search_by(|place| keys.look(*place).cmp(key)) {
            Ok(at) => (first + at, true),
            Err(at) => (first + at, false),
        }
    }

    /// Whether `key`, not less than the leaf's least, is less than / equal to / greater than its end.
    #[inline]
    pub(super) fn cmp_high(&self, fences: &Keys, key: &[u8], head: u64) -> std::cmp::Ordering {
        if head != self.high_head || is_whole(head) {
            return head.cmp(&self.high_head);
        }
        key.cmp(fences.get(self.high))
    }

    /// Gives the key of an entry back that is about to go.
    #[inline]
    pub(super) fn free(&self, at: usize, keys: &mut KeyLog) {
        if !is_whole(self.heads[at]) {
            keys.free(self.keys[at]);
        }
    }

    /// Stores the key of an entry that is written again anew, like another, lest it outlive its neighbours in the log.
    #[inline]
    pub(super) fn renew(&mut self, at: usize, key: &[u8], other: (KeyRef, usize), keys: &mut KeyLog) {
        if !is_whole(self.heads[at]) {
            self.renew_stored(at, key, other, keys);
        }
    }

    #[inline(never)]
    fn renew_stored(&mut self, at: usize, key: &[u8], other: (KeyRef, usize), keys: &mut KeyLog) {
        if keys.is_aged(self.keys[at]) {
            keys.free(self.keys[at]);
            self.keys[at] = keys.store_like(key, skipped(self.prefix as usize), other);
        }
    }

    /// Replaces the entries of `range` by room for `count` new ones, which the caller sets. There is
    /// room for them, and the caller gave back the keys of the entries that go.
    #[inline]
    pub(super) fn open(&mut self, range: Range<usize>, count: usize) {
        let len = self.len();
        let behind = range.start + count;
        let tail = (u64::from(self.points) >> range.end << behind) as u32;
        self.points = (self.points & below(range.start)) | tail;
        if behind > range.end {
            let by = behind - range.end;
            open_gap(Isa::in_use(), self.rows(), range.end, by);
            self.len = (len + by) as u32;
        } else if behind < range.end {
            self.keep(below(len) & (below(behind) | !below(range.end)));
        }
    }

    /// Keeps the entries whose bits are set. What is said of them by bits is the caller's.
    #[inline]
    fn keep(&mut self, kept: u32) {
        squeeze(Isa::in_use(), self.rows(), kept);
        self.len = kept.count_ones();
    }

    /// Entries behind the last are past all keys.
    #[inline]
    fn set_len(&mut self, len: usize) {
        let before = self.len();
        if len < before {
            self.heads[len..before].fill(PAST);
        }
        self.len = len as u32;
    }

    /// Sets an entry that [`open`](Self::open) made room for.
    #[inline]
    pub(super) fn set(&mut self, at: usize, entry: Entry) {
        self.heads[at] = entry.head;
        self.stamps[at] = entry.stamp;
        if !is_whole(entry.head) {
            self.keys[at] = entry.key;
            self.stores = true;
        }
        self.points = (self.points & !(1 << at)) | (u32::from(entry.point) << at);
    }

    /// Puts an entry before entry `at`; there is room.
    #[inline]
    pub(super) fn insert(&mut self, at: usize, entry: Entry) {
        self.open(at..at, 1);
        self.set(at, entry);
    }

    /// Appends an entry behind all others.
    pub(super) fn push(&mut self, entry: Entry) {
        let at = self.len();
        self.len += 1;
        self.set(at, entry);
    }

    /// Appends a border behind all others; its key is stored as need be.
    pub(super) fn push_border(&mut self, key: &[u8], stamp: Stamp, keys: &mut KeyLog) {
        let (head, skip) = (self.head(key), skipped(self.prefix as usize));
        let place = if is_whole(head) { NONE } else { keys.store_from(key, skip) };
        self.push(Entry { head, key: place, stamp, point: false });
    }

    /// Sets the entries from `at` on, which [`open`](Self::open) made room for, to some of another leaf's.
    pub(super) fn put(&mut self, at: usize, other: &Leaf, entries: Range<usize>) {
        let here = at..at + entries.len();
        self.heads[here.clone()].copy_from_slice(&other.heads[entries.clone()]);
        self.stamps[here.clone()].copy_from_slice(&other.stamps[entries.clone()]);
        if other.stores {
            self.keys[here.clone()].copy_from_slice(&other.keys[entries.clone()]);
            self.stores = true;
        }
        let points = u64::from(other.points & below(entries.end)) >> entries.start << here.start;
        let others = self.points & (below(here.start) | !below(here.end));
        self.points = others | points as u32;
    }

    /// Appends some of another leaf's entries behind all others.
    pub(super) fn append(&mut self, other: &Leaf, entries: Range<usize>) {
        let at = self.len();
        self.len += entries.len() as u32;
        self.put(at, other, entries);
    }

    /// Keeps the first `len` entries; the keys of the others are another's now.
    pub(super) fn truncate(&mut self, len: usize) {
        self.set_len(len);
        self.points &= below(len);
    }

    /// Drops every entry that no check above the floor can tell from the keys before it.
    pub(super) fn compact(&mut self, keys: &mut KeyLog, floor: Stamp) {
        let gone = self.idle(floor);
        if gone == 0 {
            return;
        }
        if self.stores {
            places(gone).for_each(|at| self.free(at, keys));
        }
        let kept = below(self.len()) & !gone;
        self.points =
            places(self.points & kept).fold(0, |points, at| points | 1 << (kept & below(at)).count_ones());
        self.keep(kept);
    }

    /// The entries, for what moves them; keys only where some are stored.
    #[inline]
    fn rows(&mut self) -> NodeRows<'_, CAP> {
        let others = self.stores.then_some(&mut self.keys);
        NodeRows { words: &mut self.heads, numbers: &mut self.stamps, others }
    }

    /// One bit for each entry that is forgotten, as are the keys before it.
    #[inline]
    fn idle(&self, floor: Stamp) -> u32 {
        let dead = at_most(&self.stamps, floor) & below(self.len());
        if dead == 0 {
            return 0;
        }
        let borders = !self.points & below(self.len());
        // Which keys are behind a border that is forgotten, or behind such a base and no border: each step of so many
        // entries at once goes over points.
        let mut behind = (dead & borders) << 1 | u32::from(self.base <= floor);
        let mut over = !borders;
        for step in [1, 2, 4, 8, 16] {
            behind |= (behind & over) << step;
            over &= over >> step;
        }
        dead & behind
    }

    /// Where to cut a leaf in two, within limits: near their middle, where neighbours share least, so that what is on
    /// either side shares more.
    pub(super) fn best_cut(&self, limits: RangeInclusive<usize>) -> usize {
        let shared = |at: usize| (self.heads[at - 1] ^ self.heads[at]).leading_zeros() / 8;
        let middle = usize::midpoint(*limits.start(), *limits.end());
        limits.min_by_key(|at| (shared(*at), at.abs_diff(middle))).unwrap_or(middle)
    }

    /// The more of those entries at the beginning or the end whose heads differ at most in how many bytes follow, if they are many.
    pub(super) fn tied_run(&self) -> Option<Range<usize>> {
        let heads = &self.heads[..self.len()];
        let alike = |a: u64, b: u64| (a ^ b) <= 0xFF;
        let (first, last) = (*heads.first()?, *heads.last()?);
        let begin = heads.iter().take_while(|head| alike(**head, first)).count();
        let end = heads.iter().rev().take_while(|head| alike(**head, last)).count();
        let run = if begin > end { 0..begin } else { heads.len() - end..heads.len() };
        (run.len() >= MANY).then_some(run)
    }

    /// A leaf of the entries from `middle` on, without ends.
    pub(super) fn behind(&self, middle: usize) -> Leaf {
        let mut behind = Leaf::new(self.stamp_before(middle));
        behind.prefix = self.prefix;
        behind.append(self, middle..self.len());
        behind
    }

    /// A leaf of the entries from `middle` on, without ends, which begins with the key of the first of them. A border there is
    /// said by its base.
    pub(super) fn upper(&self, middle: usize, keys: &mut KeyLog) -> Leaf {
        if self.is_point(middle) {
            return self.behind(middle);
        }
        self.free(middle, keys);
        self.behind(middle + 1)
    }

    /// Moves keys that keep memory from being given back.
    #[cold]
    pub(super) fn move_keys(&mut self, keys: &mut KeyLog) {
        for at in 0..self.len() {
            if !is_whole(self.heads[at]) && keys.is_condemned(self.keys[at]) {
                self.keys[at] = keys.restore(self.keys[at]);
            }
        }
    }

    /// Changes how many bytes the heads leave out. `shared` are those that they left out so far.
    pub(super) fn set_prefix(&mut self, (keys, fences): (&mut KeyLog, &Keys), prefix: usize, shared: &[u8]) {
        if self.prefix as usize != prefix {
            self.prefix = prefix as u32;
            self.stores = false;
            for at in 0..self.len() {
                let (head, key) = rehead(keys, (self.heads[at], self.keys[at]), shared, prefix);
                (self.heads[at], self.keys[at]) = (head, key);
                self.stores |= !is_whole(head);
            }
        }
        self.high_head = if self.high == NONE { PAST } else { head(fences.get(self.high), prefix) };
    }

    /// The greatest version of an entry or of the base.
    pub(super) fn newest(&self) -> Stamp {
        self.stamps[..self.len()].iter().copied().fold(self.base, Stamp::max)
    }
}

/// A mask of the bits below `at`.
#[inline]
fn below(at: usize) -> u32 {
    ((1u64 << at) - 1) as u32
}
