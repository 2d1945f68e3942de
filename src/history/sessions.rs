//! Which transaction came right before which in a session.

use arrow::buffer::ScalarBuffer;
use hashbrown::HashTable;

use super::transactions::Transactions;
use crate::error::Result;
use crate::log::Scalars;
use crate::memory::{Budget, ColumnWriter};
use crate::txn::Datum;

/// No transaction.
const NONE: u32 = u32::MAX;

/// The session order of committed transactions, which is the order of their first rows.
#[derive(Debug)]
pub(crate) struct Sessions {
    before: ScalarBuffer<u32>,
}

impl Default for Sessions {
    fn default() -> Self {
        Sessions { before: Vec::new().into() }
    }
}

impl Sessions {
    /// # Errors
    /// If the column had to go to a file and that failed.
    ///
    /// Cost: O(transactions), and four bytes for each, where the log has sessions; a table of these.
    pub(crate) fn of(txns: &Transactions<'_>, budget: Budget) -> Result<Self> {
        if txns.log.chunks.iter().all(|c| c.session.is_none()) {
            return Ok(Sessions::default());
        }
        let mut columns = txns.log.chunks.iter().map(|c| c.session.as_ref().and_then(Scalars::identity));
        let first = columns.next().flatten();
        let exact = first.is_some() && columns.all(|identity| identity == first);
        let mut seen = Seen { txns, exact, last: HashTable::new() };
        let mut before = ColumnWriter::new(budget, txns.count())?;
        for txn in 0..txns.count() as u32 {
            let last = if txns.committed(txn) { seen.after(txn) } else { None };
            before.push(last.unwrap_or(NONE));
        }
        Ok(Sessions { before: before.finish()? })
    }

    /// The committed transaction right before `txn` in its session.
    pub(crate) fn before(&self, txn: u32) -> Option<u32> {
        self.before.get(txn as usize).copied().filter(|&before| before != NONE)
    }
}

/// The last transaction of every session, with the session's fingerprint.
struct Seen<'t, 'a> {
    txns: &'t Transactions<'a>,
    /// Whether sessions of one fingerprint are equal for certain.
    exact: bool,
    last: HashTable<(u64, u32)>,
}

impl Seen<'_, '_> {
    /// Notes a transaction, and returns the one before it in its session.
    fn after(&mut self, txn: u32) -> Option<u32> {
        let txns = self.txns;
        let (chunk, at) = txns.log.locate(u64::from(txns.log.txns.first_row(txn)));
        let column = chunk.session.as_ref()?;
        let id = column.get(at)?;
        let fingerprint = column.fingerprint(at);
        // Fingerprints are mixed, but for the low bits of a few: spread them over the table.
        let hash = |fingerprint: u64| fingerprint ^ fingerprint >> 32;
        let same =
            |other: &(u64, u32)| other.0 == fingerprint && (self.exact || session(txns, other.1) == Some(id));
        if let Some((_, last)) = self.last.find_mut(hash(fingerprint), same) {
            return Some(std::mem::replace(last, txn));
        }
        self.last.insert_unique(hash(fingerprint), (fingerprint, txn), |other| hash(other.0));
        None
    }
}

fn session<'a>(txns: &Transactions<'a>, txn: u32) -> Option<Datum<'a>> {
    let (chunk, at) = txns.log.locate(u64::from(txns.log.txns.first_row(txn)));
    chunk.session.as_ref().and_then(|s| s.get(at))
}
