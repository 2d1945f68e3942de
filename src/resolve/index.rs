//! What the two forms of the window have in common: points in a hash table, or everything in key order.

use super::batch::Keyed;
use super::hashes::Hashes;
use super::points::Points;
use super::stamps::Stamp;
use super::tree::Tree;

/// What an access is and does: enough to foretell what it will touch.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// It is checked: was something written after this?
    Check(Stamp),
    /// It may be written.
    Write,
}

/// A map from keys to the version of their last write, good for checks at snapshots not below its floor.
pub(super) trait Index {
    /// Begins a group of accesses. Aims and hints hold for what is done in this group and the next.
    fn begin(&mut self) {}
    /// The same, for a transaction that comes alone.
    fn begin_alone(&mut self) {
        self.begin();
    }
    /// Whether these hashes may stand for aims.
    fn knows(&self, hashes: &Hashes) -> bool;
    /// Where the access will look, roughly; what `hint` reads is fetched from memory.
    fn aim(&self, keyed: Keyed<'_>) -> u64;
    /// Where the access will look, given its aim; what it will touch is fetched from memory.
    fn hint(&self, aim: u64, keyed: Keyed<'_>, purpose: Purpose) -> u64;
    /// Whether [`foresee`](Self::foresee) has something to do.
    fn foresees(&self) -> bool {
        false
    }
    /// Looks at what was fetched, and fetches what that leads to.
    fn foresee(&self, _hint: u64, _keyed: Keyed<'_>) {}
    /// Whether a key of the access was written after `since`.
    fn newer(&self, hint: u64, keyed: Keyed<'_>, since: Stamp) -> bool;
    /// Notes that all keys of the access were written at `version`, the newest so far.
    fn write(&mut self, hint: u64, keyed: Keyed<'_>, stamp: Stamp);
    /// Gives back some of what is forgotten, and does what earlier calls put off; constant work a write.
    fn sweep(&mut self);
    /// The newest version in the access; the least key that has it is appended to `key`.
    fn newest(&self, keyed: Keyed<'_>, key: &mut Vec<u8>) -> Stamp;
}

impl Index for Points {
    #[inline]
    fn begin(&mut self) {
        self.foresee_sweep();
    }

    #[inline]
    fn knows(&self, hashes: &Hashes) -> bool {
        hashes.are_of(self.hasher())
    }

    #[inline]
    fn aim(&self, keyed: Keyed<'_>) -> u64 {
        let Keyed::Point(key) = keyed else { return 0 };
        self.hash(key)
    }

    #[inline]
    fn hint(&self, hash: u64, _: Keyed<'_>, purpose: Purpose) -> u64 {
        self.prefetch(hash, matches!(purpose, Purpose::Write));
        hash
    }

    #[inline]
    fn newer(&self, hint: u64, keyed: Keyed<'_>, since: Stamp) -> bool {
        let Keyed::Point(key) = keyed else { return false };
        Points::newer(self, hint, key, since)
    }

    #[inline]
    fn write(&mut self, hint: u64, keyed: Keyed<'_>, stamp: Stamp) {
        if let Keyed::Point(key) = keyed {
            Points::write(self, hint, key, stamp);
        }
    }

    #[inline]
    fn sweep(&mut self) {
        Points::sweep(self);
    }

    fn newest(&self, keyed: Keyed<'_>, out: &mut Vec<u8>) -> Stamp {
        let Keyed::Point(key) = keyed else { return Stamp::MIN };
        out.extend_from_slice(key);
        self.stamp(self.hash(key), key).unwrap_or(Stamp::MIN)
    }
}

impl Index for Tree {
    fn knows(&self, _: &Hashes) -> bool {
        false
    }

    #[inline]
    fn begin(&mut self) {
        self.begin_hints(false);
    }

    #[inline]
    fn begin_alone(&mut self) {
        self.begin_hints(true);
    }

    #[inline]
    fn aim(&self, keyed: Keyed<'_>) -> u64 {
        match keyed {
            Keyed::Nothing => super::tree::NO_AIM,
            Keyed::Point(key) => Tree::aim(self, key),
            Keyed::Range(range) => Tree::aim(self, range.start),
        }
    }

    #[inline]
    fn hint(&self, aim: u64, keyed: Keyed<'_>, purpose: Purpose) -> u64 {
        let hint = match keyed {
            Keyed::Nothing => super::tree::NO_HINT,
            Keyed::Point(key) => Tree::hint(self, aim, key, purpose),
            Keyed::Range(range) => Tree::hint(self, aim, range.start, purpose),
        };
        hint.into()
    }

    #[inline]
    fn foresees(&self) -> bool {
        self.stores_keys()
    }

    #[inline]
    fn foresee(&self, hint: u64, keyed: Keyed<'_>) {
        match keyed {
            Keyed::Nothing => {}
            Keyed::Point(key) => self.foresee_ties(hint as u32, key),
            Keyed::Range(range) => self.foresee_ties(hint as u32, range.start),
        }
    }

    #[inline]
    fn newer(&self, hint: u64, keyed: Keyed<'_>, since: Stamp) -> bool {
        match keyed {
            Keyed::Nothing => false,
            Keyed::Point(key) => self.point_newer(hint as u32, key, since),
            Keyed::Range(range) => self.range_newer(hint as u32, range, since),
        }
    }

    #[inline]
    fn write(&mut self, hint: u64, keyed: Keyed<'_>, stamp: Stamp) {
        match keyed {
            Keyed::Nothing => {}
            Keyed::Point(key) => self.write_point(hint as u32, key, stamp),
            Keyed::Range(range) => self.write_range(hint as u32, range, stamp),
        }
    }

    #[inline]
    fn sweep(&mut self) {
        Tree::sweep(self);
    }

    fn newest(&self, keyed: Keyed<'_>, key: &mut Vec<u8>) -> Stamp {
        match keyed {
            Keyed::Nothing => Stamp::MIN,
            Keyed::Point(only) => self.newest_in(only, None, key),
            Keyed::Range(range) => self.newest_in(range.start, Some(range.end), key),
        }
    }
}
