//! Which blocks there are, in which order, and how far back each must look.

use rayon::prelude::*;
use skewer_kernels::{Extent, Isa, extent};

use super::long::{self, Long, is_long};
use super::slices::Slices;
use crate::history::{Segment, Writes};
use crate::log::OUTLINE;

/// Rows in a block.
pub(super) const BLOCK: usize = OUTLINE;

/// Rows in a fine block.
const FINE: u32 = 32;

/// Some rows of a segment, and the extent of their lifetimes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) segment: u32,
    pub(super) first: u32,
    pub(super) len: u32,
    pub(super) extent: Extent,
}

impl Block {
    /// Measures the extent again without the rows wider than `width`.
    fn leave_out(&mut self, writes: &Writes<'_>, width: u64) {
        if self.extent.max_width <= width {
            return;
        }
        let (begins, ends) = lifetimes(&writes.segments[self.segment as usize]);
        let rows = self.first as usize..(self.first + self.len) as usize;
        let short = rows.filter(|&row| !is_long(begins[row], ends[row], width));
        let (begins, ends): (Vec<i64>, Vec<i64>) = short.map(|row| (begins[row], ends[row])).unzip();
        self.extent = extent(Isa::scalar(), &begins, &ends);
    }
}

/// The stream of blocks.
#[derive(Debug)]
pub(super) struct Plan {
    /// In order of least begin.
    pub(super) blocks: Vec<Block>,
    /// For each block the first block that may hold a rival.
    pub(super) look_back: Vec<u32>,
    /// The most rows between a block's first possible rival and its own last row.
    pub(super) reach: usize,
    /// The writes kept aside.
    pub(super) long: Long,
    /// If the blocks are slices of time: these, and the blocks in which the rows stand.
    pub(super) slices: Option<(Slices, Vec<Block>)>,
}

/// The begins and ends of the lifetimes of a segment: from the start's first end to the
/// commit's last. Outside of them a write conflicts with nothing, not even possibly.
pub(super) fn lifetimes<'a>(segment: &'a Segment<'_>) -> (&'a [i64], &'a [i64]) {
    let begins = segment.start.as_ref().map_or(&segment.commit.earliest, |s| &s.earliest);
    (begins, &segment.commit.latest)
}

impl Plan {
    /// The stream of `writes`.
    pub(super) fn of(writes: &Writes<'_>, isa: Isa) -> Plan {
        let mut blocks = blocks(writes, isa);
        let long = long::aside(writes, &blocks);
        if !long.is_empty() {
            blocks.iter_mut().for_each(|b| b.leave_out(writes, long.rest_width));
        }
        Plan::in_order(blocks, long)
    }

    /// The same with no write kept aside.
    pub(super) fn whole(writes: &Writes<'_>, isa: Isa) -> Plan {
        let blocks = blocks(writes, isa);
        let rest_width = blocks.iter().map(|b| b.extent.max_width).max().unwrap_or(0);
        Plan::in_order(blocks, Long::none(rest_width))
    }

    fn in_order(mut blocks: Vec<Block>, long: Long) -> Plan {
        blocks.par_sort_by_key(|b| (b.extent.min_begin, b.segment, b.first));
        let width = long.rest_width;
        let (look_back, reach) = look_back(&blocks, width);
        Plan { blocks, look_back, reach, long, slices: None }
    }

    /// Whether blocks reach back no farther than their own length makes them.
    pub(super) fn is_coarse(&self) -> bool {
        self.slices.is_none() && self.reach <= 4 * BLOCK
    }

    /// The same writes in finer blocks.
    ///
    /// Cost: O(rows), one more scan of the lifetimes.
    pub(super) fn finer(self, writes: &Writes<'_>, isa: Isa) -> Plan {
        let width = self.long.rest_width;
        let parts = self.blocks.par_iter().flat_map_iter(|block| {
            let (begins, ends) = lifetimes(&writes.segments[block.segment as usize]);
            let part = move |first: u32| {
                let len = FINE.min(block.first + block.len - first);
                let rows = first as usize..(first + len) as usize;
                let extent = extent(isa, &begins[rows.clone()], &ends[rows]);
                let mut part = Block { first, len, extent, ..*block };
                part.leave_out(writes, width);
                part
            };
            (block.first..block.first + block.len).step_by(FINE as usize).map(part)
        });
        let mut blocks: Vec<Block> = parts.collect();
        blocks.par_sort_by_key(|b| (b.extent.min_begin, b.segment, b.first));
        let (look_back, reach) = look_back(&blocks, width);
        Plan { blocks, look_back, reach, ..self }
    }

    /// Whether slices of time could help: not where one window is most of the log's time.
    pub(super) fn may_be_sliced(&self) -> bool {
        let all = self.blocks.iter().fold(Extent::EMPTY, |all, b| all.merge(b.extent));
        all.max_begin.abs_diff(all.min_begin) / 8 > self.long.rest_width
    }

    /// The same writes by slices of time, of `rows` rows each if they come evenly.
    ///
    /// Cost: O(rows), 8 bytes each.
    pub(super) fn sliced(self, writes: &Writes<'_>, isa: Isa, rows: usize) -> Plan {
        let Some((slices, blocks)) = Slices::of(writes, isa, (&self.blocks, rows), &self.long) else {
            return self;
        };
        let (look_back, reach) = look_back(&blocks, self.long.rest_width);
        Plan { blocks, look_back, reach, long: self.long, slices: Some((slices, self.blocks)) }
    }
}

fn blocks(writes: &Writes<'_>, isa: Isa) -> Vec<Block> {
    let segments = writes.segments.par_iter().enumerate();
    segments.flat_map_iter(|(at, segment)| blocks_of(at, segment, isa)).collect()
}

fn blocks_of(at: usize, segment: &Segment<'_>, isa: Isa) -> Vec<Block> {
    let (begins, ends) = lifetimes(segment);
    let known = segment.outline();
    let pieces = begins.chunks(BLOCK).zip(ends.chunks(BLOCK)).enumerate();
    pieces
        .map(|(i, (begins, ends))| Block {
            segment: at as u32,
            first: (i * BLOCK) as u32,
            len: begins.len() as u32,
            extent: known.get(i).copied().unwrap_or_else(|| extent(isa, begins, ends)),
        })
        .collect()
}

/// For each block the first whose rows may meet its own, and the most rows in between.
fn look_back(blocks: &[Block], width: u64) -> (Vec<u32>, usize) {
    let mut rows = 0;
    let mut latest = i64::MIN;
    // The prefix maximum of begins after each block, and the rows before it.
    let prefix: Vec<(i64, usize)> = blocks
        .iter()
        .map(|b| {
            // A block of which all rows are kept aside has the extent of nothing.
            latest = latest.max(b.extent.max_begin);
            let before = rows;
            rows += b.len as usize;
            (latest, before)
        })
        .collect();
    let mut reach = 0;
    let look_back = blocks
        .iter()
        .enumerate()
        .map(|(at, block)| {
            let horizon = block.extent.min_begin.saturating_sub_unsigned(width);
            let first = prefix[..at].partition_point(|&(latest, _)| latest <= horizon);
            // A horizon that saturates rules nothing out.
            let first = if horizon == i64::MIN { 0 } else { first };
            reach = reach.max(prefix[at].1 + block.len as usize - prefix[first].1);
            first as u32
        })
        .collect();
    (look_back, reach)
}
