//! Which snapshots are live, for stores that let the resolver keep count.

use std::collections::VecDeque;

use super::{ResolveError, Version};

/// Live snapshots by version. New ones come in ascending order.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    live: VecDeque<(Version, u32)>,
}

impl Snapshots {
    /// Counts one more at `version`. O(log n), or constant if none is newer.
    pub(super) fn open(&mut self, version: Version) {
        match self.live.back_mut() {
            Some((last, count)) if *last == version => *count += 1,
            Some((last, _)) if *last > version => match self.place(version) {
                Ok(at) => self.live[at].1 += 1,
                Err(at) => self.live.insert(at, (version, 1)),
            },
            _ => self.live.push_back((version, 1)),
        }
    }

    /// Counts one less at `version`. O(log n), amortised.
    pub(super) fn close(&mut self, version: Version) -> Result<(), ResolveError> {
        let unknown = ResolveError::UnknownSnapshot(version);
        let at = self.place(version).map_err(|_| unknown)?;
        let count = &mut self.live[at].1;
        *count = count.checked_sub(1).ok_or(unknown)?;
        while self.live.front().is_some_and(|(_, count)| *count == 0) {
            self.live.pop_front();
        }
        Ok(())
    }

    /// The oldest live one.
    pub(super) fn oldest(&self) -> Option<Version> {
        self.live.front().map(|(version, _)| *version)
    }

    fn place(&self, version: Version) -> Result<usize, usize> {
        self.live.binary_search_by_key(&version, |(version, _)| *version)
    }
}
