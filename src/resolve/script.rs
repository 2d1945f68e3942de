//! Holds the resolver against its meaning: bytes become calls, which both answer.
//!
//! Hidden from the documentation: for a fuzz target and for tests, which share it.

use std::ops::Bound;
use std::sync::Arc;

use super::cut::Cut;
use super::halves::Half;
use super::ledger::Ledger;
use super::naive::{Bounds, Naive, NaiveTxn};
use super::offer::Offer;
use super::parts::Parts;
use super::together::own;
use super::{
    Batch, Checked, ResolveError, Resolver, Ticket, Transaction, TxnBuilder, Verdict, Version, Vote,
};

/// Bytes, read from the front; zeros when there are no more.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, end: u8) -> u8 {
        self.byte() % end
    }

    /// A key: mostly of few and near ones, with shared prefixes, tails of 0x00 and 0xFF, and of any length.
    fn key(&mut self) -> Vec<u8> {
        const PREFIXES: [&[u8]; 5] = [b"", b"k", b"a-rather-long-prefix/", b"\xFF\xFF\xFF", b"k\0\0"];
        let shape = self.byte();
        let mut key = PREFIXES[usize::from(shape % 8).min(4)].to_vec();
        match (shape >> 3) % 8 {
            0 => {}
            1 => key.push(0),
            2 => key.push(0xFF),
            3 => key.extend([self.byte() % 8, 0]),
            4 => key.extend([self.byte(), self.byte()]),
            5 => key.extend([b'x'; 9].iter().chain(&[self.byte() % 16])),
            _ => key.extend([self.byte() % 4, self.byte() % 64]),
        }
        key
    }

    fn bound(&mut self) -> Bound<Vec<u8>> {
        match self.below(8) {
            0 => Bound::Unbounded,
            1..=3 => Bound::Excluded(self.key()),
            _ => Bound::Included(self.key()),
        }
    }

    fn bounds(&mut self, points: bool) -> Bounds {
        let keyspace = u32::from(self.below(8) == 0);
        if points || self.below(2) == 0 {
            let key = self.key();
            return (keyspace, Bound::Included(key.clone()), Bound::Included(key));
        }
        let (low, mut high) = (self.bound(), self.bound());
        if self.below(2) == 0
            && let (Bound::Included(key) | Bound::Excluded(key), false) = (&low, high == Bound::Unbounded)
        {
            // A narrow one.
            let mut end = key.clone();
            end.push(self.byte() % 4);
            high = Bound::Excluded(end);
        }
        (keyspace, low, high)
    }

    fn txn(&mut self, snapshot: Version, points: bool) -> NaiveTxn {
        let (reads, writes) = (self.below(4), self.below(4));
        NaiveTxn {
            snapshot,
            reads: (0..reads).map(|_| self.bounds(points)).collect(),
            writes: (0..writes).map(|_| self.bounds(points)).collect(),
        }
    }
}

fn inverted((_, low, high): &Bounds) -> bool {
    match (low, high) {
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a > b,
        _ => false,
    }
}

/// Hands a transaction's accesses to a builder, and drops those that it rightly refuses. The fault: what was
/// read is not handed in.
fn hand_in(mut txn: TxnBuilder<'_>, naive: &mut NaiveTxn, drop_reads: bool) {
    txn.explain();
    let mut keep = |written: bool, bounds: &Bounds| {
        let (keyspace, low, high) = bounds;
        if drop_reads && !written {
            return !inverted(bounds);
        }
        let (low, high) = (low.as_ref().map(Vec::as_slice), high.as_ref().map(Vec::as_slice));
        let result = match (low, high, written) {
            (Bound::Included(a), Bound::Included(b), false) if a == b => txn.read(*keyspace, a),
            (Bound::Included(a), Bound::Included(b), true) if a == b => txn.write(*keyspace, a),
            (.., false) => txn.read_range(*keyspace, low, high),
            (.., true) => txn.write_range(*keyspace, low, high),
        };
        let refused = result.is_err();
        assert_eq!(refused, inverted(bounds), "{bounds:?}");
        !refused
    };
    naive.reads.retain(|read| keep(false, read));
    naive.writes.retain(|write| keep(true, write));
}

/// A resolver and its meaning, side by side.
struct Pair {
    fast: Ledger,
    naive: Naive,
    tickets: Vec<(Ticket, NaiveTxn)>,
    drop_reads: bool,
    /// Whether the window is in halves, or cut in two, where calls may be judged together.
    is_halved: bool,
    /// Room for calls that are judged together.
    layout: Parts,
    parts: Vec<Arc<Parts>>,
}

impl Pair {
    fn new(checked: Checked, floor: Version, ordered: bool, drop_reads: bool) -> Self {
        let fast = Resolver::recover(checked, floor);
        let fast = if ordered { fast.expecting_ranges() } else { fast };
        let (fast, naive) = (Ledger::new(fast), Naive::new(checked, floor));
        let (tickets, layout, parts) = Default::default();
        Self { fast, naive, tickets, drop_reads, is_halved: false, layout, parts }
    }

    /// The same in halves, or cut in two, where calls may be judged together.
    fn in_halves(mut self) -> Self {
        self.fast.up_to_date().halve();
        self.is_halved = true;
        self
    }

    /// The resolver, all writes noted.
    fn fast(&mut self) -> &mut Resolver {
        self.fast.up_to_date()
    }

    /// Several calls at once, as threads hand them in.
    fn meet(&mut self, script: &mut Script<'_>, points: bool) {
        self.cut(script);
        let resolver = self.fast.as_is();
        let (commit, checked) = (resolver.version() + 1, resolver.checked());
        let (cut, hasher) = (resolver.cut().cloned(), resolver.hasher());
        let mut txns = Vec::new();
        for _ in 0..=script.below(3) {
            let (batch, of_call) = self.txns(script, commit, points || cut.is_none());
            match (&cut, &hasher) {
                (Some(cut), _) => self.layout.take_ordered(&batch, cut, checked),
                (None, Some(hasher)) => self.layout.take(&batch, hasher, checked),
                (None, None) => unreachable!("a window in key order is cut"),
            }
            txns.extend(of_call);
            // Room of calls before, as a committer has it.
            let at = (0..self.parts.len()).find(|at| Arc::get_mut(&mut self.parts[*at]).is_some());
            let mut parts = at.map_or_else(Arc::default, |at| self.parts.swap_remove(at));
            own(&mut parts).copy(&self.layout);
            self.parts.push(Arc::clone(&parts));
            self.fast.together.join(Arc::default(), parts);
        }
        match self.fast.judge_together(&Offer::default(), 1) {
            Ok(Some(at)) => {
                let verdicts = self.fast.together.verdicts(at);
                assert_eq!((at, verdicts.len()), (commit, txns.len()));
                for (verdict, txn) in verdicts.into_iter().zip(&txns) {
                    assert_eq!(verdict, self.naive.commit(txn, commit), "{txn:?}");
                }
            }
            declined => {
                // With transactions in flight, or where ranges cross too much.
                let crosses = |half: &Half| half.found.crossings.is_too_much;
                let mut halves = self.fast().window.both().into_iter().flatten();
                let is_too_much = halves.any(|half| crosses(half));
                assert!(declined == Ok(None) && (is_too_much || !self.tickets.is_empty()), "{declined:?}");
            }
        }
        self.fast.together.clear();
    }

    /// Cuts a window in key order in two, where it is not, and anew now and then.
    fn cut(&mut self, script: &mut Script<'_>) {
        let resolver = self.fast.as_is();
        if resolver.window.is_ordered() && (resolver.cut().is_none() || script.below(16) == 0) {
            // The keyspace stands before the key.
            let key = [&[0, 0, 0, script.byte() % 2][..], &script.key()].concat();
            let prefix = usize::from(script.byte()) % (key.len() + 1);
            self.fast().cut_at(Cut::at(key, prefix));
        }
    }

    /// Some transactions that may be judged at `commit`.
    fn txns(&self, script: &mut Script<'_>, commit: Version, points: bool) -> (Batch, Vec<NaiveTxn>) {
        let (mut batch, mut txns) = (Batch::new(), Vec::new());
        for _ in 0..script.below(24) {
            let snapshot = commit - 1 - Version::from(script.below(12));
            let mut txn = script.txn(snapshot, points);
            hand_in(batch.begin(txn.snapshot), &mut txn, self.drop_reads);
            txns.push(txn);
        }
        (batch, txns)
    }

    fn batch(&mut self, script: &mut Script<'_>, points: bool) {
        let commit = self.fast().version() + 1 + Version::from(script.below(3));
        let (batch, txns) = self.txns(script, commit, points);
        let Ok(verdicts) = self.fast().resolve(&batch, commit).map(<[Verdict]>::to_vec) else {
            panic!("a valid batch was refused: {batch:?}");
        };
        assert_eq!(verdicts.len(), txns.len());
        for (at, (verdict, txn)) in verdicts.into_iter().zip(&txns).enumerate() {
            let explained = self.explained(txn);
            assert_eq!(verdict, self.naive.commit(txn, commit), "{txn:?}");
            self.compare_detail(at, verdict, explained);
        }
    }

    /// What the model knows of a transaction's conflict before it is judged.
    fn explained(&self, txn: &NaiveTxn) -> Option<(Version, u32, Vec<u8>)> {
        match self.naive.refusal(txn) {
            Some(Verdict::Conflict { cause, range_index }) => self.naive.explain(txn, cause, range_index),
            _ => None,
        }
    }

    fn compare_detail(&mut self, at: usize, verdict: Verdict, explained: Option<(Version, u32, Vec<u8>)>) {
        let detail = self.fast().conflict(at);
        assert_eq!(detail.is_some(), matches!(verdict, Verdict::Conflict { .. }));
        if let (Some(detail), Some((version, keyspace, key))) = (detail, explained) {
            assert_eq!((detail.version, detail.keyspace, detail.key), (Some(version), keyspace, &key[..]));
        } else if let Some(detail) = detail {
            assert_eq!(detail.version, None, "in flight");
        }
    }

    fn single(&mut self, script: &mut Script<'_>, points: bool) {
        let snapshot = self.fast().version() - Version::from(script.below(6));
        let mut txn = script.txn(snapshot, points);
        let mut one = Transaction::new(txn.snapshot);
        hand_in(one.accesses(), &mut txn, self.drop_reads);
        let commit = self.fast().version() + 1;
        let at = (script.below(2) == 0).then_some(commit);
        assert_eq!(self.fast().commit(&one, at), Ok(self.naive.commit(&txn, commit)), "{txn:?}");
    }

    fn record(&mut self, script: &mut Script<'_>, points: bool) {
        let mut txn = script.txn(Version::MAX, points);
        let mut one = Transaction::new(txn.snapshot);
        hand_in(one.accesses(), &mut txn, self.drop_reads);
        let commit = self.fast().version() + 1;
        assert_eq!(self.fast().record(&one, None), Ok(self.naive.record(&txn, commit)), "{txn:?}");
    }

    fn prepare(&mut self, script: &mut Script<'_>, points: bool) {
        let snapshot = self.fast().version() - Version::from(script.below(6));
        let mut txn = script.txn(snapshot, points);
        let mut one = Transaction::new(txn.snapshot);
        hand_in(one.accesses(), &mut txn, self.drop_reads);
        match self.fast().prepare(&one) {
            Ok(Vote::Yes(ticket)) => {
                assert_eq!(self.naive.refusal(&txn), None, "{txn:?}");
                self.naive.take_off(txn.clone());
                self.tickets.push((ticket, txn));
            }
            Ok(Vote::No(verdict)) => assert_eq!(Some(verdict), self.naive.refusal(&txn), "{txn:?}"),
            Err(error) => panic!("a valid transaction was refused: {error}"),
        }
    }

    fn settle(&mut self, script: &mut Script<'_>) {
        if self.tickets.is_empty() {
            return;
        }
        let at = usize::from(script.byte()) % self.tickets.len();
        let (ticket, _) = self.tickets.swap_remove(at);
        let txn = self.naive.land(at);
        if script.below(2) == 0 {
            assert_eq!(self.fast().abort(&ticket), Ok(()));
        } else {
            let commit = self.fast().version() + 1;
            assert_eq!(self.fast().confirm(&ticket, None), Ok(commit));
            self.naive.write(&txn, commit);
        }
        assert_eq!(self.fast().abort(&ticket), Err(ResolveError::UnknownTicket));
    }

    fn forget(&mut self, script: &mut Script<'_>) {
        let resolver = self.fast.as_is();
        let floor = resolver.version() - Version::from(script.below(10));
        if floor >= resolver.floor() {
            assert_eq!(self.fast.forget_before(floor), Ok(()));
            self.naive.forget_before(floor);
        } else {
            assert!(self.fast.forget_before(floor).is_err());
        }
    }
}

/// Runs the calls that `data` spells on a resolver and on its model, and panics where they differ.
pub fn resolve_vs_model(data: &[u8]) {
    run(data, false);
}

/// The same with a fault: the resolver is not told what was read. That it panics shows that the scripts would notice.
pub fn resolve_vs_model_without_reads(data: &[u8]) {
    run(data, true);
}

fn run(data: &[u8], drop_reads: bool) {
    let mut script = Script(data);
    let checked = match script.below(4) {
        0 => Checked::SnapshotIsolation,
        1 => Checked::Both,
        _ => Checked::Serializable,
    };
    let mode = script.byte();
    let points = mode % 4 == 0;
    let mut pair = Pair::new(checked, Version::from(script.below(100)), mode % 8 > 3, drop_reads);
    if mode & 32 > 0 {
        pair = pair.in_halves();
    }
    while !script.0.is_empty() {
        // Points only at first: the window is put in order when ranges come.
        let points = points || (mode % 16 == 9 && script.0.len() * 2 > data.len());
        match script.below(16) {
            0..=3 if pair.is_halved => pair.meet(&mut script, points),
            0..=8 => pair.batch(&mut script, points),
            9..=10 => pair.single(&mut script, points),
            11 => pair.record(&mut script, points),
            12 => pair.prepare(&mut script, points),
            13 => pair.settle(&mut script),
            14 => pair.forget(&mut script),
            _ => {
                let to = pair.fast().version() + Version::from(script.below(4));
                assert_eq!(pair.fast().advance_to(to), Ok(()));
            }
        }
        #[cfg(test)]
        pair.fast.as_is().check();
    }
}
