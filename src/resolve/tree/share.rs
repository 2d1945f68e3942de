//! A full leaf gives entries to the next one, if that has room: so leaves stay fuller than if each of them split.

use skewer_kernels::prefetch_read;

use super::Tree;
use super::leaf::{CAP, LeafId, NO_LEAF};
use super::route::slot_of;
use crate::resolve::keys::KeyRef;

/// After sharing both leaves have room for so many entries together, lest they share again soon.
const ROOM: usize = if cfg!(test) { 4 } else { 3 * CAP / 8 };

impl Tree {
    /// Fetches what sharing, splitting or merging a leaf will touch, all at once instead of one after the other.
    pub(super) fn foresee_room(&self, at: LeafId) {
        let leaf = self.leaf(at);
        let next = self.next(at);
        self.foresee(next);
        prefetch_read(&self.briefs, next as usize);
        self.spare_leaves.last().into_iter().for_each(|spare| self.foresee(*spare));
        [leaf.low, leaf.high].into_iter().for_each(|end| self.fences.foresee(end));
        self.inners[leaf.parent as usize].foresee();
    }

    /// Fetches what [`foresee_room`](Self::foresee_room) asked for leads to.
    pub(super) fn foresee_more_room(&self, at: LeafId) {
        if let Some(next) = self.leaves.get(self.next(at) as usize) {
            self.fences.foresee(next.high);
        }
        self.inners[self.leaf(at).parent as usize].foresee_shared(&self.fences);
    }

    /// Evens a full leaf and the next one out, and returns whether it did.
    pub(super) fn share(&mut self, at: LeafId) -> bool {
        let next = self.next(at);
        if next == NO_LEAF || self.leaf(at).parent != self.leaf(next).parent {
            return false;
        }
        if self.leaf(at).len() + self.leaf(next).len() + ROOM > 2 * CAP {
            self.compact(next);
        }
        let (a, b) = (self.leaf(at).len(), self.leaf(next).len());
        if a + b + ROOM > 2 * CAP || self.would_tie([at, next]) {
            return false;
        }
        let Some(seam) = self.seam(at, next) else { return false };
        let middle = (a + b).div_ceil(2);
        let middle = self.leaf(at).best_cut(middle - ROOM / 4..=(middle + ROOM / 4).min(a - 1));
        self.move_up(at, next, middle, seam == Seam::Border);
        true
    }

    /// What becomes of the border between two leaves where it is no longer one of leaves; `None` if it has to stay.
    pub(super) fn seam(&self, at: LeafId, next: LeafId) -> Option<Seam> {
        let (leaf, behind) = (self.leaf(at), self.leaf(next));
        let low = self.fences.get(behind.low);
        let double = behind.find(&self.log, low, behind.head(low)) == (0, true);
        let (before, base) = (leaf.stamp_before(leaf.len()), behind.base);
        let same = base == before || (base <= self.floor && before <= self.floor);
        // A point on a border takes two entries where no leaf's end says the border: leave it.
        match (double, same) {
            (true, false) if behind.is_point(0) => None,
            (false, false) => Some(Seam::Border),
            _ => Some(Seam::Nothing),
        }
    }

    /// Moves the entries from `middle` on to the next leaf; `border` if the end between both has to become an entry.
    fn move_up(&mut self, at: LeafId, next: LeafId, middle: usize, border: bool) {
        let low = self.store_key_of(at, middle);
        let mut moved = self.leaves[at as usize].upper(middle, &mut self.log);
        let (old_low, old_base, high) = (self.leaf(next).low, self.leaf(next).base, self.leaf(next).high);
        let prefix = self.prefix_between(low, high);
        moved.set_prefix((&mut self.log, &self.fences), prefix, &self.shared);
        self.note_shared(next);
        let leaf = &mut self.leaves[next as usize];
        (leaf.low, leaf.base) = (low, moved.base);
        leaf.set_prefix((&mut self.log, &self.fences), prefix, &self.shared);
        if border {
            moved.push_border(self.fences.get(old_low), old_base, &mut self.log);
        }
        leaf.open(0..0, moved.len());
        leaf.put(0, &moved, 0..moved.len());
        self.end_at(at, middle, low);
        self.readopt(next, low);
        self.fences.free(old_low);
        self.note_newest(at);
        self.note_newest(next);
        self.note_reshaped([at, next]);
    }

    /// Gives a leaf that is not the first of its inner node another least key.
    fn readopt(&mut self, at: LeafId, low: KeyRef) {
        let inner = &mut self.inners[self.leaves[at as usize].parent as usize];
        let slot = slot_of(inner, at);
        inner.remove(slot);
        inner.insert_behind(slot - 1, &self.fences, low, at);
    }
}

/// What a border between leaves becomes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Seam {
    Nothing,
    Border,
}
