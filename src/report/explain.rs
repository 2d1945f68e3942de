//! Findings as sentences for whoever is on call.

use super::when;
use super::{Certainty, Detail, Finding, Kind, Party, Zone};
use crate::time::{BoundedTimestamp, Unit};

const PROVED: &str = "no clock error within the bounds explains it";
const OPEN: &str = "the clocks cannot rule it out";

/// One sentence, without a full stop, that says who did what to which key and when, and why
/// that is a violation (definite) or may be one (possible). Times are exact, in words of
/// `unit`, the log's own.
pub fn explain(finding: &Finding, unit: Unit) -> String {
    let says = Sentence { finding, unit };
    match finding.kind {
        Kind::ContestedWinner => says.contested_winner(),
        Kind::LostWrite => says.lost_write(),
        Kind::WriteWrite | Kind::LostUpdate => says.blind_writes(),
        Kind::FutureRead => says.future_read(),
        Kind::StaleRead => says.stale_read(),
        Kind::OwnWriteMissed => says.own_write_missed(),
        Kind::NonRepeatableRead => says.non_repeatable_read(),
        Kind::AbortedRead => says.whatever_the_clocks(&format!(
            "{}, which {} wrote and aborted",
            says.did_read(),
            says.name(1)
        )),
        Kind::IntermediateRead => {
            let read = format!("{}, which {} wrote but overwrote itself", says.did_read(), says.name(1));
            says.whatever_the_clocks(&read)
        }
        Kind::UnknownVersion => says.whatever_the_clocks(&format!(
            "{}, which no other transaction of the log wrote",
            says.did_read()
        )),
        Kind::SessionOrder => says.session_order(),
        Kind::CommitTie => says.commit_tie(),
        Kind::CommitBeforeStart => {
            format!("{} committed at {}, before its own snapshot at {}", says.name(0), says.c(0), says.s(0))
        }
        Kind::TimestampInversion => says.timestamp_inversion(),
        Kind::CommitWait => says.commit_wait(),
        Kind::NotLinearizable => says.not_linearizable(),
        Kind::BrokenBound => says.broken_bound(),
    }
}

/// A finding that is being told.
struct Sentence<'f> {
    finding: &'f Finding,
    unit: Unit,
}

impl Sentence<'_> {
    fn definite(&self) -> bool {
        self.finding.certainty == Certainty::Definite
    }

    fn because(&self) -> &'static str {
        if self.definite() { PROVED } else { OPEN }
    }

    fn party(&self, i: usize) -> Option<&Party> {
        self.finding.parties.get(i)
    }

    fn txn(&self, i: usize) -> &str {
        self.party(i).map_or("a transaction", |p| p.txn.as_str())
    }

    fn name(&self, i: usize) -> String {
        self.party(i).map_or("a transaction".to_owned(), |p| format!("{} ({})", p.txn, p.region))
    }

    fn key(&self) -> &str {
        self.finding.key.as_deref().unwrap_or("a key")
    }

    fn bound(&self, bound: Option<BoundedTimestamp>) -> String {
        bound.map_or("an unknown time".to_owned(), |b| when::bound(b, self.unit))
    }

    /// When the i-th party started.
    fn s(&self, i: usize) -> String {
        self.bound(self.party(i).and_then(|p| p.times.start))
    }

    /// When the i-th party committed.
    fn c(&self, i: usize) -> String {
        self.bound(self.party(i).and_then(Party::commit))
    }

    fn stamp(&self, i: usize) -> String {
        let stamp = self.party(i).and_then(|p| p.times.stamp());
        stamp.map_or("an unknown time".to_owned(), |t| when::tick(t, self.unit))
    }

    /// `read x = 4`, or `found no x`.
    fn read(&self, value: Option<&str>) -> String {
        match value {
            Some(value) => format!("read {} = {value}", self.key()),
            None => format!("found no {}", self.key()),
        }
    }

    /// `t7 (eu) read x = 4`.
    fn did_read(&self) -> String {
        let value = self.finding.value.as_ref().and_then(|v| v.as_deref());
        format!("{} {}", self.name(0), self.read(value))
    }

    /// What is so whatever the true times were, with the commit of the first party, to find it by.
    fn whatever_the_clocks(&self, what: &str) -> String {
        match self.party(0).and_then(Party::commit) {
            Some(_) => {
                format!("{what} ({} committed at {}; no clock has a say in it)", self.txn(0), self.c(0))
            }
            None => format!("{what} (no clock has a say in it)"),
        }
    }

    fn instead(&self) -> Option<&str> {
        match &self.finding.detail {
            Detail::Instead(value) => value.as_deref(),
            _ => None,
        }
    }

    /// Where the reader stands among the versions.
    fn stand(&self) -> String {
        if self.finding.detail == Detail::AtSnapshot {
            format!("snapshot at {}", self.s(0))
        } else {
            format!("commit at {}", self.c(0))
        }
    }

    fn contested_winner(&self) -> String {
        format!(
            "the last write of {} is {}'s by its stamp {}, committed at {}; {}, committed at {}, may have come \
             after it: {OPEN}",
            self.key(),
            self.name(0),
            self.stamp(0),
            self.c(0),
            self.name(1),
            self.c(1)
        )
    }

    fn lost_write(&self) -> String {
        format!(
            "the write of {} that wins is {}'s by its stamp {}, committed at {}; {} committed at {}, after it, \
             and its write is lost: {PROVED}",
            self.key(),
            self.name(0),
            self.stamp(0),
            self.c(0),
            self.name(1),
            self.c(1)
        )
    }

    fn blind_writes(&self) -> String {
        let (a, b) = (self.txn(0), self.txn(1));
        let both = format!("{} and {} both wrote {}", self.name(0), self.name(1), self.key());
        let (s_a, s_b, c_a, c_b) = (self.s(0), self.s(1), self.c(0), self.c(1));
        if self.definite() {
            return format!(
                "{both}, each blind to the other: {a} started at {s_a}, before {b} committed at {c_b}, and {b} \
                 started at {s_b}, before {a} committed at {c_a}: {PROVED}"
            );
        }
        format!(
            "{both}, perhaps each blind to the other: {a} ran from {s_a} to {c_a}, {b} from {s_b} to {c_b}: {OPEN}"
        )
    }

    fn future_read(&self) -> String {
        let when = if self.definite() { "only" } else { "perhaps only" };
        format!(
            "{}, which {} committed at {}, {when} after {}'s {}: {}",
            self.did_read(),
            self.name(1),
            self.c(1),
            self.txn(0),
            self.stand(),
            self.because()
        )
    }

    fn stale_read(&self) -> String {
        // The version's writer, unless it is the initial one, stands between the two.
        let last = self.finding.parties.len().saturating_sub(1);
        let written = if last == 2 {
            format!(", which {} committed at {}", self.name(1), self.c(1))
        } else {
            ", its initial version".to_owned()
        };
        let had = if self.definite() { "had overwritten" } else { "may have overwritten" };
        format!(
            "{}{written}; {} {had} it at {}, before {}'s {}: {}",
            self.did_read(),
            self.name(last),
            self.c(last),
            self.txn(0),
            self.stand(),
            self.because()
        )
    }

    fn own_write_missed(&self) -> String {
        let wrote = match self.instead() {
            Some(value) => format!("wrote {} = {value}", self.key()),
            None => format!("deleted {}", self.key()),
        };
        let value = self.finding.value.as_ref().and_then(|v| v.as_deref());
        self.whatever_the_clocks(&format!(
            "{} {wrote}, then {}: it missed its own write",
            self.name(0),
            self.read(value)
        ))
    }

    fn non_repeatable_read(&self) -> String {
        let value = self.finding.value.as_ref().and_then(|v| v.as_deref());
        let (first, then) = (self.read(self.instead()), self.read(value));
        self.whatever_the_clocks(&format!(
            "{} {first}, then {then}, without a write of its own in between",
            self.name(0)
        ))
    }

    fn session_order(&self) -> String {
        format!(
            "{} comes after {} in a session, but its snapshot at {} was taken before {} committed at {}: {PROVED}",
            self.name(1),
            self.name(0),
            self.s(1),
            self.txn(0),
            self.c(0)
        )
    }

    fn commit_tie(&self) -> String {
        format!(
            "{} and {} both wrote {} and committed at {}: nothing says which came first",
            self.name(0),
            self.name(1),
            self.key(),
            self.c(0)
        )
    }

    fn timestamp_inversion(&self) -> String {
        format!(
            "{} committed at {}, before {} started at {}, yet its commit timestamp {} is not below {}'s {}: {PROVED}",
            self.name(0),
            self.c(0),
            self.name(1),
            self.s(1),
            self.stamp(0),
            self.txn(1),
            self.stamp(1)
        )
    }

    fn commit_wait(&self) -> String {
        let before = if self.definite() { "before" } else { "perhaps before" };
        format!(
            "{} was acknowledged at {}, {before} its commit timestamp {} had passed: {}",
            self.name(0),
            self.c(0),
            self.stamp(0),
            self.because()
        )
    }

    fn not_linearizable(&self) -> String {
        let because = self.because();
        match (&self.finding.detail, self.finding.parties.len()) {
            (Detail::Zones(a, b), _) => self.zones(*a, *b),
            (_, 1) => {
                format!(
                    "{} at {} to {}, which no committed transaction wrote",
                    self.did_read(),
                    self.s(0),
                    self.c(0)
                )
            }
            _ => {
                let may = if self.definite() { "ended" } else { "may have ended" };
                format!(
                    "{} and {may} at {}, before {} began to write it at {}: {because}",
                    self.did_read(),
                    self.c(0),
                    self.name(1),
                    self.s(1)
                )
            }
        }
    }

    fn zones(&self, a: Zone, b: Zone) -> String {
        let (must, because) = if self.definite() { ("must", PROVED) } else { ("may", OPEN) };
        let first = format!("{} {must} have held {} {}", self.key(), self.version(0, a), self.over(a));
        let second = format!("{} {}", self.version(1, b), self.over(b));
        if b.forward {
            format!("{first} and at the same time {second}: {because}")
        } else {
            format!("{first}, yet {second} came in between: {because}")
        }
    }

    /// A version by its writer; the initial one, whose zone begins before all time, by a reader.
    fn version(&self, i: usize, zone: Zone) -> String {
        match zone.from {
            Some(_) => format!("the version of {}", self.name(i)),
            None => format!("the initial version, which {} read,", self.name(i)),
        }
    }

    fn over(&self, zone: Zone) -> String {
        let to = when::tick(zone.to, self.unit);
        match zone.from {
            Some(from) => format!("from {} to {to}", when::tick(from, self.unit)),
            None => format!("until {to}"),
        }
    }

    fn broken_bound(&self) -> String {
        let (Some(a), Some(b)) = (self.party(0), self.party(1)) else {
            return "a bound is untrue".to_owned();
        };
        let (word, began) = match a.times.start {
            Some(start) => ("started", Some(start)),
            None => ("committed", a.commit()),
        };
        let amount = began.zip(b.commit()).map_or(0, |(a, b)| a.earliest().abs_diff(b.latest()));
        let amount = when::length(amount, self.unit);
        let (from, to) = (self.bound(began), self.c(1));
        if (&a.txn, a.row) == (&b.txn, b.row) {
            return format!(
                "{} {word} at {from} but committed at {to}, before that: a bound is untrue by at least {amount}",
                self.name(0)
            );
        }
        format!(
            "{} must have {word} before {} committed, yet its bound is {from} and {}'s {to}: one of them is untrue \
             by at least {amount}",
            self.name(0),
            self.name(1),
            self.txn(1)
        )
    }
}

#[cfg(test)]
mod tests;
