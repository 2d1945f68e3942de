//! The pass itself: stretches of blocks, each with its own ring.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use skewer_kernels::Isa;

use super::At;
use super::feed::{Feed, Pairs, Part};
use super::long::is_long;
use super::plan::{BLOCK, Block, FINE, Plan};
use super::ring::Ring;
use super::slices::SLICE_ROWS;
use super::stream::Stream;
use crate::history::Writes;
use crate::scatter::Arena;

/// A ring that outgrows the second-level cache loses to the partitioned path.
pub(super) const REACH_MAX: usize = 1 << 18;

/// The same where the caller insists.
const REACH_FORCED: usize = 1 << 22;

/// Chain entries looked at a row, on average of a stretch, before giving up: to bring the rows of each key
/// together, within stretches (`gather.rs`) or in partitions, costs as much.
const VISITS_MAX: u64 = 2;

/// The same where parts of slices may help.
const VISITS_FEW: u64 = 1;

/// Writes that may be met at a time, on average, for which a table that fits the first-level cache is enough: where
/// blocks are met part by part most writes in reach are out of time.
const ALIVE_FEW: u64 = 1 << 11;

/// Rows whose keys are brought together in the second-level cache.
pub(super) const CACHED: usize = 1 << 16;

/// Rows in a slice or in a part of a block where these are forced upon a log: however small it is, it has several.
const FEW: usize = 4;

/// What a caller insists on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Force {
    /// The rows as they stand.
    Rows,
    /// The same, part by part.
    Fine,
    /// Slices of time.
    Slices,
    /// These, part by part.
    Parts,
}

/// Meets every pair of writes of one key whose lifetimes overlap, each pair once, in no order. `meet` is given the state
/// of its stretch; the states come back. Other pairs, also of different keys, may be among them: `meet` judges.
///
/// `None` if the log is not for this path: too many writes at a time, or too many rivals a row;
/// a forced path stands four million at a time, and any number of rivals.
///
/// Cost: O(rows + pairs met), memory O(rows in a window) a thread; for a log in no order of time
/// 8 bytes a row on top.
pub(crate) fn pairs<T: Send>(
    writes: &Writes<'_>,
    isa: Isa,
    force: Option<Force>,
    make: impl Fn() -> T + Sync,
    meet: impl Fn(&mut T, At, At) + Sync,
) -> Option<Vec<T>> {
    let stream = Stream { writes, isa };
    let insist = force.is_some();
    // Records and the tables of their lists.
    let slice_bytes = 9 * writes.len() as u64;
    let mut plan = writes.measure("scan", 16, || Plan::of(stream));
    match force {
        Some(Force::Fine) => plan = plan.in_parts(FEW),
        Some(Force::Slices) => plan = plan.sliced(stream, FEW),
        Some(Force::Parts) => plan = plan.sliced(stream, FEW).in_parts(FEW),
        None if plan.reach > REACH_MAX && plan.may_be_sliced() && writes.budget.holds(slice_bytes) => {
            plan = writes.measure("slice", 16, || plan.sliced(stream, SLICE_ROWS));
        }
        _ => {}
    }
    if plan.reach > if insist { REACH_FORCED } else { REACH_MAX } {
        return None;
    }
    let run = |plan: &Plan, visits_max: u64| {
        let gave_up = AtomicBool::new(false);
        let states = Pass { stream, plan, visits_max, gave_up: &gave_up }.run(&make, &meet);
        (!gave_up.load(Ordering::Relaxed)).then_some(states)
    };
    if insist {
        return run(&plan, u64::MAX);
    }
    // Hot keys meet themselves all over a block that is long against the window.
    if plan.is_coarse() {
        return run(&plan.in_parts(FINE), VISITS_MAX);
    }
    if plan.slices.is_none() {
        return run(&plan, VISITS_MAX);
    }
    run(&plan, VISITS_FEW).or_else(|| run(&plan.in_parts(FINE), VISITS_MAX))
}

impl Pass<'_> {
    fn run<T: Send>(
        &self,
        make: &(impl Fn() -> T + Sync),
        meet: &(impl Fn(&mut T, At, At) + Sync),
    ) -> Vec<T> {
        self.stream.writes.measure("join", 8, || {
            let stretches = self.plan.stretches().into_par_iter();
            // Eight buckets a write keep seven chains in eight dead; more than the second-level cache
            // holds cost more than they spare.
            let small = self.plan.part_rows.is_some() && self.plan.alive() <= ALIVE_FEW;
            let of_stretch = |s: Range<usize>| match self.plan.reach {
                0..=0x4000 if small => self.stretch::<_, 0x2000, 0x4000>(s, make(), meet),
                0x4001..=0x1_0000 if small => self.stretch::<_, 0x2000, 0x1_0000>(s, make(), meet),
                0x1_0001..=REACH_MAX if small => self.stretch::<_, 0x2000, REACH_MAX>(s, make(), meet),
                0..=0x400 => self.stretch::<_, 0x2000, 0x400>(s, make(), meet),
                0x401..=0x4000 => self.stretch::<_, 0x2_0000, 0x4000>(s, make(), meet),
                0x4001..=0x8000 => self.stretch::<_, 0x2_0000, 0x8000>(s, make(), meet),
                0x8001..=0x1_0000 => self.stretch::<_, 0x2_0000, 0x1_0000>(s, make(), meet),
                0x1_0001..=REACH_MAX => self.stretch::<_, 0x8_0000, REACH_MAX>(s, make(), meet),
                _ => self.stretch::<_, 0x40_0000, REACH_FORCED>(s, make(), meet),
            };
            let mut states: Vec<T> = stretches.map(of_stretch).collect();
            states.extend(self.long_pairs(make, meet));
            states
        })
    }
}

impl Plan {
    /// Runs of blocks, each long against what it must look back to.
    pub(super) fn stretches(&self) -> Vec<Range<usize>> {
        let wanted = self.blocks.len().div_ceil(rayon::current_num_threads() * 8);
        self.runs(self.blocks_of(4 * self.reach).max(wanted))
    }

    /// Runs of blocks of which one fits the cache with what it must look back to, or which are no shorter than
    /// that.
    pub(super) fn short_stretches(&self) -> Vec<Range<usize>> {
        self.runs(self.blocks_of(CACHED.saturating_sub(self.reach).max(self.reach)))
    }

    /// How many blocks have so many rows, and sixteen whole ones at least.
    fn blocks_of(&self, rows: usize) -> usize {
        let all: usize = self.blocks.iter().map(|b| b.len as usize).sum();
        let per_block = all.div_ceil(self.blocks.len().max(1)).max(1);
        rows.div_ceil(per_block).max(16 * BLOCK / per_block.max(BLOCK))
    }

    fn runs(&self, len: usize) -> Vec<Range<usize>> {
        let len = len.max(1);
        (0..self.blocks.len()).step_by(len).map(|at| at..(at + len).min(self.blocks.len())).collect()
    }
}

struct Pass<'a> {
    stream: Stream<'a>,
    plan: &'a Plan,
    visits_max: u64,
    gave_up: &'a AtomicBool,
}

impl Pass<'_> {
    fn stretch<T, const BUCKETS: usize, const ENTRIES: usize>(
        &self,
        blocks: Range<usize>,
        mut state: T,
        meet: &(impl Fn(&mut T, At, At) + Sync),
    ) -> T {
        let plan = self.plan;
        let warm_up = plan.look_back[blocks.start] as usize;
        let mut memory = Arena::new(Ring::<BUCKETS, ENTRIES>::WORDS, &self.stream.writes.spare);
        let mut ring = Ring::<BUCKETS, ENTRIES>::of(memory.records_mut());
        let mut feed = Feed::of(self.stream, plan, warm_up);
        let mut pairs = Pairs::new(self.stream);
        let (mut visited, mut rows) = (0, 0);
        for at in warm_up..blocks.end {
            if self.gave_up.load(Ordering::Relaxed) {
                break;
            }
            let block = &plan.blocks[at];
            let first = ring.next();
            feed.load(at, first);
            if at < blocks.start {
                self.feed(block, &feed, &mut ring, (None, 0), |_, _| ());
                continue;
            }
            rows += u64::from(block.len);
            let most = self.visits_max.saturating_mul(rows).saturating_add(1 << 16);
            let parts = (Some(feed.parts()), most - visited);
            visited += self.feed(block, &feed, &mut ring, parts, |older, newer| {
                if feed.may_meet(older, newer) {
                    pairs.add(feed.at(older), feed.at(newer), |a, b| meet(&mut state, a, b));
                }
            });
            if plan.slices.is_none() {
                self.meet_long(block, feed.fingerprints(), &mut |a, b| meet(&mut state, a, b));
            }
            if visited > most {
                self.gave_up.store(true, Ordering::Relaxed);
            }
        }
        pairs.judge(|a, b| meet(&mut state, a, b));
        state
    }

    /// Feeds a block to the ring, without the rows that are kept aside; entries looked at: more than so many
    /// are too many, and the rest is left. Without parts none is looked for.
    fn feed<const BUCKETS: usize, const ENTRIES: usize>(
        &self,
        block: &Block,
        feed: &Feed<'_>,
        ring: &mut Ring<'_, BUCKETS, ENTRIES>,
        (parts, most): (Option<&[Part]>, u64),
        mut meet: impl FnMut(u32, u32),
    ) -> u64 {
        let long = &self.plan.long;
        let all = [Part { end: feed.fingerprints().len(), tail: u32::MAX }];
        let (mut visited, mut start) = (0, 0);
        for part in parts.unwrap_or(&all) {
            let fingerprints = &feed.fingerprints()[start..part.end];
            let ahead = |place: usize| feed.prefetch(start + place);
            let reach = (part.tail, most - visited);
            // Slices hold none of those kept aside.
            visited += if long.is_empty() || self.plan.slices.is_some() {
                ring.feed(fingerprints, reach, |_| false, ahead, &mut meet)
            } else {
                let (begins, ends) = self.spans(block);
                let aside =
                    |place: usize| is_long(begins[start + place], ends[start + place], long.rest_width);
                ring.feed(fingerprints, reach, aside, ahead, &mut meet)
            };
            if visited > most {
                break;
            }
            start = part.end;
        }
        visited
    }

    fn spans(&self, block: &Block) -> (&[i64], &[i64]) {
        let (begins, ends) = self.stream.spans(block.segment);
        let rows = block.first as usize..(block.first + block.len) as usize;
        (&begins[rows.clone()], &ends[rows])
    }

    /// The pairs of a block's rows, as they stand in the log, with those kept aside.
    fn meet_long(&self, block: &Block, fingerprints: &[u64], meet: &mut impl FnMut(At, At)) {
        let long = &self.plan.long;
        if long.is_empty() {
            return;
        }
        let (begins, ends) = self.spans(block);
        for (place, &fingerprint) in fingerprints.iter().enumerate() {
            let rivals = long.of_key(fingerprint);
            if !rivals.is_empty() && !is_long(begins[place], ends[place], long.rest_width) {
                let here = (block.segment, block.first + place as u32);
                rivals.iter().for_each(|&rival| meet(rival, here));
            }
        }
    }

    /// The pairs of those kept aside: among themselves, and with all rows of slices.
    fn long_pairs<T: Send>(
        &self,
        make: &(impl Fn() -> T + Sync),
        meet: &(impl Fn(&mut T, At, At) + Sync),
    ) -> Vec<T> {
        let plan = self.plan;
        let mut state = make();
        for list in plan.long.lists() {
            for (i, &b) in list.iter().enumerate() {
                list[..i].iter().for_each(|&a| meet(&mut state, a, b));
            }
        }
        let runs: &[Block] =
            if plan.long.is_empty() { &[] } else { plan.slices.as_ref().map_or(&[], |s| &s.1) };
        let of_runs = |runs: &[Block]| {
            let (mut state, mut fingerprints) = (make(), [0; BLOCK]);
            for block in runs {
                let fingerprints = &mut fingerprints[..block.len as usize];
                self.stream.fingerprints((block.segment, block.first), fingerprints);
                self.meet_long(block, fingerprints, &mut |a, b| meet(&mut state, a, b));
            }
            state
        };
        let mut states: Vec<T> = runs.par_chunks(256).map(of_runs).collect();
        states.push(state);
        states
    }
}
