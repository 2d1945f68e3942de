//! Which transactions may commit: the commit path of a key-value store.
//!
//! A transaction started at a snapshot. At commit it presents what it read and what it writes, keys and ranges
//! of keys, and a [`Resolver`] says whether it may commit, and remembers what it wrote.
//!
//! # The rule
//!
//! A transaction with snapshot `s` may commit at version `v` iff no key of its checked set was written at a version in
//! `(s, v]`. The checked set is what it read ([`Checked::Serializable`]: the rule of FoundationDB's
//! resolvers), what it writes ([`Checked::SnapshotIsolation`]: Aurora DSQL's adjudicators), or both. So a write at
//! version `s` itself is no conflict. Earlier transactions of a batch win; a transaction never conflicts with itself;
//! a refused one leaves no trace. Below the floor ([`Resolver::forget_before`]) a transaction with anything
//! checked is [`TooOld`](Verdict::TooOld). Answers are exact: equal to those of a list of all transactions.
//!
//! After an answer at version `v` nothing commits at or below `v`. Every misuse is a [`ResolveError`]
//! that changes nothing.
//!
//! # The crash rule
//!
//! A resolver keeps nothing on disk. What it promised has to survive it: after a crash, or when one resolver takes over
//! from another, begin with [`Resolver::recover`] at a floor that is not below any version that may ever have been handed out:
//! the greatest in the store's log, plus what may have been in flight; FoundationDB adds 100 seconds of versions.
//! Snapshots taken before are then too old, and are taken again; a transaction that was in flight has an unknown
//! fate until the log is read, but cannot commit any more. A floor too low gives false commits; one too
//! high only refuses. Versions never go back, also not over a crash.
//!
//! # What it costs
//!
//! For `k` accesses and `n` boundaries in the window: points alone O(k); with ranges O(k log n), whatever the window's
//! length, and a wide range looks at whole leaves at once. A first range after many points puts the window in
//! order, once ([`Resolver::expecting_ranges`] avoids that). Memory: at most 1.3 times the live boundaries are held, while a window
//! does not shrink, in 0.6 (keys that share much) to 3 times (keys as random as can be) the bytes of a packed list of these; a point
//! is one boundary, a range two. Forgetting is constant time: later writes give the space back, a little each, and no
//! write has to look at all of the window. Tables grow while a window grows for the first time
//! ([`Resolver::with_room_for`] avoids that); from then on nothing is allocated. Transactions in flight
//! ([`Resolver::prepare`]) are looked through one by one.
//!
//! | per transaction | a read and a write of keys | of ranges |
//! |---|---|---|
//! | [`Resolver`] | two look-ups in a hash table, one new slot | two searches in three levels, two new boundaries |
//! | [`SharedResolver`] | the same, and a lock; hashes and what memory takes are paid side by side, and in large calls of two threads the look-ups too | the same, and a lock; in large calls of two threads searches are paid side by side too |
//! | [`Adjudicators`] | its part for each owner, in parallel, and once more in a window of the batch, by one thread | likewise; by hash each owner judges all ranges |
//!
//! # How it is built
//!
//! [`Batch`] normalises bounds once. The window is a hash table of points (`points`), or, from the first range on, a
//! map of boundaries in key order (`tree`). Both hold numbers of versions (`stamps`). `judge` goes through a batch in array order, while `ahead` fetches
//! from memory what the next transactions will touch. So one mechanism serves conflicts with the past and inside the batch,
//! and single calls and batches. `naive` is what all that means.
//!
//! Where threads share a resolver (`shared`), each hashes the keys of its call and asks for the memory that they will touch
//! (`reach`) before it looks for the resolver (`caller`, `held`, `patience`). Their window of points lies in two halves (`halves`). Large calls wait for
//! each other (`meeting`), each laid out by halves (`parts`, `portion`); then two threads find out, each in its half, what is refused
//! and who meets whom (`company`, `meets`, `sieve`), and one settles that (`together`, `offer`); what commits is noted with the next round, or before
//! the resolver is used for anything else (`ledger`). A window in key order
//! is cut in two at a key for that (`cut`, `cutting`, `sides`, `balance`): calls are laid out by sides (`slices`), each judged by a
//! thread (`passes`), which finds what crosses there (`crossings`, `stretch`).

mod adjudicators;
mod ahead;
mod balance;
mod batch;
mod caller;
mod clock;
mod company;
mod crossings;
mod cut;
mod cutting;
mod error;
mod flight;
mod group;
mod halves;
mod hashes;
mod held;
mod index;
mod judge;
mod key_log;
mod key_room;
mod keys;
mod large;
mod ledger;
mod meeting;
mod meets;
#[doc(hidden)]
pub mod naive;
mod offer;
mod owner;
mod parts;
mod passes;
mod patience;
mod points;
mod portion;
mod prepared;
mod reach;
mod resolver;
#[doc(hidden)]
pub mod script;
mod seat;
mod shared;
mod sides;
mod sieve;
mod slabs;
mod slices;
mod slip;
mod snapshots;
mod stamps;
mod stored;
mod stretch;
mod together;
mod tree;
mod txn;
mod verdict;
mod window;

#[cfg(test)]
mod tests;

pub use adjudicators::Adjudicators;
pub use batch::Batch;
pub use caller::Committer;
pub use clock::CommitClock;
pub use error::ResolveError;
pub use flight::Ticket;
pub use prepared::Vote;
pub use resolver::Resolver;
pub use shared::SharedResolver;
pub use txn::{Transaction, TxnBuilder};
pub use verdict::{Cause, Checked, Conflict, Verdict};

/// A commit version or a snapshot: a count of commits, or ticks of a clock as in
/// [`BoundedTimestamp`](crate::BoundedTimestamp).
pub type Version = i64;
