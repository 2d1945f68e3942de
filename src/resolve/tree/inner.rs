//! An inner node: where the leaves of a stretch of keys are.

use std::ops::Range;

use skewer_kernels::prefetch_range;

use super::leaf::{LeafId, NO_LEAF};
use super::seconds::{Depth, deepen, text_of, tied};
use crate::resolve::keys::{KeyRef, Keys, NONE, PAST, begins_with, common, head, search};

/// Leaves of an inner node; fewer in tests.
pub(super) const FAN: usize = if cfg!(test) { 4 } else { 32 };
/// Bytes that a node holds of those its heads leave out, so that a search need not look elsewhere.
const NEAR: usize = if cfg!(test) { 3 } else { 52 };

/// An inner node: leaves in key order, each with the least key that belongs to it.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub(super) struct Inner {
    /// The first is below all keys; `PAST` behind the last.
    pub(super) heads: [u64; FAN],
    len: u16,
    /// So many bytes of text are near.
    text: u16,
    /// All keys that belong here share so many bytes, and all lows but the first one so many: the heads leave
    /// these out.
    pub(super) prefix: u32,
    depth: u32,
    /// What the lows share behind the prefix, and then what two of them, and so most, if they are alike, have behind their heads, as
    /// far as it fits.
    near: [u8; NEAR],
    pub(super) children: [LeafId; FAN],
    pub(super) lows: [KeyRef; FAN],
    seconds: [u64; FAN],
    depths: [Depth; FAN],
}

impl Inner {
    pub(super) fn of_one(leaf: LeafId) -> Self {
        let mut children = [NO_LEAF; FAN];
        children[0] = leaf;
        let mut heads = [PAST; FAN];
        heads[0] = 0;
        Self {
            heads,
            len: 1,
            text: 0,
            prefix: 0,
            depth: 0,
            near: [0; NEAR],
            children,
            lows: [NONE; FAN],
            seconds: [0; FAN],
            depths: [Depth::default(); FAN],
        }
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

    /// Fetches all of it.
    pub(super) fn foresee(&self) {
        prefetch_range(&self.heads, 0, FAN);
        prefetch_range(std::slice::from_ref(&self.prefix), 0, 1);
        prefetch_range(&self.children, 0, FAN);
        prefetch_range(&self.lows, 0, FAN);
        prefetch_range(&self.seconds, 0, FAN);
        prefetch_range(&self.depths, 0, FAN);
    }

    pub(super) fn insert(&mut self, at: usize, (head, low, child): (u64, KeyRef, LeafId)) {
        let len = self.len();
        self.heads.copy_within(at..len, at + 1);
        self.lows.copy_within(at..len, at + 1);
        self.children.copy_within(at..len, at + 1);
        self.seconds.copy_within(at..len, at + 1);
        self.depths.copy_within(at..len, at + 1);
        (self.heads[at], self.lows[at], self.children[at]) = (head, low, child);
        self.heads[0] = 0;
        self.len += 1;
    }

    pub(super) fn remove(&mut self, at: usize) {
        let len = self.len();
        self.heads.copy_within(at + 1..len, at);
        self.lows.copy_within(at + 1..len, at);
        self.children.copy_within(at + 1..len, at);
        self.seconds.copy_within(at + 1..len, at);
        self.depths.copy_within(at + 1..len, at);
        self.truncate(len - 1);
    }

    /// A node of the leaves from `middle` on, which this one then lacks. What it is told apart by is to be set.
    pub(super) fn take_from(&mut self, middle: usize) -> Inner {
        let mut new = Inner::of_one(NO_LEAF);
        let (from, to) = (middle..self.len(), ..self.len() - middle);
        new.lows[to].copy_from_slice(&self.lows[from.clone()]);
        new.children[to].copy_from_slice(&self.children[from]);
        new.len = (self.len() - middle) as u16;
        self.truncate(middle);
        new
    }

    fn truncate(&mut self, len: usize) {
        self.heads[len..self.len as usize].fill(PAST);
        self.heads[0] = 0;
        self.len = len as u16;
        if len < 2 {
            // No low is left to share anything.
            (self.depth, self.text) = (self.prefix, 0);
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

    /// The child of a key.
    #[inline]
    pub(super) fn child(&self, keys: &Keys, key: &[u8]) -> LeafId {
        let (prefix, depth) = (self.prefix as usize, self.depth as usize);
        if depth > prefix {
            let (rest, near) = (&key[prefix..], self.near.get(..depth - prefix));
            let shared = near.unwrap_or_else(|| &keys.get(self.lows[1])[prefix..depth]);
            if !begins_with(rest, shared) {
                return if rest < shared { self.children[0] } else { self.last() };
            }
        }
        let head = head(key, depth);
        // Those less than the head; the first counts always, and stands for itself.
        let at = search(&self.heads, head).max(1);
        if at >= FAN || self.heads[at] != head {
            return self.children[(at - 1) & (FAN - 1)];
        }
        let here = at..self.len();
        let (here, others) =
            ((&self.heads[here.clone()], &self.lows[here]), (&self.seconds[at..], &self.depths[at..]));
        let text = (&self.near[self.text_at()], depth);
        self.children[at - 1 + tied(keys, here, others, text, (key, head))]
    }

    /// Where the text is among what is near.
    #[inline]
    fn text_at(&self) -> Range<usize> {
        let from = NEAR.min((self.depth - self.prefix) as usize);
        from..from + self.text as usize
    }

    /// Notes how many bytes all keys that belong here share. The first child's low is the node's own: not compared.
    pub(super) fn set_prefix(&mut self, keys: &Keys, prefix: usize) {
        let len = self.len();
        self.foresee_lows(keys);
        let depth = if len > 2 { common(keys.get(self.lows[1]), keys.get(self.lows[len - 1])) } else { 0 };
        let depth = depth.max(prefix);
        (self.prefix, self.depth) = (prefix as u32, depth as u32);
        if let Some(near) = self.near.get_mut(..depth - prefix)
            && depth > prefix
        {
            near.copy_from_slice(&keys.get(self.lows[1])[prefix..depth]);
        }
        self.text = 0;
        if len > 2
            && let Some(rest) = self.near.get_mut(depth - prefix..)
        {
            let text = text_of(keys, [self.lows[1], self.lows[2]], depth);
            let fits = text.len().min(rest.len());
            rest[..fits].copy_from_slice(&text[..fits]);
            self.text = fits as u16;
        }
        for at in 1..len {
            self.heads[at] = head(keys.get(self.lows[at]), depth);
        }
        let mut at = 1;
        while at < len {
            at = self.deepen(keys, at);
        }
    }

    /// Fetches the key that a new low is compared with.
    pub(super) fn foresee_shared(&self, keys: &Keys) {
        if self.depth > self.prefix {
            keys.foresee(self.lows[1]);
        }
    }

    /// Fetches the keys that tell leaves apart.
    pub(super) fn foresee_lows(&self, keys: &Keys) {
        self.lows[..self.len()].iter().for_each(|low| keys.foresee(*low));
    }

    /// Renews the second heads beside `at`, and returns where other heads begin.
    fn deepen(&mut self, keys: &Keys, at: usize) -> usize {
        let text = (&self.near[self.text_at()], self.depth as usize);
        let here = (&self.heads[1..self.len as usize], &self.lows[1..self.len as usize]);
        let others = (&mut self.seconds[1..], &mut self.depths[1..]);
        1 + deepen(keys, here, others, text, at - 1)
    }

    /// Puts a leaf behind the one at `at`.
    pub(super) fn insert_behind(&mut self, at: usize, keys: &Keys, low: KeyRef, leaf: LeafId) {
        let (key, depth) = (keys.get(low), self.depth as usize);
        let is_like_others = self.depth == self.prefix || common(key, keys.get(self.lows[1])) >= depth;
        let head = if is_like_others { head(key, depth) } else { 0 };
        self.insert(at + 1, (head, low, leaf));
        if is_like_others {
            self.deepen(keys, at + 1);
        } else {
            self.set_prefix(keys, self.prefix as usize);
        }
    }
}
