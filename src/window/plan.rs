//! Which blocks there are, in which order, and how far back each must look.

use rayon::prelude::*;
use skewer_kernels::{Extent, Isa, extent};

use super::long::{self, Long, is_long};
use super::slices::Slices;
use super::stream::Stream;
use crate::log::OUTLINE;

/// Rows in a block.
pub(super) const BLOCK: usize = OUTLINE;

/// Rows in a fine block, or in a part of one.
pub(super) const FINE: usize = 32;

/// Some rows of a segment, and the extent of their spans.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) segment: u32,
    pub(super) first: u32,
    pub(super) len: u32,
    pub(super) extent: Extent,
}

impl Block {
    /// Measures the extent again without the rows wider than `width`.
    fn leave_out(&mut self, stream: Stream<'_>, width: u64) {
        if self.extent.max_width <= width {
            return;
        }
        let (begins, ends) = stream.spans(self.segment);
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
    /// Whether blocks are met part by part: slices by the parts of their time, rows by so many at a time.
    pub(super) part_rows: Option<usize>,
}

impl Plan {
    /// The blocks of `stream`.
    pub(super) fn of(stream: Stream<'_>) -> Plan {
        let mut blocks = blocks(stream);
        let long = long::aside(stream, &blocks);
        if !long.is_empty() {
            blocks.iter_mut().for_each(|b| b.leave_out(stream, long.rest_width));
        }
        Plan::in_order(blocks, long)
    }

    /// The same with no write kept aside.
    pub(super) fn whole(stream: Stream<'_>) -> Plan {
        let blocks = blocks(stream);
        let rest_width = blocks.iter().map(|b| b.extent.max_width).max().unwrap_or(0);
        Plan::in_order(blocks, Long::none(rest_width))
    }

    fn in_order(mut blocks: Vec<Block>, long: Long) -> Plan {
        blocks.par_sort_by_key(|b| (b.extent.min_begin, b.segment, b.first));
        let (look_back, reach) = look_back(&blocks, long.rest_width);
        Plan { blocks, look_back, reach, long, slices: None, part_rows: None }
    }

    /// Whether blocks of rows reach back no farther than their own length makes them.
    pub(super) fn is_coarse(&self) -> bool {
        self.slices.is_none() && self.reach <= 4 * BLOCK
    }

    /// The same blocks, met part by part; rows as they stand `rows` at a time.
    pub(super) fn in_parts(self, rows: usize) -> Plan {
        Plan { part_rows: Some(rows), ..self }
    }

    /// The same rows in finer blocks.
    ///
    /// Cost: O(rows), one more scan of the spans.
    pub(super) fn finer(self, stream: Stream<'_>) -> Plan {
        let width = self.long.rest_width;
        let parts = self.blocks.par_iter().flat_map_iter(|block| {
            let (begins, ends) = stream.spans(block.segment);
            let part = move |first: u32| {
                let len = (FINE as u32).min(block.first + block.len - first);
                let rows = first as usize..(first + len) as usize;
                let extent = extent(stream.isa, &begins[rows.clone()], &ends[rows]);
                let mut part = Block { first, len, extent, ..*block };
                part.leave_out(stream, width);
                part
            };
            (block.first..block.first + block.len).step_by(FINE).map(part)
        });
        let mut blocks: Vec<Block> = parts.collect();
        blocks.par_sort_by_key(|b| (b.extent.min_begin, b.segment, b.first));
        let (look_back, reach) = look_back(&blocks, width);
        Plan { blocks, look_back, reach, ..self }
    }

    /// How many writes begin, on average, within the time in which two may meet.
    pub(super) fn alive(&self) -> u64 {
        let all = self.blocks.iter().fold(Extent::EMPTY, |all, b| all.merge(b.extent));
        let rows: u64 = self.blocks.iter().map(|b| u64::from(b.len)).sum();
        let time = u128::from(all.max_begin.abs_diff(all.min_begin)).max(1);
        let alive = u128::from(rows) * u128::from(self.long.rest_width) / time;
        u64::try_from(alive).unwrap_or(u64::MAX)
    }

    /// Whether slices of time could help: not where one window is most of the log's time.
    pub(super) fn may_be_sliced(&self) -> bool {
        let all = self.blocks.iter().fold(Extent::EMPTY, |all, b| all.merge(b.extent));
        all.max_begin.abs_diff(all.min_begin) / 8 > self.long.rest_width
    }

    /// The same writes by slices of time, of `rows` rows each if they come evenly.
    ///
    /// Cost: O(rows), 8 bytes each.
    pub(super) fn sliced(self, stream: Stream<'_>, rows: usize) -> Plan {
        let Some((slices, blocks)) = Slices::of(stream, (&self.blocks, rows), &self.long) else {
            return self;
        };
        let (look_back, reach) = look_back(&blocks, self.long.rest_width);
        Plan {
            blocks,
            look_back,
            reach,
            long: self.long,
            slices: Some((slices, self.blocks)),
            part_rows: None,
        }
    }
}

fn blocks(stream: Stream<'_>) -> Vec<Block> {
    let segments = 0..stream.writes.segments.len() as u32;
    let blocks: Vec<Vec<Block>> = segments.into_par_iter().map(|at| blocks_of(stream, at)).collect();
    blocks.concat()
}

fn blocks_of(stream: Stream<'_>, segment: u32) -> Vec<Block> {
    let (begins, ends) = stream.spans(segment);
    let writes = &stream.writes.segments[segment as usize];
    // What is known is the extents of commit bounds.
    let known = if writes.start.is_some() { &[] } else { writes.outline() };
    let pieces = begins.chunks(BLOCK).zip(ends.chunks(BLOCK)).enumerate();
    pieces
        .map(|(i, (begins, ends))| Block {
            segment,
            first: (i * BLOCK) as u32,
            len: begins.len() as u32,
            extent: known.get(i).copied().unwrap_or_else(|| extent(stream.isa, begins, ends)),
        })
        .collect()
}

/// For each block the first whose rows may meet its own, and the most rows in between.
fn look_back(blocks: &[Block], span: u64) -> (Vec<u32>, usize) {
    let (mut reach, mut rows) = (0, 0);
    // The first block, the rows before it, and the greatest begin up to and with it.
    let (mut first, mut before, mut latest) = (0, 0, i64::MIN);
    let of_block = |(at, block): (usize, &Block)| {
        rows += block.len as usize;
        let horizon = block.extent.min_begin.saturating_sub_unsigned(span);
        // Horizons only move on, as blocks are in order. One that saturates rules nothing out.
        while first < at && horizon > i64::MIN {
            // A block of which all rows are kept aside has the extent of nothing.
            latest = latest.max(blocks[first].extent.max_begin);
            if latest > horizon {
                break;
            }
            before += blocks[first].len as usize;
            first += 1;
        }
        reach = reach.max(rows - before);
        first as u32
    };
    let look_back = blocks.iter().enumerate().map(of_block).collect();
    (look_back, reach)
}
