//! The window in key order: which version each key and range was last written at.
//!
//! Three levels: a root that is one flat array of inner nodes, inner nodes of up to 64 leaves, leaves of
//! up to 32 boundaries. What makes it fast:
//!
//! 1. A search compares 8-byte heads, not keys. All keys of a node share a prefix, which follows from
//!    the node's ends and so needs no check; heads stand for what comes behind it. Keys are read
//!    only where heads tie.
//! 2. A check and a write usually touch one leaf, known beforehand ([`Tree::locate`]), so that a batch
//!    fetches the leaves of many transactions at once and then works through them in order.
//! 3. Each leaf and inner node knows its newest version: wide ranges stop at the top.
//! 4. Forgetting is a comparison with the floor; a sweep of one leaf every few writes gives space back.
//!
//! Knowingly left: the root is searched flat, so that its insertions move a few kilobytes in windows of
//! millions; and one outlying key shortens the prefix that the root and the outermost nodes leave out.

mod leaf;
mod read;
mod route;
mod sweep;
mod write;

use std::cmp::Ordering;

use skewer_kernels::prefetch_read;

use super::Version;
use super::index::Purpose;
use super::keys::{Keys, begins_with};
use leaf::{Leaf, LeafId, NO_LEAF};
use route::{Inner, Root};

/// Where a key's leaf is, if it was looked up before: see [`Tree::locate`].
pub(super) type Hint = LeafId;
/// No hint: the key is looked up when it is needed.
pub(super) const NO_HINT: Hint = NO_LEAF;

/// The leaf that holds the least keys. It is never merged into another.
const FIRST: LeafId = 0;

/// A map from all byte strings to versions; see the module.
#[derive(Debug)]
pub(super) struct Tree {
    leaves: Vec<Leaf>,
    spare_leaves: Vec<LeafId>,
    /// By leaf: its newest version.
    newest: Vec<Version>,
    inners: Vec<Inner>,
    spare_inners: Vec<u32>,
    inner_newest: Vec<Version>,
    root: Root,
    /// All boundaries begin with these bytes.
    common: Vec<u8>,
    keys: Keys,
    floor: Version,
    /// Leaves whose span changed since hints were last taken.
    reshaped: Vec<LeafId>,
    sweep_at: LeafId,
    owed: usize,
    /// Room for a key that is one byte longer than another.
    longer: Vec<u8>,
}

impl Tree {
    /// All keys at `floor`, which is the lowest version that matters.
    pub(super) fn new(floor: Version) -> Self {
        Self {
            leaves: vec![Leaf::new(floor)],
            spare_leaves: Vec::new(),
            newest: vec![floor],
            inners: vec![Inner::of_one(FIRST)],
            spare_inners: Vec::new(),
            inner_newest: vec![floor],
            root: Root::of_one(0),
            common: Vec::new(),
            keys: Keys::default(),
            floor,
            reshaped: Vec::new(),
            sweep_at: FIRST,
            owed: 0,
            longer: Vec::new(),
        }
    }

    pub(super) fn set_floor(&mut self, floor: Version) {
        self.floor = floor;
    }

    /// Begins a group of accesses whose hints are taken together.
    #[inline]
    pub(super) fn begin_hints(&mut self) {
        self.reshaped.clear();
    }

    /// The inner node of `key`, fetched from memory for [`hint`](Self::hint).
    #[inline]
    pub(super) fn aim(&self, key: &[u8]) -> u32 {
        if self.side(key) != Ordering::Equal {
            return NO_HINT;
        }
        let inner = self.route_to_inner(key);
        self.prefetch_inner(inner);
        inner
    }

    /// The leaf of `key`, fetched from memory for the access that follows; `aim` is that of the key.
    #[inline]
    pub(super) fn hint(&self, aim: u32, key: &[u8], purpose: Purpose) -> Hint {
        if aim == NO_HINT {
            return NO_HINT;
        }
        let at = self.route_in(aim, key);
        if let Some(leaf) = self.leaves.get(at as usize) {
            prefetch_read(std::slice::from_ref(leaf), 0);
            if matches!(purpose, Purpose::Check(snapshot) if self.newest[at as usize] <= snapshot) {
                return at;
            }
            for line in 0..4 {
                prefetch_read(&leaf.heads, line * 8);
                prefetch_read(&leaf.versions, line * 8);
            }
            if let Purpose::Write = purpose {
                prefetch_read(&leaf.keys, 0);
                prefetch_read(&leaf.keys, 16);
            }
        }
        at
    }

    /// The leaf that was looked up beforehand, if it is still the one: then the key begins with the common
    /// prefix, which only got shorter since.
    #[inline]
    fn known(&self, hint: Hint) -> Option<LeafId> {
        (hint != NO_HINT && !self.reshaped.contains(&hint)).then_some(hint)
    }

    /// Equal if `key` begins with the prefix common to all boundaries; else on which side of them it is.
    #[inline]
    fn side(&self, key: &[u8]) -> Ordering {
        if begins_with(key, &self.common) { Ordering::Equal } else { key.cmp(&self.common) }
    }

    #[inline]
    fn leaf(&self, at: LeafId) -> &Leaf {
        &self.leaves[at as usize]
    }

    #[inline]
    fn leaf_mut(&mut self, at: LeafId) -> &mut Leaf {
        &mut self.leaves[at as usize]
    }

    /// The leaf of the greatest keys.
    fn last(&self) -> LeafId {
        let inner = &self.inners[self.root.last() as usize];
        inner.last()
    }

    /// Boundaries held, those included that are forgotten and not yet swept.
    pub(super) fn held(&self) -> usize {
        let mut at = FIRST;
        let mut held = 0;
        while at != NO_LEAF {
            held += self.leaf(at).len();
            at = self.leaf(at).next;
        }
        held
    }

    pub(super) fn bytes(&self) -> usize {
        self.keys.bytes()
            + self.leaves.capacity() * (size_of::<Leaf>() + size_of::<Version>())
            + self.inners.capacity() * (size_of::<Inner>() + size_of::<Version>())
            + self.root.bytes()
    }

    /// Whether no boundary is held at all.
    fn is_blank(&self) -> bool {
        self.leaf(FIRST).next == NO_LEAF && self.leaf(FIRST).len() == 0
    }

    /// Holds all invariants; for tests.
    #[cfg(test)]
    pub(super) fn check(&self) {
        use super::keys::NONE;
        let mut at = FIRST;
        let mut before: Option<Vec<u8>> = None;
        let mut follow = |key: &[u8]| {
            assert!(before.as_deref().is_none_or(|b| b < key), "keys ascend");
            assert!(key.starts_with(&self.common));
            before = Some(key.to_vec());
        };
        while at != NO_LEAF {
            let leaf = self.leaf(at);
            assert!(self.newest[at as usize] >= leaf.newest() || leaf.newest() <= self.floor);
            for entry in 0..leaf.len() {
                let key = self.keys.get(leaf.keys[entry]);
                follow(key);
                assert_eq!(self.route(key), at);
                assert_eq!(leaf.head(key), leaf.heads[entry]);
            }
            if leaf.high != NONE {
                assert_eq!(leaf.high_head, leaf.head(self.keys.get(leaf.high)));
                assert_eq!(self.leaf(leaf.next).low, leaf.high);
            }
            at = leaf.next;
        }
    }
}
