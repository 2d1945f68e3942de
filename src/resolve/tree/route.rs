//! From a key to its leaf, and how leaves and inner nodes split and merge.

use skewer_kernels::prefetch_read;

use super::inner::{FAN, Inner};
use super::leaf::{CAP, Leaf, LeafId, MANY, NO_LEAF, SPARE};
use super::share::Seam;
use super::{Brief, FIRST, Tree};
use crate::resolve::keys::{KeyRef, NONE, common};
use crate::resolve::stamps::Stamp;

impl Tree {
    /// The leaf of a key that begins with the common prefix: two searches of heads.
    #[inline]
    pub(super) fn route(&self, key: &[u8]) -> LeafId {
        self.route_in(self.route_to_inner(key), key)
    }

    /// The first half of [`route`](Self::route).
    #[inline]
    pub(super) fn route_to_inner(&self, key: &[u8]) -> u32 {
        self.root.inners[self.root.place(&self.fences, key, self.common.len())]
    }

    /// The second half.
    #[inline]
    pub(super) fn route_in(&self, inner: u32, key: &[u8]) -> LeafId {
        self.inners[inner as usize].child(&self.fences, key)
    }

    /// Fetches what [`route_in`](Self::route_in) reads.
    #[inline]
    pub(super) fn prefetch_inner(&self, inner: u32) {
        if let Some(inner) = self.inners.get(inner as usize) {
            (0..FAN / 8).for_each(|line| prefetch_read(&inner.heads, line * 8));
            (0..FAN / 16).for_each(|line| prefetch_read(&inner.children, line * 16));
            prefetch_read(std::slice::from_ref(&inner.prefix), 0);
        }
    }

    /// The length of the prefix that all keys from `low` up to `high` share.
    pub(super) fn prefix_between(&self, low: KeyRef, high: KeyRef) -> usize {
        if low == NONE || high == NONE {
            return self.common.len();
        }
        common(self.fences.get(low), self.fences.get(high))
    }

    /// Notes the bytes that a leaf's heads leave out, before its ends change.
    pub(super) fn note_shared(&mut self, at: LeafId) {
        let mut shared = std::mem::take(&mut self.shared);
        shared.clear();
        shared.extend_from_slice(self.prefix_of(self.leaf(at)));
        self.shared = shared;
    }

    /// Lets a leaf's heads leave out what its ends share. What they left out so far is noted.
    fn fit_leaf(&mut self, at: LeafId) {
        let (low, high) = (self.leaf(at).low, self.leaf(at).high);
        let prefix = self.prefix_between(low, high);
        self.leaves[at as usize].set_prefix((&mut self.log, &self.fences), prefix, &self.shared);
    }

    fn fit_inner(&mut self, place: usize) {
        let prefix = self.prefix_between(self.root.lows[place], self.root.high(place));
        self.inners[self.root.inners[place] as usize].set_prefix(&self.fences, prefix);
    }

    /// Lets the prefix common to all boundaries be `prefix`, and fits the nodes that go by it.
    pub(super) fn set_common(&mut self, prefix: &[u8]) {
        let last = self.last();
        // What lies outside of all boundaries, and so may not begin with it, was led to these.
        self.note_reshaped([FIRST, last]);
        self.end_era();
        self.note_shared(FIRST);
        self.common.clear();
        self.common.extend_from_slice(prefix);
        self.root.set_prefix(&self.fences, prefix.len());
        self.fit_inner(0);
        self.fit_inner(self.root.inners.len() - 1);
        self.fit_leaf(FIRST);
        if last != FIRST {
            self.note_shared(last);
            self.fit_leaf(last);
        }
    }

    /// Moves the upper part of a leaf to a new one behind it. Where keys that are alike begin or end, that may be all or nothing: then
    /// there is room after another time or two.
    pub(super) fn split(&mut self, at: LeafId) {
        if let Some((middle, low)) = self.tied_cut(at) {
            let new = if self.begins_at(at, middle, low) {
                self.leaves[at as usize].upper(middle, &mut self.log)
            } else {
                self.leaf(at).behind(middle)
            };
            return self.split_off(at, new, (middle, low));
        }
        let old = self.leaf(at);
        // The last leaf mostly grows at its end: leave it full.
        let middle = if old.high == NONE { CAP - CAP / 8 } else { old.best_cut(CAP * 3 / 8..=CAP * 5 / 8) };
        let middle = middle.min(old.len() - 1);
        let low = self.store_key_of(at, middle);
        let new = self.leaves[at as usize].upper(middle, &mut self.log);
        self.split_off(at, new, (middle, low));
    }

    /// Puts a leaf of the entries from `middle` on, whose least key is stored at `low`, behind the one which has them so far.
    fn split_off(&mut self, at: LeafId, mut new: Leaf, (middle, low): (usize, KeyRef)) {
        (new.low, new.high) = (low, self.leaf(at).high);
        let id = self.add_leaf(new, self.next(at));
        self.end_at(at, middle, low);
        self.briefs[at as usize].next = id;
        self.fit_leaf(id);
        for at in [at, id] {
            self.note_newest(at);
            self.briefs[at as usize].cleaned = self.writes;
        }
        self.note_reshaped([at, id]);
        self.adopt(at, id, low);
    }

    /// Stores the key of an entry as an end of leaves, and notes the bytes that its leaf's heads leave out.
    pub(super) fn store_key_of(&mut self, at: LeafId, entry: usize) -> KeyRef {
        self.note_shared(at);
        let mut key = std::mem::take(&mut self.longer);
        key.clear();
        self.append_key(self.leaf(at), entry, &mut key);
        let place = self.fences.store(&key);
        self.longer = key;
        place
    }

    /// Lets a leaf end before entry `len`, whose key is stored at `high`; the entries from there on are another's now.
    /// The bytes that its heads leave out are noted after that.
    pub(super) fn end_at(&mut self, at: LeafId, len: usize, high: KeyRef) {
        self.note_shared(at);
        let leaf = self.leaf_mut(at);
        leaf.truncate(len);
        leaf.high = high;
        self.fit_leaf(at);
    }

    /// Lets the newest version that is known of a leaf be that of its entries.
    pub(super) fn note_newest(&mut self, at: LeafId) {
        self.briefs[at as usize].newest = self.leaf(at).newest();
    }

    fn add_leaf(&mut self, leaf: Leaf, next: LeafId) -> LeafId {
        let brief = Brief { newest: Stamp::MIN, next, cleaned: self.writes, reshaped: self.groups };
        if let Some(id) = self.spare_leaves.pop() {
            self.leaves[id as usize] = leaf;
            self.briefs[id as usize] = brief;
            return id;
        }
        if self.leaves.len() == self.leaves.capacity() {
            // By a quarter: what is not needed is memory lost.
            let room = self.leaves.len() * 5 / 4 + 16;
            super::grow(&mut self.leaves, room);
            super::grow(&mut self.briefs, room);
        }
        self.leaves.push(leaf);
        self.briefs.push(brief);
        (self.leaves.len() - 1) as LeafId
    }

    /// Puts leaf `new` right behind leaf `at`, under the same parent.
    fn adopt(&mut self, at: LeafId, new: LeafId, low: KeyRef) {
        if self.inners[self.leaf(at).parent as usize].len() == FAN {
            self.split_inner(self.leaf(at).parent);
        }
        let parent = self.leaf(at).parent;
        self.leaf_mut(new).parent = parent;
        let inner = &mut self.inners[parent as usize];
        let slot = slot_of(inner, at);
        inner.insert_behind(slot, &self.fences, low, new);
        let newest = self.brief(new).newest.max(self.brief(at).newest);
        self.inner_newest[parent as usize] = self.inner_newest[parent as usize].max(newest);
    }

    #[cold]
    fn split_inner(&mut self, at: u32) {
        self.end_era();
        self.inners[at as usize].foresee_lows(&self.fences);
        let place = self.root.place_of(at);
        let is_last = place + 1 == self.root.inners.len();
        let old = &mut self.inners[at as usize];
        let middle = if is_last { FAN - FAN.div_ceil(8) } else { old.best_split(&self.fences) };
        let new = old.take_from(middle);
        let low = new.lows[0];
        let id = if let Some(id) = self.spare_inners.pop() {
            self.inners[id as usize] = new;
            id
        } else {
            if self.inners.len() == self.inners.capacity() {
                let room = self.inners.len() * 5 / 4 + 4;
                super::grow(&mut self.inners, room);
                super::grow(&mut self.inner_newest, room);
            }
            self.inners.push(new);
            self.inner_newest.push(Stamp::MIN);
            (self.inners.len() - 1) as u32
        };
        self.root.insert(&self.fences, place + 1, (low, id), self.common.len());
        for place in [place, place + 1] {
            self.fit_inner(place);
            self.take_over(self.root.inners[place]);
        }
    }

    /// Makes an inner node the parent of its leaves, and its newest version theirs.
    fn take_over(&mut self, at: u32) {
        let mut newest = Stamp::MIN;
        for leaf in self.inners[at as usize].children() {
            self.leaves[*leaf as usize].parent = at;
            newest = newest.max(self.briefs[*leaf as usize].newest);
        }
        self.inner_newest[at as usize] = newest;
    }

    /// Whether a leaf and the next one have so few entries that one would do.
    pub(super) fn is_sparse(&self, at: LeafId) -> bool {
        let next = self.next(at);
        if next == NO_LEAF {
            return false;
        }
        let (a, b) = (self.leaf(at).len(), self.leaf(next).len());
        a + b < if a == 0 || b == 0 { CAP - 2 } else { CAP * 3 / 4 }
    }

    /// Moves the next leaf's entries into leaf `at` if both have the same parent and are sparse; whether it did.
    pub(super) fn merge_next(&mut self, at: LeafId) -> bool {
        if !self.is_sparse(at) {
            return false;
        }
        let next = self.next(at);
        if self.leaf(at).parent != self.leaf(next).parent {
            self.merge_inner(self.leaf(at).parent);
            if self.leaf(at).parent != self.leaf(next).parent {
                return false;
            }
        }
        if self.leaf(at).len() + self.leaf(next).len() > MANY && self.would_tie([at, next]) {
            return false;
        }
        let Some(seam) = self.seam(at, next) else { return false };
        self.absorb(at, next, seam == Seam::Border);
        true
    }

    /// Merges; `border` if the end between the two leaves has to become an entry.
    fn absorb(&mut self, at: LeafId, next: LeafId, border: bool) {
        let parent = self.leaf(next).parent as usize;
        let inner = &mut self.inners[parent];
        let slot = slot_of(inner, next);
        inner.remove(slot);
        let (low, high) = (self.leaf(at).low, self.leaf(next).high);
        let prefix = self.prefix_between(low, high);
        self.note_shared(next);
        let mut old = std::mem::replace(&mut self.leaves[next as usize], Leaf::new(self.floor));
        old.set_prefix((&mut self.log, &self.fences), prefix, &self.shared);
        self.note_shared(at);
        let leaf = &mut self.leaves[at as usize];
        leaf.high = high;
        leaf.set_prefix((&mut self.log, &self.fences), prefix, &self.shared);
        if border {
            leaf.push_border(self.fences.get(old.low), old.base, &mut self.log);
        }
        self.fences.free(old.low);
        leaf.append(&old, 0..old.len());
        let absorbed = self.brief(next);
        let brief = &mut self.briefs[at as usize];
        brief.next = absorbed.next;
        brief.newest = brief.newest.max(absorbed.newest);
        self.briefs[next as usize].next = SPARE;
        self.spare_leaves.push(next);
        self.note_reshaped([at, next]);
    }

    /// Moves the next inner node's leaves into inner node `at` if both are sparse.
    fn merge_inner(&mut self, at: u32) {
        let place = self.root.place_of(at);
        let Some(next) = self.root.behind(place).first().copied() else { return };
        let (a, b) = (self.inners[at as usize].len(), self.inners[next as usize].len());
        if a + b > FAN * 3 / 4 {
            return;
        }
        self.end_era();
        let old = self.inners[next as usize].clone();
        let inner = &mut self.inners[at as usize];
        for slot in 0..old.len() {
            let len = inner.len();
            let low = if slot == 0 { self.root.lows[place + 1] } else { old.lows[slot] };
            inner.insert(len, (old.heads[slot], low, old.children[slot]));
        }
        self.root.remove(&self.fences, place + 1, self.common.len());
        self.spare_inners.push(next);
        self.fit_inner(place);
        self.take_over(at);
    }
}

pub(super) fn slot_of(inner: &Inner, leaf: LeafId) -> usize {
    inner.children().iter().position(|c| *c == leaf).unwrap_or(0)
}
