//! How wrong a clock was, over time: the history that its daemon wrote, joined to a log's timestamps.
//!
//! A log without bounds holds readings of clocks. Where somebody kept how wrong those clocks were, the
//! bounds can be had afterwards: [`BoundHistories`] reads what ClockBound (`synchronization.log`) or chrony
//! (`tracking.log`) kept, or a plain CSV, and answers for a region or a host and a time.
//!
//! # Which bound, when
//!
//! * From a sample on, the error is the sample's and grows by the drift ([`DEFAULT_DRIFT_PPB`], or the
//!   file's `drift=`), until the next sample, or until the sample is too old (`hold=`): 1,000 s, after which
//!   ClockBound calls its own bound void; for chrony's log 2,100 s, two of its longest default polls.
//! * chrony's last column is the greatest error of the interval *before* its line: it holds there.
//! * Unlimited (`[i64::MIN, i64::MAX]`) is the bound before the first sample, in gaps, and between the
//!   last good sample before and the first good one after anything that is no good: `UNKNOWN`, `DISRUPTED`,
//!   not synchronised, a step of the clock. A step by `s` is also unlimited `s` before and after, since times
//!   there may have happened twice. A line that is dated before the one above is a step.
//! * ClockBound tells the error of its own clock. By how much it had to correct the system's, it tells in
//!   summaries: that comes on top over each summary's window.
//!
//! # Recorded, or made?
//!
//! The error was recorded, but the middle of such a bound is the assigned timestamp itself. So these
//! bounds prove nothing about that timestamp: [`Times::assumed`](crate::txn::Times::assumed) is true for them
//! as it is for those of `--clock-error`, and `external-consistency`, which asks whether assigned timestamps
//! follow real time, is not checked by them.

mod chrony;
mod clockbound;
mod csv;
mod date;
mod file;
mod history;

pub use file::BoundsFile;
pub use history::BoundHistory;

use std::fmt;

pub use crate::clock::DEFAULT_DRIFT_PPB;

use crate::error::Result;

/// Whose clock a history is of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Whose {
    /// Every one that has no history of its own.
    Any,
    /// Those of a region.
    Region(String),
    /// That of a host, named in the log's column `host`.
    Host(String),
}

impl fmt::Display for Whose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Whose::Any => f.write_str("a clock without a file of its own"),
            Whose::Region(name) => write!(f, "region `{name}`"),
            Whose::Host(name) => write!(f, "host `{name}`"),
        }
    }
}

/// Histories of several clocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoundHistories {
    histories: Vec<(Whose, BoundHistory)>,
}

impl BoundHistories {
    /// The histories that `files` hold. Files of the same clock are one history: a log that was
    /// rotated is given as its parts.
    ///
    /// # Errors
    /// If a file cannot be read or a line cannot be understood; the error names file, line and
    /// value.
    pub fn read(files: &[BoundsFile]) -> Result<Self> {
        let mut clocks: Vec<(Whose, history::Events)> = Vec::new();
        for file in files {
            let events = file.read()?;
            match clocks.iter_mut().find(|(whose, _)| *whose == file.whose) {
                Some((_, known)) => known.merge(events),
                None => clocks.push((file.whose.clone(), events)),
            }
        }
        let histories = clocks.into_iter().map(|(whose, events)| (whose, events.history())).collect();
        Ok(BoundHistories { histories })
    }

    /// Adds a history made otherwise; it replaces that of the same clock.
    pub fn insert(&mut self, whose: Whose, history: BoundHistory) {
        self.histories.retain(|(known, _)| *known != whose);
        self.histories.push((whose, history));
    }

    /// Whether some history is of a host: a log needs a `host` column then.
    pub fn by_host(&self) -> bool {
        self.histories.iter().any(|(whose, _)| matches!(whose, Whose::Host(_)))
    }

    /// The history of a clock: its host's, else its region's, else that of every clock, else none.
    pub fn of(&self, region: &str, host: Option<&str>) -> Option<&BoundHistory> {
        Some(self.at(self.place(region, host)?))
    }

    fn place(&self, region: &str, host: Option<&str>) -> Option<usize> {
        host.and_then(|host| self.of_host(host)).or_else(|| self.of_region(region))
    }

    /// Where the history of a host stands.
    pub(crate) fn of_host(&self, host: &str) -> Option<usize> {
        self.find(|whose| matches!(whose, Whose::Host(name) if name == host))
    }

    /// Where the history of a region's clocks stands.
    pub(crate) fn of_region(&self, region: &str) -> Option<usize> {
        let own = self.find(|whose| matches!(whose, Whose::Region(name) if name == region));
        own.or_else(|| self.find(|whose| *whose == Whose::Any))
    }

    fn find(&self, wanted: impl Fn(&Whose) -> bool) -> Option<usize> {
        self.histories.iter().position(|(whose, _)| wanted(whose))
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.histories.len()
    }

    /// What a user should know of those that are not `used`, in sentences without a full stop: mostly a name
    /// is misspelt.
    pub(crate) fn unused(&self, used: &[bool]) -> Vec<String> {
        let idle = self.histories.iter().zip(used).filter(|(_, used)| !**used);
        idle.map(|((whose, _), _)| format!("--bounds: no bare timestamp is of {whose}: nothing was joined"))
            .collect()
    }

    /// The history that stands there.
    pub(crate) fn at(&self, place: usize) -> &BoundHistory {
        &self.histories[place].1
    }
}
