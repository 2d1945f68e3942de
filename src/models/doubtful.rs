//! Who may have written a key last, asked of the few keys that have writes which the clocks cannot
//! order: of all others the last write is the winner.

use rayon::prelude::*;
use skewer_kernels::{Isa, prefetch_range, prefetch_read};

use crate::history::{Segment, Writes};
use crate::partition::{Label, Record, choose};
use crate::txn::Datum;
use crate::window::At;

/// A write with its commit bound.
pub(super) type Candidate = Record<4>;

/// Keys, each with what is known of it.
pub(super) struct Doubtful {
    named: Vec<Name>,
    /// Names when they were last sorted out.
    kept: usize,
}

/// A key, named by its fingerprint and one of its writes.
#[derive(Clone, Copy)]
struct Name {
    fingerprint: u64,
    at: At,
    /// The latest `C.earliest` known so far of its writes: who ended before it is no possible last writer.
    last: i64,
}

/// Rows that are looked up at a time.
const STEP: usize = 512;

impl Doubtful {
    /// No key.
    pub(super) fn none() -> Self {
        Doubtful { named: Vec::new(), kept: 0 }
    }

    /// Adds the key of a write; some write of that key begins at `last`.
    pub(super) fn add(&mut self, writes: &Writes<'_>, isa: Isa, at: At, last: i64) {
        let mut fingerprint = [0];
        writes.fingerprints(isa, at.0 as usize, at.1 as usize, &mut fingerprint);
        self.named.push(Name { fingerprint: fingerprint[0], at, last });
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
        let by_key = |a: &Name, b: &Name| {
            let by_fingerprint = a.fingerprint.cmp(&b.fingerprint);
            if writes.exact { by_fingerprint } else { by_fingerprint.then_with(|| key(a.at).cmp(&key(b.at))) }
        };
        self.named.sort_unstable_by(by_key);
        self.named.dedup_by(|name, kept| {
            let is_same = by_key(name, kept).is_eq();
            if is_same {
                kept.last = kept.last.max(name.last);
            }
            is_same
        });
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
        let (mut fingerprints, mut listed, mut chosen) = ([0; STEP], [0; STEP + 1], [0; STEP + 1]);
        let mut hits = Vec::new();
        for first in rows.clone().step_by(STEP) {
            let fingerprints = &mut fingerprints[..STEP.min(rows.end - first)];
            writes.fingerprints(isa, at, first, fingerprints);
            writes.prefetch_keys(at, first + STEP, STEP);
            prefetch_range(&segment.commit.latest, first + STEP, STEP);
            let all = 0..fingerprints.len() as u32;
            let held = choose(all, &mut listed, |i| index.may_list(fingerprints[i as usize]));
            let ends = &segment.commit.latest[first..];
            let may_be_last = |i: u32| index.may_hold(fingerprints[i as usize], ends[i as usize]);
            let count = choose(listed[..held].iter().copied(), &mut chosen, may_be_last);
            hits.clear();
            for &i in &chosen[..count] {
                let row = first + i as usize;
                if let Some(key) = self.find(writes, index, fingerprints[i as usize], || segment.key(row)) {
                    prefetch_read(&segment.commit.earliest, row);
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
        index.run(fingerprint).find(|&k| self.named[k].fingerprint == fingerprint && same(self.named[k].at))
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
    /// One bit for each value of still more highest bits: whether a fingerprint of the list has it. So few bytes stay
    /// in the cache, and spare most look-ups in `ends`.
    listed: Vec<u64>,
    listed_bits: u32,
    /// For each value of the highest bits the end from which on a write may be a last one: most writes of a hot
    /// key are long past.
    ends: Vec<i64>,
    end_bits: u32,
    /// Where the fingerprints of each value of fewer highest bits begin.
    starts: Vec<u32>,
    bits: u32,
}

impl Index {
    fn of(named: &[Name]) -> Self {
        let bits = named.len().max(2).next_power_of_two().trailing_zeros();
        let end_bits = (bits + 3).clamp(12, 22);
        let listed_bits = (bits + 5).clamp(12, 22);
        let (mut ends, mut starts) = (vec![i64::MAX; 1 << end_bits], vec![0; (1 << bits) + 1]);
        let mut listed = vec![0_u64; 1 << (listed_bits - 6)];
        for name in named {
            let bit = name.fingerprint >> (64 - listed_bits);
            listed[(bit >> 6) as usize] |= 1 << (bit & 63);
            let end = &mut ends[(name.fingerprint >> (64 - end_bits)) as usize];
            *end = name.last.min(*end);
            starts[(name.fingerprint >> (64 - bits)) as usize + 1] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        Index { listed, listed_bits, ends, end_bits, starts, bits }
    }

    /// Whether a key in the list may have that fingerprint.
    #[inline]
    fn may_list(&self, fingerprint: u64) -> bool {
        let bit = fingerprint >> (64 - self.listed_bits);
        self.listed[(bit >> 6) as usize] >> (bit & 63) & 1 == 1
    }

    /// Whether a write that ended at `end` may be a last one of a key in the list.
    #[inline]
    fn may_hold(&self, fingerprint: u64, end: i64) -> bool {
        end >= self.ends[(fingerprint >> (64 - self.end_bits)) as usize]
    }

    /// Where in the list it can be.
    fn run(&self, fingerprint: u64) -> std::ops::Range<usize> {
        let bucket = (fingerprint >> (64 - self.bits)) as usize;
        self.starts[bucket] as usize..self.starts[bucket + 1] as usize
    }
}
