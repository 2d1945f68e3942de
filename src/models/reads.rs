//! What `snapshot-isolation` and `serializable` say of reads, and of writers that tie.

use std::collections::BTreeMap;

use super::least::first_named;
use super::tally::{Aside, Sighting, Tally};
use crate::history::{Ends, Finger, KeyHistory, Read, Sessions, Source, Timeline, Version};
use crate::report::{Certainty, Counts, Kind};

/// The kinds that [`Shared`] finds.
pub(super) const SHARED_KINDS: [Kind; 7] = [
    Kind::OwnWriteMissed,
    Kind::NonRepeatableRead,
    Kind::AbortedRead,
    Kind::IntermediateRead,
    Kind::UnknownVersion,
    Kind::SessionOrder,
    Kind::CommitTie,
];

/// What the models of reads share: all that depends neither on where a reader stands nor on the
/// model.
#[derive(Debug)]
pub(super) struct Shared<'a> {
    pub(super) tally: Tally<'a>,
    sessions: &'a Sessions,
    /// First reads of a key by a transaction that name no version.
    ambiguous: u64,
    ties: Vec<(i64, u32)>,
}

impl<'a> Shared<'a> {
    pub(super) fn new(tally: Tally<'a>, sessions: &'a Sessions) -> Self {
        Shared { tally, sessions, ambiguous: 0, ties: Vec::new() }
    }

    /// Judges one key.
    pub(super) fn key(&mut self, history: &KeyHistory) {
        for contradicted in &history.contradicted {
            let kind = if contradicted.own_write { Kind::OwnWriteMissed } else { Kind::NonRepeatableRead };
            let parties = [contradicted.row];
            let sighting = Sighting::of(kind, &parties).reading();
            self.tally.see(Sighting { aside: Aside::Instead(contradicted.instead), ..sighting });
        }
        for read in &history.reads {
            self.ambiguous += u64::from(read.first && read.source == Source::Ambiguous);
            if read.repeated {
                continue;
            }
            let (kind, parties) = match read.source {
                Source::Aborted(writer) => (Kind::AbortedRead, [read.row, writer]),
                Source::Intermediate(writer) => (Kind::IntermediateRead, [read.row, writer]),
                Source::Unknown => (Kind::UnknownVersion, [read.row, read.row]),
                Source::Initial | Source::Version(_) | Source::Ambiguous => continue,
            };
            let parties = if kind == Kind::UnknownVersion { &parties[..1] } else { &parties };
            self.tally.see(Sighting::of(kind, parties).reading());
        }
    }

    /// Judges the writers of one key: do two of them have one commit point?
    pub(super) fn writers(&mut self, timeline: &Timeline, versions: &[Version]) {
        if timeline.is_chain() {
            return;
        }
        let mut ties = std::mem::take(&mut self.ties);
        ties.clear();
        ties.extend(versions.iter().filter(|v| v.ends[2] == v.ends[3]).map(|v| (v.ends[2], v.row)));
        if !ties.is_sorted_by(|a, b| a.0 < b.0) {
            ties.sort_unstable();
            for tied in ties.chunk_by(|a, b| a.0 == b.0).filter(|tied| tied.len() > 1) {
                self.tied(tied);
            }
        }
        self.ties = ties;
    }

    fn tied(&mut self, tied: &[(i64, u32)]) {
        let possible = super::counting::pairs(tied.len() as u64);
        self.tally.count(Kind::CommitTie, Counts { definite: 0, possible });
        if !self.tally.wants(Certainty::Possible, Kind::CommitTie, tied[0].1) {
            return;
        }
        let (log, limit) = (self.tally.txns.log, self.tally.limit());
        // No pair that is told is of others: those of the first name, and as many more.
        let enough = limit.saturating_mul(2).saturating_add(2);
        let named = first_named(log, tied.iter().map(|(_, row)| *row), enough);
        let (mut offered, mut before) = (0, 0);
        for (at, a) in named.iter().enumerate() {
            // Writes of one name are taken together: among them partners' names decide, not rows.
            if at == 0 || named[at - 1].cmp_name(a, log).is_ne() {
                before = offered;
            }
            if before >= limit {
                break;
            }
            for b in named[at + 1..].iter().take(limit - before) {
                self.tally.tell_pair(Kind::CommitTie, Certainty::Possible, a.row, b.row);
                offered += 1;
            }
        }
    }

    /// Judges one committed transaction: what came before it in its session.
    pub(super) fn txn(&mut self, txn: u32) {
        let Some(before) = self.sessions.before(txn) else { return };
        let (txns, clock) = (self.tally.txns, self.tally.clock);
        if txns.has_start(clock, txn) && txns.ends(clock, txn)[1] < txns.ends(clock, before)[2] {
            let parties = [before, txn].map(|t| txns.log.txns.first_row(t));
            self.tally.see(Sighting::of(Kind::SessionOrder, &parties));
        }
    }

    /// Numbers that are not findings.
    pub(super) fn facts(&self) -> BTreeMap<String, u64> {
        BTreeMap::from([("ambiguous_reads".to_owned(), self.ambiguous)])
    }

    /// Takes over what another found.
    pub(super) fn merge(&mut self, other: Shared<'_>) {
        self.tally.merge(other.tally);
        self.ambiguous += other.ambiguous;
    }
}

/// Where a reader stands among the versions.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stand {
    /// At its snapshot.
    Snapshot,
    /// At its commit.
    Commit,
}

impl Stand {
    /// The bound of that, of a reader with those ends.
    fn bound(self, ends: &Ends) -> (i64, i64) {
        match self {
            Stand::Snapshot => (ends[0], ends[1]),
            Stand::Commit => (ends[2], ends[3]),
        }
    }

    /// Whether what happened at the stand's own time was not before it.
    fn strictly(self) -> bool {
        matches!(self, Stand::Commit)
    }
}

/// Finds future and stale reads.
#[derive(Debug, Default)]
pub(super) struct Misplaced {
    ended: [Finger; 2],
    begun: [Finger; 2],
}

impl Misplaced {
    /// Begins a new key.
    pub(super) fn restart(&mut self) {
        *self = Misplaced::default();
    }

    /// Judges one read of a reader that stands there.
    pub(super) fn judge(
        &mut self,
        tally: &mut Tally<'_>,
        (timeline, versions): (&Timeline, &[Version]),
        (read, ends): (&Read, &Ends),
        stand: Stand,
    ) {
        let bound = stand.bound(ends);
        let writer = match read.source {
            _ if !read.first => return,
            Source::Initial => None,
            Source::Version(version) => Some(version),
            _ => return,
        };
        let place = writer;
        let writer = place.map(|at| &versions[at as usize]);
        let aside = match stand {
            Stand::Snapshot => Aside::AtSnapshot,
            Stand::Commit => Aside::None,
        };
        if let Some(writer) = writer
            && let Some(certainty) = future(stand, bound, writer)
        {
            let parties = [read.row, writer.row];
            let sighting = Sighting::of(Kind::FutureRead, &parties).reading();
            tally.see(Sighting { certainty, aside, ..sighting });
            // A read that is a definite future-read is not also stale.
            if certainty == Certainty::Definite {
                return;
            }
        }
        if let Some((certainty, other)) = self.stale((timeline, versions), read.txn, (stand, bound), place) {
            let all = [read.row, writer.map_or(other.row, |w| w.row), other.row];
            let parties = if writer.is_some() { &all } else { &all[..2] };
            let sighting = Sighting::of(Kind::StaleRead, parties).reading();
            tally.see(Sighting { certainty, aside, ..sighting });
        }
    }

    /// Whether nobody can have overwritten version `at` before its reader stood there, for the plain
    /// reason that in a chain its neighbours did not: those further off are further off in time too.
    fn surely_current(versions: &[Version], at: u32, reader: u32, up_to: i128) -> bool {
        let (at, above) = (at as usize, versions[at as usize].ends[2]);
        let others = |v: &&Version| v.txn != reader;
        let next = versions[at + 1..].iter().find(others);
        let before = versions[..at].iter().rev().find(others);
        next.is_none_or(|v| i128::from(v.ends[2]) > up_to) && before.is_none_or(|v| v.ends[3] <= above)
    }

    /// Whether, and by whose version, the one that was read was overwritten before.
    fn stale<'v>(
        &mut self,
        (timeline, versions): (&Timeline, &'v [Version]),
        reader: u32,
        (stand, (earliest, latest)): (Stand, (i64, i64)),
        writer: Option<u32>,
    ) -> Option<(Certainty, &'v Version)> {
        let (which, strictly) = (stand as usize, stand.strictly());
        let up_to = i128::from(latest) - i128::from(strictly);
        if let Some(writer) = writer
            && timeline.is_chain()
            && Self::surely_current(versions, writer, reader, up_to)
        {
            return None;
        }
        let writer = writer.map(|at| &versions[at as usize]);
        // Overwritten for certain: the greatest C.earliest decides.
        let finger = &mut self.ended[which];
        let settled = timeline.ended(versions, finger, (earliest, strictly), reader);
        if let Some(other) = settled.filter(|o| writer.is_none_or(|w| w.ends[3] < o.ends[2])) {
            return Some((Certainty::Definite, other));
        }
        // Perhaps: a tick of its commit after the writer's first and up to the reader's last.
        let above = writer.map_or(i128::from(i64::MIN) - 1, |w| w.ends[2].into());
        if above >= up_to {
            return None;
        }
        let but = [reader, writer.map_or(reader, |w| w.txn)];
        let other = timeline.begun(versions, &mut self.begun[which], (latest, strictly), but)?;
        (i128::from(other.ends[3]) > above).then_some((Certainty::Possible, other))
    }
}

/// Whether a version was read before it was there.
fn future(stand: Stand, (earliest, latest): (i64, i64), writer: &Version) -> Option<Certainty> {
    let (written, written_by) = (writer.ends[2], writer.ends[3]);
    if latest < written {
        Some(Certainty::Definite)
    } else if written_by > earliest || (stand.strictly() && written_by == earliest) {
        Some(Certainty::Possible)
    } else {
        None
    }
}
