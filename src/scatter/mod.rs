//! Many lists of small records, appended to at once: what a radix scatter writes to.
//!
//! Each list is a chain of blocks in one arena, so that a scatter needs no histogram first and a
//! list may be of any length. A block is a few lines of the cache, long enough that reading a list
//! is reading memory in a row. The arena asks for huge pages: touching fresh small pages would cost
//! more than the scatter itself.

mod arena;
mod lists;
mod states;

pub(crate) use arena::Arena;
pub(crate) use lists::{Lists, Writer};
pub(crate) use states::States;
