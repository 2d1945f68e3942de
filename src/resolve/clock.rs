//! Commit timestamps from a clock that knows its error.

use super::{ResolveError, Version};
use crate::time::BoundedTimestamp;

/// Hands out commit timestamps: each above every earlier one, and not below the `latest` of the clock.
///
/// So the true time has not passed a timestamp when it is given, and a transaction that starts after
/// another was acknowledged gets a greater one, if acknowledging waits until the timestamp has certainly
/// passed ([`wait`](Self::wait)): the commit wait of Spanner (Corbett and others, 2012). Nothing here
/// sleeps or reads a clock.
///
/// ```
/// use skewer::BoundedTimestamp;
/// use skewer::resolve::CommitClock;
/// # fn main() -> Result<(), skewer::resolve::ResolveError> {
/// let mut clock = CommitClock::new(0);
/// let now = BoundedTimestamp::reading(1_000, 50);
/// let commit = clock.next(now)?;
/// assert_eq!(commit, 1_050);
/// assert_eq!(CommitClock::wait(commit, now), 101, "until the earliest possible time is 1,051");
/// assert_eq!(clock.next(now)?, 1_051, "above the one before, though the clock stood still");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitClock {
    last: Version,
}

impl CommitClock {
    /// A clock whose timestamps are all above `last`: after a crash, the greatest ever promised.
    pub const fn new(last: Version) -> Self {
        Self { last }
    }

    /// The last timestamp handed out or observed.
    pub const fn last(&self) -> Version {
        self.last
    }

    /// The next commit timestamp, when the clock reads `now`.
    ///
    /// # Errors
    /// [`ResolveError::UntrustedClock`] if the reading has no upper bound;
    /// [`ResolveError::VersionsUsedUp`]. Nothing is changed.
    pub fn next(&mut self, now: BoundedTimestamp) -> Result<Version, ResolveError> {
        if now.latest() == Version::MAX {
            return Err(ResolveError::UntrustedClock);
        }
        let above = self.last.checked_add(1).ok_or(ResolveError::VersionsUsedUp)?;
        self.last = above.max(now.latest());
        Ok(self.last)
    }

    /// Notes a timestamp that another clock handed out: later ones are above it.
    pub fn observe(&mut self, version: Version) {
        self.last = self.last.max(version);
    }

    /// How many ticks have to pass on a clock that reads `now` until `commit` has certainly passed:
    /// until the reading's `earliest` is above it. 0 if it has.
    pub const fn wait(commit: Version, now: BoundedTimestamp) -> u64 {
        if commit < now.earliest() { 0 } else { commit.abs_diff(now.earliest()).saturating_add(1) }
    }
}
