//! Who may have written a key last, asked of the few keys that have writes which the clocks cannot
//! order: of all others the last write is the winner.

use rayon::prelude::*;
use skewer_kernels::{Isa, prefetch_read};

use crate::history::{Segment, Writes};
use crate::partition::{Label, Record};
use crate::txn::Datum;
use crate::window::At;

/// A write with its commit bound.
pub(super) type Candidate = Record<4>;

/// Keys, each named by its fingerprint and one of its writes.
pub(super) struct Doubtful {
    named: Vec<(u64, At)>,
    /// Names when they were last sorted out.
    kept: usize,
}

/// Rows that are looked up at a time.
const STEP: usize = 512;

impl Doubtful {
    /// No key.
    pub(super) fn none() -> Self {
        Doubtful { named: Vec::new(), kept: 0 }
    }

    /// Adds the key of a write.
    pub(super) fn add(&mut self, writes: &Writes<'_>, isa: Isa, at: At) {
        let mut fingerprint = [0];
        writes.fingerprints(isa, at.0 as usize, at.1 as usize, &mut fingerprint);
        self.named.push((fingerprint[0], at));
        // A hot key is named with each of its pairs.
        if self.named.len() > 2 * self.kept + STEP {
            self.sort_out(writes);
        }
    }

    /// All of these, each key once.
    pub(super) fn union(writes: &Writes<'_>, parts: impl Iterator<Item = Doubtful>) -> Self {
        let mut all = Doubtful { named: parts.flat_map(|part| part.named).collect(), kept: 0 };
        all.sort_out(writes);
        all
    }

    /// Keys.
    pub(super) fn len(&self) -> usize {
        self.kept
    }

    /// Leaves each key once.
    fn sort_out(&mut self, writes: &Writes<'_>) {
        let key = |(segment, at): At| writes.segments[segment as usize].key(at as usize);
        let by_name = |a: &(u64, At), b: &(u64, At)| a.0.cmp(&b.0).then_with(|| key(a.1).cmp(&key(b.1)));
        if writes.exact {
            self.named.sort_unstable_by_key(|name| name.0);
            self.named.dedup_by_key(|name| name.0);
        } else {
            self.named.sort_unstable_by(by_name);
            self.named.dedup_by(|a, b| by_name(a, b).is_eq());
        }
        self.kept = self.named.len();
    }

    /// The possible last writers of each key, in row order, and perhaps some others that are none.
    ///
    /// Cost: O(writes), and memory O(keys + candidates) a thread.
    pub(super) fn candidates(&self, writes: &Writes<'_>, isa: Isa) -> Vec<Vec<Candidate>> {
        let index = Index::of(&self.named);
        let pieces: Vec<(usize, usize)> = pieces(writes);
        let per_share = pieces.len().div_ceil(rayon::current_num_threads() * 4).max(1);
        let share = |pieces: &[(usize, usize)]| {
            let mut standings: Vec<Standing> = Vec::new();
            standings.resize_with(self.named.len(), Standing::default);
            pieces.iter().for_each(|&piece| self.look_through(writes, isa, &index, piece, &mut standings));
            standings
        };
        let shares: Vec<Vec<Standing>> = pieces.par_chunks(per_share).map(share).collect();
        let mut shares = shares.into_iter();
        let mut all = shares.next().unwrap_or_default();
        for standings in shares {
            all.iter_mut().zip(standings).for_each(|(standing, other)| standing.merge(other));
        }
        all.into_iter().map(Standing::into_candidates).collect()
    }

    fn look_through(
        &self,
        writes: &Writes<'_>,
        isa: Isa,
        index: &Index,
        (at, first): (usize, usize),
        standings: &mut [Standing],
    ) {
        let segment = &writes.segments[at];
        let rows = first..(first + PIECE).min(segment.len());
        let (mut fingerprints, mut chosen, mut hits) = ([0; STEP], [0; STEP + 1], Vec::new());
        for first in rows.clone().step_by(STEP) {
            let fingerprints = &mut fingerprints[..STEP.min(rows.end - first)];
            writes.fingerprints(isa, at, first, fingerprints);
            writes.prefetch_keys(at, first + STEP, STEP);
            // Noted always, and kept if the filter says so: no CPU guesses what it says.
            let mut count = 0;
            for (i, &fingerprint) in fingerprints.iter().enumerate() {
                chosen[count] = i as u32;
                count += usize::from(index.may_hold(fingerprint));
            }
            hits.clear();
            for &i in &chosen[..count] {
                let row = first + i as usize;
                if let Some(key) = self.find(writes, index, fingerprints[i as usize], || segment.key(row)) {
                    prefetch_read(&segment.commit.earliest, row);
                    prefetch_read(&segment.commit.latest, row);
                    hits.push((key, row));
                }
            }
            hits.iter().for_each(|&(key, row)| standings[key].add(candidate(segment, row)));
        }
    }

    /// Which of the keys it is, if any.
    fn find<'d>(
        &self,
        writes: &'d Writes<'_>,
        index: &Index,
        fingerprint: u64,
        key: impl Fn() -> Option<Datum<'d>>,
    ) -> Option<usize> {
        let same =
            |(segment, at): At| writes.exact || writes.segments[segment as usize].key(at as usize) == key();
        index.run(fingerprint).find(|&k| self.named[k].0 == fingerprint && same(self.named[k].1))
    }
}

/// Rows in a piece.
const PIECE: usize = 1 << 14;

/// Segments, and where pieces of them begin.
fn pieces(writes: &Writes<'_>) -> Vec<(usize, usize)> {
    let lens = writes.segments.iter().map(Segment::len).enumerate();
    lens.flat_map(|(at, len)| (0..len).step_by(PIECE).map(move |first| (at, first))).collect()
}

fn candidate(segment: &Segment<'_>, at: usize) -> Candidate {
    let label = Label { rest: 0, region: segment.region(at), row: segment.row(at) };
    Record::new(label, &<[i64; 2]>::from(segment.commit.get(at)))
}

/// The writes of a key so far that may be its last.
#[derive(Default)]
struct Standing {
    /// None of which ended before `last` when they were last sorted out.
    candidates: Vec<Candidate>,
    kept: usize,
    /// The latest `C.earliest`, once there is a candidate.
    last: i64,
}

impl Standing {
    fn add(&mut self, write: Candidate) {
        let (earliest, latest) = (write.tick(0), write.tick(1));
        if self.candidates.is_empty() {
            self.last = earliest;
        }
        if latest < self.last {
            return;
        }
        self.last = self.last.max(earliest);
        self.candidates.push(write);
        // Each is looked at as often as their number doubles, however often the last one changes.
        if self.candidates.len() > 2 * self.kept + 8 {
            self.sort_out();
        }
    }

    fn sort_out(&mut self) {
        self.candidates.retain(|write| write.tick(1) >= self.last);
        self.kept = self.candidates.len();
    }

    fn merge(&mut self, other: Standing) {
        other.candidates.into_iter().for_each(|write| self.add(write));
    }

    fn into_candidates(mut self) -> Vec<Candidate> {
        self.sort_out();
        self.candidates
    }
}

/// Finds fingerprints in a sorted list.
struct Index {
    /// One bit for each value of the highest bits: nearly all fingerprints are in no list.
    filter: Vec<u64>,
    filter_bits: u32,
    /// Where the fingerprints of each value of fewer highest bits begin.
    starts: Vec<u32>,
    bits: u32,
}

impl Index {
    fn of(named: &[(u64, At)]) -> Self {
        let bits = named.len().max(2).next_power_of_two().trailing_zeros();
        let filter_bits = (bits + 4).clamp(12, 24);
        let mut filter = vec![0; 1 << (filter_bits - 6)];
        let mut starts = vec![0; (1 << bits) + 1];
        for (fingerprint, _) in named {
            let slot = fingerprint >> (64 - filter_bits);
            filter[(slot / 64) as usize] |= 1 << (slot % 64);
            starts[(fingerprint >> (64 - bits)) as usize + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        Index { filter, filter_bits, starts, bits }
    }

    #[inline]
    fn may_hold(&self, fingerprint: u64) -> bool {
        let slot = fingerprint >> (64 - self.filter_bits);
        self.filter[(slot / 64) as usize] & (1 << (slot % 64)) != 0
    }

    /// Where in the list it can be.
    fn run(&self, fingerprint: u64) -> std::ops::Range<usize> {
        let bucket = (fingerprint >> (64 - self.bits)) as usize;
        self.starts[bucket] as usize..self.starts[bucket + 1] as usize
    }
}
