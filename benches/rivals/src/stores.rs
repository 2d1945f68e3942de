//! Whole stores: a commit from the first read to the write-ahead log (in the system's buffers, not forced to the disk).
//!
//! `window` transactions stay open; each step begins one, which reads and writes a key, and commits the oldest.

use std::collections::VecDeque;

use fjall::{
    Database, Keyspace, KeyspaceCreateOptions, OptimisticTxDatabase, OptimisticTxKeyspace, OptimisticWriteTx,
    Readable,
};
use skewer::resolve::{Checked, Resolver, Transaction};
use tempfile::TempDir;

const VALUE: [u8; 16] = [7; 16];

/// fjall's own optimistic transactions: serializable.
pub struct FjallTransactions {
    open: VecDeque<OptimisticWriteTx>,
    items: OptimisticTxKeyspace,
    database: OptimisticTxDatabase,
    window: usize,
    _folder: TempDir,
}

impl FjallTransactions {
    /// An empty store.
    pub fn new(window: usize) -> Self {
        let folder = tempfile::tempdir().expect("temporary folders can be made");
        let database = OptimisticTxDatabase::builder(folder.path()).open().expect("an empty store");
        let items = database.keyspace("items", KeyspaceCreateOptions::default).expect("a new keyspace");
        FjallTransactions { open: VecDeque::new(), items, database, window, _folder: folder }
    }

    /// Begins a transaction, and commits the oldest if the window is full.
    pub fn step(&mut self, read: &[u8], write: &[u8]) -> bool {
        let mut txn = self.database.write_tx().expect("the store is whole");
        std::hint::black_box(txn.get(&self.items, read).expect("the store is whole"));
        txn.insert(&self.items, write, VALUE);
        self.open.push_back(txn);
        if self.open.len() <= self.window {
            return false;
        }
        let oldest = self.open.pop_front().expect("the window is not empty");
        oldest.commit().expect("the store is whole").is_ok()
    }
}

/// The resolver before plain keyspaces of the same store: serializable too.
pub struct ResolverOnFjall {
    open: VecDeque<(fjall::Snapshot, Transaction, Vec<u8>)>,
    resolver: Resolver,
    items: Keyspace,
    database: Database,
    window: usize,
    _folder: TempDir,
}

impl ResolverOnFjall {
    /// An empty store.
    pub fn new(window: usize) -> Self {
        let folder = tempfile::tempdir().expect("temporary folders can be made");
        let database = Database::builder(folder.path()).open().expect("an empty store");
        let items = database.keyspace("items", KeyspaceCreateOptions::default).expect("a new keyspace");
        let resolver = Resolver::new(Checked::Serializable);
        ResolverOnFjall { open: VecDeque::new(), resolver, items, database, window, _folder: folder }
    }

    /// Begins a transaction, and commits the oldest if the window is full.
    pub fn step(&mut self, read: &[u8], write: &[u8]) -> bool {
        let snapshot = self.database.snapshot();
        let mut txn = Transaction::new(self.resolver.open_snapshot());
        std::hint::black_box(snapshot.get(&self.items, read).expect("the store is whole"));
        let mut accesses = txn.accesses();
        accesses.read(0, read).and_then(|txn| txn.write(0, write)).expect("keys are short");
        self.open.push_back((snapshot, txn, write.to_vec()));
        if self.open.len() <= self.window {
            return false;
        }
        let (_snapshot, oldest, key) = self.open.pop_front().expect("the window is not empty");
        let commits = self.resolver.commit(&oldest, None).expect("versions rise").is_commit();
        self.resolver.close_snapshot(oldest.snapshot()).expect("it was opened");
        self.resolver.forget_unneeded();
        if commits {
            let mut batch = self.database.batch();
            batch.insert(&self.items, key, VALUE);
            batch.commit().expect("the store is whole");
        }
        commits
    }
}

/// surrealkv: snapshot isolation, the read locked (`get_for_update`), so that it is checked too.
pub struct Surreal {
    open: VecDeque<surrealkv::Transaction>,
    tree: surrealkv::Tree,
    runtime: tokio::runtime::Runtime,
    window: usize,
    _folder: TempDir,
}

impl Surreal {
    /// An empty store.
    pub fn new(window: usize) -> Self {
        let folder = tempfile::tempdir().expect("temporary folders can be made");
        let mut runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().expect("threads can be made");
        let entered = runtime.enter();
        let tree = surrealkv::TreeBuilder::new().with_path(folder.path().join("tree")).build();
        drop(entered);
        let tree = tree.expect("an empty store");
        Surreal { open: VecDeque::new(), tree, runtime, window, _folder: folder }
    }

    /// Begins a transaction, and commits the oldest if the window is full.
    pub fn step(&mut self, read: &[u8], write: &[u8]) -> bool {
        let mut txn = self.tree.begin().expect("the store is whole");
        std::hint::black_box(txn.get_for_update(read).expect("the store is whole"));
        txn.set(write, VALUE).expect("keys are short");
        self.open.push_back(txn);
        if self.open.len() <= self.window {
            return false;
        }
        let mut oldest = self.open.pop_front().expect("the window is not empty");
        self.runtime.block_on(oldest.commit()).is_ok()
    }
}
