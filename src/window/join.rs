//! The pass itself: stretches of blocks, each with its own ring.

use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use skewer_kernels::Isa;

use super::long::{Long, is_long};
use super::plan::{BLOCK, Block, Plan, lifetimes};
use super::ring::Ring;
use crate::history::Writes;

/// A ring that outgrows the second-level cache loses to the partitioned path.
const REACH_MAX: usize = 1 << 18;

/// Chain entries looked at a row, on average of a stretch, before giving up.
const VISITS_MAX: u64 = 32;

/// A write: its segment and its place there.
pub(crate) type At = (u32, u32);

/// Meets every pair of writes whose keys have one fingerprint and whose lifetimes, from
/// `S.earliest` to `C.latest`, may overlap; each pair once, in no order. `meet` is given the
/// state of its stretch; the states come back. Pairs that do not overlap, or whose keys differ,
/// may be among them: `meet` judges.
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
    let plan = Plan::of(writes, isa);
    if !insist && plan.reach > REACH_MAX {
        return None;
    }
    let gave_up = AtomicBool::new(false);
    let pass = Pass { writes, isa, plan: &plan, insist, gave_up: &gave_up };
    let mut states: Vec<T> =
        plan.stretches().into_par_iter().map(|s| pass.stretch(s, make(), &meet)).collect();
    states.push(pass.long_pairs(make(), &meet));
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
        let mut starts = Vec::with_capacity(blocks.end - warm_up);
        let (mut visited, mut rows) = (0, 0);
        for at in warm_up..blocks.end {
            if self.gave_up.load(Ordering::Relaxed) {
                break;
            }
            starts.push(ring.next());
            let block = &plan.blocks[at];
            let fingerprints = self.fingerprints(block, &mut fingerprints);
            let fed = FedBlock { block, fingerprints };
            if at < blocks.start {
                self.feed(&fed, &mut ring, u32::MAX, &mut |_, _| ());
            } else {
                let tail = starts[plan.look_back[at] as usize - warm_up];
                visited += self.feed(&fed, &mut ring, tail, &mut |a, b| meet(&mut state, a, b));
                self.meet_long(&fed, &mut |a, b| meet(&mut state, a, b));
                rows += u64::from(block.len);
            }
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

    /// Feeds a block to the ring, meeting what is at or after `tail`; entries looked at.
    fn feed(&self, fed: &FedBlock<'_>, ring: &mut Ring, tail: u32, meet: &mut impl FnMut(At, At)) -> u64 {
        let long = &self.plan.long;
        if !long.is_empty() {
            return self.feed_short(fed, long, ring, tail, meet);
        }
        let mut visited = 0;
        for (row, &fingerprint) in (fed.block.first..).zip(fed.fingerprints) {
            let here = (fed.block.segment, row);
            visited +=
                u64::from(ring.feed(fingerprint, here, tail, |segment, row| meet((segment, row), here)));
        }
        visited
    }

    /// The same, without the rows that are kept aside.
    fn feed_short(
        &self,
        fed: &FedBlock<'_>,
        long: &Long,
        ring: &mut Ring,
        tail: u32,
        meet: &mut impl FnMut(At, At),
    ) -> u64 {
        let (begins, ends) = lifetimes(&self.writes.segments[fed.block.segment as usize]);
        let mut visited = 0;
        for (row, &fingerprint) in (fed.block.first..).zip(fed.fingerprints) {
            let here = (fed.block.segment, row);
            if !is_long(begins[row as usize], ends[row as usize], long.rest_width) {
                visited +=
                    u64::from(ring.feed(fingerprint, here, tail, |segment, row| meet((segment, row), here)));
            }
        }
        visited
    }

    /// The pairs of a block's rows with those kept aside.
    fn meet_long(&self, fed: &FedBlock<'_>, meet: &mut impl FnMut(At, At)) {
        let long = &self.plan.long;
        if long.is_empty() {
            return;
        }
        let (begins, ends) = lifetimes(&self.writes.segments[fed.block.segment as usize]);
        for (row, &fingerprint) in (fed.block.first..).zip(fed.fingerprints) {
            let rivals = long.of_key(fingerprint);
            if !rivals.is_empty() && !is_long(begins[row as usize], ends[row as usize], long.rest_width) {
                rivals.iter().for_each(|&rival| meet(rival, (fed.block.segment, row)));
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

/// A block with the fingerprints of its keys.
struct FedBlock<'a> {
    block: &'a Block,
    fingerprints: &'a [u64],
}
