//! A log in serial order, with the points where that order is certain.
//!
//! Serial order is by commit stamp (the assigned `commit_ts`, else the midpoint of the commit
//! bound), then region, transaction and row. A transaction that wrote nothing and has no commit
//! of its own stands at its start; what has no time at all stands last.

mod merge;
mod serial;

pub use merge::write;
pub use serial::{Place, serial};
