//! Transactions that were checked and are not yet recorded.

use super::batch::{Access, Batch};
use super::verdict::{Cause, Checked, Verdict};
use super::{ResolveError, Version};

/// A promise: until it is settled nothing commits that conflicts with its transaction.
///
/// [`confirm`](super::Resolver::confirm) or [`abort`](super::Resolver::abort) settles it; a ticket
/// that is dropped stays in flight.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[must_use = "a ticket stays in flight until it is confirmed or aborted"]
pub struct Ticket {
    pub(super) id: u64,
    pub(super) not_before: Version,
}

impl Ticket {
    /// The least version at which the transaction could commit when it was checked.
    pub const fn not_before(&self) -> Version {
        self.not_before
    }
}

#[derive(Debug)]
struct Flight {
    id: u64,
    txn: Batch,
}

/// The transactions in flight. Each check is linear in their accesses: they should be few.
#[derive(Debug, Default)]
pub(super) struct Flights {
    all: Vec<Flight>,
    next: u64,
    /// Settled ones, whose memory serves again.
    spare: Vec<Batch>,
}

impl Flights {
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether something is in flight that a transaction with these accesses must not pass.
    #[inline]
    pub(super) fn conflict(
        &self,
        checked: Checked,
        batch: &Batch,
        reads: &[Access],
        writes: &[Access],
    ) -> Option<Verdict> {
        if self.all.is_empty() {
            return None;
        }
        let any = |accesses: &[Access], hit: &dyn Fn(&Access) -> bool, cause| {
            let at = accesses.iter().position(hit)?;
            Some(Verdict::Conflict { cause, range_index: at as u32 })
        };
        let read = |access: &Access| self.all.iter().any(|f| f.touches(batch, *access, false, true));
        let write = |access: &Access| {
            self.all.iter().any(|f| f.touches(batch, *access, checked.reads(), checked.writes()))
        };
        let by_read = if checked.reads() { any(reads, &read, Cause::Read) } else { None };
        by_read.or_else(|| any(writes, &write, Cause::Write))
    }

    pub(super) fn add(&mut self, txn: &Batch, not_before: Version) -> Result<Ticket, ResolveError> {
        let mut copy = self.spare.pop().unwrap_or_default();
        copy.clear();
        copy.append(txn)?;
        let id = self.next;
        self.next += 1;
        self.all.push(Flight { id, txn: copy });
        Ok(Ticket { id, not_before })
    }

    pub(super) fn holds(&self, ticket: &Ticket) -> Result<(), ResolveError> {
        self.place(ticket).map(|_| ())
    }

    fn place(&self, ticket: &Ticket) -> Result<usize, ResolveError> {
        self.all.iter().position(|f| f.id == ticket.id).ok_or(ResolveError::UnknownTicket)
    }

    /// Takes a transaction out of flight; give it back to `recycle`.
    pub(super) fn settle(&mut self, ticket: &Ticket) -> Result<Batch, ResolveError> {
        let place = self.place(ticket)?;
        Ok(self.all.swap_remove(place).txn)
    }

    pub(super) fn recycle(&mut self, txn: Batch) {
        self.spare.push(txn);
    }
}

impl Flight {
    /// Whether the transaction reads (`reads`) or writes (`writes`) a key of `access`.
    fn touches(&self, batch: &Batch, access: Access, reads: bool, writes: bool) -> bool {
        let keyed = batch.keyed(access);
        let hit = |own: &Access| self.txn.keyed(*own).overlaps(keyed);
        (reads && self.txn.reads().iter().any(hit)) || (writes && self.txn.writes().iter().any(hit))
    }
}
