//! surrealkv: snapshot isolation by an index of what commits wrote; a read is checked too if it was locked
//! (`get_for_update`). Ranges that were read are not checked.

use std::hint::black_box;

use surrealkv::{Error, Transaction, Tree, TreeBuilder};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use super::{Store, VALUE, folder};
use crate::Access;

/// A tree, and the runtime that its tasks run on.
pub struct Surreal {
    tree: Tree,
    runtime: Runtime,
    _folder: TempDir,
}

impl Surreal {
    /// An empty store.
    pub fn open() -> Self {
        let folder = folder();
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("threads can be made");
        let entered = runtime.enter();
        let tree = TreeBuilder::new().with_path(folder.path().join("tree")).build();
        drop(entered);
        Surreal { tree: tree.expect("an empty store"), runtime, _folder: folder }
    }
}

impl Store for Surreal {
    type Txn = Transaction;

    fn begin(&mut self, read: Access<'_>, write: &[u8]) -> Transaction {
        let mut txn = self.tree.begin().expect("the store is whole");
        let Access::Point(key) = read else { panic!("surrealkv checks no ranges") };
        black_box(txn.get_for_update(key).expect("the store is whole"));
        txn.set(write, &VALUE).expect("keys are short");
        txn
    }

    fn commit(&mut self, mut txn: Transaction) -> bool {
        match self.runtime.block_on(txn.commit()) {
            Ok(()) => true,
            Err(Error::TransactionWriteConflict) => false,
            Err(error) => panic!("the store is whole: {error}"),
        }
    }
}
