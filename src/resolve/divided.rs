//! A window divided among several resolvers, in the hands of one caller.
//!
//! The same judgement as that of one window: a transaction is looked at in all parts that it concerns, and noted
//! there if nothing is in the way. Whoever has all parts goes through a batch one transaction after the other.

#![expect(clippy::vec_box, reason = "parts go from hand to hand: a pointer is moved, not a resolver")]

use std::sync::Arc;

use super::Version;
use super::batch::{Batch, Keyed, Transaction};
use super::flight::Flights;
use super::judge::{Scratch, Txn};
use super::resolver::Resolver;
use super::routing::{Borders, PARTS, Past, Routing, Split};
use super::verdict::Verdict;
use super::work::{Work, bits};

#[derive(Debug)]
pub(super) struct Divided {
    pub(super) routing: Arc<Routing>,
    /// Empty while callers have them.
    pub(super) parts: Vec<Box<Resolver>>,
    work: Work,
}

impl Divided {
    pub(super) fn new(routing: Routing, parts: Vec<Box<Resolver>>) -> Self {
        Self { routing: Arc::new(routing), parts, work: Work::default() }
    }

    /// Divides the keys anew: what the parts hold becomes past.
    pub(super) fn divide(&mut self, of: &Resolver, split: Split) {
        let past = Past { windows: std::mem::take(&mut self.parts), last: of.version() };
        let mut pasts = self.routing.pasts.clone();
        pasts.push(Arc::new(past));
        self.routing = Arc::new(Routing { checked: of.checked(), split, pasts });
        self.parts = (0..PARTS).map(|_| Box::new(of.part(PARTS))).collect();
    }

    /// Puts keys in order, for ranges: what was hashed becomes past.
    pub(super) fn order(&mut self, of: &Resolver) {
        if !self.routing.takes_ranges() {
            self.parts.iter_mut().for_each(|part| part.put_in_order());
            self.divide(of, Split::Ordered(Borders::default()));
        }
    }

    /// Takes the hashes of a batch, which may then be judged, or be written.
    pub(super) fn begin(&mut self, batch: &Batch) {
        if let Split::Hashed(hasher) = &self.routing.split {
            self.work.hashes.take(hasher, batch);
        }
    }

    /// Why one transaction of the batch may not commit, as far as the window goes.
    pub(super) fn refusal(&mut self, batch: &Batch, txn: usize, floor: Version) -> Option<Verdict> {
        let Self { routing, parts, work } = self;
        work.split(routing, batch, txn..txn + 1);
        bits(work.parts()).for_each(|at| work.foresee(routing, batch, at, &mut parts[at]));
        bits(work.parts()).for_each(|at| work.check(routing, batch, at, &parts[at]));
        work.decide(batch, routing.checked, floor);
        work.refusal()
    }

    /// Why a transaction may not be prepared.
    pub(super) fn refusal_of(
        &mut self,
        txn: &Transaction,
        flights: &Flights,
        floor: Version,
    ) -> Option<Verdict> {
        self.begin(&txn.batch);
        self.refusal(&txn.batch, 0, floor).or_else(|| self.held(&txn.batch, 0, flights))
    }

    /// What in flight is in the way.
    fn held(&self, batch: &Batch, txn: usize, flights: &Flights) -> Option<Verdict> {
        flights.conflict(self.routing.checked, batch, batch.reads_of(txn), batch.writes_of(txn))
    }

    /// Judges all transactions of a batch in order, and notes the writes of those that commit.
    pub(super) fn judge(
        &mut self,
        batch: &Batch,
        (commit, floor): (Version, Version),
        flights: &Flights,
        out: &mut Scratch,
    ) {
        out.clear();
        let asks = batch.txns().iter().any(|txn| txn.explain);
        if flights.len() == 0 && !asks && self.judge_side_by_side(batch, (commit, floor), out) {
            return;
        }
        self.begin(batch);
        for txn in 0..batch.len() {
            let refusal = self.refusal(batch, txn, floor).or_else(|| self.held(batch, txn, flights));
            match refusal {
                None => self.write(batch, txn, commit),
                Some(refusal) if batch.txns()[txn].explain => self.explain(batch, txn, refusal, out),
                Some(_) => {}
            }
            out.verdicts.push(refusal.unwrap_or(Verdict::Commit(commit)));
        }
    }

    /// Judges all transactions part by part, if that is possible.
    fn judge_side_by_side(
        &mut self,
        batch: &Batch,
        (commit, floor): (Version, Version),
        out: &mut Scratch,
    ) -> bool {
        let Self { routing, parts, work } = self;
        if !work.prepare(routing, batch) {
            return false;
        }
        bits(work.parts()).for_each(|at| work.look(routing, batch, at, &mut parts[at]));
        work.decide(batch, routing.checked, floor);
        bits(work.parts()).for_each(|at| work.record(routing, batch, at, (&mut parts[at], commit)));
        work.tell(commit, &mut out.verdicts);
        true
    }

    fn explain(&self, batch: &Batch, txn: usize, refusal: Verdict, out: &mut Scratch) {
        let Verdict::Conflict { cause, range_index } = refusal else { return };
        let newest = |keyed: Keyed<'_>, key: &mut Vec<u8>| self.newest(keyed, key);
        let of = (cause, range_index);
        out.note(txn, |key| Txn::of(batch, txn).explain(newest, self.routing.checked, of, key));
    }

    /// Notes the writes of one transaction of the batch.
    pub(super) fn write(&mut self, batch: &Batch, txn: usize, commit: Version) {
        let Self { routing, parts, work } = self;
        work.split(routing, batch, txn..txn + 1);
        for at in bits(work.parts()) {
            work.foresee(routing, batch, at, &mut parts[at]);
            work.record(routing, batch, at, (&mut parts[at], commit));
        }
    }

    /// The newest version in the access; the least key that has it is appended to `key`.
    pub(super) fn newest(&self, keyed: Keyed<'_>, key: &mut Vec<u8>) -> Version {
        let pasts = self.routing.pasts.iter().flat_map(|past| &past.windows);
        let mut best = (Version::MIN, Vec::new());
        for window in self.parts.iter().chain(pasts) {
            let mut here = Vec::new();
            let newest = window.newest(keyed, &mut here);
            if newest > best.0 || (newest == best.0 && here < best.1) {
                best = (newest, here);
            }
        }
        key.extend_from_slice(&best.1);
        best.0
    }

    /// Follows a floor, and gives up what is past and below it.
    pub(super) fn lift(&mut self, floor: Version) {
        self.parts.iter_mut().for_each(|part| part.lift(floor));
        if self.routing.pasts.iter().any(|past| past.last <= floor) {
            let routing = Arc::make_mut(&mut self.routing);
            routing.pasts.retain(|past| past.last > floor);
        }
    }

    pub(super) fn boundaries(&self) -> usize {
        self.windows().map(Resolver::boundaries).sum()
    }

    pub(super) fn bytes(&self) -> usize {
        self.windows().map(Resolver::bytes).sum()
    }

    fn windows(&self) -> impl Iterator<Item = &Resolver> {
        let pasts = self.routing.pasts.iter().flat_map(|past| &past.windows);
        self.parts.iter().chain(pasts).map(|window| &**window)
    }
}
