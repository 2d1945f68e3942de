//! Notes what was written at the newest version.

use std::cmp::Ordering;

use super::leaf::{CAP, Entry, LeafId, NO_LEAF};
use super::{Hint, NO_HINT, Tree};
use crate::resolve::batch::Span;
use crate::resolve::keys::{KeyRef, NONE, common, is_whole};
use crate::resolve::stamps::Stamp;

impl Tree {
    /// Notes that `key` was written at `version`, which is not below any noted before.
    #[inline]
    pub(in crate::resolve) fn write_point(&mut self, hint: Hint, key: &[u8], stamp: Stamp) {
        self.owed += 1;
        self.writes = self.writes.wrapping_add(1);
        let mut at = self.known(hint).unwrap_or_else(|| {
            self.embrace(key, key);
            self.route(key)
        });
        loop {
            let leaf = self.leaf(at);
            let (head, prefix) = (leaf.head(key), leaf.prefix);
            let (entry, exact) = leaf.find(&self.log, key, head);
            if exact {
                return self.rewrite_point(at, entry, key, stamp);
            }
            if leaf.stamp_before(entry) == stamp {
                return;
            }
            if leaf.len() < CAP {
                let new = Entry { head, key: self.place_of((head, prefix), key, ALONE), stamp, point: true };
                self.leaf_mut(at).insert(entry, new);
                self.note_crowded(at);
                return self.note(at, stamp);
            }
            at = self.make_room(at, key);
        }
    }

    /// A point that was written before, or a border: then the keys behind it keep its version.
    fn rewrite_point(&mut self, at: LeafId, entry: usize, key: &[u8], stamp: Stamp) {
        let leaf = self.leaf(at);
        if leaf.is_point(entry) {
            let leaf = &mut self.leaves[at as usize];
            leaf.renew(entry, key, ALONE, &mut self.log);
            leaf.stamps[entry] = stamp;
            return self.note(at, stamp);
        }
        if leaf.stamps[entry] == stamp {
            return;
        }
        let mut behind = std::mem::take(&mut self.longer);
        behind.clear();
        behind.extend_from_slice(key);
        behind.push(0);
        self.ensure_border(&mut behind);
        self.longer = behind;
        let at = self.route(key);
        let leaf = self.leaf(at);
        let (entry, exact) = leaf.find(&self.log, key, leaf.head(key));
        if exact {
            self.leaf_mut(at).stamps[entry] = stamp;
        } else {
            // A split made the border the end of its leaf: an entry may stand on it.
            self.leaf_mut(at).base = stamp;
        }
        self.note(at, stamp);
    }

    /// Notes that all of `[start, end)`, which is not empty, was written at `version`, which is not below
    /// any noted before.
    #[inline]
    pub(in crate::resolve) fn write_range(&mut self, hint: Hint, span: Span<'_>, stamp: Stamp) {
        let Span { start, end, .. } = span;
        self.owed += 1;
        self.writes = self.writes.wrapping_add(1);
        let mut at = self.known(hint).unwrap_or_else(|| {
            self.embrace(start, end);
            self.route(start)
        });
        loop {
            match self.write_inside(at, span, stamp) {
                Written::Done => return,
                Written::Full => at = self.make_room(at, start),
                Written::Beyond => return self.write_wide(start, end, stamp),
            }
        }
    }

    /// Writes a range that one leaf holds.
    #[inline]
    fn write_inside(&mut self, at: LeafId, span: Span<'_>, stamp: Stamp) -> Written {
        let Span { start, end, shared } = span;
        let leaf = &mut self.leaves[at as usize];
        let prefix = leaf.prefix;
        if shared < prefix as usize {
            return Written::Beyond;
        }
        let (start_head, end_head) = (leaf.head(start), leaf.head(end));
        let (first, first_exact) = leaf.find(&self.log, start, start_head);
        let (last, end_needed) = match leaf.cmp_high(&self.fences, end, end_head) {
            Ordering::Greater => return Written::Beyond,
            Ordering::Equal => (leaf.len(), false),
            Ordering::Less if first >= CAP || leaf.heads[first] > end_head => (first, true),
            Ordering::Less => {
                let (last, exact) = leaf.find(&self.log, end, end_head);
                if exact && leaf.is_point(last) {
                    return Written::Beyond;
                }
                (last, !exact)
            }
        };
        let after = leaf.stamp_before(last);
        let start_needed = leaf.stamp_before(first) != stamp;
        let end_kept = !end_needed && last < leaf.len();
        let end_needed = end_needed && after != stamp;
        if leaf.len() - (last - first) + usize::from(start_needed) + usize::from(end_needed) > CAP {
            return Written::Full;
        }
        // Where the start is stored, and the end may be like it.
        let mut place = NONE;
        if first_exact && !is_whole(start_head) {
            leaf.renew(first, start, ALONE, &mut self.log);
            place = leaf.keys[first];
        }
        if end_kept {
            leaf.renew(last, end, (place, shared), &mut self.log);
        }
        let reuse = first_exact && start_needed;
        for gone in first + usize::from(reuse)..last {
            leaf.free(gone, &mut self.log);
        }
        let rest = first + usize::from(start_needed);
        leaf.open(first..last, rest - first + usize::from(end_needed));
        if start_needed {
            if !reuse {
                place = self.place_of((start_head, prefix), start, ALONE);
            }
            let new = Entry { head: start_head, key: place, stamp, point: false };
            self.leaf_mut(at).set(first, new);
        }
        if end_needed {
            // A start that is not needed is not stored, or was given back.
            let other = if start_needed { (place, shared) } else { ALONE };
            let key = self.place_of((end_head, prefix), end, other);
            self.leaf_mut(at).set(rest, Entry { head: end_head, key, stamp: after, point: false });
        }
        self.note_crowded(at);
        self.note(at, stamp);
        Written::Done
    }

    /// Writes a range that spans leaves, or whose end has to be made a border first.
    #[cold]
    fn write_wide(&mut self, start: &[u8], end: &[u8], stamp: Stamp) {
        self.embrace(start, end);
        let mut border = std::mem::take(&mut self.longer);
        border.clear();
        border.extend_from_slice(end);
        self.ensure_border(&mut border);
        self.longer = border;
        let mut at = self.route(start);
        while self.leaf(at).len() == CAP {
            self.split(at);
            at = self.route(start);
        }
        let stop = self.route(end);
        let leaf = self.leaf(at);
        let (head, prefix) = (leaf.head(start), leaf.prefix);
        let first = leaf.find(&self.log, start, head).0;
        let last = if stop == at { leaf.find(&self.log, end, leaf.head(end)).0 } else { leaf.len() };
        let key = self.place_of((head, prefix), start, ALONE);
        self.cut(at, first, last);
        self.leaf_mut(at).insert(first, Entry { head, key, stamp, point: false });
        self.note(at, stamp);
        while at != stop {
            at = self.next(at);
            if at == stop && self.fences.get(self.leaf(at).low) == end {
                return;
            }
            let leaf = self.leaf(at);
            let last = if at == stop { leaf.find(&self.log, end, leaf.head(end)).0 } else { leaf.len() };
            self.cut(at, 0, last);
            self.leaf_mut(at).base = stamp;
            self.note(at, stamp);
        }
    }

    /// Drops the entries from `first` up to `last`, and frees their keys.
    fn cut(&mut self, at: LeafId, first: usize, last: usize) {
        let leaf = &mut self.leaves[at as usize];
        (first..last).for_each(|entry| leaf.free(entry, &mut self.log));
        leaf.open(first..last, 0);
    }

    /// Makes `key` a border with the version it has, so that what is written before it ends there.
    ///
    /// A point at the key becomes a border, and then the key right behind it (`key` and a zero byte) has to be
    /// one too; and so on, which is why `key` may come back longer. Drops no entry.
    fn ensure_border(&mut self, key: &mut Vec<u8>) {
        let len = key.len();
        while !self.add_border(key) {
            key.push(0);
        }
        while key.len() > len {
            key.pop();
            let at = self.route(key);
            let leaf = self.leaf(at);
            let (entry, exact) = leaf.find(&self.log, key, leaf.head(key));
            if exact {
                self.leaf_mut(at).points &= !(1 << entry);
            }
        }
    }

    /// Adds a border at `key` that changes no version; false if a point is in its place.
    fn add_border(&mut self, key: &[u8]) -> bool {
        loop {
            let at = self.route(key);
            let leaf = self.leaf(at);
            let (head, prefix) = (leaf.head(key), leaf.prefix);
            let (entry, exact) = leaf.find(&self.log, key, head);
            if entry == 0 && leaf.low != NONE && self.fences.get(leaf.low) == key {
                return true;
            }
            if exact {
                return !leaf.is_point(entry);
            }
            if leaf.len() < CAP {
                let stamp = leaf.stamp_before(entry);
                let new = Entry { head, key: self.place_of((head, prefix), key, ALONE), stamp, point: false };
                self.leaf_mut(at).insert(entry, new);
                return true;
            }
            self.split(at);
        }
    }

    /// Makes room in a full leaf; returns the leaf of `key` after that.
    #[cold]
    fn make_room(&mut self, at: LeafId, key: &[u8]) -> LeafId {
        self.foresee_room(at);
        self.relieve(at);
        self.route(key)
    }

    /// Notes the newest version of a leaf and of its inner node.
    #[inline]
    fn note(&mut self, at: LeafId, stamp: Stamp) {
        self.briefs[at as usize].newest = stamp;
        let parent = self.leaf(at).parent as usize;
        self.inner_newest[parent] = stamp;
    }

    /// Shortens the common prefix so that a new boundary or two have it; in a blank tree it is theirs.
    #[inline]
    fn embrace(&mut self, start: &[u8], end: &[u8]) {
        if self.common.is_empty() || !start.starts_with(&self.common) || !end.starts_with(&self.common) {
            self.embrace_others(start, end);
        }
    }

    #[cold]
    fn embrace_others(&mut self, start: &[u8], end: &[u8]) {
        let mut shared = common(start, end);
        if !self.is_blank() {
            shared = shared.min(common(start, &self.common));
            if shared == self.common.len() {
                return;
            }
        }
        self.set_common(&start[..shared]);
    }
}

/// A key that is stored like no other.
const ALONE: (KeyRef, usize) = (NONE, 0);

enum Written {
    Done,
    /// The leaf has no room.
    Full,
    /// The range is not one leaf's, or ends on a point.
    Beyond,
}

const _: () = assert!(NO_HINT == NO_LEAF);
