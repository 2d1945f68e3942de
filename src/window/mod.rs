//! The window join: pairs of writes of a key whose lifetimes overlap, of a nearly time-ordered log in one pass.
//!
//! Two spans `[begin, end]` overlap only if `begin` of each lies before `end` of the other,
//! so their begins differ by less than the widest span `w`. Taken in order of begins, a
//! write therefore meets all its rivals among the last `w` of time: a ring of recent writes and
//! a small hash table of chains over it replace any grouping of the whole log.
//!
//! 1. The log is cut into blocks of rows, and the extent of each is measured: a scan at the speed
//!    of memory. Blocks, not rows, are sorted by their least begin; that merges the files of
//!    several regions, or runs within one file, without moving a row. Rows inside a block stand as
//!    they are.
//! 2. From the prefix maximum of begins follows how far back each block must look: to the first
//!    block whose prefix maximum exceeds its least begin less `w`. What lies before is dead.
//! 3. Threads take stretches of blocks; each first feeds the blocks that its first block must
//!    look back to, without judging them. A pair belongs to the stretch of its later row, so
//!    every pair is counted once, however the work was split.
//! 4. A few writes may live far longer than the others; they would widen the window for all.
//!    They are kept aside and met by every row through a filter of one bit a key.
//! 5. A log in no order is brought into slices of time first, which are blocks as well.
//! 6. Where a block is long against the window, each of its parts (a few rows, or a stretch of a slice's time) looks
//!    back by itself, and begins at hand tell most pairs of a hot key apart before the log is asked.
//!
//! 7. Where hot keys make the chains long, each thread brings the writes of its stretch together by
//!    key instead, the blocks that it must look back to first, and pairs are counted without being met
//!    (`gather.rs`).
//!
//! Knowingly left: a log whose window holds most of it gives up here; [`crate::partition`] judges any log.

mod feed;
mod gather;
mod join;
mod long;
mod plan;
mod ring;
mod slices;
mod stream;

pub(crate) use gather::for_each_key;
pub(crate) use join::{Force, pairs};

/// A write: its segment and its place there.
pub(crate) type At = (u32, u32);
