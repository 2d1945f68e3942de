//! The committed writes of a log as columns: in place where the log allows it.

use arrow::buffer::ScalarBuffer;
use rayon::prelude::*;
use skewer_kernels::{Extent, Isa, extent, prefetch_range, prefetch_read};

use super::fates::Fates;
use super::select::{lacking, segments, select};
use crate::error::Result;
use crate::log::{Chunk, Log, Packing, Whereabouts};
use crate::memory::{Budget, Spare};
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
    /// The bound at `at`.
    pub(crate) fn get(&self, at: usize) -> (i64, i64) {
        (self.earliest[at], self.latest[at])
    }
}

/// The committed writes of one chunk; of a transaction's writes of one key only the last.
#[derive(Debug)]
pub(crate) struct Segment<'a> {
    pub(super) chunk: &'a Chunk,
    /// Rows of the chunk; `None` for all of them.
    pub(super) rows: Option<ScalarBuffer<u32>>,
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
        self.rows.as_ref().map_or(self.chunk.rows, ScalarBuffer::len)
    }

    fn place(&self, at: usize) -> usize {
        self.rows.as_ref().map_or(at, |rows| rows[at] as usize)
    }

    /// The extents of its commit bounds by stretches of rows, if they are known.
    pub(crate) fn outline(&self) -> &[Extent] {
        if self.rows.is_none() { &self.chunk.outline } else { &[] }
    }

    /// The extent of its commit bounds.
    fn extent(&self, isa: Isa) -> Extent {
        match self.outline() {
            [] => extent(isa, &self.commit.earliest, &self.commit.latest),
            known => known.iter().copied().fold(Extent::EMPTY, Extent::merge),
        }
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
            Some(rows) => self.chunk.region.fill_at(rows[first..].iter().map(|&row| row as usize), out),
        }
    }

    /// The regions of the writes at those places from `first` on.
    pub(crate) fn regions_at(&self, first: usize, places: &[u32], out: &mut [u16]) {
        let places = places.iter().map(|&place| first + place as usize);
        match &self.rows {
            None => self.chunk.region.fill_at(places, out),
            Some(rows) => self.chunk.region.fill_at(places.map(|at| rows[at] as usize), out),
        }
    }

    /// The words of the keys of the writes from `first` on; whether all keys fit.
    pub(crate) fn pack(&self, packing: &Packing, first: usize, words: (&mut [u64], &mut [u64])) -> bool {
        match &self.rows {
            None => packing.fill(&self.chunk.key, first.., words),
            Some(rows) => packing.fill(&self.chunk.key, rows[first..].iter().map(|&row| row as usize), words),
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
    /// What records may take at a time.
    pub(crate) budget: Budget,
    /// Memory that passes over them leave to the next.
    pub(crate) spare: Spare,
    /// Segment by segment.
    numbers: Whereabouts,
    timings: Option<&'a Timings>,
}

impl<'a> Writes<'a> {
    /// The committed writes of `log`. One whose transaction has no start bound starts
    /// `visibility_lag` ticks before it commits. Fingerprints keep only the bits of `mask`.
    ///
    /// Within: the committed writers without a commit bound, if there are any.
    ///
    /// # Errors
    /// If columns had to go to files and these failed.
    ///
    /// Cost: nothing a row where every row is a committed write with its bounds and the only one
    /// of its key in its transaction; else O(rows), and the columns are copied, to files if the budget
    /// does not hold them.
    pub(crate) fn of(
        log: &'a Log,
        fates: &Fates,
        visibility_lag: u64,
        mask: u64,
        budget: Budget,
    ) -> Result<Result<Self, Lacking>> {
        let selected = select(log, fates, budget)?;
        let lacking = lacking(log, &selected);
        if lacking.count > 0 {
            return Ok(Err(lacking));
        }
        let has_starts =
            log.chunks.iter().any(|c| c.start.is_some() || (c.start_ts.is_some() && c.clock_error.is_some()));
        let lag = (has_starts || visibility_lag > 0).then_some(visibility_lag);
        let has_stamps = log.chunks.iter().any(|c| c.commit_ts.is_some());
        let parts = log.chunks.iter().zip(selected);
        let parts = parts.filter(|(_, rows)| rows.as_ref().is_none_or(|r| !r.is_empty())).collect();
        let segments = segments(parts, lag, has_stamps, budget)?;
        Ok(Ok(Writes {
            log,
            numbers: Whereabouts::of(segments.iter().map(Segment::len)),
            segments,
            exact: log.exact_keys() && mask == u64::MAX,
            fingerprint_mask: mask,
            visibility_lag,
            budget,
            spare: Spare::within(budget),
            timings: None,
        }))
    }

    /// How keys can be told apart by two words; `None` if they cannot, and where integers already are.
    pub(crate) fn packing(&self) -> Option<Packing> {
        // Tests that make keys collide want them to.
        Packing::of(self.log.chunks.iter().map(|c| &c.key)).filter(|_| self.fingerprint_mask == u64::MAX)
    }

    /// The same, noting how long each phase takes.
    pub(crate) fn timed(self, timings: Option<&'a Timings>) -> Self {
        Writes { timings, ..self }
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

    /// Asks for the keys of some of a segment's writes to be brought closer.
    pub(crate) fn prefetch_keys(&self, segment: usize, first: usize, len: usize) {
        let segment = &self.segments[segment];
        if segment.rows.is_none() {
            segment.chunk.key.prefetch_rows(first, len);
        }
    }

    /// Asks for the keys and commit bounds of some of a segment's writes to be brought closer.
    pub(crate) fn prefetch(&self, segment: usize, first: usize, len: usize) {
        self.prefetch_keys(segment, first, len);
        let Ends { earliest, latest } = &self.segments[segment].commit;
        prefetch_range(earliest, first, len);
        prefetch_range(latest, first, len);
    }

    /// Asks for the commit bound of the write of a number to be brought closer.
    pub(crate) fn prefetch_bound(&self, number: u32) {
        let (segment, at) = self.segment_of(number);
        let Ends { earliest, latest } = &segment.commit;
        prefetch_read(earliest, at);
        prefetch_read(latest, at);
    }

    /// The extent of all commit bounds.
    pub(crate) fn extent(&self, isa: Isa) -> Extent {
        self.segments.par_iter().map(|s| s.extent(isa)).reduce(|| Extent::EMPTY, Extent::merge)
    }

    /// The number of a segment's write: they are numbered segment by segment.
    pub(crate) fn number(&self, segment: usize, at: usize) -> u32 {
        (self.numbers.start(segment) + at as u64) as u32
    }

    /// The segment of the write of a number, and its place there.
    ///
    /// # Panics
    /// If there is no such write.
    #[inline]
    pub(crate) fn find(&self, number: u32) -> (usize, usize) {
        self.numbers.find(u64::from(number))
    }

    /// The same with the segment itself.
    ///
    /// # Panics
    /// If there is no such write.
    #[inline]
    pub(crate) fn segment_of(&self, number: u32) -> (&Segment<'a>, usize) {
        let (segment, at) = self.find(number);
        (&self.segments[segment], at)
    }

    /// Writes.
    pub(crate) fn len(&self) -> usize {
        self.numbers.len() as usize
    }
}
