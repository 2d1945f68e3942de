//! From a key to its leaf, and how leaves and inner nodes split and merge.

use skewer_kernels::prefetch_read;

use super::leaf::{CAP, Entry, Leaf, LeafId, NO_LEAF, count_less};
use super::{FIRST, Tree};
use crate::resolve::Version;
use crate::resolve::keys::{KeyRef, Keys, NONE, common, head, is_whole};

/// Leaves of an inner node; fewer in tests.
const FAN: usize = if cfg!(test) { 4 } else { 32 };

/// An inner node: leaves in key order, each with the least key that belongs to it.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub(super) struct Inner {
    heads: [u64; FAN],
    children: [LeafId; FAN],
    lows: [KeyRef; FAN],
    len: u32,
    prefix: u32,
}

impl Inner {
    pub(super) fn of_one(leaf: LeafId) -> Self {
        let mut children = [NO_LEAF; FAN];
        children[0] = leaf;
        Self { heads: [0; FAN], children, lows: [NONE; FAN], len: 1, prefix: 0 }
    }

    fn len(&self) -> usize {
        self.len as usize
    }

    pub(super) fn children(&self) -> &[LeafId] {
        &self.children[..self.len()]
    }

    pub(super) fn last(&self) -> LeafId {
        self.children[self.len() - 1]
    }

    fn insert(&mut self, at: usize, (head, low, child): (u64, KeyRef, LeafId)) {
        let len = self.len();
        self.heads.copy_within(at..len, at + 1);
        self.lows.copy_within(at..len, at + 1);
        self.children.copy_within(at..len, at + 1);
        (self.heads[at], self.lows[at], self.children[at]) = (head, low, child);
        self.len += 1;
    }

    fn remove(&mut self, at: usize) {
        let len = self.len();
        self.heads.copy_within(at + 1..len, at);
        self.lows.copy_within(at + 1..len, at);
        self.children.copy_within(at + 1..len, at);
        self.len -= 1;
    }

    /// Changes how many bytes the heads leave out. The first child's low is the node's own: not compared.
    fn set_prefix(&mut self, keys: &Keys, prefix: usize) {
        self.prefix = prefix as u32;
        for at in 1..self.len() {
            self.heads[at] = head(keys.get(self.lows[at]), prefix);
        }
    }
}

/// The inner nodes in key order, each with the least key that belongs to it (the first one's is not compared).
#[derive(Debug)]
pub(super) struct Root {
    heads: Vec<u64>,
    lows: Vec<KeyRef>,
    inners: Vec<u32>,
}

impl Root {
    pub(super) fn of_one(inner: u32) -> Self {
        Self { heads: vec![0], lows: vec![NONE], inners: vec![inner] }
    }

    pub(super) fn last(&self) -> u32 {
        self.inners[self.inners.len() - 1]
    }

    pub(super) fn place_of(&self, inner: u32) -> usize {
        self.inners.iter().position(|i| *i == inner).unwrap_or(0)
    }

    pub(super) fn behind(&self, place: usize) -> &[u32] {
        &self.inners[place + 1..]
    }

    /// The least key that no longer belongs to the inner node at `place`.
    pub(super) fn high(&self, place: usize) -> KeyRef {
        self.lows.get(place + 1).copied().unwrap_or(NONE)
    }

    pub(super) fn bytes(&self) -> usize {
        self.inners.capacity() * (size_of::<u64>() + 2 * size_of::<u32>())
    }
}

/// How many of `lows`, of which the first is not compared and counts, are at most `key`; less one.
#[inline]
fn child(heads: &[u64], lows: &[KeyRef], keys: &Keys, key: &[u8], prefix: usize) -> usize {
    if heads.len() < 2 {
        return 0;
    }
    let head = head(key, prefix);
    let (heads, lows) = (&heads[1..], &lows[1..]);
    let at = count_less(heads, heads.len(), head);
    if heads.get(at) != Some(&head) {
        return at;
    }
    if is_whole(head) {
        return at + 1;
    }
    let tied = heads[at..].partition_point(|h| *h == head);
    at + lows[at..at + tied].partition_point(|low| keys.get(*low) <= key)
}

impl Tree {
    /// The leaf of a key that begins with the common prefix: two searches of heads.
    #[inline]
    pub(super) fn route(&self, key: &[u8]) -> LeafId {
        self.route_in(self.route_to_inner(key), key)
    }

    /// The first half of [`route`](Self::route).
    #[inline]
    pub(super) fn route_to_inner(&self, key: &[u8]) -> u32 {
        let place = child(&self.root.heads, &self.root.lows, &self.keys, key, self.common.len());
        self.root.inners[place]
    }

    /// The second half.
    #[inline]
    pub(super) fn route_in(&self, inner: u32, key: &[u8]) -> LeafId {
        let inner = &self.inners[inner as usize];
        let len = inner.len().min(FAN);
        let slot = child(&inner.heads[..len], &inner.lows[..len], &self.keys, key, inner.prefix as usize);
        inner.children[slot]
    }

    /// Fetches what [`route_in`](Self::route_in) reads.
    #[inline]
    pub(super) fn prefetch_inner(&self, inner: u32) {
        if let Some(inner) = self.inners.get(inner as usize) {
            (0..FAN / 8).for_each(|line| prefetch_read(&inner.heads, line * 8));
            (0..FAN / 16).for_each(|line| prefetch_read(&inner.children, line * 16));
            prefetch_read(std::slice::from_ref(&inner.len), 0);
        }
    }

    /// The length of the prefix that all keys from `low` up to `high` share.
    fn prefix_between(&self, low: KeyRef, high: KeyRef) -> usize {
        if low == NONE || high == NONE {
            return self.common.len();
        }
        common(self.keys.get(low), self.keys.get(high))
    }

    fn fit_leaf(&mut self, at: LeafId) {
        let (low, high) = (self.leaf(at).low, self.leaf(at).high);
        let prefix = self.prefix_between(low, high);
        self.leaves[at as usize].set_prefix(&self.keys, prefix);
    }

    fn fit_inner(&mut self, place: usize) {
        let prefix = self.prefix_between(self.root.lows[place], self.root.high(place));
        self.inners[self.root.inners[place] as usize].set_prefix(&self.keys, prefix);
    }

    /// Lets the prefix common to all boundaries be `prefix`, and fits the nodes that go by it.
    pub(super) fn set_common(&mut self, prefix: &[u8]) {
        self.common.clear();
        self.common.extend_from_slice(prefix);
        for at in 1..self.root.lows.len() {
            self.root.heads[at] = head(self.keys.get(self.root.lows[at]), prefix.len());
        }
        self.fit_inner(0);
        self.fit_inner(self.root.inners.len() - 1);
        self.fit_leaf(FIRST);
        self.fit_leaf(self.last());
    }

    /// Moves the upper part of a leaf to a new one behind it.
    pub(super) fn split(&mut self, at: LeafId) {
        let old = self.leaf(at);
        // The last leaf mostly grows at its end: leave it full.
        let middle = if old.next == NO_LEAF { CAP - CAP / 8 } else { CAP / 2 };
        let middle = middle.min(old.len() - 1);
        let mut new = Leaf::new(old.version_before(middle));
        (new.prefix, new.next, new.high) = (old.prefix, old.next, old.high);
        (middle..old.len()).for_each(|entry| new.push(old.entry(entry)));
        let first = new.entry(0);
        let low = if first.point {
            self.longer.clear();
            self.longer.extend_from_slice(self.keys.get(first.key));
            self.keys.store(&self.longer)
        } else {
            // A border there is said by the leaf's end and base.
            new.base = first.version;
            new.open(0..1, 0);
            first.key
        };
        new.low = low;
        let id = self.add_leaf(new);
        let old = self.leaf_mut(at);
        old.len = middle as u32;
        old.points &= (1 << middle) - 1;
        (old.next, old.high) = (id, low);
        self.fit_leaf(at);
        self.fit_leaf(id);
        self.newest[at as usize] = self.leaf(at).newest();
        self.newest[id as usize] = self.leaf(id).newest();
        self.reshaped.push(at);
        self.adopt(at, id, low);
    }

    fn add_leaf(&mut self, leaf: Leaf) -> LeafId {
        if let Some(id) = self.spare_leaves.pop() {
            self.leaves[id as usize] = leaf;
            return id;
        }
        self.leaves.push(leaf);
        self.newest.push(Version::MIN);
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
        let head = head(self.keys.get(low), inner.prefix as usize);
        let slot = slot_of(inner, at) + 1;
        inner.insert(slot, (head, low, new));
        let newest = self.newest[new as usize].max(self.newest[at as usize]);
        self.inner_newest[parent as usize] = self.inner_newest[parent as usize].max(newest);
    }

    #[cold]
    fn split_inner(&mut self, at: u32) {
        let place = self.root.place_of(at);
        let middle = if place + 1 == self.root.inners.len() { FAN - FAN.div_ceil(8) } else { FAN / 2 };
        let old = &mut self.inners[at as usize];
        let mut new = Inner::of_one(NO_LEAF);
        new.len = 0;
        for slot in middle..FAN {
            new.insert(slot - middle, (old.heads[slot], old.lows[slot], old.children[slot]));
        }
        old.len = middle as u32;
        let low = new.lows[0];
        let id = if let Some(id) = self.spare_inners.pop() {
            self.inners[id as usize] = new;
            id
        } else {
            self.inners.push(new);
            self.inner_newest.push(Version::MIN);
            (self.inners.len() - 1) as u32
        };
        self.root.heads.insert(place + 1, head(self.keys.get(low), self.common.len()));
        self.root.lows.insert(place + 1, low);
        self.root.inners.insert(place + 1, id);
        for place in [place, place + 1] {
            self.fit_inner(place);
            self.take_over(self.root.inners[place]);
        }
    }

    /// Makes an inner node the parent of its leaves, and its newest version theirs.
    fn take_over(&mut self, at: u32) {
        let mut newest = Version::MIN;
        for leaf in self.inners[at as usize].children() {
            self.leaves[*leaf as usize].parent = at;
            newest = newest.max(self.newest[*leaf as usize]);
        }
        self.inner_newest[at as usize] = newest;
    }

    /// Moves the next leaf's entries into leaf `at` if both have the same parent and are sparse.
    pub(super) fn merge_next(&mut self, at: LeafId) {
        let next = self.leaf(at).next;
        if next == NO_LEAF {
            return;
        }
        let (a, b) = (self.leaf(at).len(), self.leaf(next).len());
        let most = if a == 0 || b == 0 { CAP - 2 } else { CAP * 3 / 4 };
        if a + b + 1 > most {
            return;
        }
        if self.leaf(at).parent != self.leaf(next).parent {
            self.merge_inner(self.leaf(at).parent);
            if self.leaf(at).parent != self.leaf(next).parent {
                return;
            }
        }
        let (leaf, behind) = (self.leaf(at), self.leaf(next));
        let first = (behind.len() > 0).then(|| self.keys.get(behind.keys[0]) == self.keys.get(behind.low));
        let double = first == Some(true);
        let (before, base) = (leaf.version_before(a), behind.base);
        let same = base == before || (base <= self.floor && before <= self.floor);
        // A point on a border takes two entries where no leaf's end says the border: leave it.
        if double && behind.is_point(0) && !same {
            return;
        }
        self.absorb(at, next, !double && !same);
    }

    /// Merges; `border` if the end between the two leaves has to become an entry.
    fn absorb(&mut self, at: LeafId, next: LeafId, border: bool) {
        let parent = self.leaf(next).parent as usize;
        let inner = &mut self.inners[parent];
        let slot = slot_of(inner, next);
        inner.remove(slot);
        let high = self.leaf(next).high;
        let prefix = self.prefix_between(self.leaf(at).low, high);
        let mut old = std::mem::replace(&mut self.leaves[next as usize], Leaf::new(self.floor));
        old.set_prefix(&self.keys, prefix);
        let leaf = &mut self.leaves[at as usize];
        (leaf.high, leaf.next) = (high, old.next);
        leaf.set_prefix(&self.keys, prefix);
        if border {
            let head = leaf.head(self.keys.get(old.low));
            leaf.push(Entry { head, key: old.low, version: old.base, point: false });
        } else {
            self.keys.free(old.low);
        }
        (0..old.len()).for_each(|entry| leaf.push(old.entry(entry)));
        self.newest[at as usize] = self.newest[at as usize].max(self.newest[next as usize]);
        self.spare_leaves.push(next);
        self.reshaped.extend([at, next]);
    }

    /// Moves the next inner node's leaves into inner node `at` if both are sparse.
    fn merge_inner(&mut self, at: u32) {
        let place = self.root.place_of(at);
        let Some(next) = self.root.behind(place).first().copied() else { return };
        let (a, b) = (self.inners[at as usize].len(), self.inners[next as usize].len());
        if a + b > FAN * 3 / 4 {
            return;
        }
        let old = self.inners[next as usize].clone();
        let inner = &mut self.inners[at as usize];
        for slot in 0..old.len() {
            let len = inner.len();
            let low = if slot == 0 { self.root.lows[place + 1] } else { old.lows[slot] };
            inner.insert(len, (old.heads[slot], low, old.children[slot]));
        }
        self.root.heads.remove(place + 1);
        self.root.lows.remove(place + 1);
        self.root.inners.remove(place + 1);
        self.spare_inners.push(next);
        self.fit_inner(place);
        self.take_over(at);
    }
}

fn slot_of(inner: &Inner, leaf: LeafId) -> usize {
    inner.children().iter().position(|c| *c == leaf).unwrap_or(0)
}
