//! Room is made in a full leaf before a write needs it, and sparse leaves are merged: some calls later, when all that this touches has
//! come from memory.

use super::Tree;
use super::leaf::{CAP, LeafId};
use super::sweep::is_spare;

/// So many leaves are noted at most.
const MOST: usize = 64;

/// Leaves that are nearly full, or sparse, and are to be changed, from the one that was noted first on.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    leaves: Vec<LeafId>,
    /// Of them, those that were noted before the last sweep, and before the last but one.
    seen: usize,
    ripe: usize,
}

impl Tree {
    /// Notes a leaf that was written to if it is full, or nearly.
    #[inline]
    pub(super) fn note_crowded(&mut self, at: LeafId) {
        if self.is_alone && self.leaf(at).len() + 2 > CAP {
            self.put_off(at);
        }
    }

    /// Notes a leaf that is to be changed later, unless many are; whether it did.
    #[inline(never)]
    pub(super) fn put_off(&mut self, at: LeafId) -> bool {
        let is_noted = self.crowd.leaves.len() < MOST;
        if is_noted {
            self.foresee_room(at);
            self.crowd.leaves.push(at);
        }
        is_noted
    }

    /// Makes room in a leaf that was noted some time ago, or merges it, or does that in two where many wait; whether that was
    /// needed.
    #[inline]
    pub(super) fn relieve_crowd(&mut self) -> bool {
        !self.crowd.leaves.is_empty() && self.relieve_ripe()
    }

    #[inline(never)]
    fn relieve_ripe(&mut self) -> bool {
        let mut crowd = std::mem::take(&mut self.crowd);
        let count = crowd.ripe.min(if crowd.leaves.len() > MOST / 2 { 2 } else { 1 });
        let mut has_relieved = false;
        for at in crowd.leaves.drain(..count) {
            if is_spare(self.brief(at)) {
                continue;
            }
            has_relieved |= if self.leaf(at).len() + 2 > CAP {
                self.relieve(at);
                true
            } else {
                self.merge_next(at)
            };
        }
        // What those noted since the last sweep need has come meanwhile: now what that leads to.
        let (seen, all) = (crowd.seen - count, crowd.leaves.len());
        crowd.leaves[seen..].iter().for_each(|at| self.foresee_more_room(*at));
        (crowd.ripe, crowd.seen) = (seen, all);
        self.crowd = crowd;
        has_relieved
    }

    /// Drops what is dead in a leaf, or else shares with the next one, or splits.
    pub(super) fn relieve(&mut self, at: LeafId) {
        self.compact(at);
        if self.leaf(at).len() + 2 > CAP && !self.share(at) {
            self.split(at);
        }
    }
}
