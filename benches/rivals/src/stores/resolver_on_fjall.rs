//! The resolver before plain keyspaces of the same store: serializable too.

use std::hint::black_box;
use std::ops::Bound::{Excluded, Included};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, Readable, Snapshot};
use skewer::resolve::{Checked, Resolver, Transaction};
use tempfile::TempDir;

use super::{Store, VALUE, folder};
use crate::Access;

/// A store with one keyspace, and the resolver that its commits ask.
pub struct ResolverOnFjall {
    resolver: Resolver,
    items: Keyspace,
    database: Database,
    _folder: TempDir,
}

/// What is read from, what will be checked, and the key to be written.
pub struct Txn {
    _snapshot: Snapshot,
    accesses: Transaction,
    write: Vec<u8>,
}

impl ResolverOnFjall {
    /// An empty store.
    pub fn open() -> Self {
        let folder = folder();
        let database = Database::builder(folder.path()).open().expect("an empty store");
        let items = database.keyspace("items", KeyspaceCreateOptions::default).expect("a new keyspace");
        ResolverOnFjall { resolver: Resolver::new(Checked::Serializable), items, database, _folder: folder }
    }
}

impl Store for ResolverOnFjall {
    type Txn = Txn;

    fn begin(&mut self, read: Access<'_>, write: &[u8]) -> Txn {
        let snapshot = self.database.snapshot();
        let mut accesses = Transaction::new(self.resolver.open_snapshot());
        let mut txn = accesses.accesses();
        let added = match read {
            Access::Point(key) => {
                black_box(snapshot.get(&self.items, key).expect("the store is whole"));
                txn.read(0, key)
            }
            Access::Range(low, high) => {
                black_box(snapshot.range(&self.items, low..high).count());
                txn.read_range(0, Included(low), Excluded(high))
            }
        };
        added.and_then(|txn| txn.write(0, write)).expect("keys are short and in order");
        Txn { _snapshot: snapshot, accesses, write: write.to_vec() }
    }

    fn commit(&mut self, txn: Txn) -> bool {
        let commits = self.resolver.commit(&txn.accesses, None).expect("versions rise").is_commit();
        if commits {
            let mut batch = self.database.batch();
            batch.insert(&self.items, txn.write, VALUE);
            batch.commit().expect("the store is whole");
        }
        self.resolver.close_snapshot(txn.accesses.snapshot()).expect("it was opened");
        self.resolver.forget_unneeded();
        commits
    }
}
