//! The resolver and its rivals, each behind the same small face, and the transactions that they judge.
//!
//! The load is a pipe: every transaction reads one key (or range) and writes one, `window` transactions are open at any
//! time, and one commits after `window` others have committed since it began. So each is checked against
//! exactly the last `window` commits.

#![forbid(unsafe_code)]

mod interval_map;
mod keys;
mod ours;
mod pairwise;
mod stores;

pub use interval_map::IntervalMap;
pub use keys::{Keys, Load, Ring, Shape};
pub use ours::Ours;
pub use pairwise::{BTreeManagers, HashManagers};
pub use stores::{FjallTransactions, Pipe, ResolverOnFjall, Store, Surreal};

/// What one transaction reads or writes.
#[derive(Clone, Copy, Debug)]
pub enum Access<'a> {
    /// One key.
    Point(&'a [u8]),
    /// From the first key on, below the second.
    Range(&'a [u8], &'a [u8]),
}

/// Something that checks transactions against the last `window` commits.
pub trait Check {
    /// Judges transactions that arrived together, in their order; returns how many commit. Those that do are
    /// remembered, and what is out of the window is forgotten.
    fn check(&mut self, txns: &[(Access<'_>, Access<'_>)]) -> usize;

    /// Remembers a commit unchecked: to fill the window.
    fn fill(&mut self, write: Access<'_>);
}
