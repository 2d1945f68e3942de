//! The transactions of a log as columns: their fates, what they did, and their times.
//!
//! The four ends of a transaction's bounds stand together, with its assigned timestamps where the log has
//! some: who needs one of them needs most of them, for one transaction after the other in no order, and so
//! meets one cache line.

use std::array::from_fn;
use std::ops::Range;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};

use arrow::buffer::ScalarBuffer;
use skewer_kernels::prefetch_read;

use super::fates::Fates;
use super::marks::{COMMITTED, HAS_COMMIT, HAS_START, LONG, WROTE, marks};
use super::needs::Needs;
use crate::error::Result;
use crate::log::{Chunk, Log};
use crate::memory::{Budget, column_of};
use crate::time::BoundedTimestamp;
use crate::txn::Times;

/// Transactions that one task looks at.
const STEP: usize = 1 << 14;

/// The first ends and last ends of a start and of a commit, in this order.
pub(crate) type Ends = [i64; ENDS];

/// How many those are.
const ENDS: usize = 4;

/// Ticks kept of a transaction that has bounds alone.
const STRIDE: usize = ENDS;
/// The same where there are assigned timestamps: six, and room to the end of a cache line.
const STRIDE_WITH_POINTS: usize = 8;
/// Where `start_ts` and `commit_ts` stand among them.
const POINTS: Range<usize> = ENDS..ENDS + 2;

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
    /// Of each transaction, in [`STRIDE`] ticks or, where the log has assigned timestamps, in
    /// [`STRIDE_WITH_POINTS`]: the ends of its bounds, `start_ts` and `commit_ts`. The column begins at a cache
    /// line: these never straddle two.
    ticks: ScalarBuffer<i64>,
    stride: usize,
    /// By transaction; empty where the log has one region.
    regions: ScalarBuffer<u16>,
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
    /// Cost: O(rows), and 33 to 67 bytes a transaction of memory; with a small budget one byte, and the
    /// rest in files.
    pub(crate) fn of(log: &'a Log, fates: &Fates, budget: Budget) -> Result<Self> {
        let count = log.txns.count(log.len()) as usize;
        let marks = marks(log, fates);
        let stamped = any(log, |c| c.start_ts.is_some() || c.commit_ts.is_some());
        let stride = if stamped { STRIDE_WITH_POINTS } else { STRIDE };
        let (ticks, needs) = ticks((log, stride), &marks, budget)?;
        let marks = marks.into_iter().map(AtomicU8::into_inner).collect();
        Ok(Transactions { log, regions: regions(log, count, budget)?, marks, ticks, stride, needs })
    }

    /// Transactions.
    pub(crate) fn count(&self) -> usize {
        self.marks.len()
    }

    #[inline]
    fn is(&self, txn: u32, mark: u8) -> bool {
        self.marks[txn as usize] & mark != 0
    }

    /// Whether it counts as committed.
    #[inline]
    pub(crate) fn committed(&self, txn: u32) -> bool {
        self.needs.committed == self.marks.len() as u64 || self.is(txn, COMMITTED)
    }

    /// Whether a committed one wrote anything.
    #[inline]
    pub(crate) fn wrote(&self, txn: u32) -> bool {
        self.needs.writers == self.needs.committed || self.is(txn, WROTE)
    }

    /// Whether a committed one has a start by that clock; of points this is known of all or asked of none.
    pub(crate) fn has_start(&self, clock: Clock, txn: u32) -> bool {
        clock == Clock::Points || self.needs.without_start.count == 0 || self.is(txn, HAS_START)
    }

    /// When it started and committed; meaningless where it has no such time.
    #[inline]
    pub(crate) fn ends(&self, clock: Clock, txn: u32) -> Ends {
        let ticks = self.ticks_of(txn);
        match clock {
            Clock::Bounds => from_fn(|end| ticks[end]),
            Clock::Points => {
                let [start, commit] = from_fn(|point| ticks[POINTS.start + point]);
                [start, start, commit, commit]
            }
        }
    }

    #[inline]
    fn ticks_of(&self, txn: u32) -> &[i64] {
        &self.ticks[txn as usize * self.stride..][..self.stride]
    }

    /// Asks for what is known of a transaction before it is needed.
    #[inline]
    pub(crate) fn prefetch(&self, txn: u32) {
        prefetch_read(&self.marks, txn as usize);
        prefetch_read(&self.regions, txn as usize);
        prefetch_read(&self.ticks, txn as usize * self.stride);
    }

    /// The code of its region.
    pub(crate) fn region(&self, txn: u32) -> u16 {
        self.regions.get(txn as usize).copied().unwrap_or_default()
    }

    /// Its commit timestamp; meaningless where it has none.
    pub(crate) fn stamp(&self, txn: u32) -> i64 {
        self.ticks_of(txn)[POINTS.end - 1]
    }

    /// Whether some transaction may have a commit timestamp.
    pub(crate) fn has_stamps(&self) -> bool {
        any(self.log, |c| c.commit_ts.is_some())
    }

    /// What `snapshot-isolation` and `serializable` are judged by: points, if every committed
    /// transaction has both.
    pub(crate) fn clock(&self) -> Clock {
        // A log without a committed transaction may have no column to show either.
        let points = self.assigned() && any(self.log, |c| c.start_ts.is_some());
        if points { Clock::Points } else { Clock::Bounds }
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

/// Whether a chunk of the log is such.
fn any(log: &Log, is: impl Fn(&Chunk) -> bool) -> bool {
    log.chunks.iter().any(is)
}

/// The ticks of every transaction, and what committed ones lack. Marks who has which bounds.
fn ticks(
    (log, stride): (&Log, usize),
    known: &[AtomicU8],
    budget: Budget,
) -> Result<(ScalarBuffer<i64>, Needs)> {
    let needs = Mutex::new(Needs::default());
    let ticks = column_of(budget, known.len() * stride, STEP * stride, |first, ticks: &mut [i64]| {
        let mut lacking = Needs::default();
        for (ticks, txn) in ticks.chunks_exact_mut(stride).zip(first / stride..) {
            let mut mark = known[txn].load(Ordering::Relaxed);
            let times = times(log, txn as u32, mark);
            if mark & COMMITTED != 0 {
                lacking.see(log.txns.first_row(txn as u32), mark & WROTE != 0, mark & LONG != 0, &times);
            }
            if let Some(start) = times.start {
                (ticks[0], ticks[1]) = (start.earliest(), start.latest());
                mark |= HAS_START;
            }
            if let Some(commit) = times.commit {
                (ticks[2], ticks[3]) = (commit.earliest(), commit.latest());
                mark |= HAS_COMMIT;
            }
            if let Some([start, commit]) = ticks.get_mut(POINTS) {
                *start = times.start_ts.unwrap_or_default();
                *commit = times.commit_ts.unwrap_or_default();
            }
            known[txn].store(mark, Ordering::Relaxed);
        }
        let mut sum = needs.lock().unwrap_or_else(PoisonError::into_inner);
        *sum = std::mem::take(&mut *sum).merged(lacking);
    })?;
    Ok((ticks, needs.into_inner().unwrap_or_else(PoisonError::into_inner)))
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
