//! Transactions, made of rows.

use super::Input;
use crate::report::{Certainty, Detail, Finding, Kind, Model, Party, lacking};
use crate::time::BoundedTimestamp;
use crate::txn::{Columns, Datum, Op, Places, Row, Status, Times, tie_break};

/// A transaction with its operations in program order, which is row order.
#[derive(Clone, Debug)]
pub(super) struct Txn<'a> {
    pub(super) id: Option<Datum<'a>>,
    pub(super) name: String,
    pub(super) region: &'a str,
    pub(super) session: Option<Datum<'a>>,
    pub(super) status: Status,
    pub(super) times: Times,
    /// Whether it counts as committed.
    pub(super) committed: bool,
    pub(super) rows: Vec<Row<'a>>,
}

impl<'a> Txn<'a> {
    pub(super) fn first_row(&self) -> u64 {
        self.rows[0].row
    }

    pub(super) fn is(&self, other: &Txn<'_>) -> bool {
        self.first_row() == other.first_row()
    }

    pub(super) fn writes(&self) -> impl Iterator<Item = &Row<'a>> {
        self.rows.iter().filter(|r| r.op == Op::Write)
    }

    pub(super) fn reads(&self) -> impl Iterator<Item = &Row<'a>> {
        self.rows.iter().filter(|r| r.op == Op::Read)
    }

    pub(super) fn wrote_nothing(&self) -> bool {
        self.writes().next().is_none()
    }

    /// "Only the last write of x in a transaction is a version that others may see."
    pub(super) fn last_write(&self, key: Datum<'_>) -> Option<&Row<'a>> {
        self.writes().filter(|r| r.key == key).last()
    }

    /// The last write of the key before the row.
    pub(super) fn last_write_before(&self, read: &Row<'_>) -> Option<&Row<'a>> {
        self.writes().filter(|w| w.key == read.key && w.row < read.row).last()
    }

    /// The commit bound, which the model has made sure of.
    pub(super) fn c(&self) -> BoundedTimestamp {
        self.times.commit.expect("the model needs commit bounds and checked that all are there")
    }

    /// The start bound, which the model has made sure of.
    pub(super) fn s(&self) -> BoundedTimestamp {
        self.times.start.expect("the model needs start bounds and checked that all are there")
    }

    /// Whether ties of two writers of `key` go to this one and not to `other`.
    pub(super) fn wins_tie(&self, other: &Txn<'_>, key: Datum<'_>) -> bool {
        let row = |t: &Txn<'_>| t.last_write(key).map_or(t.first_row(), |w| w.row);
        tie_break((self.region, self.id, row(self)), (other.region, other.id, row(other))).is_gt()
    }

    fn party(&self, row: u64) -> Party {
        Party { txn: self.name.clone(), region: self.region.to_owned(), row, times: self.times }
    }

    /// The transaction where no key is meant.
    pub(super) fn itself(&self) -> Party {
        self.party(self.first_row())
    }

    /// The transaction as a writer of the key.
    pub(super) fn as_writer(&self, key: Datum<'_>) -> Party {
        self.party(self.last_write(key).map_or(self.first_row(), |w| w.row))
    }

    /// The transaction as it operated in that row.
    pub(super) fn at(&self, row: &Row<'_>) -> Party {
        self.party(row.row)
    }
}

/// All transactions of a log, in the order of their first rows.
#[derive(Clone, Debug)]
pub(super) struct History<'a> {
    pub(super) txns: Vec<Txn<'a>>,
    pub(super) columns: Columns,
    places: Places,
}

impl<'a> History<'a> {
    pub(super) fn of(input: &Input<'a>) -> Self {
        let mut rows = input.rows.clone();
        rows.sort_by_key(|r| r.row);
        let mut txns: Vec<Txn<'a>> = Vec::new();
        for row in rows {
            let known = txns.iter_mut().find(|t| row.txn.is_some() && t.id == row.txn);
            match known {
                Some(txn) => txn.rows.push(row),
                None => txns.push(begun(row, &input.places)),
            }
        }
        let fates: Vec<bool> = txns.iter().map(|t| counts_as_committed(t, &txns)).collect();
        for (txn, committed) in txns.iter_mut().zip(fates) {
            txn.committed = committed;
            if committed && txn.wrote_nothing() && txn.times.commit.is_none() {
                // "A transaction that wrote nothing and has no commit bound takes C = S (and
                // commit_ts = start_ts)."
                txn.times.commit = txn.times.start;
                txn.times.commit_ts = txn.times.commit_ts.or(txn.times.start_ts);
            }
        }
        History { txns, columns: input.columns, places: input.places.clone() }
    }

    /// "Only committed ones install versions, and only they are judged."
    pub(super) fn committed(&self) -> impl Iterator<Item = &Txn<'a>> {
        self.txns.iter().filter(|t| t.committed)
    }

    /// The committed transactions that wrote the key.
    pub(super) fn writers(&self, key: Datum<'_>) -> Vec<&Txn<'a>> {
        self.committed().filter(|t| t.last_write(key).is_some()).collect()
    }

    /// The keys that committed transactions wrote or read, each once.
    pub(super) fn keys(&self) -> Vec<Datum<'a>> {
        let mut keys = Vec::new();
        for row in self.committed().flat_map(|t| &t.rows) {
            if !keys.contains(&row.key) {
                keys.push(row.key);
            }
        }
        keys
    }

    /// The pairs of committed transactions of which the second comes right after the first in
    /// a session. "Only consecutive committed transactions of a session are compared. Session
    /// order is row order of the first row."
    pub(super) fn session_pairs(&self) -> Vec<(&Txn<'a>, &Txn<'a>)> {
        let mut pairs = Vec::new();
        for later in self.committed().filter(|t| t.session.is_some()) {
            let before = self.committed().filter(|t| t.first_row() < later.first_row());
            if let Some(earlier) = before.filter(|t| t.session == later.session).last() {
                pairs.push((earlier, later));
            }
        }
        pairs
    }

    /// "If every committed transaction has them" (`start_ts` and `commit_ts`).
    pub(super) fn assigned(&self) -> bool {
        self.committed().all(|t| t.times.start_ts.is_some() && t.times.commit_ts.is_some())
    }

    /// The same history, with the assigned points in place of the committed ones' bounds.
    pub(super) fn by_points(&self) -> Self {
        let mut history = self.clone();
        for txn in history.txns.iter_mut().filter(|t| t.committed) {
            txn.times.start = txn.times.start_ts.map(BoundedTimestamp::point);
            txn.times.commit = txn.times.commit_ts.map(BoundedTimestamp::point);
        }
        history
    }

    /// "If one committed transaction lacks what a model needs, the model is not-checked, with
    /// the count and the first row": all `who` (those that `are`) must have a `what`.
    pub(super) fn need(
        &self,
        who: &str,
        what: &str,
        are: impl Fn(&Txn<'_>) -> bool,
        have: impl Fn(&Times) -> bool,
    ) -> Result<(), String> {
        let all: Vec<&Txn<'_>> = self.committed().filter(|t| are(t)).collect();
        let without: Vec<&&Txn<'_>> = all.iter().filter(|t| !have(&t.times)).collect();
        match without.first() {
            None => Ok(()),
            Some(_) if without.len() == all.len() => Err(format!("the log has no {what}s")),
            Some(first) => Err(self.lacking(
                &format!("{who} have no {what}"),
                without.len(),
                all.len(),
                first.first_row(),
            )),
        }
    }

    pub(super) fn need_starts(&self) -> Result<(), String> {
        self.need("committed transactions", "start bound", |_| true, |t| t.start.is_some())
    }

    pub(super) fn need_commits(&self) -> Result<(), String> {
        self.need("committed transactions", "commit bound", |_| true, |t| t.commit.is_some())
    }

    pub(super) fn need_commits_of_writers(&self) -> Result<(), String> {
        self.need("committed writers", "commit bound", |t| !t.wrote_nothing(), |t| t.commit.is_some())
    }

    pub(super) fn need_values(&self) -> Result<(), String> {
        if self.columns.value { Ok(()) } else { Err("the log has no value column".to_owned()) }
    }

    pub(super) fn need_reads(&self) -> Result<(), String> {
        if self.columns.reads { Ok(()) } else { Err("the log has no reads".to_owned()) }
    }

    pub(super) fn lacking(&self, what: &str, count: usize, total: usize, first_row: u64) -> String {
        lacking(what, count as u64, total as u64, first_row, &self.places)
    }
}

fn begun<'a>(row: Row<'a>, places: &Places) -> Txn<'a> {
    Txn {
        id: row.txn,
        name: row.txn.map_or_else(|| places.row_name(row.row), |id| id.to_string()),
        region: row.region,
        session: row.session,
        status: row.status,
        times: row.times,
        committed: false,
        rows: vec![row],
    }
}

/// "One of unknown fate counts as committed iff another transaction, of whatever fate, read a
/// value that it wrote last; else it is left out." Null values never name a writer.
fn counts_as_committed(txn: &Txn<'_>, txns: &[Txn<'_>]) -> bool {
    match txn.status {
        Status::Committed => true,
        Status::Aborted => false,
        Status::Unknown => txns.iter().filter(|other| !other.is(txn)).any(|other| {
            other.reads().any(|read| {
                read.value.is_some() && txn.last_write(read.key).is_some_and(|w| w.value == read.value)
            })
        }),
    }
}

/// A finding about no key.
pub(super) fn finding(model: Model, kind: Kind, certainty: Certainty, parties: Vec<Party>) -> Finding {
    Finding { model, kind, certainty, key: None, value: None, parties, detail: Detail::None }
}

impl Finding {
    pub(super) fn about(mut self, key: Datum<'_>) -> Self {
        self.key = Some(key.to_string());
        self
    }

    /// About what a read returned.
    pub(super) fn reading(mut self, read: &Row<'_>) -> Self {
        self.key = Some(read.key.to_string());
        self.value = Some(text(read.value));
        self
    }
}

pub(super) fn text(value: Option<Datum<'_>>) -> Option<String> {
    value.map(|v| v.to_string())
}

/// Two transactions of equal part: "both, sorted by name, then row".
pub(super) fn both(mut a: Party, mut b: Party) -> Vec<Party> {
    if (&b.txn, b.row) < (&a.txn, a.row) {
        std::mem::swap(&mut a, &mut b);
    }
    vec![a, b]
}

/// Whether a bound holds an integer t with `above < t <= up_to`.
pub(super) fn holds_tick(bound: BoundedTimestamp, above: i128, up_to: i128) -> bool {
    let least = (above + 1).max(bound.earliest().into());
    let greatest = up_to.min(bound.latest().into());
    least <= greatest
}

/// An unordered pair of different transactions, each once.
pub(super) fn pairs<'h, 'a>(txns: &[&'h Txn<'a>]) -> Vec<(&'h Txn<'a>, &'h Txn<'a>)> {
    let mut pairs = Vec::new();
    for (i, a) in txns.iter().enumerate() {
        for b in &txns[i + 1..] {
            pairs.push((*a, *b));
        }
    }
    pairs
}
