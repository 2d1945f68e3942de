//! Gives back what the floor has passed, a little with every few writes.

use super::leaf::{CAP, NO_LEAF, SPARE};
use super::{Brief, FIRST, Tree};
use crate::resolve::keys::{NONE, common};
use skewer_kernels::{prefetch_range, prefetch_read};

/// A leaf is cleaned again after so many writes for each leaf that there is: a fifth to two fifths of a window
/// of points or ranges. So long, half of it on average, dead entries may stay among living ones.
const CLEANED_AFTER: u32 = 4;
/// Where there are fewer leaves, they are cleaned as seldom as if there were so many: what is dead there is little, and
/// a full leaf is cleaned anyway.
const FEW: u32 = if cfg!(test) { 1 } else { 16 };
/// So few looks may be put off to a later call.
const LITTLE: u32 = 8;
/// So many leaves before it cleans them, the sweep fetches them.
const AHEAD: u32 = 16;

impl Tree {
    /// Looks at one leaf for each write since the last call, in the order in which they lie in memory: constant work a write. Before
    /// that, makes room, or merges leaves, where that was put off some time ago; one of both is enough for a call that comes alone.
    #[inline]
    pub(in crate::resolve) fn sweep(&mut self) {
        if self.relieve_crowd() && self.owed < LITTLE {
            // Enough for once: what is owed stays so.
            return;
        }
        // Who wrote much pays for it.
        let may_put_off = self.is_alone && self.owed <= LITTLE;
        for _ in 0..std::mem::take(&mut self.owed) {
            let at = self.sweep_at;
            if self.is_due(at) {
                self.clean(at, may_put_off);
            }
            self.sweep_at += 1;
            if self.sweep_at as usize >= self.leaves.len() {
                self.begin_sweep();
            }
        }
    }

    /// Begins anew with the first leaf.
    #[cold]
    fn begin_sweep(&mut self) {
        (self.sweep_at, self.swept_ahead) = (FIRST, FIRST);
        self.rotations = self.rotations.wrapping_add(1);
        if self.rotations.is_multiple_of(8) {
            self.lengthen_common();
        }
    }

    /// Fetches what the sweep will look at soon, each leaf once.
    #[inline]
    pub(super) fn foresee_sweep(&mut self) {
        let end = (self.sweep_at + AHEAD).min(self.leaves.len() as u32);
        while self.swept_ahead < end {
            let at = self.swept_ahead;
            if self.is_due(at) {
                self.foresee(at);
                if let Some(next) = self.leaves.get(self.next(at) as usize) {
                    prefetch_read(std::slice::from_ref(&next.points), 0);
                }
            }
            self.swept_ahead += 1;
        }
    }

    /// Fetches a leaf, if there is one.
    pub(super) fn foresee(&self, at: u32) {
        if let Some(leaf) = self.leaves.get(at as usize) {
            prefetch_read(std::slice::from_ref(&leaf.points), 0);
            prefetch_range(&leaf.heads, 0, CAP);
            prefetch_range(&leaf.stamps, 0, CAP);
        }
    }

    /// Whether a leaf is dead as a whole, or was not cleaned for long.
    #[inline]
    fn is_due(&self, at: u32) -> bool {
        let brief = self.brief(at);
        let after = CLEANED_AFTER * FEW.max(self.leaves.len() as u32);
        let is_old = brief.newest <= self.floor || self.writes.wrapping_sub(brief.cleaned) > after;
        is_old && !is_spare(brief)
    }

    /// Drops what is dead in a leaf.
    pub(super) fn compact(&mut self, at: u32) {
        self.leaves[at as usize].compact(&mut self.log, self.floor);
        if self.log.has_condemned() {
            self.leaves[at as usize].move_keys(&mut self.log);
        }
        self.briefs[at as usize].cleaned = self.writes;
    }

    /// Drops what is dead in a leaf, and merges leaves that are sparse: later, if that may be put off.
    fn clean(&mut self, at: u32, may_put_off: bool) {
        self.compact(at);
        if self.is_sparse(at) && !(may_put_off && self.put_off(at)) {
            self.merge_next(at);
        }
        let next = self.next(at);
        if next != NO_LEAF && self.is_due(next) {
            self.foresee(next);
        }
    }

    /// Keys that shortened the common prefix may be gone.
    fn lengthen_common(&mut self) {
        let (mut low, mut high) = (std::mem::take(&mut self.longer), std::mem::take(&mut self.other));
        low.clear();
        high.clear();
        if self.append_ends(&mut low, &mut high) {
            let shared = common(&low, &high);
            if shared > self.common.len() {
                self.set_common(&low[..shared]);
            }
        }
        (self.longer, self.other) = (low, high);
    }

    /// Appends the least and the greatest boundary, if there are any.
    fn append_ends(&self, least: &mut Vec<u8>, greatest: &mut Vec<u8>) -> bool {
        let (front, back) = (self.leaf(FIRST), self.leaf(self.last()));
        match (front.len(), front.high) {
            (0, NONE) => return false,
            (0, high) => least.extend_from_slice(self.fences.get(high)),
            _ => self.append_key(front, 0, least),
        }
        match back.len() {
            0 => greatest.extend_from_slice(self.fences.get(back.low)),
            len => self.append_key(back, len - 1, greatest),
        }
        true
    }
}

/// Whether a leaf is none at present.
pub(super) fn is_spare(brief: Brief) -> bool {
    brief.next == SPARE
}
