//! txn-core's conflict managers, in the loop of its crates' oracle: a transaction is compared with every one that
//! committed since it began.
//!
//! The oracle removes what is out of the window by walking all of it; here the oldest is dropped instead,
//! which favours them.

use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

use txn_core::sync::{BTreeCm, Cm, CmEquivalent, CmRange, HashCm, HashCmOptions};

use crate::{Access, Check, Load};

/// `HashCm`: fingerprints of keys, no ranges.
pub struct HashManagers {
    committed: VecDeque<HashCm<Vec<u8>>>,
    window: usize,
}

/// `BTreeCm`: keys in order; ranges can be read, not written. Its keys have to be cheap to clone.
pub struct BTreeManagers {
    committed: VecDeque<BTreeCm<Arc<[u8]>>>,
    window: usize,
}

impl HashManagers {
    /// With an empty window.
    pub fn new(load: Load) -> Self {
        HashManagers { committed: VecDeque::new(), window: load.window }
    }
}

impl BTreeManagers {
    /// With an empty window.
    pub fn new(load: Load) -> Self {
        BTreeManagers { committed: VecDeque::new(), window: load.window }
    }
}

/// Compares with all of the window; what commits takes the place of the oldest.
fn judge<M: Cm>(committed: &mut VecDeque<M>, window: usize, txn: M) -> usize {
    if committed.iter().any(|earlier| txn.has_conflict(earlier)) {
        return 0;
    }
    remember(committed, window, txn);
    1
}

fn remember<M>(committed: &mut VecDeque<M>, window: usize, txn: M) {
    if committed.len() >= window {
        committed.pop_front();
    }
    committed.push_back(txn);
}

fn point(access: Access<'_>) -> &[u8] {
    match access {
        Access::Point(key) => key,
        Access::Range(..) => panic!("this manager knows no such ranges"),
    }
}

fn hash_manager() -> HashCm<Vec<u8>> {
    HashCm::new(HashCmOptions::default()).unwrap_or_else(|never| match never {})
}

fn btree_manager() -> BTreeCm<Arc<[u8]>> {
    BTreeCm::new(()).unwrap_or_else(|never| match never {})
}

impl Check for HashManagers {
    fn check(&mut self, txns: &[(Access<'_>, Access<'_>)]) -> usize {
        let mut committed = 0;
        for (read, write) in txns {
            let mut txn = hash_manager();
            txn.mark_read_equivalent(point(*read));
            txn.mark_conflict_equivalent(point(*write));
            committed += judge(&mut self.committed, self.window, txn);
        }
        committed
    }

    fn fill(&mut self, write: Access<'_>) {
        let mut txn = hash_manager();
        txn.mark_conflict_equivalent(point(write));
        remember(&mut self.committed, self.window, txn);
    }
}

impl Check for BTreeManagers {
    fn check(&mut self, txns: &[(Access<'_>, Access<'_>)]) -> usize {
        let mut committed = 0;
        for (read, write) in txns {
            let mut txn = btree_manager();
            match read {
                Access::Point(key) => txn.mark_read(&Arc::from(*key)),
                Access::Range(low, high) => {
                    txn.mark_range((Bound::Included(Arc::from(*low)), Bound::Excluded(Arc::from(*high))));
                }
            }
            txn.mark_conflict(&point(*write).into());
            committed += judge(&mut self.committed, self.window, txn);
        }
        committed
    }

    fn fill(&mut self, write: Access<'_>) {
        let mut txn = btree_manager();
        txn.mark_conflict(&point(write).into());
        remember(&mut self.committed, self.window, txn);
    }
}
