//! What the two forms of the window have in common: points in a hash table, or everything in key order.

use super::Version;
use super::batch::Keyed;
use super::hashes::Hashes;
use super::points::Points;
use super::tree::Tree;

/// What an access is and does: enough to foretell what it will touch.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// It is checked: was something written after this snapshot?
    Check(Version),
    /// It may be written.
    Write,
}

/// A map from keys to the version of their last write, good for checks at snapshots not below its floor.
pub(super) trait Index {
    /// Whether `hint` does anything: else an aim is a hint.
    const HAS_HINTS: bool;
    /// Begins a group of accesses whose hints are taken together.
    fn begin(&mut self) {}
    /// Whether these hashes may stand for aims.
    fn knows(&self, hashes: &Hashes) -> bool;
    /// Fetches what an access of this hash will touch.
    fn fetch(&self, hash: u64, written: bool);
    /// Where the access will look, roughly; what `hint` reads is fetched from memory.
    fn aim(&self, keyed: Keyed<'_>, written: bool) -> u64;
    /// Where the access will look, given its aim; what it will touch is fetched from memory.
    fn hint(&self, aim: u64, keyed: Keyed<'_>, purpose: Purpose) -> u64;
    /// Whether a key of the access was written after `snapshot`.
    fn newer(&self, hint: u64, keyed: Keyed<'_>, snapshot: Version) -> bool;
    /// Notes that all keys of the access were written at `version`, the newest so far.
    fn write(&mut self, hint: u64, keyed: Keyed<'_>, version: Version);
    /// Gives back some of what is forgotten; constant work a write.
    fn sweep(&mut self);
    /// The newest version in the access; the least key that has it is appended to `key`.
    fn newest(&self, keyed: Keyed<'_>, key: &mut Vec<u8>) -> Version;
}

impl Index for Points {
    const HAS_HINTS: bool = false;

    #[inline]
    fn begin(&mut self) {
        self.foresee_sweep();
    }

    #[inline]
    fn knows(&self, hashes: &Hashes) -> bool {
        hashes.are_of(self.hasher())
    }

    #[inline]
    fn fetch(&self, hash: u64, written: bool) {
        self.prefetch(hash, written);
    }

    #[inline]
    fn aim(&self, keyed: Keyed<'_>, written: bool) -> u64 {
        let Keyed::Point(key) = keyed else { return 0 };
        let hash = self.hash(key);
        self.prefetch(hash, written);
        hash
    }

    #[inline]
    fn hint(&self, aim: u64, _: Keyed<'_>, _: Purpose) -> u64 {
        aim
    }

    #[inline]
    fn newer(&self, hint: u64, keyed: Keyed<'_>, snapshot: Version) -> bool {
        let Keyed::Point(key) = keyed else { return false };
        self.version(hint, key).is_some_and(|version| version > snapshot)
    }

    #[inline]
    fn write(&mut self, hint: u64, keyed: Keyed<'_>, version: Version) {
        if let Keyed::Point(key) = keyed {
            Points::write(self, hint, key, version);
        }
    }

    #[inline]
    fn sweep(&mut self) {
        Points::sweep(self);
    }

    fn newest(&self, keyed: Keyed<'_>, out: &mut Vec<u8>) -> Version {
        let Keyed::Point(key) = keyed else { return Version::MIN };
        out.extend_from_slice(key);
        self.version(self.hash(key), key).unwrap_or(Version::MIN)
    }
}

impl Index for Tree {
    const HAS_HINTS: bool = true;

    fn knows(&self, _: &Hashes) -> bool {
        false
    }

    fn fetch(&self, _: u64, _: bool) {}

    #[inline]
    fn begin(&mut self) {
        self.begin_hints();
    }

    #[inline]
    fn aim(&self, keyed: Keyed<'_>, _: bool) -> u64 {
        match keyed {
            Keyed::Nothing => super::tree::NO_HINT.into(),
            Keyed::Point(key) => Tree::aim(self, key).into(),
            Keyed::Range(range) => Tree::aim(self, range.start).into(),
        }
    }

    #[inline]
    fn hint(&self, aim: u64, keyed: Keyed<'_>, purpose: Purpose) -> u64 {
        let aim = aim as u32;
        let hint = match keyed {
            Keyed::Nothing => super::tree::NO_HINT,
            Keyed::Point(key) => Tree::hint(self, aim, key, purpose),
            Keyed::Range(range) => Tree::hint(self, aim, range.start, purpose),
        };
        hint.into()
    }

    #[inline]
    fn newer(&self, hint: u64, keyed: Keyed<'_>, snapshot: Version) -> bool {
        match keyed {
            Keyed::Nothing => false,
            Keyed::Point(key) => self.point_newer(hint as u32, key, snapshot),
            Keyed::Range(range) => self.range_newer(hint as u32, range, snapshot),
        }
    }

    #[inline]
    fn write(&mut self, hint: u64, keyed: Keyed<'_>, version: Version) {
        match keyed {
            Keyed::Nothing => {}
            Keyed::Point(key) => self.write_point(hint as u32, key, version),
            Keyed::Range(range) => self.write_range(hint as u32, range, version),
        }
    }

    #[inline]
    fn sweep(&mut self) {
        Tree::sweep(self);
    }

    fn newest(&self, keyed: Keyed<'_>, key: &mut Vec<u8>) -> Version {
        match keyed {
            Keyed::Nothing => Version::MIN,
            Keyed::Point(only) => self.newest_in(only, None, key),
            Keyed::Range(range) => self.newest_in(range.start, Some(range.end), key),
        }
    }
}
