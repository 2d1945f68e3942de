//! fjall's own optimistic transactions: serializable; it keeps what each transaction of the window wrote, and
//! compares with each.

use std::hint::black_box;

use fjall::{KeyspaceCreateOptions, OptimisticTxDatabase, OptimisticTxKeyspace, OptimisticWriteTx, Readable};
use tempfile::TempDir;

use super::{Store, VALUE, folder};
use crate::Access;

/// A store with one keyspace.
pub struct FjallTransactions {
    items: OptimisticTxKeyspace,
    database: OptimisticTxDatabase,
    _folder: TempDir,
}

impl FjallTransactions {
    /// An empty store.
    pub fn open() -> Self {
        let folder = folder();
        let database = OptimisticTxDatabase::builder(folder.path()).open().expect("an empty store");
        let items = database.keyspace("items", KeyspaceCreateOptions::default).expect("a new keyspace");
        FjallTransactions { items, database, _folder: folder }
    }
}

impl Store for FjallTransactions {
    type Txn = OptimisticWriteTx;

    fn begin(&mut self, read: Access<'_>, write: &[u8]) -> OptimisticWriteTx {
        let mut txn = self.database.write_tx().expect("the store is whole");
        match read {
            Access::Point(key) => drop(black_box(txn.get(&self.items, key).expect("the store is whole"))),
            Access::Range(low, high) => drop(black_box(txn.range(&self.items, low..high).count())),
        }
        txn.insert(&self.items, write, VALUE);
        txn
    }

    fn commit(&mut self, txn: OptimisticWriteTx) -> bool {
        txn.commit().expect("the store is whole").is_ok()
    }
}
