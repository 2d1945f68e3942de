//! The partitioned path: all writes of a key at once, whatever the order of the log.
//!
//! 1. Pieces of some ten thousand rows are scattered, each within itself, by the high bits of
//!    the keys' fingerprints: a piece fits the second-level cache, so no store misses it.
//! 2. A partition is the concatenation of its slices of all pieces, in row order. The next bits
//!    of the fingerprint place its records into buckets of about one, which are then sorted by
//!    insertion; equal fingerprints stand together, in row order.
//! 3. A group of equal fingerprints is split where keys differ, so no result depends on a hash.
//!
//! Records carry what the judges need (ends of bounds, region, row), so that nothing is looked up
//! at random in the log afterwards.

mod collisions;
mod counter;
mod distinct;
mod groups;
mod insert;
mod marks;
mod operations;
mod pairs;
mod record;
mod scatter;
mod spill;
mod stamps;
mod waiting;

pub(crate) use distinct::count_distinct;
pub(crate) use groups::{Carried, for_each_key, key_at};
pub(crate) use insert::insert_nearly;
pub(crate) use operations::{Gathering, for_each_operated_key};
pub(crate) use pairs::count_pairs;
pub(crate) use record::{Label, LeanRecord, Record, Written};
pub(crate) use stamps::NearWrites;
pub(crate) use waiting::Waiting;
