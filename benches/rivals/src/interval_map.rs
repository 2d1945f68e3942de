//! What one would write by hand: a `BTreeMap` from boundaries to versions.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{self, Excluded, Included, Unbounded};

use crate::{Access, Check, Load};

/// Boundaries, and the version from each to the next. Forgets by dropping boundaries at their turn.
#[derive(Debug)]
pub struct IntervalMap {
    versions: BTreeMap<Vec<u8>, u64>,
    /// Boundaries in the order of their versions, to be looked at again when those are forgotten.
    written: VecDeque<(u64, Vec<u8>, Vec<u8>)>,
    version: u64,
    load: Load,
}

impl IntervalMap {
    /// An empty one.
    pub fn new(load: Load) -> Self {
        IntervalMap { versions: BTreeMap::new(), written: VecDeque::new(), version: 0, load }
    }

    fn range(
        &self,
        low: Bound<&[u8]>,
        high: Bound<&[u8]>,
    ) -> impl DoubleEndedIterator<Item = (&Vec<u8>, &u64)> {
        self.versions.range::<[u8], _>((low, high))
    }

    fn before(&self, key: &[u8]) -> u64 {
        self.range(Unbounded, Included(key)).next_back().map_or(0, |(_, version)| *version)
    }

    fn is_newer(&self, read: Access<'_>, snapshot: u64) -> bool {
        match read {
            Access::Point(key) => self.before(key) > snapshot,
            Access::Range(low, high) => {
                self.before(low) > snapshot
                    || self.range(Included(low), Excluded(high)).any(|(_, version)| *version > snapshot)
            }
        }
    }

    fn write(&mut self, write: Access<'_>) {
        let (low, high) = match write {
            Access::Point(key) => (key.to_vec(), [key, &[0]].concat()),
            Access::Range(low, high) => (low.to_vec(), high.to_vec()),
        };
        let after = self.before(&high);
        let inside: Vec<Vec<u8>> =
            self.versions.range(low.clone()..high.clone()).map(|(key, _)| key.clone()).collect();
        for key in inside {
            self.versions.remove(&key);
        }
        self.versions.insert(high.clone(), after);
        self.versions.insert(low.clone(), self.version);
        self.written.push_back((self.version, low, high));
    }

    fn floor(&self) -> u64 {
        self.version.saturating_sub(self.load.window.div_ceil(self.load.batch) as u64)
    }

    fn forget(&mut self) {
        let floor = self.floor();
        while self.written.front().is_some_and(|(version, ..)| *version <= floor) {
            let Some((_, low, high)) = self.written.pop_front() else { return };
            for key in [low, high] {
                let is_old = self.versions.get(&key).is_some_and(|version| *version <= floor);
                let below = self.range(Unbounded, Excluded(&key)).next_back();
                if is_old && below.is_none_or(|(_, version)| *version <= floor) {
                    self.versions.remove(&key);
                }
            }
        }
    }
}

impl Check for IntervalMap {
    fn check(&mut self, txns: &[(Access<'_>, Access<'_>)]) -> usize {
        let snapshot = self.floor();
        self.version += 1;
        let mut committed = 0;
        for (read, write) in txns {
            if !self.is_newer(*read, snapshot) {
                self.write(*write);
                committed += 1;
            }
        }
        self.forget();
        committed
    }

    fn fill(&mut self, write: Access<'_>) {
        self.version += 1;
        self.write(write);
        self.forget();
    }
}
