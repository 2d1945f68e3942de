//! The committed writes of a log as columns: in place where the log allows it.

use arrow::buffer::ScalarBuffer;
use rayon::prelude::*;
use skewer_kernels::{Extent, Isa, extent, prefetch_range};

use super::fates::Fates;
use super::superseded::superseded;
use crate::log::{Chunk, Log, READ};
use crate::time::BoundedTimestamp;
use crate::timings::{Timings, measure};
use crate::txn::Datum;

/// The ends of one bound a write.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    /// First ends.
    pub(crate) earliest: ScalarBuffer<i64>,
    /// Last ends.
    pub(crate) latest: ScalarBuffer<i64>,
}

impl Ends {
    fn of(bounds: &[BoundedTimestamp]) -> Self {
        Ends {
            earliest: bounds.iter().map(|b| b.earliest()).collect::<Vec<_>>().into(),
            latest: bounds.iter().map(|b| b.latest()).collect::<Vec<_>>().into(),
        }
    }

    /// The bound at `at`.
    pub(crate) fn get(&self, at: usize) -> (i64, i64) {
        (self.earliest[at], self.latest[at])
    }
}

/// The committed writes of one chunk; of a transaction's writes of one key only the last.
#[derive(Debug)]
pub(crate) struct Segment<'a> {
    chunk: &'a Chunk,
    /// Rows of the chunk; `None` for all of them.
    rows: Option<Vec<u32>>,
    /// Commit bounds.
    pub(crate) commit: Ends,
    /// Start bounds, where they are not the commit bounds.
    pub(crate) start: Option<Ends>,
    /// Stamps, where they are not the midpoints of the commit bounds.
    pub(crate) stamp: Option<ScalarBuffer<i64>>,
}

impl Segment<'_> {
    /// Writes.
    pub(crate) fn len(&self) -> usize {
        self.rows.as_ref().map_or(self.chunk.rows, Vec::len)
    }

    fn place(&self, at: usize) -> usize {
        self.rows.as_ref().map_or(at, |rows| rows[at] as usize)
    }

    /// The extents of its lifetimes, if they are those of the chunk's commit bounds.
    pub(crate) fn outline(&self) -> &[Extent] {
        if self.rows.is_none() && self.start.is_none() { &self.chunk.outline } else { &[] }
    }

    /// The width of the widest commit bound, in ticks.
    fn widest(&self, isa: Isa) -> u64 {
        let known = &self.chunk.outline;
        if self.rows.is_none() && !known.is_empty() {
            return known.iter().map(|e| e.max_width).max().unwrap_or(0);
        }
        extent(isa, &self.commit.earliest, &self.commit.latest).max_width
    }

    /// The log row of a write.
    pub(crate) fn row(&self, at: usize) -> u32 {
        (self.chunk.first_row + self.place(at) as u64) as u32
    }

    /// The region of a write.
    pub(crate) fn region(&self, at: usize) -> u16 {
        self.chunk.region.get(self.place(at))
    }

    /// The key of a write.
    pub(crate) fn key(&self, at: usize) -> Option<Datum<'_>> {
        self.chunk.key.get(self.place(at))
    }

    /// The regions of the writes from `first` on.
    pub(crate) fn regions(&self, first: usize, out: &mut [u16]) {
        match &self.rows {
            None => self.chunk.region.fill(first, out),
            Some(rows) => {
                rows[first..].iter().zip(out).for_each(|(&r, o)| *o = self.chunk.region.get(r as usize));
            }
        }
    }

    /// The fingerprints of the keys of the writes from `first` on.
    fn fingerprints(&self, isa: Isa, first: usize, out: &mut [u64]) {
        match &self.rows {
            None => self.chunk.key.fingerprints(isa, first, out),
            Some(rows) => {
                rows[first..].iter().zip(out).for_each(|(&r, o)| *o = self.chunk.key.fingerprint(r as usize));
            }
        }
    }
}

/// Committed transactions that lack a time which a model needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lacking {
    /// How many.
    pub(crate) count: u64,
    /// Out of how many.
    pub(crate) total: u64,
    /// The log row of the first: its first row.
    pub(crate) first_row: u32,
}

/// The committed writes of a log.
#[derive(Debug)]
pub(crate) struct Writes<'a> {
    /// The log.
    pub(crate) log: &'a Log,
    /// By chunk, those without any left out.
    pub(crate) segments: Vec<Segment<'a>>,
    /// Whether equal fingerprints mean equal keys for certain.
    pub(crate) exact: bool,
    /// Clears bits of every fingerprint: tests make keys collide by it.
    fingerprint_mask: u64,
    /// How long before its commit a write without a start bound took its snapshot.
    pub(crate) visibility_lag: u64,
    /// Bytes that records may take at a time.
    pub(crate) memory: Option<u64>,
    timings: Option<&'a Timings>,
}

impl<'a> Writes<'a> {
    /// The committed writes of `log`. One whose transaction has no start bound starts
    /// `visibility_lag` ticks before it commits. Fingerprints keep only the bits of `mask`.
    ///
    /// # Errors
    /// The committed writers without a commit bound, if there are any.
    ///
    /// Cost: nothing a row where every row is a committed write with its bounds and the only one
    /// of its key in its transaction; else O(rows), and the columns are copied.
    pub(crate) fn of(log: &'a Log, fates: &Fates, visibility_lag: u64, mask: u64) -> Result<Self, Lacking> {
        let dropped = superseded(log);
        let selected: Vec<Option<Vec<u32>>> =
            log.chunks.par_iter().map(|c| select(log, c, fates, &dropped)).collect();
        let lacking = lacking(log, &selected);
        if lacking.count > 0 {
            return Err(lacking);
        }
        let has_starts =
            log.chunks.iter().any(|c| c.start.is_some() || (c.start_ts.is_some() && c.clock_error.is_some()));
        let lag = (has_starts || visibility_lag > 0).then_some(visibility_lag);
        let has_stamps = log.chunks.iter().any(|c| c.commit_ts.is_some());
        let segments = log
            .chunks
            .par_iter()
            .zip(selected)
            .filter(|(_, rows)| rows.as_ref().is_none_or(|r| !r.is_empty()))
            .map(|(chunk, rows)| segment(chunk, rows, lag, has_stamps))
            .collect();
        Ok(Writes {
            log,
            segments,
            exact: log.exact_keys() && mask == u64::MAX,
            fingerprint_mask: mask,
            visibility_lag,
            memory: None,
            timings: None,
        })
    }

    /// The same, to be judged within `memory` bytes, noting how long each phase takes.
    pub(crate) fn within(self, memory: Option<u64>, timings: Option<&'a Timings>) -> Self {
        Writes { memory, timings, ..self }
    }

    /// Does `work`, a phase of the judgement that reads `width` bytes of each write.
    pub(crate) fn measure<T>(&self, phase: &'static str, width: usize, work: impl FnOnce() -> T) -> T {
        let rows = self.len() as u64;
        measure(self.timings, phase, (rows, rows * width as u64), work)
    }

    /// The fingerprints of the keys of a segment's writes from `first` on.
    pub(crate) fn fingerprints(&self, isa: Isa, segment: usize, first: usize, out: &mut [u64]) {
        self.segments[segment].fingerprints(isa, first, out);
        if self.fingerprint_mask != u64::MAX {
            out.iter_mut().for_each(|f| *f &= self.fingerprint_mask);
        }
    }

    /// The keys of a segment in place, to be prefetched; none where they are no integers, or where
    /// some rows do not count.
    pub(crate) fn key_words(&self, segment: usize) -> &[u64] {
        let segment = &self.segments[segment];
        if segment.rows.is_none() { segment.chunk.key.words() } else { &[] }
    }

    /// Asks for the keys and commit bounds of some of a segment's writes to be brought closer.
    pub(crate) fn prefetch(&self, segment: usize, first: usize, len: usize) {
        prefetch_range(self.key_words(segment), first, len);
        let Ends { earliest, latest } = &self.segments[segment].commit;
        prefetch_range(earliest, first, len);
        prefetch_range(latest, first, len);
    }

    /// The width of the widest commit bound, in ticks.
    pub(crate) fn widest(&self, isa: Isa) -> u64 {
        self.segments.par_iter().map(|s| s.widest(isa)).max().unwrap_or(0)
    }

    /// Writes.
    pub(crate) fn len(&self) -> usize {
        self.segments.iter().map(Segment::len).sum()
    }
}

/// The rows of a chunk that are committed writes and not superseded; `None` for all.
fn select(log: &Log, chunk: &Chunk, fates: &Fates, dropped: &[u32]) -> Option<Vec<u32>> {
    let from = dropped.partition_point(|&r| u64::from(r) < chunk.first_row);
    let to = dropped.partition_point(|&r| u64::from(r) < chunk.first_row + chunk.rows as u64);
    let mut dropped = dropped[from..to].iter().map(|&r| (u64::from(r) - chunk.first_row) as u32).peekable();
    let all_committed = matches!(fates, Fates::AllCommitted);
    if all_committed && dropped.peek().is_none() && !chunk.has_reads() {
        return None;
    }
    let keep = |&at: &u32| {
        let row = (chunk.first_row + u64::from(at)) as u32;
        let gone = dropped.next_if(|&d| d == at).is_some();
        !gone && chunk.op.get(at as usize) != READ && (all_committed || fates.committed(log.txns.of_row(row)))
    };
    Some((0..chunk.rows as u32).filter(keep).collect())
}

/// Committed writers without a commit bound.
fn lacking(log: &Log, selected: &[Option<Vec<u32>>]) -> Lacking {
    let complete = |c: &Chunk| {
        c.commit.as_ref().is_some_and(|b| b.dense().is_some())
            || (c.clock_error.is_some() && c.commit_ts.as_ref().is_some_and(|t| t.dense().is_some()))
    };
    if log.chunks.iter().all(complete) {
        return Lacking::default();
    }
    let mut writers = std::collections::BTreeMap::new();
    for (chunk, rows) in log.chunks.iter().zip(selected) {
        let mut add = |at: u32| {
            let row = (chunk.first_row + u64::from(at)) as u32;
            writers.entry(log.txns.of_row(row)).or_insert_with(|| chunk.times(at as usize).commit.is_none());
        };
        match rows {
            None => (0..chunk.rows as u32).for_each(&mut add),
            Some(rows) => rows.iter().copied().for_each(&mut add),
        }
    }
    let count = writers.values().filter(|&&lacks| lacks).count() as u64;
    let first = writers.iter().find(|(_, lacks)| **lacks).map_or(0, |(txn, _)| log.txns.first_row(*txn));
    Lacking { count, total: writers.len() as u64, first_row: first }
}

fn segment(chunk: &Chunk, rows: Option<Vec<u32>>, lag: Option<u64>, has_stamps: bool) -> Segment<'_> {
    let places = || -> Box<dyn Iterator<Item = usize> + '_> {
        match &rows {
            None => Box::new(0..chunk.rows),
            Some(rows) => Box::new(rows.iter().map(|&r| r as usize)),
        }
    };
    let in_place = |bounds: Option<&crate::log::Bounds>| {
        let bounds = bounds.filter(|_| rows.is_none())?;
        Some(Ends { earliest: bounds.earliest.dense()?.clone(), latest: bounds.latest.dense()?.clone() })
    };
    let commit_at = |at: usize| chunk.times(at).commit.unwrap_or(BoundedTimestamp::UNBOUNDED);
    let commit = in_place(chunk.commit.as_ref())
        .unwrap_or_else(|| Ends::of(&places().map(commit_at).collect::<Vec<_>>()));
    let start = lag.map(|lag| {
        let start_at = |at: usize| chunk.times(at).start.unwrap_or(commit_at(at).earlier_by(lag));
        in_place(chunk.start.as_ref())
            .unwrap_or_else(|| Ends::of(&places().map(start_at).collect::<Vec<_>>()))
    });
    let stamp_at = |at: usize| chunk.times(at).stamp().unwrap_or_else(|| commit_at(at).midpoint());
    let stamp = has_stamps.then(|| match chunk.commit_ts.as_ref().and_then(|t| t.dense()) {
        Some(stamps) if rows.is_none() => stamps.clone(),
        _ => places().map(stamp_at).collect::<Vec<_>>().into(),
    });
    Segment { chunk, rows, commit, start, stamp }
}
