//! What committed transactions lack of what models need.

use crate::txn::Times;

/// Transactions that lack something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Without {
    /// How many.
    pub(crate) count: u64,
    /// The first row of the first of them.
    first_row: Option<u32>,
}

impl Without {
    fn add(&mut self, row: u32, lacks: bool) {
        if lacks {
            self.count += 1;
            self.first_row = Some(self.first_row.map_or(row, |r| r.min(row)));
        }
    }

    fn merged(self, other: Without) -> Without {
        let first_row = match (self.first_row, other.first_row) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Without { count: self.count + other.count, first_row }
    }

    /// The first row of the first; 0 if there is none.
    pub(crate) fn first_row(&self) -> u32 {
        self.first_row.unwrap_or_default()
    }
}

/// How many committed transactions there are, and how many of them lack what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Committed transactions.
    pub(crate) committed: u64,
    /// Those that wrote.
    pub(crate) writers: u64,
    /// Without a start bound.
    pub(crate) without_start: Without,
    /// Without a commit bound.
    pub(crate) without_commit: Without,
    /// Writers without a commit bound.
    pub(crate) writers_without_commit: Without,
    /// Without an assigned commit timestamp.
    pub(crate) without_stamp: Without,
    /// Without one of both assigned timestamps.
    pub(crate) without_points: Without,
    /// Without a start bound that was recorded.
    pub(crate) without_recorded_start: Without,
    /// Without a commit bound that was recorded.
    pub(crate) without_recorded_commit: Without,
    /// With more than one operation.
    pub(crate) long: Without,
}

impl Needs {
    /// Counts one committed transaction.
    pub(super) fn see(&mut self, row: u32, wrote: bool, long: bool, times: &Times) {
        let (start, commit) = (times.start.is_some(), times.commit.is_some());
        self.committed += 1;
        self.writers += u64::from(wrote);
        self.without_start.add(row, !start);
        self.without_commit.add(row, !commit);
        self.writers_without_commit.add(row, wrote && !commit);
        self.without_stamp.add(row, times.commit_ts.is_none());
        self.without_points.add(row, times.commit_ts.is_none() || times.start_ts.is_none());
        self.without_recorded_start.add(row, !start || times.assumed);
        self.without_recorded_commit.add(row, !commit || times.assumed);
        self.long.add(row, long);
    }

    /// Both together.
    pub(super) fn merged(self, other: Needs) -> Needs {
        Needs {
            committed: self.committed + other.committed,
            writers: self.writers + other.writers,
            without_start: self.without_start.merged(other.without_start),
            without_commit: self.without_commit.merged(other.without_commit),
            writers_without_commit: self.writers_without_commit.merged(other.writers_without_commit),
            without_stamp: self.without_stamp.merged(other.without_stamp),
            without_points: self.without_points.merged(other.without_points),
            without_recorded_start: self.without_recorded_start.merged(other.without_recorded_start),
            without_recorded_commit: self.without_recorded_commit.merged(other.without_recorded_commit),
            long: self.long.merged(other.long),
        }
    }
}
