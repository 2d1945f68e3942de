//! What the two forms of the window have in common: points in a hash table, or everything in key order.

use super::Version;
use super::batch::Keyed;
use super::points::Points;
use super::tree::Tree;

/// A map from keys to the version of their last write, good for checks at snapshots not below its floor.
pub(super) trait Index {
    /// Begins a group of accesses whose hints are taken together.
    fn begin(&mut self) {}
    /// Where the access will look, roughly; what `hint` reads is fetched from memory.
    fn aim(&mut self, keyed: Keyed<'_>, write: bool) -> u32;
    /// Where the access will look, given its aim; what it will touch is fetched from memory.
    fn hint(&mut self, aim: u32, keyed: Keyed<'_>, write: bool) -> u32;
    /// Whether a key of the access was written after `snapshot`.
    fn newer(&self, hint: u32, keyed: Keyed<'_>, snapshot: Version) -> bool;
    /// Notes that all keys of the access were written at `version`, the newest so far.
    fn write(&mut self, hint: u32, keyed: Keyed<'_>, version: Version);
    /// Gives back some of what is forgotten; constant work a write.
    fn sweep(&mut self);
    /// The newest version in the access, and the least key that has it.
    fn newest<'a>(&'a self, keyed: Keyed<'a>) -> (Version, &'a [u8]);
}

impl Index for Points {
    #[inline]
    fn begin(&mut self) {
        self.begin_hints();
    }

    #[inline]
    fn aim(&mut self, keyed: Keyed<'_>, write: bool) -> u32 {
        let Keyed::Point(key) = keyed else { return 0 };
        Points::hint(self, key, write)
    }

    #[inline]
    fn hint(&mut self, aim: u32, _keyed: Keyed<'_>, _write: bool) -> u32 {
        aim
    }

    #[inline]
    fn newer(&self, hint: u32, keyed: Keyed<'_>, snapshot: Version) -> bool {
        let Keyed::Point(key) = keyed else { return false };
        self.version(hint, key).is_some_and(|version| version > snapshot)
    }

    #[inline]
    fn write(&mut self, hint: u32, keyed: Keyed<'_>, version: Version) {
        if let Keyed::Point(key) = keyed {
            Points::write(self, hint, key, version);
        }
    }

    #[inline]
    fn sweep(&mut self) {
        Points::sweep(self);
    }

    fn newest<'a>(&'a self, keyed: Keyed<'a>) -> (Version, &'a [u8]) {
        let Keyed::Point(key) = keyed else { return (Version::MIN, &[]) };
        (self.version(self.hash(key), key).unwrap_or(Version::MIN), key)
    }
}

impl Index for Tree {
    #[inline]
    fn begin(&mut self) {
        self.begin_hints();
    }

    #[inline]
    fn aim(&mut self, keyed: Keyed<'_>, write: bool) -> u32 {
        match keyed {
            Keyed::Nothing => super::tree::NO_HINT,
            Keyed::Point(key) => {
                if write {
                    self.expect_key(key);
                }
                Tree::aim(self, key)
            }
            Keyed::Range(start, end) => {
                if write {
                    self.expect_key(start);
                    self.expect_key(end);
                }
                Tree::aim(self, start)
            }
        }
    }

    #[inline]
    fn hint(&mut self, aim: u32, keyed: Keyed<'_>, write: bool) -> u32 {
        match keyed {
            Keyed::Nothing => super::tree::NO_HINT,
            Keyed::Point(key) | Keyed::Range(key, _) => Tree::hint(self, aim, key, write),
        }
    }

    #[inline]
    fn newer(&self, hint: u32, keyed: Keyed<'_>, snapshot: Version) -> bool {
        match keyed {
            Keyed::Nothing => false,
            Keyed::Point(key) => self.point_newer(hint, key, snapshot),
            Keyed::Range(start, end) => self.range_newer(hint, start, end, snapshot),
        }
    }

    #[inline]
    fn write(&mut self, hint: u32, keyed: Keyed<'_>, version: Version) {
        match keyed {
            Keyed::Nothing => {}
            Keyed::Point(key) => self.write_point(hint, key, version),
            Keyed::Range(start, end) => self.write_range(hint, start, end, version),
        }
    }

    #[inline]
    fn sweep(&mut self) {
        Tree::sweep(self);
    }

    fn newest<'a>(&'a self, keyed: Keyed<'a>) -> (Version, &'a [u8]) {
        match keyed {
            Keyed::Nothing => (Version::MIN, &[]),
            Keyed::Point(key) => self.newest_in(key, None),
            Keyed::Range(start, end) => self.newest_in(start, Some(end)),
        }
    }
}
