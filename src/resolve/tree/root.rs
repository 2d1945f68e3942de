//! The root: where the inner nodes are.

use super::inner::tied;
use crate::resolve::keys::{KeyRef, Keys, NONE, common, head, is_whole};

/// The inner nodes in key order, each with the least key that belongs to it (the first one's is not compared).
///
/// Where neighbours' heads are equal, as those of one table or host are, their keys share more than the common
/// prefix: a second head leaves that out as well.
#[derive(Debug)]
pub(super) struct Root {
    heads: Vec<u64>,
    seconds: Vec<u64>,
    /// How many bytes the second heads leave out.
    depths: Vec<u32>,
    pub(super) lows: Vec<KeyRef>,
    pub(super) inners: Vec<u32>,
}

impl Root {
    pub(super) fn of_one(inner: u32) -> Self {
        Self { heads: vec![0], seconds: vec![0], depths: vec![0], lows: vec![NONE], inners: vec![inner] }
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
        self.inners.capacity() * (2 * size_of::<u64>() + 3 * size_of::<u32>())
    }

    /// Puts an inner node at `place`, which is not the first.
    pub(super) fn insert(&mut self, keys: &Keys, place: usize, (low, inner): (KeyRef, u32), prefix: usize) {
        self.heads.insert(place, head(keys.get(low), prefix));
        self.seconds.insert(place, 0);
        self.depths.insert(place, 0);
        self.lows.insert(place, low);
        self.inners.insert(place, inner);
        self.deepen(keys, place);
    }

    /// Removes the inner node at `place`, which is not the first.
    pub(super) fn remove(&mut self, keys: &Keys, place: usize) {
        self.heads.remove(place);
        self.seconds.remove(place);
        self.depths.remove(place);
        self.lows.remove(place);
        self.inners.remove(place);
        for beside in [place - 1, place] {
            if beside > 0 && beside < self.heads.len() {
                self.deepen(keys, beside);
            }
        }
    }

    /// Changes how many bytes the heads leave out.
    pub(super) fn set_prefix(&mut self, keys: &Keys, prefix: usize) {
        for at in 1..self.lows.len() {
            self.heads[at] = head(keys.get(self.lows[at]), prefix);
        }
        let mut at = 1;
        while at < self.lows.len() {
            at = self.deepen(keys, at);
        }
    }

    /// Renews the second heads of those whose head is that at `place`, and returns where the next one's begin.
    fn deepen(&mut self, keys: &Keys, place: usize) -> usize {
        let head_here = self.heads[place];
        let first = 1 + self.heads[1..].partition_point(|h| *h < head_here);
        let end = first + self.heads[first..].partition_point(|h| *h == head_here);
        let depth = common(keys.get(self.lows[first]), keys.get(self.lows[end - 1]));
        for at in first..end {
            self.depths[at] = depth as u32;
            self.seconds[at] = head(keys.get(self.lows[at]), depth);
        }
        end
    }

    /// The place of a key's inner node, given how many bytes the heads leave out.
    #[inline]
    pub(super) fn place(&self, keys: &Keys, key: &[u8], prefix: usize) -> usize {
        let head = head(key, prefix);
        let heads = &self.heads[1..];
        let at = heads.partition_point(|h| *h < head);
        if heads.get(at) != Some(&head) {
            return at;
        }
        if is_whole(head) {
            return at + 1;
        }
        self.place_among(keys, key, head, at + 1) - 1
    }

    /// The first place from `first` on, where the head is `head`, whose key is greater than `key`.
    #[inline(never)]
    fn place_among(&self, keys: &Keys, key: &[u8], head_here: u64, first: usize) -> usize {
        let count = self.heads[first..].partition_point(|h| *h == head_here);
        let depth = self.depths[first] as usize;
        let shared = &keys.get(self.lows[first])[..depth];
        let same = common(key, shared);
        if same < depth {
            return if key.get(same) < shared.get(same) { first } else { first + count };
        }
        let second = head(key, depth);
        let seconds = &self.seconds[first..first + count];
        let at = seconds.partition_point(|h| *h < second);
        if seconds.get(at) != Some(&second) {
            return first + at;
        }
        first + at + tied(&seconds[at..], &self.lows[first + at..], keys, key, second)
    }
}
