//! Whole stores behind one face: a commit from its beginning to the write-ahead log.
//!
//! All lie in memory (`/dev/shm`, where there is one) and hand their log to the system without waiting for a disk:
//! what is left beside the conflict check is encoding, the log's copy and the memtable.

mod fjall_own;
mod resolver_on_fjall;
mod surreal;

use std::collections::VecDeque;
use std::path::Path;

use tempfile::TempDir;

use crate::Access;

pub use fjall_own::FjallTransactions;
pub use resolver_on_fjall::ResolverOnFjall;
pub use surreal::Surreal;

/// What every transaction writes to its key.
const VALUE: [u8; 16] = [7; 16];

/// A store with optimistic transactions, each of which reads once and writes one key.
pub trait Store {
    /// A transaction that has begun.
    type Txn;

    /// Begins a transaction on a snapshot of now: it reads, and says what it will write.
    ///
    /// # Panics
    /// If the store fails, or cannot check such a read.
    fn begin(&mut self, read: Access<'_>, write: &[u8]) -> Self::Txn;

    /// Commits: `false` says that the store refused, since what was read has been written meanwhile.
    ///
    /// # Panics
    /// If the store fails for any other reason.
    fn commit(&mut self, txn: Self::Txn) -> bool;
}

/// A store in which `window` transactions are open at any time.
#[derive(Debug)]
pub struct Pipe<S: Store> {
    store: S,
    open: VecDeque<S::Txn>,
    window: usize,
}

impl<S: Store> Pipe<S> {
    /// A store whose pipe is to be filled: the first `window` steps commit nothing.
    pub fn new(store: S, window: usize) -> Self {
        Pipe { store, open: VecDeque::with_capacity(window + 1), window }
    }

    /// Begins a transaction, and commits the oldest if more than `window` are open; says whether one committed.
    pub fn step(&mut self, read: Access<'_>, write: &[u8]) -> bool {
        self.open.push_back(self.store.begin(read, write));
        if self.open.len() <= self.window {
            return false;
        }
        self.open.pop_front().is_some_and(|oldest| self.store.commit(oldest))
    }
}

/// A new folder, in memory if the system has one for that.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.expect("temporary folders can be made")
}
