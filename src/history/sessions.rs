//! Which transaction came right before which in a session.

use ahash::RandomState;
use hashbrown::HashTable;

use super::transactions::Transactions;
use crate::txn::Datum;

/// No transaction.
const NONE: u32 = u32::MAX;

/// The session order of committed transactions, which is the order of their first rows.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    before: Vec<u32>,
}

impl Sessions {
    /// Cost: O(transactions), and four bytes for each, where the log has sessions.
    pub(crate) fn of(txns: &Transactions<'_>) -> Self {
        if txns.log.chunks.iter().all(|c| c.session.is_none()) {
            return Sessions::default();
        }
        let state = RandomState::with_seeds(1, 2, 3, 4);
        let hash = |txn: u32| state.hash_one(fingerprint(txns, txn));
        let mut last: HashTable<u32> = HashTable::new();
        let mut before = vec![NONE; txns.count()];
        for txn in 0..txns.count() as u32 {
            let Some(id) = session(txns, txn).filter(|_| txns.committed(txn)) else { continue };
            match last.find_mut(hash(txn), |other| session(txns, *other) == Some(id)) {
                Some(other) => before[txn as usize] = std::mem::replace(other, txn),
                None => {
                    last.insert_unique(hash(txn), txn, |other| hash(*other));
                }
            }
        }
        Sessions { before }
    }

    /// The committed transaction right before `txn` in its session.
    pub(crate) fn before(&self, txn: u32) -> Option<u32> {
        self.before.get(txn as usize).copied().filter(|&before| before != NONE)
    }
}

fn session<'a>(txns: &Transactions<'a>, txn: u32) -> Option<Datum<'a>> {
    let (chunk, at) = txns.log.locate(u64::from(txns.log.txns.first_row(txn)));
    chunk.session.as_ref().and_then(|s| s.get(at))
}

fn fingerprint(txns: &Transactions<'_>, txn: u32) -> u64 {
    let (chunk, at) = txns.log.locate(u64::from(txns.log.txns.first_row(txn)));
    chunk.session.as_ref().map_or(0, |s| s.fingerprint(at))
}
