//! What was found: models, verdicts, kinds, findings. It renders; it does not decide.
//!
//! # Who takes part in a finding, and in which order
//!
//! | kind | [`Finding::parties`] |
//! |---|---|
//! | contested-winner | the winner; the largest other possible last writer (by stamp, then [`tie_break`](crate::txn::tie_break)) |
//! | lost-write | the winner; of the writers with the largest `C.earliest`, the largest by stamp, then `tie_break` |
//! | write-write, lost-update, commit-tie | both, sorted by name, then row |
//! | future-read, aborted-read, intermediate-read | the reader; the writer |
//! | stale-read | the reader; the writer of the version read, unless it is the initial one; the overwriter |
//! | own-write-missed, non-repeatable-read, unknown-version, commit-before-start, commit-wait | the one |
//! | session-order, timestamp-inversion, broken-bound | the earlier; the later |
//! | not-linearizable | of two zones that clash, each one's writer (of the initial version the reader with the greatest begin, then the smallest row), in the order of [`Detail::Zones`]; of a read that ended before its write began the reader, the writer; of a value that no committed transaction wrote the reader |
//!
//! The overwriter named by a definite stale read is the largest by (`C.earliest`, `C.latest`,
//! `tie_break`) of those that make it so; by a possible one, the largest by (`C.latest`,
//! `C.earliest`, `tie_break`).

mod explain;
pub mod html;
pub mod human;
pub mod json;
pub mod junit;
mod limits;
mod reason;
pub mod sarif;
pub mod table;
pub mod text;
pub(crate) mod when;

pub use explain::explain;
pub use limits::{Limit, limits};
pub(crate) use reason::lacking;

use std::collections::BTreeMap;

use crate::time::{BoundedTimestamp, Unit};
use crate::txn::Times;

/// A promise that a database may make, by the name of `--model`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Model {
    /// The order of writes per key and the last-writer-wins winner.
    WriteOrder,
    /// Writers of one key in different regions, each blind to the other.
    CrossRegionConflicts,
    /// Reads from a snapshot; first committer wins.
    SnapshotIsolation,
    /// Equivalent to the serial execution in commit order.
    Serializable,
    /// Serializable, in an order that respects real time.
    StrictSerializable,
    /// Assigned commit timestamps respect real time.
    ExternalConsistency,
    /// Each key behaves as one atomic register.
    Linearizable,
    /// The bounds themselves contradict what must have come first.
    ClockBounds,
}

impl Model {
    /// All models, in the order of the specification.
    pub const ALL: [Model; 8] = [
        Model::WriteOrder,
        Model::CrossRegionConflicts,
        Model::SnapshotIsolation,
        Model::Serializable,
        Model::StrictSerializable,
        Model::ExternalConsistency,
        Model::Linearizable,
        Model::ClockBounds,
    ];

    /// The name on the command line and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Model::WriteOrder => "write-order",
            Model::CrossRegionConflicts => "cross-region-conflicts",
            Model::SnapshotIsolation => "snapshot-isolation",
            Model::Serializable => "serializable",
            Model::StrictSerializable => "strict-serializable",
            Model::ExternalConsistency => "external-consistency",
            Model::Linearizable => "linearizable",
            Model::ClockBounds => "clock-bounds",
        }
    }

    /// The model of that [name](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Model::ALL.into_iter().find(|m| m.name() == name)
    }
}

/// What kind of violation a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The names are the field's; the specification defines each in one line.
pub enum Kind {
    ContestedWinner,
    LostWrite,
    WriteWrite,
    LostUpdate,
    FutureRead,
    StaleRead,
    OwnWriteMissed,
    NonRepeatableRead,
    AbortedRead,
    IntermediateRead,
    UnknownVersion,
    SessionOrder,
    CommitTie,
    CommitBeforeStart,
    TimestampInversion,
    CommitWait,
    NotLinearizable,
    BrokenBound,
}

impl Kind {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::ContestedWinner => "contested-winner",
            Kind::LostWrite => "lost-write",
            Kind::WriteWrite => "write-write",
            Kind::LostUpdate => "lost-update",
            Kind::FutureRead => "future-read",
            Kind::StaleRead => "stale-read",
            Kind::OwnWriteMissed => "own-write-missed",
            Kind::NonRepeatableRead => "non-repeatable-read",
            Kind::AbortedRead => "aborted-read",
            Kind::IntermediateRead => "intermediate-read",
            Kind::UnknownVersion => "unknown-version",
            Kind::SessionOrder => "session-order",
            Kind::CommitTie => "commit-tie",
            Kind::CommitBeforeStart => "commit-before-start",
            Kind::TimestampInversion => "timestamp-inversion",
            Kind::CommitWait => "commit-wait",
            Kind::NotLinearizable => "not-linearizable",
            Kind::BrokenBound => "broken-bound",
        }
    }
}

/// Whether the clocks prove a finding or only cannot rule it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Certainty {
    /// A violation whatever the true times inside the bounds.
    Definite,
    /// A violation for some true times inside the bounds, not for all.
    Possible,
}

impl Certainty {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Certainty::Definite => "definite",
            Certainty::Possible => "possible",
        }
    }
}

/// What is said of one model over one log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// There is a definite finding.
    Violated,
    /// There are possible findings only.
    Undecided,
    /// There is no finding.
    Holds,
    /// It was not judged; the reason is given.
    NotChecked,
}

impl Verdict {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Violated => "violated",
            Verdict::Undecided => "undecided",
            Verdict::Holds => "holds",
            Verdict::NotChecked => "not-checked",
        }
    }
}

/// Exact numbers of findings, by certainty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Counts {
    /// Findings that the clocks prove.
    pub definite: u64,
    /// Findings that the clocks cannot rule out.
    pub possible: u64,
}

impl Counts {
    /// Counts one more finding.
    pub fn add(&mut self, certainty: Certainty) {
        match certainty {
            Certainty::Definite => self.definite += 1,
            Certainty::Possible => self.possible += 1,
        }
    }
}

/// A transaction that takes part in a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// The transaction's name: its id, or `#row` (`file#row` in a log of several files) where
    /// rows are transactions of their own.
    pub txn: String,
    /// Where it ran.
    pub region: String,
    /// The log row that shows it: its last write of the key, the read that is judged, or its
    /// first row where no key is meant.
    pub row: u64,
    /// Its times, as the model judged them.
    pub times: Times,
}

/// What a finding's sentence needs beyond the parties and their times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    None,
    /// Future-read and stale-read: the reader stands at its snapshot, not at its commit.
    AtSnapshot,
    /// Own-write-missed: the value last written before the read. Non-repeatable-read: the value
    /// that the read before it returned.
    Instead(Option<String>),
    /// Not-linearizable: the zones that clash. A forward zone comes first; of two forward ones
    /// the smaller by (`from`, `to`, row of its party).
    Zones(Zone, Zone),
}

/// The time over which the operations of one version hold a key (Gibbons and Korach 1997).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Whether it runs from the least end to the greatest begin, and not the other way round.
    pub forward: bool,
    /// Where it begins; `None` for before all time.
    pub from: Option<i64>,
    /// Where it ends.
    pub to: i64,
}

/// One violation with its witnesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The model that is violated.
    pub model: Model,
    /// How.
    pub kind: Kind,
    /// Whether the clocks prove it.
    pub certainty: Certainty,
    /// The key, as text; `None` where the kind is not about a key.
    pub key: Option<String>,
    /// What was read, as text, where the kind is about a read; `None` inside for null.
    pub value: Option<Option<String>>,
    /// The transactions, in the order in which the kind's sentence names them.
    pub parties: Vec<Party>,
    /// What else the sentence needs.
    pub detail: Detail,
}

impl Finding {
    /// What findings are sorted by: model, certainty, kind, key, transactions; all as text.
    pub fn sort_key(&self) -> impl Ord + '_ {
        let txns: Vec<&str> = self.parties.iter().map(|p| p.txn.as_str()).collect();
        let rows: Vec<u64> = self.parties.iter().map(|p| p.row).collect();
        (self.model.name(), self.certainty, self.kind.name(), &self.key, txns, rows)
    }
}

/// One model's verdict with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelReport {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it was not checked; `None` otherwise.
    pub reason: Option<String>,
    /// Numbers that are not findings, by name: of the writes' pairs and winners, of ambiguous
    /// reads, or `broken.eu->us.count` and `broken.eu->us.largest` (ticks) per pair of regions.
    pub facts: BTreeMap<String, u64>,
    /// Exact numbers of findings by kind name; a kind without findings may be absent.
    pub kinds: BTreeMap<&'static str, Counts>,
    /// The first findings in sorted order, as many as were asked for.
    pub findings: Vec<Finding>,
}

impl ModelReport {
    /// A model that was not judged, and why.
    pub fn not_checked(reason: impl Into<String>) -> Self {
        ModelReport {
            verdict: Verdict::NotChecked,
            reason: Some(reason.into()),
            facts: BTreeMap::new(),
            kinds: BTreeMap::new(),
            findings: Vec::new(),
        }
    }

    /// A judged model: the verdict follows from the counts.
    pub fn judged(
        facts: BTreeMap<String, u64>,
        kinds: BTreeMap<&'static str, Counts>,
        findings: Vec<Finding>,
    ) -> Self {
        let verdict = if kinds.values().any(|c| c.definite > 0) {
            Verdict::Violated
        } else if kinds.values().any(|c| c.possible > 0) {
            Verdict::Undecided
        } else {
            Verdict::Holds
        };
        ModelReport { verdict, reason: None, facts, kinds, findings }
    }
}

/// What a log holds, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSummary {
    /// The files, sorted by name.
    pub files: Vec<String>,
    /// Operations.
    pub rows: u64,
    /// Transactions of whatever fate.
    pub transactions: u64,
    /// Distinct keys, of whatever operation and fate; `None` if nobody asked for them, since
    /// counting them may cost more than the verdict.
    pub keys: Option<u64>,
    /// Region names, sorted.
    pub regions: Vec<String>,
    /// Distinct sessions.
    pub sessions: u64,
    /// What a tick lasts.
    pub unit: Unit,
}

/// The verdicts of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The log that was judged.
    pub log: LogSummary,
    /// The models asked for.
    pub models: BTreeMap<Model, ModelReport>,
}

impl Report {
    /// The findings of all models, sorted by [`Finding::sort_key`].
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        let mut by_name: Vec<_> = self.models.iter().collect();
        by_name.sort_by_key(|(model, _)| model.name());
        by_name.into_iter().flat_map(|(_, judged)| &judged.findings)
    }

    /// Keeps the first `most` findings of each model. Counts and verdicts stay.
    pub fn truncate(&mut self, most: usize) {
        self.models.values_mut().for_each(|judged| judged.findings.truncate(most));
    }
}

impl ModelReport {
    /// The findings of all kinds together.
    pub fn total(&self) -> Counts {
        self.kinds.values().fold(Counts::default(), |sum, kind| Counts {
            definite: sum.definite + kind.definite,
            possible: sum.possible + kind.possible,
        })
    }
}

impl Party {
    /// The commit bound, or where there is none the assigned commit timestamp as a point.
    pub fn commit(&self) -> Option<BoundedTimestamp> {
        self.times.commit.or(self.times.commit_ts.map(BoundedTimestamp::point))
    }
}
