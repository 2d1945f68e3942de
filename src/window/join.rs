//! The pass itself: stretches of blocks, each with its own ring.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use skewer_kernels::Isa;

use super::long::is_long;
use super::plan::{BLOCK, Block, Plan, lifetimes};
use super::ring::Ring;
use crate::history::Writes;

/// A ring that outgrows the second-level cache loses to the partitioned path.
const REACH_MAX: usize = 1 << 18;

/// Chain entries looked at a row, on average of a stretch, before giving up.
const VISITS_MAX: u64 = 32;

/// A write: its segment and its place there.
pub(crate) type At = (u32, u32);

/// Meets every pair of writes of one key whose lifetimes, from `S.earliest` to `C.latest`, may
/// overlap; each pair once, in no order. `meet` is given the state of its stretch; the states
/// come back. Pairs that do not overlap, or whose keys differ, may be among them: `meet` judges.
///
/// `None` if the log is not for this path: in no order of time, or with too many rivals a row;
/// never if `insist` is set.
///
/// Cost: O(rows + pairs met), memory O(rows in a window) a thread.
pub(crate) fn conflicts<T: Send>(
    writes: &Writes<'_>,
    isa: Isa,
    insist: bool,
    make: impl Fn() -> T + Sync,
    meet: impl Fn(&mut T, At, At) + Sync,
) -> Option<Vec<T>> {
    let plan = writes.measure("scan", 16, || Plan::of(writes, isa));
    if !insist && plan.reach > REACH_MAX {
        return None;
    }
    let gave_up = AtomicBool::new(false);
    let pass = Pass { writes, isa, plan: &plan, insist, gave_up: &gave_up };
    let states = writes.measure("join", 8, || {
        let stretches = plan.stretches().into_par_iter();
        let mut states: Vec<T> = stretches.map(|s| pass.stretch(s, make(), &meet)).collect();
        states.push(pass.long_pairs(make(), &meet));
        states
    });
    (!gave_up.load(Ordering::Relaxed)).then_some(states)
}

impl Plan {
    /// Runs of blocks, each long against what it must look back to.
    fn stretches(&self) -> Vec<std::ops::Range<usize>> {
        let least = (self.reach * 4).div_ceil(BLOCK).max(16);
        let wanted = self.blocks.len().div_ceil(rayon::current_num_threads() * 4);
        let len = least.max(wanted).max(1);
        (0..self.blocks.len()).step_by(len).map(|at| at..(at + len).min(self.blocks.len())).collect()
    }
}

struct Pass<'a> {
    writes: &'a Writes<'a>,
    isa: Isa,
    plan: &'a Plan,
    insist: bool,
    gave_up: &'a AtomicBool,
}

impl Pass<'_> {
    fn stretch<T>(
        &self,
        blocks: std::ops::Range<usize>,
        mut state: T,
        meet: &(impl Fn(&mut T, At, At) + Sync),
    ) -> T {
        let plan = self.plan;
        let mut ring = Ring::new(plan.reach.max(1));
        let mut fingerprints = [0; BLOCK];
        let warm_up = plan.look_back[blocks.start] as usize;
        let mut fed =
            Fed { blocks: &plan.blocks[warm_up..], starts: Vec::with_capacity(blocks.end - warm_up) };
        let (mut visited, mut rows) = (0, 0);
        for at in warm_up..blocks.end {
            if self.gave_up.load(Ordering::Relaxed) {
                break;
            }
            fed.starts.push(ring.next());
            let block = &plan.blocks[at];
            let fingerprints = self.fingerprints(block, &mut fingerprints);
            if at < blocks.start {
                self.feed(block, fingerprints, &mut ring, u32::MAX, |_, _| ());
                continue;
            }
            let tail = fed.starts[plan.look_back[at] as usize - warm_up];
            let here = |place: usize| (block.segment, block.first + place as u32);
            visited += self.feed(block, fingerprints, &mut ring, tail, |older, place| {
                meet(&mut state, fed.at(older), here(place));
            });
            self.meet_long(block, fingerprints, &mut |a, b| meet(&mut state, a, b));
            rows += u64::from(block.len);
            if !self.insist && visited > VISITS_MAX * rows + (1 << 16) {
                self.gave_up.store(true, Ordering::Relaxed);
            }
        }
        state
    }

    fn fingerprints<'s>(&self, block: &Block, scratch: &'s mut [u64; BLOCK]) -> &'s [u64] {
        let out = &mut scratch[..block.len as usize];
        self.writes.fingerprints(self.isa, block.segment as usize, block.first as usize, out);
        out
    }

    /// Feeds a block to the ring, without the rows that are kept aside; entries looked at.
    fn feed(
        &self,
        block: &Block,
        fingerprints: &[u64],
        ring: &mut Ring,
        tail: u32,
        meet: impl FnMut(u32, usize),
    ) -> u64 {
        let long = &self.plan.long;
        if long.is_empty() {
            return ring.feed(fingerprints, tail, |_| false, meet);
        }
        let (begins, ends) = self.lifetimes(block);
        ring.feed(fingerprints, tail, |place| is_long(begins[place], ends[place], long.rest_width), meet)
    }

    fn lifetimes(&self, block: &Block) -> (&[i64], &[i64]) {
        let (begins, ends) = lifetimes(&self.writes.segments[block.segment as usize]);
        let rows = block.first as usize..(block.first + block.len) as usize;
        (&begins[rows.clone()], &ends[rows])
    }

    /// The pairs of a block's rows with those kept aside.
    fn meet_long(&self, block: &Block, fingerprints: &[u64], meet: &mut impl FnMut(At, At)) {
        let long = &self.plan.long;
        if long.is_empty() {
            return;
        }
        let (begins, ends) = self.lifetimes(block);
        for (place, &fingerprint) in fingerprints.iter().enumerate() {
            let rivals = long.of_key(fingerprint);
            if !rivals.is_empty() && !is_long(begins[place], ends[place], long.rest_width) {
                let here = (block.segment, block.first + place as u32);
                rivals.iter().for_each(|&rival| meet(rival, here));
            }
        }
    }

    /// The pairs of those kept aside among themselves.
    fn long_pairs<T>(&self, mut state: T, meet: &impl Fn(&mut T, At, At)) -> T {
        for list in self.plan.long.lists() {
            for (i, &b) in list.iter().enumerate() {
                list[..i].iter().for_each(|&a| meet(&mut state, a, b));
            }
        }
        state
    }
}

/// The blocks that a ring was fed, and the sequence number of the first row of each.
struct Fed<'a> {
    blocks: &'a [Block],
    starts: Vec<u32>,
}

impl Fed<'_> {
    /// Where the write of that sequence number stands.
    fn at(&self, sequence: u32) -> At {
        let block = self.starts.partition_point(|&start| start <= sequence) - 1;
        (self.blocks[block].segment, self.blocks[block].first + (sequence - self.starts[block]))
    }
}
