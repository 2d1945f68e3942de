//! Gives back what the floor has passed, a little with every few writes.

use super::leaf::NO_LEAF;
use super::{FIRST, Tree};
use crate::resolve::keys::{KeyRef, NONE, common};
use skewer_kernels::prefetch_read;

/// A leaf is swept for so many writes. A rotation then takes about a quarter of a window's writes: that is how
/// long keys that only rise leave dead ones behind; scattered ones, half of that.
const WRITES_PER_SWEEP: usize = 3;

impl Tree {
    /// Sweeps what the writes since the last call owe: constant work a write.
    #[inline]
    pub(in crate::resolve) fn sweep(&mut self) {
        while self.owed >= WRITES_PER_SWEEP {
            self.owed -= WRITES_PER_SWEEP;
            self.sweep_leaf();
        }
    }

    fn sweep_leaf(&mut self) {
        let at = self.sweep_at;
        self.leaves[at as usize].compact(&mut self.keys, self.floor);
        self.merge_next(at);
        let next = self.leaf(at).next;
        self.sweep_at = if next == NO_LEAF { FIRST } else { next };
        if next == NO_LEAF {
            self.lengthen_common();
        }
        let leaf = &self.leaves[self.sweep_at as usize];
        prefetch_read(std::slice::from_ref(leaf), 0);
        (0..4).for_each(|line| prefetch_read(&leaf.versions, line * 8));
    }

    /// Keys that shortened the common prefix may be gone.
    fn lengthen_common(&mut self) {
        if let Some((least, greatest)) = self.ends() {
            let shared = common(self.keys.get(least), self.keys.get(greatest));
            if shared > self.common.len() {
                let prefix = self.keys.get(least)[..shared].to_vec();
                self.set_common(&prefix);
            }
        }
    }

    /// The least and the greatest boundary.
    fn ends(&self) -> Option<(KeyRef, KeyRef)> {
        let (first, last) = (self.leaf(FIRST), self.leaf(self.last()));
        let lowest = if first.len() > 0 { first.keys[0] } else { first.high };
        let highest = if last.len() > 0 { last.keys[last.len() - 1] } else { last.low };
        (lowest != NONE && highest != NONE).then_some((lowest, highest))
    }
}
