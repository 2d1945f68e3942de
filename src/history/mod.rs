//! What the models judge: which transactions count as committed, what they wrote and read, when.

mod fates;
mod key;
mod marks;
mod needs;
mod select;
mod sessions;
mod superseded;
mod timeline;
mod transactions;
mod values;
mod writes;

pub(crate) use fates::{Fates, reads_only};
pub(crate) use key::{KeyHistory, Operation, Read, Source, Version, value_of};
pub(crate) use needs::Without;
pub(crate) use sessions::Sessions;
pub(crate) use timeline::{Finger, Timeline};
pub(crate) use transactions::{Clock, Ends, Transactions};
pub(crate) use writes::{Lacking, Segment, Writes};
