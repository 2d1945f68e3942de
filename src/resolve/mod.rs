//! Which transactions may commit: the commit path of a key-value store.
//!
//! (documentation below)

mod batch;
mod error;
mod flight;
mod index;
mod judge;
mod keys;
#[doc(hidden)]
pub mod naive;
mod points;
mod resolver;
#[doc(hidden)]
pub mod script;
mod snapshots;
mod tree;
mod verdict;
mod window;

#[cfg(test)]
mod tests;

pub use batch::{Batch, Transaction, TxnBuilder};
pub use error::ResolveError;
pub use flight::Ticket;
pub use resolver::{Resolver, Vote};
pub use verdict::{Cause, Checked, Conflict, Verdict};

/// A commit version or a snapshot: a count of commits, or ticks of a clock (see `BoundedTimestamp`).
pub type Version = i64;
