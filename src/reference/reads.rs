//! What reads returned: whose version, and whether their own transaction could see it so.

use super::history::{History, Txn, finding, holds_tick, text};
use crate::report::{Certainty, Detail, Finding, Kind, Model};
use crate::time::BoundedTimestamp;
use crate::txn::{Datum, Row};

/// Whose value a read returned.
pub(super) enum Source<'h, 'a> {
    /// "A null value read is the initial version, which precedes everything."
    Initial,
    /// The last write of the key by a committed transaction.
    Version(&'h Txn<'a>),
    /// A write that its own transaction overwrote.
    Intermediate(&'h Txn<'a>),
    /// A write of an aborted transaction.
    Aborted(&'h Txn<'a>),
    /// Nobody wrote it.
    Unknown,
    /// It names no version.
    Ambiguous,
}

/// Whose value `read`, not of an own write, returned to `reader`.
pub(super) fn source<'h, 'a>(history: &'h History<'a>, reader: &Txn<'_>, read: &Row<'_>) -> Source<'h, 'a> {
    let writes = |t: &'h Txn<'a>| t.writes().filter(|w| w.key == read.key && w.value == read.value);
    let committed: Vec<(&Txn<'_>, &Row<'_>)> =
        history.committed().flat_map(|t| writes(t).map(move |w| (t, w))).collect();
    if read.value.is_none() {
        // "Where a committed transaction deleted the key, that is wrote null, a read of null
        // names no version."
        return if committed.is_empty() { Source::Initial } else { Source::Ambiguous };
    }
    if committed.len() > 1 {
        // "If two committed writes of one key carry the same value, a read of that value names
        // no version."
        return Source::Ambiguous;
    }
    if let Some((writer, write)) = committed.into_iter().find(|(t, _)| !t.is(reader)) {
        let last = writer.last_write(read.key).is_some_and(|w| w.row == write.row);
        return if last { Source::Version(writer) } else { Source::Intermediate(writer) };
    }
    uncommitted_source(history, read)
}

fn uncommitted_source<'h, 'a>(history: &'h History<'a>, read: &Row<'_>) -> Source<'h, 'a> {
    let wrote = |t: &&Txn<'_>| t.writes().any(|w| w.key == read.key && w.value == read.value);
    let mut others: Vec<&Txn<'_>> = history.txns.iter().filter(|t| !t.committed).filter(wrote).collect();
    // The one whose write of the value stands first in the log.
    others.sort_by_key(|t| t.writes().find(|w| w.key == read.key && w.value == read.value).map(|w| w.row));
    if let Some(aborted) = others.iter().find(|t| t.status == crate::txn::Status::Aborted) {
        return Source::Aborted(aborted);
    }
    // Of unknown fate and left out although it was read: then it wrote another value last.
    others.first().map_or(Source::Unknown, |t| Source::Intermediate(t))
}

/// The reads of keys that the transaction had not written before.
pub(super) fn external_reads<'t, 'a>(txn: &'t Txn<'a>) -> Vec<&'t Row<'a>> {
    txn.reads().filter(|r| txn.last_write_before(r).is_none()).collect()
}

/// "Only a first read of x before any own write is judged by future/stale-read."
pub(super) fn first_external_reads<'t, 'a>(txn: &'t Txn<'a>) -> Vec<&'t Row<'a>> {
    let is_first = |r: &&Row<'_>| !txn.reads().any(|earlier| earlier.key == r.key && earlier.row < r.row);
    external_reads(txn).into_iter().filter(is_first).collect()
}

/// "The report counts such reads": those that name no version, once per reader and key.
pub(super) fn ambiguous_reads(history: &History<'_>) -> u64 {
    let mut count = 0;
    for reader in history.committed() {
        for read in first_external_reads(reader) {
            count += u64::from(matches!(source(history, reader, read), Source::Ambiguous));
        }
    }
    count
}

/// The kinds from own-write-missed to unknown-version: no clock has a say in them.
pub(super) fn broken_reads(history: &History<'_>, model: Model) -> Vec<Finding> {
    let mut findings = Vec::new();
    for reader in history.committed() {
        findings.extend(own_view(reader, model));
        let mut judged: Vec<(Datum<'_>, Option<Datum<'_>>)> = Vec::new();
        for read in external_reads(reader) {
            if judged.contains(&(read.key, read.value)) {
                continue;
            }
            judged.push((read.key, read.value));
            let (kind, writer) = match source(history, reader, read) {
                Source::Aborted(writer) => (Kind::AbortedRead, Some(writer)),
                // "Its own transaction overwrote it."
                Source::Intermediate(writer) => (Kind::IntermediateRead, Some(writer)),
                // "Nobody wrote it."
                Source::Unknown => (Kind::UnknownVersion, None),
                Source::Initial | Source::Version(_) | Source::Ambiguous => continue,
            };
            let writer = writer.map(|w| w.as_writer(read.key));
            let parties = std::iter::once(reader.at(read)).chain(writer).collect();
            findings.push(finding(model, kind, Certainty::Definite, parties).reading(read));
        }
    }
    findings
}

fn own_view(txn: &Txn<'_>, model: Model) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |kind, read: &Row<'_>, instead| {
        let mut finding = finding(model, kind, Certainty::Definite, vec![txn.at(read)]).reading(read);
        finding.detail = Detail::Instead(text(instead));
        findings.push(finding);
    };
    for read in txn.reads() {
        let own = txn.last_write_before(read);
        // "After writing x, T's read of x returned something else than its own last write."
        if let Some(own) = own.filter(|w| w.value != read.value) {
            found(Kind::OwnWriteMissed, read, own.value);
        }
        // "Two reads of x with no own write between them returned different versions."
        let before = txn.reads().filter(|r| r.key == read.key && r.row < read.row).last();
        let unwritten = before.filter(|r| own.is_none_or(|w| w.row < r.row));
        if let Some(before) = unwritten.filter(|r| r.value != read.value) {
            found(Kind::NonRepeatableRead, read, before.value);
        }
    }
    findings
}

/// Where a reader stands among the versions.
#[derive(Clone, Copy)]
pub(super) enum Stand {
    /// At its snapshot: model 3's rules.
    Snapshot(BoundedTimestamp),
    /// At its commit: model 4's rules.
    Commit(BoundedTimestamp),
}

impl Stand {
    fn detail(self) -> Detail {
        match self {
            Stand::Snapshot(_) => Detail::AtSnapshot,
            Stand::Commit(_) => Detail::None,
        }
    }
}

/// Future and stale reads of one transaction that stands there.
pub(super) fn misplaced_reads(
    history: &History<'_>,
    model: Model,
    reader: &Txn<'_>,
    stand: Stand,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for read in first_external_reads(reader) {
        let writer = match source(history, reader, read) {
            Source::Initial => None,
            Source::Version(writer) => Some(writer),
            _ => continue,
        };
        let future = writer.and_then(|w| future_read(stand, w.c()));
        if let (Some(certainty), Some(writer)) = (future, writer) {
            let parties = vec![reader.at(read), writer.as_writer(read.key)];
            let found = finding(model, Kind::FutureRead, certainty, parties).reading(read);
            findings.push(Finding { detail: stand.detail(), ..found });
        }
        // "A read that is a definite future-read is not also stale."
        if future != Some(Certainty::Definite) {
            findings.extend(stale_read(history, model, (reader, read), stand, writer));
        }
    }
    findings
}

fn future_read(stand: Stand, written: BoundedTimestamp) -> Option<Certainty> {
    let (definite, possible) = match stand {
        // "W certainly not visible to S(R): definite; perhaps visible: possible."
        Stand::Snapshot(s) => (s.latest() < written.earliest(), written.latest() > s.earliest()),
        // "Definite iff C(R).latest < C(W).earliest; possible iff not definite and not
        // C(W).latest < C(R).earliest."
        Stand::Commit(c) => (c.latest() < written.earliest(), written.latest() >= c.earliest()),
    };
    certainty(definite, possible)
}

/// Whether W' makes a read of W's version stale. "W the initial version: its C precedes all."
fn overwritten(
    stand: Stand,
    written: Option<BoundedTimestamp>,
    overwriter: BoundedTimestamp,
) -> Option<Certainty> {
    let after = written.is_none_or(|w| w.latest() < overwriter.earliest());
    let above = written.map_or(i128::from(i64::MIN) - 1, |w| w.earliest().into());
    let (definite, possible) = match stand {
        // "Definite iff some W' has C(W).latest < C(W').earliest and C(W').latest <=
        // S(R).earliest. Possible iff not definite and, for some W', an integer t in C(W') has
        // C(W).earliest < t <= S(R).latest."
        Stand::Snapshot(s) => {
            (after && overwriter.latest() <= s.earliest(), holds_tick(overwriter, above, s.latest().into()))
        }
        // "Definite iff some W' has C(W).latest < C(W').earliest and C(W').latest <
        // C(R).earliest; possible iff not definite and an integer t in C(W') has
        // C(W).earliest < t < C(R).latest."
        Stand::Commit(c) => (
            after && overwriter.latest() < c.earliest(),
            holds_tick(overwriter, above, i128::from(c.latest()) - 1),
        ),
    };
    certainty(definite, possible)
}

fn certainty(definite: bool, possible: bool) -> Option<Certainty> {
    if definite {
        Some(Certainty::Definite)
    } else if possible {
        Some(Certainty::Possible)
    } else {
        None
    }
}

fn stale_read(
    history: &History<'_>,
    model: Model,
    (reader, read): (&Txn<'_>, &Row<'_>),
    stand: Stand,
    writer: Option<&Txn<'_>>,
) -> Option<Finding> {
    let (mut definite, mut possible): (Option<&Txn<'_>>, Option<&Txn<'_>>) = (None, None);
    for other in history.writers(read.key) {
        // "R's own write of x is never W'."
        if other.is(reader) || writer.is_some_and(|w| w.is(other)) {
            continue;
        }
        let by_earliest = |t: &Txn<'_>| (t.c().earliest(), t.c().latest());
        let by_latest = |t: &Txn<'_>| (t.c().latest(), t.c().earliest());
        match overwritten(stand, writer.map(Txn::c), other.c()) {
            Some(Certainty::Definite) => definite = larger(definite, other, by_earliest, read.key),
            Some(Certainty::Possible) => possible = larger(possible, other, by_latest, read.key),
            None => {}
        }
    }
    let certainty = if definite.is_some() { Certainty::Definite } else { Certainty::Possible };
    let overwriter = definite.or(possible)?;
    let writer = writer.map(|w| w.as_writer(read.key));
    let parties = std::iter::once(reader.at(read)).chain(writer);
    let parties = parties.chain([overwriter.as_writer(read.key)]).collect();
    let found = finding(model, Kind::StaleRead, certainty, parties).reading(read);
    Some(Finding { detail: stand.detail(), ..found })
}

fn larger<'h, 'a>(
    best: Option<&'h Txn<'a>>,
    other: &'h Txn<'a>,
    by: impl Fn(&Txn<'_>) -> (i64, i64),
    key: Datum<'_>,
) -> Option<&'h Txn<'a>> {
    let beats = |old: &Txn<'_>| by(other) > by(old) || by(other) == by(old) && other.wins_tie(old, key);
    if best.is_none_or(beats) { Some(other) } else { best }
}
