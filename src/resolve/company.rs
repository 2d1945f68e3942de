//! One half's share of a group of calls: what the window refuses there, and which transactions of the group meet.
//!
//! Transactions of a group meet where one checks a key that an earlier one writes. Few do, so each half's judge marks
//! those accesses alone; who meets whom is settled in the order of transactions once both halves are through
//! ([`settle`]). All others are judged by what the window says.

use std::sync::Arc;

use super::Version;
use super::crossings::{Crossing, Crossings};
use super::halves::Half;
use super::meets::{Mark, Meets};
use super::offer::Task;
use super::parts::{Asked, Item, Part, Parts, Place};
use super::points::Points;
use super::sides::Old;
use super::slices::Slice;
use super::stamps::Stamp;

/// So many items ahead memory is asked for.
const AHEAD: usize = 16;

/// Items between two sweeps.
const STEP: usize = 8;

/// What was found in a half. Room that is used again.
#[derive(Debug, Default)]
pub(super) struct Company {
    /// What the window refuses: transactions, counted from the group's first, and the access.
    pub(super) refused: Vec<(u32, Place)>,
    /// Which transactions cross on a side, where the window is in key order.
    pub(super) crossings: Crossings,
    /// Which of them meet, where it holds points.
    meets: Meets,
}

/// The calls of a group, with what both judges must know of it.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) calls: Vec<Arc<Parts>>,
    /// What the snapshot of each transaction shows.
    pub(super) shown: Vec<Stamp>,
    /// Which transactions commit, once that is known.
    pub(super) commits: Vec<bool>,
    /// Whether the window is in key order.
    pub(super) is_ordered: bool,
    /// What else is asked then.
    pub(super) old: Option<Arc<Old>>,
}

/// What the transactions of a round that commit write, at this stamp.
#[derive(Debug, Clone)]
pub(super) struct Promised {
    pub(super) round: Arc<Round>,
    pub(super) stamp: Stamp,
}

impl Round {
    /// Lets go of what is others'.
    pub(super) fn end(&mut self) {
        self.calls.clear();
        self.old = None;
    }

    /// The parts of the calls in a half, each with the number of its call's first transaction.
    pub(super) fn parts(&self, half: usize) -> impl Iterator<Item = (u32, &Part)> {
        self.numbered().map(move |(first, call)| (first, &call.halves[half]))
    }

    /// The slices of the calls on a side, each with the number of its call's first transaction.
    pub(super) fn slices(&self, side: usize) -> impl Iterator<Item = (u32, &Slice)> {
        self.numbered().map(move |(first, call)| (first, &call.slices.sides[side]))
    }

    fn numbered(&self) -> impl Iterator<Item = (u32, &Parts)> {
        self.calls.iter().scan(0, |next, call| {
            let first = *next;
            *next += call.txns.len() as u32;
            Some((first, &**call))
        })
    }
}

impl Half {
    /// Does a task in this half, for this committer.
    pub(super) fn run(&mut self, (which, committer): (usize, u64), task: &Task) {
        self.owner = committer;
        task.promised.iter().for_each(|promised| self.note(which, promised));
        if task.round.is_ordered {
            self.check_side(which, &task.round);
        } else {
            self.check(which, &task.round);
        }
    }

    /// Notes in this half what a round writes that was settled.
    pub(super) fn note(&mut self, which: usize, Promised { round, stamp }: &Promised) {
        if round.is_ordered {
            self.write_side(which, round, *stamp);
        } else {
            self.write(which, round, *stamp);
        }
    }

    /// Finds out what the window refuses in this half, and what meets within the group.
    fn check(&mut self, half: usize, round: &Round) {
        self.found.refused.clear();
        for (first, part) in round.parts(half) {
            begin(&self.points, &part.checks, false);
            for (at, item) in part.checks.iter().enumerate() {
                ask(&self.points, &part.checks, at, false);
                let txn = first + item.txn;
                if self.points.newer(item.hash, part.key(item), round.shown[txn as usize]) {
                    self.found.refused.push((txn, item.place));
                }
            }
        }
        self.found.meets.find(half, round);
    }

    /// Notes the writes of those that commit.
    fn write(&mut self, half: usize, round: &Round, stamp: Stamp) {
        for (first, part) in round.parts(half) {
            begin(&self.points, &part.writes, true);
            for (at, item) in part.writes.iter().enumerate() {
                if at.is_multiple_of(STEP) {
                    self.points.sweep();
                    self.points.foresee_sweep();
                }
                ask(&self.points, &part.writes, at, true);
                if round.commits[(first + item.txn) as usize] {
                    self.points.write(item.hash, part.key(item), stamp);
                }
            }
        }
        self.points.sweep();
    }
}

/// Asks for what the first of some items will touch.
fn begin(points: &Points, items: &[Item], written: bool) {
    items.iter().take(AHEAD).for_each(|item| points.prefetch(item.hash, written));
}

/// The same for one that is ahead, and for the key of one that is nearer.
#[inline]
fn ask(points: &Points, items: &[Item], at: usize, written: bool) {
    if let Some(item) = items.get(at + AHEAD) {
        points.prefetch(item.hash, written);
    }
    if let Some(item) = items.get(at + AHEAD / 2) {
        points.prefetch_key(item.hash);
    }
}

/// What becomes of each transaction of a group, settled in order. Room that is used again.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// Of each transaction the first access that is refused.
    pub(super) refused: Vec<Place>,
    crossings: Vec<Crossing>,
    marks: Vec<(Mark, usize)>,
    /// Whether a key was written by a transaction that commits, by half.
    written: [Vec<bool>; 2],
}

impl Settled {
    /// Settles the transactions of a round by what was found in both halves.
    pub(super) fn settle(&mut self, round: &Round, floor: Version, found: [&Company; 2]) {
        self.refused.clear();
        self.marks.clear();
        for call in &round.calls {
            let first = self.refused.len();
            self.refused.resize(first + call.txns.len(), Place::NONE);
            if call.oldest < floor {
                self.refuse_old(first, &call.txns, floor);
            }
        }
        for (half, company) in found.iter().enumerate() {
            for &(txn, place) in &company.refused {
                self.refuse(txn, place);
            }
            self.marks.extend(company.meets.marks.iter().map(|mark| (*mark, half)));
            self.written[half].clear();
            self.written[half].resize(company.meets.keys(), false);
        }
        if round.is_ordered {
            return self.settle_crossings(found);
        }
        self.marks.sort_unstable();
        for at in 0..self.marks.len() {
            let (Mark { txn, is_write, place, key }, half) = self.marks[at];
            let written = &mut self.written[half][key as usize];
            if !is_write && *written {
                self.refuse(txn, place);
            } else if is_write && self.refused[txn as usize] == Place::NONE {
                *written = true;
            }
        }
    }

    /// In the order of the later one: by then it is known what becomes of the earlier one.
    fn settle_crossings(&mut self, found: [&Company; 2]) {
        self.crossings.clear();
        found.iter().for_each(|company| self.crossings.extend_from_slice(&company.crossings.found));
        self.crossings.sort_unstable();
        for at in 0..self.crossings.len() {
            let Crossing { later, earlier, place } = self.crossings[at];
            if self.refused[earlier as usize] == Place::NONE {
                self.refuse(later, place);
            }
        }
    }

    #[cold]
    fn refuse_old(&mut self, first: usize, txns: &[Asked], floor: Version) {
        for (refused, asked) in self.refused[first..].iter_mut().zip(txns) {
            if asked.is_checked && asked.snapshot < floor {
                *refused = Place::OLD;
            }
        }
    }

    fn refuse(&mut self, txn: u32, place: Place) {
        let refused = &mut self.refused[txn as usize];
        *refused = place.min(*refused);
    }
}
