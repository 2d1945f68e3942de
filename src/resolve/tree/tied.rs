//! Keys that are alike in more than a head says: where they begin and end, so do leaves, that heads leave out what they share.

use std::ops::Range;

use super::Tree;
use super::leaf::LeafId;
use crate::resolve::keys::{HEAD, KeyRef, NONE, common};

impl Tree {
    /// Where keys of which a leaf has many, and a neighbour others, begin or end, and what divides them from others there, stored: if
    /// they are alike in more than heads say. Then heads leave out what they begin with, and tell them apart.
    pub(super) fn tied_cut(&mut self, at: LeafId) -> Option<(usize, KeyRef)> {
        let run = self.leaf(at).tied_run()?;
        let (mut key, mut last) = (std::mem::take(&mut self.longer), std::mem::take(&mut self.other));
        key.clear();
        last.clear();
        self.append_key(self.leaf(at), run.start, &mut key);
        self.append_key(self.leaf(at), run.end - 1, &mut last);
        key.truncate(common(&key, &last));
        let cut = self.cut_beside(at, run, &mut key);
        let cut = cut.map(|middle| (middle, self.fences.store(&key)));
        (self.longer, self.other) = (key, last);
        cut
    }

    /// Whether the key of an entry, if there is one, is an end of leaves.
    pub(super) fn begins_at(&mut self, at: LeafId, entry: usize, end: KeyRef) -> bool {
        let mut key = std::mem::take(&mut self.longer);
        key.clear();
        if entry < self.leaf(at).len() {
            self.append_key(self.leaf(at), entry, &mut key);
        }
        let is_end = key == self.fences.get(end);
        self.longer = key;
        is_end
    }

    /// Where to cut a leaf whose entries of `run` begin with `key`, which becomes the key that divides.
    fn cut_beside(&self, at: LeafId, run: Range<usize>, key: &mut Vec<u8>) -> Option<usize> {
        let leaf = self.leaf(at);
        let is_long = |key: &[u8]| key.len() >= leaf.prefix as usize + HEAD;
        let is_alike = |end: KeyRef| end != NONE && self.fences.get(end).starts_with(key);
        match (is_alike(leaf.low), is_alike(leaf.high)) {
            (false, true) => is_long(key).then_some(run.start),
            (true, false) if leaf.high != NONE && is_long(key) => {
                let is_inside = succeed(key) && key.len() > leaf.prefix as usize;
                (is_inside && key[..] < *self.fences.get(leaf.high)).then_some(run.end)
            }
            _ => None,
        }
    }

    /// Whether heads in one of two neighbours no longer told its keys apart, were they those of both.
    pub(super) fn would_tie(&self, leaves: [LeafId; 2]) -> bool {
        let [at, next] = leaves.map(|at| self.leaf(at));
        let prefix = self.prefix_between(at.low, next.high);
        [at, next].iter().any(|leaf| leaf.len() > 1 && leaf.prefix as usize >= prefix + HEAD)
    }
}

/// Makes a key the least one above all that begin with it; whether there is any.
fn succeed(key: &mut Vec<u8>) -> bool {
    while let Some(last) = key.pop() {
        if let Some(above) = last.checked_add(1) {
            key.push(above);
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::NO_HINT;
    use super::*;
    use crate::resolve::batch::Span;
    use crate::resolve::keys::is_whole;

    /// Promise: keys of many hosts, which are alike in more than heads say, are mostly told apart by heads all the same.
    #[test]
    fn hosts_are_told_apart() {
        let mut tree = Tree::new(0);
        for version in 1..4_000 {
            let mixed = skewer_kernels::mix_one(version as u64);
            let (host, item) = (mixed % 60, mixed >> 32 & 31);
            let [start, end] = [item, item + 1].map(|at| format!("host{host:02}.example.org/items/{at:03}"));
            tree.write_range(NO_HINT, Span::new(start.as_bytes(), end.as_bytes()), version);
            tree.check();
        }
        let heads = || tree.leaves.iter().flat_map(|leaf| &leaf.heads[..leaf.len()]);
        let stored = heads().filter(|head| !is_whole(**head)).count();
        assert!(stored * 10 < heads().count(), "{stored} of {}", heads().count());
    }

    /// Promise: the successor of a key is above all that begin with it, and no key is between.
    #[test]
    fn successors_are_next() {
        let next = |key: &[u8]| {
            let mut key = key.to_vec();
            succeed(&mut key).then_some(key)
        };
        assert_eq!(next(b"ab"), Some(b"ac".to_vec()));
        assert_eq!(next(b"a\xFF\xFF"), Some(b"b".to_vec()));
        assert_eq!((next(b""), next(b"\xFF\xFF")), (None, None));
    }
}
