//! Model 7, after Gibbons and Korach, *Testing shared memories*, 1997.

use super::history::{History, Txn, finding};
use super::reads::{Source, ambiguous_reads, source};
use super::{Facts, Judged};
use crate::report::{Certainty, Detail, Finding, Kind, Model, Party, Zone};
use crate::time::BoundedTimestamp;
use crate::txn::{Datum, Row};

/// "The initial version's write ends before all."
const BEFORE_ALL: i128 = i64::MIN as i128 - 1;

pub(super) fn judge(history: &History<'_>) -> Judged {
    history.need_values()?;
    history.need_reads()?;
    history.need_starts()?;
    history.need_commits_of_writers()?;
    need_single_operations(history)?;
    need_unique_values(history)?;
    let mut findings = Vec::new();
    for key in history.keys() {
        // "Operations stretched to [S.earliest, C.latest] violate: definite. Shrunk to
        // [S.latest, C.earliest] (if empty: to its midpoint) they violate: possible."
        let definite = clash(history, key, stretched);
        let (certainty, clash) = match definite {
            Some(clash) => (Certainty::Definite, Some(clash)),
            None => (Certainty::Possible, clash(history, key, shrunk)),
        };
        findings.extend(clash.map(|clash| clash.found(key, certainty)));
    }
    Ok((Facts::from([("ambiguous_reads".to_owned(), ambiguous_reads(history))]), findings))
}

/// "Transactions of one operation."
fn need_single_operations(history: &History<'_>) -> Result<(), String> {
    let longer: Vec<&Txn<'_>> = history.committed().filter(|t| t.rows.len() > 1).collect();
    let Some(first) = longer.first() else { return Ok(()) };
    let total = history.committed().count();
    let what = "committed transactions have more than one operation";
    Err(history.lacking(what, longer.len(), total, first.first_row()))
}

/// "Unique values." Null, which a delete writes, is no value.
fn need_unique_values(history: &History<'_>) -> Result<(), String> {
    let all: Vec<&Row<'_>> = history.committed().flat_map(Txn::writes).collect();
    let same = |a: &Row<'_>, b: &Row<'_>| a.key == b.key && a.value == b.value && a.row != b.row;
    let repeated = |w: &Row<'_>| w.value.is_some() && all.iter().any(|other| same(w, other));
    let shared: Vec<&&Row<'_>> = all.iter().filter(|w| repeated(w)).collect();
    let Some(first) = shared.first() else { return Ok(()) };
    let what = "committed writes have a value that another write of their key has too";
    Err(history.lacking(what, shared.len(), all.len(), first.row))
}

/// "An operation lasts from S to C."
#[derive(Clone, Copy)]
struct Lasting {
    begin: i128,
    end: i128,
}

type Lasts = fn(&Txn<'_>) -> Lasting;

fn stretched(txn: &Txn<'_>) -> Lasting {
    lasting(txn.s().earliest(), txn.c().latest())
}

fn shrunk(txn: &Txn<'_>) -> Lasting {
    lasting(txn.s().latest(), txn.c().earliest())
}

fn lasting(begin: i64, end: i64) -> Lasting {
    // An end before its begin: "if empty: to its midpoint".
    let midpoint = BoundedTimestamp::new(end, begin).map(BoundedTimestamp::midpoint);
    let (begin, end) = midpoint.map_or((begin, end), |middle| (middle, middle));
    Lasting { begin: begin.into(), end: end.into() }
}

/// Why a key is not linearizable.
enum Clash {
    /// A read of a value that no committed transaction wrote.
    Unwritten(Party, Text),
    /// A read that ended before its write began.
    Early(Party, Party, Text),
    /// Two zones, each with its representative.
    Zones((Party, Zone), (Party, Zone)),
}

/// The text of what was read.
type Text = Option<String>;

impl Clash {
    fn found(self, key: Datum<'_>, certainty: Certainty) -> Finding {
        let (parties, value, detail) = match self {
            Clash::Unwritten(reader, value) => (vec![reader], Some(value), Detail::None),
            Clash::Early(reader, writer, value) => (vec![reader, writer], Some(value), Detail::None),
            Clash::Zones((a, zone_a), (b, zone_b)) => (vec![a, b], None, Detail::Zones(zone_a, zone_b)),
        };
        let found = finding(Model::Linearizable, Kind::NotLinearizable, certainty, parties).about(key);
        Finding { value, detail, ..found }
    }
}

/// A version with its reads.
struct Version<'h, 'a> {
    /// `None` for the initial one.
    writer: Option<&'h Txn<'a>>,
    readers: Vec<&'h Txn<'a>>,
}

/// The first clash of a key: a read that nobody wrote, else a read before its write (each of
/// the smallest row), else two forward zones, else a backward zone inside a forward one (each
/// the smallest by `from`, `to` and row of the first zone, then of the second).
fn clash(history: &History<'_>, key: Datum<'_>, lasts: Lasts) -> Option<Clash> {
    unwritten(history, key)
        .or_else(|| early(history, key, lasts))
        .or_else(|| zones_clash(&versions(history, key), key, lasts))
}

/// The reads of the key, in the order of their rows.
fn reads<'h, 'a>(history: &'h History<'a>, key: Datum<'_>) -> Vec<(&'h Txn<'a>, &'h Row<'a>)> {
    let all = history.committed().flat_map(|t| t.reads().map(move |r| (t, r)));
    all.filter(|(_, read)| read.key == key).collect()
}

fn unwritten(history: &History<'_>, key: Datum<'_>) -> Option<Clash> {
    let from_nowhere = |(reader, read): &(&Txn<'_>, &Row<'_>)| {
        matches!(
            source(history, reader, read),
            Source::Unknown | Source::Aborted(_) | Source::Intermediate(_)
        )
    };
    let (reader, read) = reads(history, key).into_iter().find(from_nowhere)?;
    Some(Clash::Unwritten(reader.at(read), super::history::text(read.value)))
}

/// "A read ends before its write begins."
fn early(history: &History<'_>, key: Datum<'_>, lasts: Lasts) -> Option<Clash> {
    reads(history, key).into_iter().find_map(|(reader, read)| match source(history, reader, read) {
        Source::Version(writer) if lasts(reader).end < lasts(writer).begin => {
            let value = super::history::text(read.value);
            Some(Clash::Early(reader.at(read), writer.as_writer(key), value))
        }
        _ => None,
    })
}

fn versions<'h, 'a>(history: &'h History<'a>, key: Datum<'_>) -> Vec<Version<'h, 'a>> {
    let mut initial = Version { writer: None, readers: Vec::new() };
    let mut written: Vec<Version<'_, '_>> =
        history.writers(key).into_iter().map(|w| Version { writer: Some(w), readers: Vec::new() }).collect();
    for (reader, read) in reads(history, key) {
        match source(history, reader, read) {
            Source::Initial => initial.readers.push(reader),
            Source::Version(w) => {
                let of = |v: &&mut Version<'_, '_>| v.writer.is_some_and(|writer| writer.is(w));
                written.iter_mut().find(of).into_iter().for_each(|v| v.readers.push(reader));
            }
            _ => {}
        }
    }
    if !initial.readers.is_empty() {
        written.push(initial);
    }
    written
}

/// "For each version, over its write and its reads: m = the least end, M = the greatest begin;
/// if m < M a forward zone [m, M], else a backward zone [M, m]."
fn zone(version: &Version<'_, '_>, lasts: Lasts) -> Placed {
    let write = version.writer.map_or(Lasting { begin: BEFORE_ALL, end: BEFORE_ALL }, lasts);
    let (mut least_end, mut greatest_begin) = (write.end, write.begin);
    for reader in &version.readers {
        least_end = least_end.min(lasts(reader).end);
        greatest_begin = greatest_begin.max(lasts(reader).begin);
    }
    Placed {
        forward: least_end < greatest_begin,
        from: least_end.min(greatest_begin),
        to: least_end.max(greatest_begin),
    }
}

/// A zone whose ends may lie before all.
#[derive(Clone, Copy)]
struct Placed {
    forward: bool,
    from: i128,
    to: i128,
}

impl Placed {
    /// "Two forward zones of different versions overlap, or a backward zone lies inside a
    /// forward one. Equal ends touch: they do not overlap."
    fn clashes(self, other: Placed) -> bool {
        if self.forward && other.forward {
            self.from < other.to && other.from < self.to
        } else {
            self.forward && self.from < other.from && other.to < self.to
        }
    }

    fn shown(self) -> Zone {
        // A zone with operations ends at one of theirs; the initial version has a reader here.
        let end = i64::try_from(self.to).unwrap_or(i64::MIN);
        Zone { forward: self.forward, from: i64::try_from(self.from).ok(), to: end }
    }
}

fn zones_clash(versions: &[Version<'_, '_>], key: Datum<'_>, lasts: Lasts) -> Option<Clash> {
    let mut best: Option<((Party, Placed), (Party, Placed))> = None;
    let place = |p: &(Party, Placed)| (p.1.from, p.1.to, p.0.row);
    for (i, a) in versions.iter().enumerate() {
        for (j, b) in versions.iter().enumerate() {
            let one = (representative(a, key, lasts), zone(a, lasts));
            let two = (representative(b, key, lasts), zone(b, lasts));
            // Two forward zones meet here twice: only the smaller one goes first.
            let turned = two.1.forward && place(&two) < place(&one);
            if i == j || turned || !one.1.clashes(two.1) {
                continue;
            }
            let order = |(x, y): &((Party, Placed), (Party, Placed))| (!y.1.forward, place(x), place(y));
            let found = (one, two);
            if best.as_ref().is_none_or(|old| order(&found) < order(old)) {
                best = Some(found);
            }
        }
    }
    best.map(|((a, zone_a), (b, zone_b))| Clash::Zones((a, zone_a.shown()), (b, zone_b.shown())))
}

/// The writer; of the initial version the reader with the greatest begin, then smallest row.
fn representative(version: &Version<'_, '_>, key: Datum<'_>, lasts: Lasts) -> Party {
    let mut readers = version.readers.clone();
    readers.sort_by_key(|r| (-lasts(r).begin, r.first_row()));
    match version.writer {
        Some(writer) => writer.as_writer(key),
        None => readers[0].itself(),
    }
}
