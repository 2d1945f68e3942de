//! What the models judge: which transactions count as committed, and what they wrote.

mod fates;
mod superseded;
mod writes;

pub(crate) use fates::{Fates, reads_only};
pub(crate) use writes::{Lacking, Segment, Writes};
