//! The transactions of a log as columns: their fates, what they did, and their times.
//!
//! The four ends of a transaction's bounds stand together: who needs one of them needs most of
//! them, for one transaction after the other in no order, and so meets one cache line.

use rayon::prelude::*;
use skewer_kernels::prefetch_read;

use super::fates::Fates;
use super::marks::{COMMITTED, HAS_COMMIT, HAS_START, LONG, WROTE, marks};
use super::needs::Needs;
use crate::log::Log;
use crate::time::BoundedTimestamp;
use crate::txn::Times;

/// Transactions that one task looks at.
const STEP: usize = 1 << 14;

/// The first ends and last ends of a start and of a commit, in this order.
pub(crate) type Ends = [i64; 4];

/// Those of one transaction, which never straddle two cache lines.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(32))]
struct Lasted(Ends);

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
    bounds: Vec<Lasted>,
    /// By transaction; empty where the log has one region.
    regions: Vec<u16>,
    /// `start_ts`, and `commit_ts`; empty where the log has no such column.
    snapshots: Vec<i64>,
    stamps: Vec<i64>,
    /// What committed transactions lack.
    pub(crate) needs: Needs,
}

impl<'a> Transactions<'a> {
    /// The transactions of `log`. A committed one that wrote nothing and has no commit bound
    /// takes its start for it.
    ///
    /// Cost: O(rows), and 33 to 51 bytes a transaction of memory.
    pub(crate) fn of(log: &'a Log, fates: &Fates) -> Self {
        let count = log.txns.count(log.len()) as usize;
        let column = |present: bool| vec![0_i64; if present { count } else { 0 }];
        let mut txns = Transactions {
            log,
            marks: marks(log, fates),
            bounds: vec![Lasted::default(); count],
            regions: regions(log, count),
            snapshots: column(log.chunks.iter().any(|c| c.start_ts.is_some())),
            stamps: column(log.chunks.iter().any(|c| c.start_ts.is_some() || c.commit_ts.is_some())),
            needs: Needs::default(),
        };
        txns.needs = txns.fill();
        txns
    }

    /// Fills the columns of times.
    fn fill(&mut self) -> Needs {
        let log = self.log;
        let pieces = (self.marks.par_chunks_mut(STEP), self.bounds.par_chunks_mut(STEP));
        let pieces = pieces.into_par_iter().enumerate();
        let needs = |(piece, (marks, bounds)): (usize, (&mut [u8], &mut [Lasted]))| {
            let mut needs = Needs::default();
            for (i, (mark, Lasted(ends))) in marks.iter_mut().zip(bounds).enumerate() {
                let txn = (piece * STEP + i) as u32;
                let times = times(log, txn, *mark);
                if *mark & COMMITTED != 0 {
                    needs.see(log.txns.first_row(txn), *mark & WROTE != 0, *mark & LONG != 0, &times);
                }
                if let Some(start) = times.start {
                    (ends[0], ends[1]) = (start.earliest(), start.latest());
                    *mark |= HAS_START;
                }
                if let Some(commit) = times.commit {
                    (ends[2], ends[3]) = (commit.earliest(), commit.latest());
                    *mark |= HAS_COMMIT;
                }
            }
            needs
        };
        let needs = pieces.map(needs).reduce(Needs::default, Needs::merged);
        let marks = &self.marks;
        let fill = |column: &mut Vec<i64>, of: fn(&Times) -> Option<i64>| {
            column.par_iter_mut().enumerate().for_each(|(txn, tick)| {
                *tick = of(&times(log, txn as u32, marks[txn])).unwrap_or_default();
            });
        };
        fill(&mut self.snapshots, |t| t.start_ts);
        fill(&mut self.stamps, |t| t.commit_ts);
        needs
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
            Clock::Bounds => self.bounds[txn as usize].0,
            Clock::Points => {
                let (start, commit) = (self.snapshots[txn as usize], self.stamps[txn as usize]);
                [start, start, commit, commit]
            }
        }
    }

    /// Asks for what is known of a transaction before it is needed.
    pub(crate) fn prefetch(&self, clock: Clock, txn: u32) {
        prefetch_read(&self.marks, txn as usize);
        prefetch_read(&self.bounds, txn as usize);
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

/// The region of every transaction, if there are several.
fn regions(log: &Log, count: usize) -> Vec<u16> {
    if log.regions().len() < 2 {
        return Vec::new();
    }
    let region = |txn: usize| {
        let (chunk, at) = log.locate(u64::from(log.txns.first_row(txn as u32)));
        chunk.region.get(at)
    };
    (0..count).into_par_iter().map(region).collect()
}

/// The times in the log, and for a committed reader without a commit those of its start.
fn times(log: &Log, txn: u32, mark: u8) -> Times {
    let (chunk, at) = log.locate(u64::from(log.txns.first_row(txn)));
    let times = chunk.times(at);
    if mark & (COMMITTED | WROTE) == COMMITTED { times.at_start_if_uncommitted() } else { times }
}
