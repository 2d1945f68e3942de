//! An inner node: where the leaves of a stretch of keys are.

use super::leaf::{LeafId, NO_LEAF};
use crate::resolve::keys::{KeyRef, Keys, NONE, PAST, common, head, is_whole, search};

/// Leaves of an inner node; fewer in tests.
pub(super) const FAN: usize = if cfg!(test) { 4 } else { 32 };

/// An inner node: leaves in key order, each with the least key that belongs to it.
#[derive(Debug, Clone)]
#[repr(align(64))]
pub(super) struct Inner {
    /// The first is below all keys; `PAST` behind the last.
    pub(super) heads: [u64; FAN],
    pub(super) children: [LeafId; FAN],
    pub(super) lows: [KeyRef; FAN],
    len: u32,
    /// All keys that belong here share so many bytes, and all lows but the first one so many: the heads leave
    /// these out.
    pub(super) prefix: u32,
    depth: u32,
}

impl Inner {
    pub(super) fn of_one(leaf: LeafId) -> Self {
        let mut children = [NO_LEAF; FAN];
        children[0] = leaf;
        let mut heads = [PAST; FAN];
        heads[0] = 0;
        Self { heads, children, lows: [NONE; FAN], len: 1, prefix: 0, depth: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len as usize
    }

    pub(super) fn children(&self) -> &[LeafId] {
        &self.children[..self.len()]
    }

    pub(super) fn last(&self) -> LeafId {
        self.children[self.len() - 1]
    }

    pub(super) fn insert(&mut self, at: usize, (head, low, child): (u64, KeyRef, LeafId)) {
        let len = self.len();
        self.heads.copy_within(at..len, at + 1);
        self.lows.copy_within(at..len, at + 1);
        self.children.copy_within(at..len, at + 1);
        (self.heads[at], self.lows[at], self.children[at]) = (head, low, child);
        self.heads[0] = 0;
        self.len += 1;
    }

    pub(super) fn remove(&mut self, at: usize) {
        let len = self.len();
        self.heads.copy_within(at + 1..len, at);
        self.lows.copy_within(at + 1..len, at);
        self.children.copy_within(at + 1..len, at);
        self.truncate(len - 1);
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.heads[len..self.len as usize].fill(PAST);
        self.heads[0] = 0;
        self.len = len as u32;
        if len < 2 {
            // No low is left to share anything.
            self.depth = self.prefix;
        }
    }

    /// Where to split a full node: near the middle, where neighbours share least, so that what is on either
    /// side shares more.
    pub(super) fn best_split(&self, keys: &Keys) -> usize {
        let shared = |at: usize| common(keys.get(self.lows[at - 1]), keys.get(self.lows[at]));
        // The first child's low is the node's, and may be none.
        let splits = (FAN / 4..=FAN * 3 / 4).filter(|at| *at > 1);
        splits.min_by_key(|at| (shared(*at), at.abs_diff(FAN / 2))).unwrap_or(FAN / 2)
    }

    /// The child of a key, given its head.
    #[inline]
    pub(super) fn child(&self, keys: &Keys, key: &[u8]) -> LeafId {
        if self.depth > self.prefix {
            let shared = &keys.get(self.lows[1])[..self.depth as usize];
            let same = common(key, shared);
            if same < shared.len() {
                return if key.get(same) < shared.get(same) { self.children[0] } else { self.last() };
            }
        }
        let head = head(key, self.depth as usize);
        // Those less than the head; the first counts always, and stands for itself.
        let at = search(&self.heads, head).max(1);
        if at >= FAN || self.heads[at] != head {
            return self.children[(at - 1) & (FAN - 1)];
        }
        self.children[at - 1 + tied(&self.heads[at..self.len()], &self.lows[at..self.len()], keys, key, head)]
    }

    /// Notes how many bytes all keys that belong here share. The first child's low is the node's own: not compared.
    pub(super) fn set_prefix(&mut self, keys: &Keys, prefix: usize) {
        let len = self.len();
        let depth = if len > 2 { common(keys.get(self.lows[1]), keys.get(self.lows[len - 1])) } else { 0 };
        let depth = depth.max(prefix);
        (self.prefix, self.depth) = (prefix as u32, depth as u32);
        for at in 1..len {
            self.heads[at] = head(keys.get(self.lows[at]), depth);
        }
    }

    /// Puts a leaf behind the one at `at`.
    pub(super) fn insert_behind(&mut self, at: usize, keys: &Keys, low: KeyRef, leaf: LeafId) {
        let (key, depth) = (keys.get(low), self.depth as usize);
        let is_like_others = self.depth == self.prefix || common(key, keys.get(self.lows[1])) >= depth;
        let head = if is_like_others { head(key, depth) } else { 0 };
        self.insert(at + 1, (head, low, leaf));
        if !is_like_others {
            self.set_prefix(keys, self.prefix as usize);
        }
    }
}

/// How many of the keys whose heads are `head`, which come first, are at most `key`.
#[inline(never)]
pub(super) fn tied(heads: &[u64], lows: &[KeyRef], keys: &Keys, key: &[u8], head: u64) -> usize {
    if is_whole(head) {
        return 1;
    }
    let tied = heads.partition_point(|h| *h == head);
    lows[..tied].partition_point(|low| keys.get(*low) <= key)
}
