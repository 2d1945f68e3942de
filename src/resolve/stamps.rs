//! Short names for commit versions.
//!
//! A window holds a version for each boundary, and few different ones. So it holds *stamps*: the versions at which something
//! was written, numbered in their order. Half the bytes mean fewer cache lines a check. What a snapshot is among them
//! is asked once a transaction.

use std::collections::VecDeque;

use super::Version;

/// The number of a version at which something was written: greater ones are later. 0 is before all, and none is negative.
/// Signed, since that is what every CPU compares many at a time.
pub(super) type Stamp = i32;

/// When stamps reach it, those in use begin anew from 1; early in tests, so that it happens.
const LIMIT: Stamp = if cfg!(test) { 60 } else { Stamp::MAX - 2 };

/// The versions above the floor at which something was written.
#[derive(Debug)]
pub(super) struct Stamps {
    versions: VecDeque<Version>,
    /// The stamp of the first of them.
    first: Stamp,
    /// The last version that was stamped, and the one before: what most snapshots are.
    newest: Version,
    before: Version,
}

impl Default for Stamps {
    fn default() -> Self {
        Self { versions: VecDeque::new(), first: 1, newest: Version::MIN, before: Version::MIN }
    }
}

impl Stamps {
    /// The stamp of `version`, which is not below any that has one.
    #[inline]
    pub(super) fn stamp(&mut self, version: Version) -> Stamp {
        if self.newest != version || self.versions.is_empty() {
            (self.newest, self.before) = (version, self.newest);
            self.versions.push_back(version);
        }
        self.last()
    }

    /// The version of a stamp above the floor; of others, the least of all stamps too, there is none.
    pub(super) fn version(&self, stamp: Stamp) -> Option<Version> {
        let place = stamp.checked_sub(self.first)?;
        self.versions.get(usize::try_from(place).ok()?).copied()
    }

    /// The last stamp that a snapshot shows: what has a greater one was written after it. The snapshot is not below the
    /// floor. O(log k) for `k` later ones.
    #[inline]
    pub(super) fn shown(&self, snapshot: Version) -> Stamp {
        if snapshot >= self.newest {
            return self.last();
        }
        if snapshot >= self.before { self.last() - 1 } else { self.shown_earlier(snapshot) }
    }

    fn shown_earlier(&self, snapshot: Version) -> Stamp {
        let (mut low, mut high, mut step) = (0, self.versions.len().saturating_sub(1), 1);
        while low < high {
            let at = high.saturating_sub(step);
            if self.versions[at] <= snapshot {
                low = at + 1;
                break;
            }
            (high, step) = (at, step * 2);
        }
        self.floor() + self.count_up_to(snapshot, low, high)
    }

    /// How many versions are at or below `version`, given that those before `low` are and those from `high` on are not.
    fn count_up_to(&self, version: Version, mut low: usize, mut high: usize) -> Stamp {
        while low < high {
            let middle = usize::midpoint(low, high);
            if self.versions[middle] <= version { low = middle + 1 } else { high = middle }
        }
        low as Stamp
    }

    /// Drops the versions at or below `floor`. O(log k) for `k` of them.
    pub(super) fn forget(&mut self, floor: Version) {
        if self.versions.front().is_none_or(|first| *first > floor) {
            return;
        }
        let (mut low, mut step) = (1, 1);
        while self.versions.get(low + step - 1).is_some_and(|version| *version <= floor) {
            low += step;
            step *= 2;
        }
        let gone = self.count_up_to(floor, low, self.versions.len().min(low + step - 1));
        self.versions.drain(..gone as usize);
        self.first += gone;
    }

    /// The greatest stamp that is forgotten.
    #[inline]
    pub(super) fn floor(&self) -> Stamp {
        self.first - 1
    }

    /// The last stamp that was given.
    #[inline]
    pub(super) fn last(&self) -> Stamp {
        self.floor() + self.versions.len() as Stamp
    }

    /// Whether no version can be stamped any more until some are forgotten.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.versions.len() >= Stamp::MAX as usize - 2
    }

    /// By how much all stamps should be lowered before there is another one; 0 mostly.
    #[inline]
    pub(super) fn surplus(&self) -> Stamp {
        if self.last() >= LIMIT { self.floor() } else { 0 }
    }

    /// Lowers all stamps by the surplus.
    pub(super) fn lower(&mut self, surplus: Stamp) {
        self.first -= surplus;
    }

    pub(super) fn bytes(&self) -> usize {
        self.versions.capacity() * size_of::<Version>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a snapshot shows what was stamped at or below it, from the floor on, whatever was forgotten or lowered.
    #[test]
    fn snapshots_show_what_is_not_later() {
        let mut stamps = Stamps::default();
        let mut all: Vec<(Version, Stamp)> = Vec::new();
        for version in (0..900).map(|n: Version| n * n / 7 + 1) {
            all.push((version, stamps.stamp(version)));
            assert_eq!(stamps.stamp(version), all[all.len() - 1].1);
            let floor = version - version % 40 - 500;
            stamps.forget(floor);
            let surplus = stamps.surplus();
            stamps.lower(surplus);
            all.retain(|(version, _)| *version > floor);
            all.iter_mut().for_each(|(_, stamp)| *stamp -= surplus);
            for snapshot in floor..version + 2 {
                let shown = all.iter().rev().find(|(v, _)| *v <= snapshot).map_or(stamps.floor(), |a| a.1);
                assert_eq!(stamps.shown(snapshot), shown);
            }
            all.iter().for_each(|(version, stamp)| assert_eq!(stamps.version(*stamp), Some(*version)));
            assert_eq!(stamps.version(stamps.floor()), None);
            assert_eq!(stamps.version(Stamp::MIN), None);
        }
    }
}
