//! Was anything in a range written after a snapshot?

use std::cmp::Ordering;

use super::leaf::{Leaf, LeafId, NO_LEAF};
use super::{FIRST, Hint, Tree};
use crate::resolve::batch::Span;
use crate::resolve::keys::{NONE, is_whole};
use crate::resolve::stamps::Stamp;

impl Tree {
    /// Whether `key` was written after `since`, which is not below the floor.
    #[inline]
    pub(in crate::resolve) fn point_newer(&self, hint: Hint, key: &[u8], since: Stamp) -> bool {
        if let Some(at) = self.known(hint)
            && self.brief(at).newest <= since
        {
            return false;
        }
        self.stamp_at(hint, key) > since
    }

    /// The version of `key`.
    fn stamp_at(&self, hint: Hint, key: &[u8]) -> Stamp {
        let (at, entry, exact) = self.seek(hint, key);
        let leaf = self.leaf(at);
        if exact { leaf.stamps[entry] } else { leaf.stamp_before(entry) }
    }

    /// The leaf of `key`, the first entry in it not less than the key, and whether it is the key.
    #[inline]
    fn seek(&self, hint: Hint, key: &[u8]) -> (LeafId, usize, bool) {
        let at = match self.known(hint) {
            Some(at) => at,
            None => match self.side(key) {
                Ordering::Equal => self.route(key),
                Ordering::Less => return (FIRST, 0, false),
                Ordering::Greater => {
                    let last = self.last();
                    return (last, self.leaf(last).len(), false);
                }
            },
        };
        let leaf = self.leaf(at);
        let (entry, exact) = leaf.find(&self.log, key, leaf.head(key));
        (at, entry, exact)
    }

    /// Whether a key of `[start, end)`, which is not empty, was written after `since`, which is
    /// not below the floor. O(log n) for `n` boundaries; wide ranges look at the newest
    /// versions of whole leaves and inner nodes.
    #[inline]
    pub(in crate::resolve) fn range_newer(
        &self,
        hint: Hint,
        Span { start, end, shared }: Span<'_>,
        since: Stamp,
    ) -> bool {
        let at = match self.known(hint) {
            Some(at) => at,
            None => match self.side(start) {
                Ordering::Equal => self.route(start),
                below_or_above => return self.newer_outside(below_or_above, end, since),
            },
        };
        let leaf = self.leaf(at);
        // An end that does not share the leaf's prefix with the start is beyond the leaf.
        let head = (shared >= leaf.prefix as usize).then(|| leaf.head(end));
        if self.brief(at).newest <= since {
            let inside = head.is_some_and(|head| leaf.cmp_high(&self.fences, end, head) != Ordering::Greater);
            return !inside && self.newer_behind(at, end, since);
        }
        let (entry, exact) = leaf.find(&self.log, start, leaf.head(start));
        // A border before `start` is not newer than a point at `start`: it would have replaced it.
        let first = if exact { leaf.stamps[entry] } else { leaf.stamp_before(entry) };
        if first > since {
            return true;
        }
        self.scan(leaf, entry, (end, head), since).unwrap_or_else(|| self.newer_behind(at, end, since))
    }

    /// As `range_newer`, of a range that starts below or above all boundaries.
    #[cold]
    fn newer_outside(&self, side: Ordering, end: &[u8], since: Stamp) -> bool {
        if side == Ordering::Greater {
            let last = self.leaf(self.last());
            return last.stamp_before(last.len()) > since;
        }
        let first = self.leaf(FIRST);
        let head = match self.side(end) {
            Ordering::Less => return first.base > since,
            Ordering::Equal => Some(first.head(end)),
            Ordering::Greater => None,
        };
        first.base > since
            || self.scan(first, 0, (end, head), since).unwrap_or_else(|| self.newer_behind(FIRST, end, since))
    }

    /// Looks through the entries of a leaf from `entry` on, up to the end of a range and its head, which is
    /// `None` if it is beyond the leaf. `None` if the range goes on behind the leaf.
    #[inline]
    fn scan(
        &self,
        leaf: &Leaf,
        entry: usize,
        (end, head): (&[u8], Option<u64>),
        since: Stamp,
    ) -> Option<bool> {
        let newer = |v: &Stamp| *v > since;
        let Some(head) = head else {
            let found = leaf.stamps[entry..leaf.len()].iter().any(newer);
            return (found || leaf.high == NONE).then_some(found);
        };
        let mut at = entry;
        while at < leaf.len() && leaf.heads[at] < head {
            if leaf.stamps[at] > since {
                return Some(true);
            }
            at += 1;
        }
        if at == leaf.len() {
            return (leaf.cmp_high(&self.fences, end, head) != Ordering::Greater).then_some(false);
        }
        if leaf.heads[at] > head || is_whole(head) {
            return Some(false);
        }
        let stop = leaf.find(&self.log, end, head).0;
        if leaf.stamps[at..stop].iter().any(newer) {
            return Some(true);
        }
        let inside = stop < leaf.len() || leaf.cmp_high(&self.fences, end, head) != Ordering::Greater;
        inside.then_some(false)
    }

    /// Looks through the leaves behind leaf `at`, while they begin before `end`.
    #[inline(never)]
    fn newer_behind(&self, mut at: LeafId, end: &[u8], since: Stamp) -> bool {
        // Most ranges end soon.
        for _ in 0..4 {
            at = self.next(at);
            if at == NO_LEAF {
                return false;
            }
            if let Some(found) = self.newer_in(at, end, since) {
                return found;
            }
        }
        let mut parent = self.leaf(at).parent;
        let mut place = self.root.place_of(parent);
        let mut skip = self.inners[parent as usize].children().iter().position(|c| *c == at).unwrap_or(0) + 1;
        loop {
            for leaf in &self.inners[parent as usize].children()[skip..] {
                if let Some(found) = self.newer_in(*leaf, end, since) {
                    return found;
                }
            }
            // Whole inner nodes, as long as they end before the range does.
            loop {
                place += 1;
                let Some(next) = self.root.behind(place - 1).first() else { return false };
                parent = *next;
                let high = self.root.high(place);
                if high == NONE || self.fences.get(high) > end {
                    break;
                }
                if self.inner_newest[parent as usize] > since {
                    return true;
                }
            }
            skip = 0;
        }
    }

    /// Looks at one leaf behind the range's start; `None` if the range goes on behind it.
    fn newer_in(&self, at: LeafId, end: &[u8], since: Stamp) -> Option<bool> {
        let leaf = self.leaf(at);
        if self.fences.get(leaf.low) >= end {
            return Some(false);
        }
        if leaf.high != NONE && self.fences.get(leaf.high) <= end {
            return (self.brief(at).newest > since).then_some(true);
        }
        // The leaf's least key is in the range; an entry there is not older than the base.
        if leaf.base > since {
            return Some(true);
        }
        // Between two ends all keys share the leaf's prefix; the last leaf goes by the common one.
        let shares = leaf.high != NONE || end.starts_with(&self.common);
        self.scan(leaf, 0, (end, shares.then(|| leaf.head(end))), since)
    }

    /// The newest version in `[start, end)` (`end` none: in `start` alone), and the least key that has it.
    ///
    /// Linear in the boundaries of the range: for explanations.
    pub(in crate::resolve) fn newest_in(&self, start: &[u8], end: Option<&[u8]>, out: &mut Vec<u8>) -> Stamp {
        let before = out.len();
        out.extend_from_slice(start);
        let mut best = self.stamp_at(NO_LEAF, start);
        let Some(end) = end else { return best };
        let (mut at, mut entry, _) = self.seek(NO_LEAF, start);
        loop {
            let leaf = self.leaf(at);
            for entry in entry..leaf.len() {
                let here = out.len();
                self.append_key(leaf, entry, out);
                if &out[here..] >= end {
                    out.truncate(here);
                    return best;
                }
                let is_better = leaf.stamps[entry] > best;
                best = best.max(leaf.stamps[entry]);
                // Either the key so far goes, or this one.
                out.drain(if is_better { before..here } else { here..out.len() });
            }
            (at, entry) = (self.next(at), 0);
            if at == NO_LEAF {
                return best;
            }
            let next = self.leaf(at);
            let low = self.fences.get(next.low);
            if low >= end {
                return best;
            }
            if next.base > best {
                best = next.base;
                out.truncate(before);
                out.extend_from_slice(low);
            }
        }
    }
}
