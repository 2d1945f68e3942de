//! The transactions of a log as columns: their fates, what they did, and their times.
//!
//! The four ends of a transaction's bounds stand together: who needs one of them needs most of
//! them, for one transaction after the other in no order, and so meets one cache line.

use std::array::from_fn;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow::buffer::ScalarBuffer;
use skewer_kernels::prefetch_read;

use super::fates::Fates;
use super::marks::{COMMITTED, HAS_COMMIT, HAS_START, LONG, WROTE, marks};
use super::needs::Needs;
use crate::error::Result;
use crate::log::Log;
use crate::memory::{Budget, column_of};
use crate::time::BoundedTimestamp;
use crate::txn::Times;

/// Transactions that one task looks at.
const STEP: usize = 1 << 14;

/// The first ends and last ends of a start and of a commit, in this order.
pub(crate) type Ends = [i64; ENDS];

/// How many those are.
const ENDS: usize = 4;

/// What tells when a transaction started and committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clock {
    /// Bounds.
    Bounds,
    /// Timestamps that the database assigned, as points.
    Points,
}

/// All transactions of a log, by their numbers, which is in the order of their first rows.
#[derive(Debug)]
pub(crate) struct Transactions<'a> {
    /// The log.
    pub(crate) log: &'a Log,
    marks: Vec<u8>,
    /// Four for each transaction. A column begins at a cache line: these never straddle two.
    bounds: ScalarBuffer<i64>,
    /// By transaction; empty where the log has one region.
    regions: ScalarBuffer<u16>,
    /// `start_ts`, and `commit_ts`; empty where the log has no such column.
    snapshots: ScalarBuffer<i64>,
    stamps: ScalarBuffer<i64>,
    /// What committed transactions lack.
    pub(crate) needs: Needs,
}

impl<'a> Transactions<'a> {
    /// The transactions of `log`. A committed one that wrote nothing and has no commit bound
    /// takes its start for it.
    ///
    /// # Errors
    /// If columns had to go to files and these failed.
    ///
    /// Cost: O(rows), and 33 to 51 bytes a transaction of memory; with a small budget one byte, and the
    /// rest in files.
    pub(crate) fn of(log: &'a Log, fates: &Fates, budget: Budget) -> Result<Self> {
        let count = log.txns.count(log.len()) as usize;
        let marks = marks(log, fates);
        let (bounds, needs) = bounds(log, &marks, budget)?;
        let marks: Vec<u8> = marks.into_iter().map(AtomicU8::into_inner).collect();
        let known = &marks;
        let column = |present: bool, of: fn(&Times) -> Option<i64>| {
            column_of(budget, if present { count } else { 0 }, STEP, |first, ticks: &mut [i64]| {
                ticks.iter_mut().enumerate().for_each(|(i, tick)| {
                    let txn = first + i;
                    *tick = of(&times(log, txn as u32, known[txn])).unwrap_or_default();
                });
            })
        };
        let (starts, commits) = (
            log.chunks.iter().any(|c| c.start_ts.is_some()),
            log.chunks.iter().any(|c| c.commit_ts.is_some()),
        );
        let snapshots = column(starts, |t| t.start_ts)?;
        let stamps = column(starts || commits, |t| t.commit_ts)?;
        Ok(Transactions {
            log,
            regions: regions(log, count, budget)?,
            marks,
            bounds,
            snapshots,
            stamps,
            needs,
        })
    }

    /// Transactions.
    pub(crate) fn count(&self) -> usize {
        self.marks.len()
    }

    fn is(&self, txn: u32, mark: u8) -> bool {
        self.marks[txn as usize] & mark != 0
    }

    /// Whether it counts as committed.
    pub(crate) fn committed(&self, txn: u32) -> bool {
        self.is(txn, COMMITTED)
    }

    /// Whether it wrote anything.
    pub(crate) fn wrote(&self, txn: u32) -> bool {
        self.is(txn, WROTE)
    }

    /// Whether it has a start by that clock; of points this is known of all or asked of none.
    pub(crate) fn has_start(&self, clock: Clock, txn: u32) -> bool {
        clock == Clock::Points || self.is(txn, HAS_START)
    }

    /// When it started and committed; meaningless where it has no such time.
    pub(crate) fn ends(&self, clock: Clock, txn: u32) -> Ends {
        match clock {
            Clock::Bounds => {
                let at = txn as usize * ENDS;
                from_fn(|end| self.bounds[at..at + ENDS][end])
            }
            Clock::Points => {
                let (start, commit) = (self.snapshots[txn as usize], self.stamps[txn as usize]);
                [start, start, commit, commit]
            }
        }
    }

    /// Asks for what is known of a transaction before it is needed.
    pub(crate) fn prefetch(&self, clock: Clock, txn: u32) {
        prefetch_read(&self.marks, txn as usize);
        prefetch_read(&self.bounds, txn as usize * ENDS);
        if clock == Clock::Points {
            prefetch_read(&self.snapshots, txn as usize);
            prefetch_read(&self.stamps, txn as usize);
        }
    }

    /// The code of its region.
    pub(crate) fn region(&self, txn: u32) -> u16 {
        self.regions.get(txn as usize).copied().unwrap_or_default()
    }

    /// Its commit timestamp; meaningless where it has none.
    pub(crate) fn stamp(&self, txn: u32) -> i64 {
        self.stamps[txn as usize]
    }

    /// Whether some transaction may have a commit timestamp.
    pub(crate) fn has_stamps(&self) -> bool {
        self.log.chunks.iter().any(|c| c.commit_ts.is_some())
    }

    /// What `snapshot-isolation` and `serializable` are judged by: points, if every committed
    /// transaction has both.
    pub(crate) fn clock(&self) -> Clock {
        // A log without a committed transaction has no column to show either.
        let points = self.needs.without_points.count == 0 && self.stamps.len() == self.marks.len();
        if points && self.snapshots.len() == self.marks.len() { Clock::Points } else { Clock::Bounds }
    }

    /// Whether every committed transaction has both assigned timestamps.
    pub(crate) fn assigned(&self) -> bool {
        self.needs.without_points.count == 0
    }

    /// The times of a transaction as they are judged by that clock.
    pub(crate) fn times(&self, clock: Clock, txn: u32) -> Times {
        let times = times(self.log, txn, self.marks[txn as usize]);
        if clock == Clock::Bounds || !self.committed(txn) {
            return times;
        }
        let point = |t: Option<i64>| t.map(BoundedTimestamp::point);
        Times { start: point(times.start_ts), commit: point(times.commit_ts), ..times }
    }
}

/// The bounds of every transaction, and what committed ones lack. Marks who has which.
fn bounds(log: &Log, known: &[AtomicU8], budget: Budget) -> Result<(ScalarBuffer<i64>, Needs)> {
    let needs = Mutex::new(Needs::default());
    let bounds = column_of(budget, known.len() * ENDS, STEP * ENDS, |first, ends: &mut [i64]| {
        let mut lacking = Needs::default();
        for (ends, txn) in ends.chunks_exact_mut(ENDS).zip(first / ENDS..) {
            let mut mark = known[txn].load(Ordering::Relaxed);
            let times = times(log, txn as u32, mark);
            if mark & COMMITTED != 0 {
                lacking.see(log.txns.first_row(txn as u32), mark & WROTE != 0, mark & LONG != 0, &times);
            }
            if let Some(start) = times.start {
                (ends[0], ends[1]) = (start.earliest(), start.latest());
                mark |= HAS_START;
            }
            if let Some(commit) = times.commit {
                (ends[2], ends[3]) = (commit.earliest(), commit.latest());
                mark |= HAS_COMMIT;
            }
            known[txn].store(mark, Ordering::Relaxed);
        }
        let mut sum = needs.lock().unwrap_or_else(PoisonError::into_inner);
        *sum = std::mem::take(&mut *sum).merged(lacking);
    })?;
    Ok((bounds, needs.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

/// The region of every transaction, if there are several.
fn regions(log: &Log, count: usize, budget: Budget) -> Result<ScalarBuffer<u16>> {
    let count = if log.regions().len() < 2 { 0 } else { count };
    column_of(budget, count, STEP, |first, regions: &mut [u16]| {
        for (region, txn) in regions.iter_mut().zip(first..) {
            let (chunk, at) = log.locate(u64::from(log.txns.first_row(txn as u32)));
            *region = chunk.region.get(at);
        }
    })
}

/// The times in the log, and for a committed reader without a commit those of its start.
fn times(log: &Log, txn: u32, mark: u8) -> Times {
    let (chunk, at) = log.locate(u64::from(log.txns.first_row(txn)));
    let times = chunk.times(at);
    if mark & (COMMITTED | WROTE) == COMMITTED { times.at_start_if_uncommitted() } else { times }
}
