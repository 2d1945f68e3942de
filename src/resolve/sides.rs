//! The window in key order, cut in two, so that two threads judge one group side by side: each on its side, where its own
//! cache has been before.
//!
//! To cut costs nothing at once: what was known stays where it is, and is asked as well, until the floor has passed
//! all of it; both sides begin empty.

use std::sync::Arc;

use super::balance::Balance;
use super::batch::Keyed;
use super::cut::Cut;
use super::halves::Half;
use super::hashes::Hashes;
use super::index::{Index, Purpose};
use super::stamps::Stamp;
use super::tree::{NO_HINT, Tree};

/// What was written before a cut.
#[derive(Debug)]
pub(super) struct Old {
    trees: Vec<Tree>,
    /// The last stamp in them.
    last: Stamp,
    /// By how much stamps were lowered since.
    lowered: Stamp,
}

impl Old {
    /// Whether a key of the access was written after `since`, as known before the cut.
    pub(super) fn newer(&self, keyed: Keyed<'_>, since: Stamp) -> bool {
        let since = since.saturating_add(self.lowered);
        since < self.last && self.trees.iter().any(|tree| Index::newer(tree, NO_HINT.into(), keyed, since))
    }

    fn newest(&self, keyed: Keyed<'_>, key: &mut Vec<u8>) -> Stamp {
        newest(self.trees.iter().map(|tree| (tree, keyed)), key) - self.lowered
    }
}

/// The newest stamp of some accesses to trees, from the least keys on; the least key that has it is appended.
fn newest<'t>(trees: impl Iterator<Item = (&'t Tree, Keyed<'t>)>, key: &mut Vec<u8>) -> Stamp {
    let (mut best, from) = (Stamp::MIN, key.len());
    let mut found = Vec::new();
    for (tree, keyed) in trees {
        found.clear();
        let stamp = Index::newest(tree, keyed, &mut found);
        if stamp > best {
            best = stamp;
            key.truncate(from);
            key.extend_from_slice(&found);
        }
    }
    best
}

/// Both sides.
#[derive(Debug)]
pub(super) struct Sides {
    halves: [Box<Half>; 2],
    cut: Arc<Cut>,
    old: Option<Arc<Old>>,
    balance: Balance,
}

impl Sides {
    /// Cuts what is known in two at a key. `last` is the last stamp.
    pub(super) fn of(tree: Tree, cut: Cut, last: Stamp) -> Self {
        let half = || Box::new(Half::of_tree(Tree::new(tree.floor())));
        Self::new([half(), half()], cut, Old { trees: vec![tree], last, lowered: 0 })
    }

    fn new(halves: [Box<Half>; 2], cut: Cut, old: Old) -> Self {
        let old = old.trees.iter().any(|tree| !tree.is_blank()).then(|| Arc::new(old));
        Sides { halves, cut: Arc::new(cut), old, balance: Balance::default() }
    }

    /// The same cut elsewhere; as it is while what was known before the last cut is not forgotten.
    pub(super) fn cut_anew(mut self, cut: Cut, last: Stamp) -> Self {
        if self.old.is_some() {
            return self;
        }
        let trees = (self.trees()).map(|tree| std::mem::replace(tree, Tree::new(tree.floor()))).collect();
        let balance = self.balance.anew();
        Sides { balance, ..Self::new(self.halves, cut, Old { trees, last, lowered: 0 }) }
    }

    /// How evenly the sides are asked.
    pub(super) fn balance(&mut self) -> &mut Balance {
        &mut self.balance
    }

    /// A cut that would divide what is asked for better, if that is worth it.
    #[inline]
    pub(super) fn better_cut(&mut self) -> Option<Cut> {
        let moved = self.balance.shift()?;
        if self.old.is_some() {
            return None;
        }
        // From the greater keys of the lower side, or from the lesser keys of the upper one.
        let [low, high] = [0, 1].map(|side| &self.halves[side].tree);
        if moved > 0.0 { low.cut_at(1.0 - moved, high) } else { high.cut_at(-moved, low) }
    }

    pub(super) fn cut(&self) -> &Arc<Cut> {
        &self.cut
    }

    /// What was written before the cut, as long as it matters.
    pub(super) fn old(&self) -> Option<Arc<Old>> {
        self.old.clone()
    }

    /// Both sides, each to be judged on by whoever takes it.
    pub(super) fn both(&mut self) -> &mut [Box<Half>; 2] {
        &mut self.halves
    }

    fn trees(&mut self) -> impl Iterator<Item = &mut Tree> {
        self.halves.iter_mut().map(|half| &mut half.tree)
    }

    /// All trees.
    fn all(&self) -> impl Iterator<Item = &Tree> {
        let old = self.old.iter().flat_map(|old| &old.trees);
        self.halves.iter().map(|half| &half.tree).chain(old)
    }

    pub(super) fn reserve(&mut self, writes: usize) {
        // Chance makes one of them a little larger.
        self.trees().for_each(|tree| tree.reserve(writes / 2 + writes / 64));
    }

    pub(super) fn set_floor(&mut self, floor: Stamp) {
        self.trees().for_each(|tree| tree.set_floor(floor));
        if self.old.as_ref().is_some_and(|old| floor.saturating_add(old.lowered) >= old.last) {
            self.old = None;
        }
    }

    /// Lowers all stamps.
    pub(super) fn lower(&mut self, by: Stamp) {
        self.trees().for_each(|tree| tree.lower(by));
        if let Some(old) = self.old.take() {
            // Between rounds nobody else has it.
            self.old = Arc::into_inner(old).map(|old| Arc::new(Old { lowered: old.lowered + by, ..old }));
        }
    }

    pub(super) fn held(&self) -> usize {
        self.all().map(Tree::held).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        self.all().map(Tree::bytes).sum()
    }

    /// Holds the invariants; for tests.
    #[cfg(test)]
    pub(super) fn check(&self) {
        self.all().for_each(Tree::check);
    }
}

impl Index for Sides {
    #[inline]
    fn begin(&mut self) {
        self.trees().for_each(Index::begin);
    }

    #[inline]
    fn begin_alone(&mut self) {
        self.trees().for_each(Index::begin_alone);
    }

    fn knows(&self, _: &Hashes) -> bool {
        false
    }

    #[inline]
    fn aim(&self, keyed: Keyed<'_>) -> u64 {
        self.cut.side(keyed).map_or(super::tree::NO_AIM, |side| Index::aim(&self.halves[side].tree, keyed))
    }

    #[inline]
    fn hint(&self, aim: u64, keyed: Keyed<'_>, purpose: Purpose) -> u64 {
        self.cut
            .side(keyed)
            .map_or(NO_HINT.into(), |side| Index::hint(&self.halves[side].tree, aim, keyed, purpose))
    }

    #[inline]
    fn newer(&self, hint: u64, keyed: Keyed<'_>, since: Stamp) -> bool {
        let here = match self.cut.side(keyed) {
            Some(side) => Index::newer(&self.halves[side].tree, hint, keyed, since),
            None => (self.halves.iter().zip(self.cut.shares(keyed)))
                .any(|(half, share)| Index::newer(&half.tree, NO_HINT.into(), share, since)),
        };
        here || self.old.as_ref().is_some_and(|old| old.newer(keyed, since))
    }

    #[inline]
    fn write(&mut self, hint: u64, keyed: Keyed<'_>, stamp: Stamp) {
        if let Some(side) = self.cut.side(keyed) {
            return Index::write(&mut self.halves[side].tree, hint, keyed, stamp);
        }
        for (half, share) in self.halves.iter_mut().zip(self.cut.shares(keyed)) {
            Index::write(&mut half.tree, NO_HINT.into(), share, stamp);
        }
    }

    #[inline]
    fn sweep(&mut self) {
        self.trees().for_each(Index::sweep);
    }

    fn newest(&self, keyed: Keyed<'_>, key: &mut Vec<u8>) -> Stamp {
        let from = key.len();
        let trees = self.halves.iter().map(|half| &half.tree);
        let here = match self.cut.side(keyed) {
            Some(side) => newest(trees.skip(side).take(1).map(|tree| (tree, keyed)), key),
            None => newest(trees.zip(self.cut.shares(keyed)), key),
        };
        let mut before = Vec::new();
        match self.old.as_ref().map(|old| old.newest(keyed, &mut before)) {
            Some(stamp) if stamp > here => {
                key.truncate(from);
                key.extend_from_slice(&before);
                stamp
            }
            _ => here,
        }
    }
}
