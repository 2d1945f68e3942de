//! The window of points in two halves, so that two threads judge one group side by side: each looks where its own
//! cache has been before, and nothing goes to and fro between them.

use super::batch::Keyed;
use super::company::Company;
use super::hashes::{Hasher, Hashes};
use super::index::{Index, Purpose};
use super::points::{Hash, Points};
use super::stamps::Stamp;
use super::tree::Tree;

/// One half, and what was found in it of late. On cache lines of its own: another thread writes to the other half.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Half {
    pub(super) points: Points,
    /// Where the window is in key order: then there are no points.
    pub(super) tree: Tree,
    pub(super) found: Company,
    /// Room for hints.
    pub(super) hints: Vec<u64>,
    /// Who judged in it last: see [`Committer`](super::Committer).
    pub(super) owner: u64,
}

impl Half {
    /// A half that nobody has judged in.
    pub(super) fn of(points: Points) -> Self {
        Self::new(points, Tree::new(0))
    }

    /// The same in key order.
    pub(super) fn of_tree(tree: Tree) -> Self {
        Self::new(Points::new(), tree)
    }

    fn new(points: Points, tree: Tree) -> Self {
        Half { points, tree, found: Company::default(), hints: Vec::new(), owner: 0 }
    }
}

/// The half of a hash: a bit that says little of its home there.
#[inline]
pub(super) fn half_of(hash: Hash) -> usize {
    (hash >> 32) as usize & 1
}

/// Both halves.
#[derive(Debug)]
pub(super) struct Halves([Box<Half>; 2]);

impl Halves {
    /// The same window in halves, with room for so many writes. Costs a look-up per key, once; `None` if keys are
    /// known by fingerprints and there are some.
    pub(super) fn of(whole: &Points, room: usize) -> Option<Self> {
        if !whole.has_keys() && whole.held() > 0 {
            return None;
        }
        let empty = |_| Box::new(Half::of(whole.like()));
        let mut halves = Halves([0, 1].map(empty));
        halves.reserve(room);
        for (key, stamp) in whole.live() {
            let hash = whole.hash(key);
            halves.0[half_of(hash)].points.write(hash, key, stamp);
        }
        Some(halves)
    }

    /// Makes room for so many writes at once.
    pub(super) fn reserve(&mut self, writes: usize) {
        // Chance makes one of them a little larger.
        self.each_mut().for_each(|points| points.reserve(writes / 2 + writes / 64));
    }

    #[inline]
    fn points(&self, hash: Hash) -> &Points {
        &self.0[half_of(hash)].points
    }

    /// Both, as tables of their own.
    pub(super) fn each(&self) -> impl Iterator<Item = &Points> {
        self.0.iter().map(|half| &half.points)
    }

    /// The same.
    pub(super) fn each_mut(&mut self) -> impl Iterator<Item = &mut Points> {
        self.0.iter_mut().map(|half| &mut half.points)
    }

    pub(super) fn has_keys(&self) -> bool {
        self.each().all(Points::has_keys)
    }

    pub(super) fn floor(&self) -> Stamp {
        self.0[0].points.floor()
    }

    pub(super) fn hasher(&self) -> &Hasher {
        self.0[0].points.hasher()
    }

    /// Both halves, each to be judged in by whoever takes it.
    pub(super) fn both(&mut self) -> &mut [Box<Half>; 2] {
        &mut self.0
    }
}

impl Index for Halves {
    #[inline]
    fn begin(&mut self) {
        self.each().for_each(Points::foresee_sweep);
    }

    #[inline]
    fn knows(&self, hashes: &Hashes) -> bool {
        hashes.are_of(self.hasher())
    }

    #[inline]
    fn aim(&self, keyed: Keyed<'_>) -> u64 {
        self.0[0].points.aim(keyed)
    }

    #[inline]
    fn hint(&self, hash: u64, keyed: Keyed<'_>, purpose: Purpose) -> u64 {
        self.points(hash).hint(hash, keyed, purpose)
    }

    #[inline]
    fn newer(&self, hint: u64, keyed: Keyed<'_>, since: Stamp) -> bool {
        Index::newer(self.points(hint), hint, keyed, since)
    }

    #[inline]
    fn write(&mut self, hint: u64, keyed: Keyed<'_>, stamp: Stamp) {
        Index::write(&mut self.0[half_of(hint)].points, hint, keyed, stamp);
    }

    #[inline]
    fn sweep(&mut self) {
        self.each_mut().for_each(Points::sweep);
    }

    fn newest(&self, keyed: Keyed<'_>, key: &mut Vec<u8>) -> Stamp {
        self.points(self.aim(keyed)).newest(keyed, key)
    }
}
