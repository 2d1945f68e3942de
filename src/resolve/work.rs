//! One caller's judgement over the parts of a divided window: its accesses by parts, and what became of them.
//!
//! The parts are looked at first, all of them, then it is decided, then the writes are noted. So a part is
//! done with as soon as its writes are noted, and the next caller may have it while this one is still at others.

use std::ops::Range;

use super::Version;
use super::batch::{Batch, Keyed};
use super::hashes::Hashes;
use super::index::Purpose;
use super::inside::{FREE, Inside, Rank, TOO_OLD, rank};
use super::resolver::Resolver;
use super::routing::{PARTS, Routing, Split};
use super::verdict::{Cause, Checked, Verdict};

/// Accesses of a part that are fetched from memory together.
const GROUP: usize = 32;

/// An access in one part.
#[derive(Debug, Clone, Copy)]
struct Piece {
    txn: u32,
    /// Its place among all reads or all writes of the batch.
    at: u32,
    /// The hash of a point, then where the part will look.
    hint: u64,
    is_write: bool,
    is_checked: bool,
    /// Whether only some of it lies in this part.
    is_clipped: bool,
}

/// Room for it all that is used again.
#[derive(Debug, Default)]
pub(super) struct Work {
    pieces: [Vec<Piece>; PARTS],
    /// One bit for each part that has pieces.
    parts: u32,
    count: usize,
    first: usize,
    ranks: Vec<Rank>,
    pub(super) inside: Inside,
    pub(super) hashes: Hashes,
}

impl Work {
    /// Takes a batch; false if too much inside it is in the way of something later.
    pub(super) fn prepare(&mut self, routing: &Routing, batch: &Batch) -> bool {
        let hashes = match &routing.split {
            Split::Ordered(_) => None,
            Split::Hashed(hasher) => {
                self.hashes.take(hasher, batch);
                Some(&self.hashes)
            }
        };
        if batch.len() > 1 && !self.inside.find(batch, routing.checked, hashes) {
            return false;
        }
        self.split(routing, batch, 0..batch.len());
        true
    }

    /// Takes some transactions of a batch: which parts do they concern?
    pub(super) fn split(&mut self, routing: &Routing, batch: &Batch, txns: Range<usize>) {
        for part in bits(self.parts) {
            self.pieces[part].clear();
        }
        (self.parts, self.count, self.first) = (0, 0, txns.start);
        self.ranks.clear();
        self.ranks.resize(txns.len(), FREE);
        let (reads, writes) = (routing.checked.reads(), routing.checked.writes());
        for txn in txns {
            let (from, to) = (batch.starts(txn), batch.starts(txn + 1));
            if reads {
                (from.0..to.0).for_each(|at| self.add(routing, batch, (txn, at), false, true));
            }
            (from.1..to.1).for_each(|at| self.add(routing, batch, (txn, at), true, writes));
        }
    }

    #[inline]
    fn add(
        &mut self,
        routing: &Routing,
        batch: &Batch,
        (txn, at): (usize, usize),
        is_write: bool,
        is_checked: bool,
    ) {
        let keyed = keyed(batch, at, is_write);
        if keyed == Keyed::Nothing {
            return;
        }
        let hint = match &routing.split {
            Split::Ordered(_) => 0,
            Split::Hashed(_) if is_write => self.hashes.writes[at],
            Split::Hashed(_) => self.hashes.reads[at],
        };
        let parts = routing.split.parts(hint, keyed);
        let is_clipped = parts.start() != parts.end();
        for part in parts {
            let (txn, at) = (txn as u32, at as u32);
            self.pieces[part].push(Piece { txn, at, hint, is_write, is_checked, is_clipped });
            self.parts |= 1 << part;
            self.count += 1;
        }
    }

    /// One bit for each part that has to be at hand. At least one: whoever holds none might meet somebody who holds all.
    pub(super) fn parts(&self) -> u32 {
        self.parts.max(1)
    }

    /// Whether there are so few accesses that all are fetched from memory before any is looked at.
    pub(super) fn is_small(&self) -> bool {
        self.count <= GROUP
    }

    /// Looks at all accesses in a part, a group of them at a time.
    pub(super) fn look(&mut self, routing: &Routing, batch: &Batch, at: usize, part: &mut Resolver) {
        part.begin();
        let count = self.pieces[at].len();
        for first in (0..count).step_by(GROUP) {
            let group = first..count.min(first + GROUP);
            self.foresee_some(routing, batch, at, (part, group.clone()));
            self.check_some(routing, batch, at, (part, group));
        }
    }

    /// Fetches what a part's accesses will touch.
    #[inline]
    pub(super) fn foresee(&mut self, routing: &Routing, batch: &Batch, at: usize, part: &mut Resolver) {
        part.begin();
        let all = 0..self.pieces[at].len();
        self.foresee_some(routing, batch, at, (part, all));
    }

    /// Which of a part's accesses are in the way?
    #[inline]
    pub(super) fn check(&mut self, routing: &Routing, batch: &Batch, at: usize, part: &Resolver) {
        let all = 0..self.pieces[at].len();
        self.check_some(routing, batch, at, (part, all));
    }

    #[inline]
    fn foresee_some(
        &mut self,
        routing: &Routing,
        batch: &Batch,
        at: usize,
        (part, group): (&Resolver, Range<usize>),
    ) {
        for piece in &mut self.pieces[at][group] {
            let keyed = piece.keyed(routing, batch, at);
            let snapshot = batch.txns()[piece.txn as usize].snapshot;
            let purpose = if piece.is_write { Purpose::Write } else { Purpose::Check(snapshot) };
            piece.hint = part.foresee(piece.hint, keyed, purpose);
        }
    }

    #[inline]
    fn check_some(
        &mut self,
        routing: &Routing,
        batch: &Batch,
        at: usize,
        (part, group): (&Resolver, Range<usize>),
    ) {
        for piece in self.pieces[at][group].iter().filter(|piece| piece.is_checked) {
            let keyed = piece.keyed(routing, batch, at);
            let snapshot = batch.txns()[piece.txn as usize].snapshot;
            if part.newer(piece.hint, keyed, snapshot) || routing.newer_in_past(keyed, snapshot) {
                let rank = piece.rank(batch);
                let least = &mut self.ranks[piece.txn as usize - self.first];
                *least = rank.min(*least);
            }
        }
    }

    /// Decides in array order, when all parts were looked at and what is inside the batch was found.
    pub(super) fn decide(&mut self, batch: &Batch, checked: Checked, floor: Version) {
        for (txn, rank) in (self.first..).zip(&mut self.ranks) {
            if batch.txns()[txn].snapshot < floor && batch.covers_any(txn, checked) {
                *rank = TOO_OLD;
            }
        }
        if self.ranks.len() > 1 {
            for edge in &self.inside.edges {
                if self.ranks[edge.earlier as usize] == FREE {
                    let least = &mut self.ranks[edge.later as usize];
                    *least = edge.rank.min(*least);
                }
            }
        }
    }

    /// Notes in a part what commits.
    #[inline]
    pub(super) fn record(
        &self,
        routing: &Routing,
        batch: &Batch,
        at: usize,
        (part, commit): (&mut Resolver, Version),
    ) {
        let pieces = self.pieces[at].iter().filter(|piece| piece.is_write);
        for piece in pieces.filter(|piece| self.ranks[piece.txn as usize - self.first] == FREE) {
            part.write(piece.hint, piece.keyed(routing, batch, at), commit);
        }
        part.sweep();
    }

    /// Appends the verdicts.
    pub(super) fn tell(&self, commit: Version, out: &mut Vec<Verdict>) {
        out.extend(self.ranks.iter().map(|rank| verdict(*rank, commit)));
    }

    /// What became of the only transaction, `None` if nothing is in the way.
    pub(super) fn refusal(&self) -> Option<Verdict> {
        let rank = *self.ranks.first()?;
        (rank != FREE).then(|| verdict(rank, 0))
    }
}

impl Piece {
    #[inline]
    fn keyed<'a>(&self, routing: &'a Routing, batch: &'a Batch, part: usize) -> Keyed<'a> {
        let keyed = keyed(batch, self.at as usize, self.is_write);
        if self.is_clipped { routing.split.clip(part, keyed) } else { keyed }
    }

    fn rank(&self, batch: &Batch) -> Rank {
        let (reads, writes) = batch.starts(self.txn as usize);
        if self.is_write {
            rank(Cause::Write, self.at as usize - writes)
        } else {
            rank(Cause::Read, self.at as usize - reads)
        }
    }
}

#[inline]
fn keyed(batch: &Batch, at: usize, is_write: bool) -> Keyed<'_> {
    batch.keyed(if is_write { batch.writes()[at] } else { batch.reads()[at] })
}

fn verdict(rank: Rank, commit: Version) -> Verdict {
    let cause = match rank >> 32 {
        0 => return Verdict::TooOld,
        1 => Cause::Read,
        2 => Cause::Write,
        _ => return Verdict::Commit(commit),
    };
    Verdict::Conflict { cause, range_index: rank as u32 }
}

/// The places of the bits that are set.
#[inline]
pub(super) fn bits(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (bits != 0).then_some(bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        at
    })
}
