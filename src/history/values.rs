//! The values written to one key, each once, and who wrote them.
//!
//! Values are gathered first and brought into a table when all are there: then its size is known, and
//! the place of each can be fetched while those before it are compared.

use hashbrown::HashMap;
use skewer_kernels::prefetch_read;

use super::key::{Operation, value_of};
use super::transactions::Transactions;
use crate::memory::reserve;

/// No transaction, no version.
const NONE: u32 = u32::MAX;

/// An empty slot: no place is that high, as rows are fewer.
const EMPTY: u64 = u64::MAX;

/// So many values ahead their slots are fetched.
pub(super) const AHEAD: usize = 12;

/// A value that was written, or read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    fingerprint: u64,
    /// The first row that showed it.
    row: u32,
    /// Committed writes of it.
    pub(super) commits: u32,
    /// The version of the first committed transaction that wrote it; meaningless without one.
    pub(super) version: u32,
    /// The last transaction that read it, of those that read more than once.
    reader: u32,
    /// Whether that write is the version, and not one before it.
    pub(super) is_last: bool,
    /// Whether a transaction that does not count as committed wrote it.
    lost: bool,
}

/// A write by a transaction that does not count as committed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Uncommitted {
    /// Its row.
    pub(super) row: u32,
    /// The row of the transaction's last write of the key.
    pub(super) last: u32,
}

/// Of one value, the first write by an aborted transaction, and by one left out.
type First = (Option<Uncommitted>, Option<Uncommitted>);

/// A table of values. Each distinct one stands in it once, so that no search grows long where
/// many writes share a value.
#[derive(Debug, Default)]
pub(super) struct Values {
    exact: bool,
    shift: u32,
    /// Half of a fingerprint, and a place in `all`; the next slot where that one is taken.
    slots: Vec<u64>,
    all: Vec<Value>,
    uncommitted: HashMap<u32, First, ahash::RandomState>,
}

impl Values {
    /// Empties the table.
    pub(super) fn clear(&mut self, exact: bool) {
        self.exact = exact;
        self.all.clear();
        if !self.uncommitted.is_empty() {
            self.uncommitted.clear();
        }
    }

    /// Makes room for values.
    pub(super) fn reserve(&mut self, values: usize) {
        reserve(&mut self.all, values);
    }

    /// Whether two operations of one key carry the same value.
    pub(super) fn equal(&self, txns: &Transactions<'_>, a: &Operation, b: &Operation) -> bool {
        if a.null() || b.null() {
            return a.null() == b.null();
        }
        a.value == b.value && (self.exact || value_of(txns, a.row) == value_of(txns, b.row))
    }

    /// Gathers the value of a committed write, for [`Self::link`].
    pub(super) fn commit(&mut self, write: &Operation, version: u32, is_last: bool) {
        let (fingerprint, row) = (write.value, write.row);
        let value = Value { fingerprint, row, commits: 1, version, reader: NONE, is_last, lost: false };
        self.all.push(value);
    }

    /// How many values were gathered, or stand in the table.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Brings the gathered values into a table that has room for `more`. Whether each was of one
    /// write, so that they stand in the order in which they were gathered.
    ///
    /// Cost: O(values) expected.
    pub(super) fn link(&mut self, txns: &Transactions<'_>, more: usize) -> bool {
        let gathered = self.all.len();
        let slots = ((gathered + more) * 3 / 2).next_power_of_two().max(2);
        self.shift = 64 - slots.trailing_zeros();
        self.slots.clear();
        reserve(&mut self.slots, slots);
        self.slots.resize(slots, EMPTY);
        let mut kept = 0;
        for at in 0..gathered {
            if let Some(ahead) = self.all.get(at + AHEAD) {
                prefetch_read(&self.slots, self.home(ahead.fingerprint));
            }
            let new = self.all[at];
            match self.search(txns, new.fingerprint, new.row) {
                Ok(place) => self.all[place].commits += 1,
                Err(slot) => {
                    self.slots[slot] = tag(new.fingerprint) | kept as u64;
                    self.all[kept] = new;
                    kept += 1;
                }
            }
        }
        self.all.truncate(kept);
        kept == gathered
    }

    /// The slot where the search for a value begins.
    fn home(&self, fingerprint: u64) -> usize {
        (fingerprint >> self.shift) as usize
    }

    /// Fetches the slot of a value that will be asked for soon.
    pub(super) fn prefetch(&self, fingerprint: u64) {
        prefetch_read(&self.slots, self.home(fingerprint));
    }

    /// The place of the value of log row `row`, which is not null; the slot for it where it is not
    /// known.
    fn search(&self, txns: &Transactions<'_>, fingerprint: u64, row: u32) -> Result<usize, usize> {
        let mut slot = self.home(fingerprint);
        loop {
            let found = self.slots[slot];
            if found == EMPTY {
                return Err(slot);
            }
            let place = found as u32;
            if found & !u64::from(u32::MAX) == tag(fingerprint) && self.is(txns, place, fingerprint, row) {
                return Ok(place as usize);
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
    }

    /// Whether the value at a place is that of log row `row`.
    fn is(&self, txns: &Transactions<'_>, place: u32, fingerprint: u64, row: u32) -> bool {
        let value = &self.all[place as usize];
        value.fingerprint == fingerprint && (self.exact || value_of(txns, value.row) == value_of(txns, row))
    }

    /// The place of the value of log row `row`, by its fingerprint; that of `guess`, if it is the same.
    pub(super) fn find(
        &self,
        txns: &Transactions<'_>,
        fingerprint: u64,
        row: u32,
        guess: Option<u32>,
    ) -> Option<u32> {
        match guess.filter(|guess| self.is(txns, *guess, fingerprint, row)) {
            Some(place) => Some(place),
            None => self.search(txns, fingerprint, row).ok().map(|place| place as u32),
        }
    }

    /// The place of the value of log row `row`, which is added if it is not known.
    fn find_or_add(&mut self, txns: &Transactions<'_>, fingerprint: u64, row: u32) -> u32 {
        match self.search(txns, fingerprint, row) {
            Ok(place) => place as u32,
            Err(slot) => {
                let place = self.all.len() as u32;
                self.slots[slot] = tag(fingerprint) | u64::from(place);
                let unknown = Value {
                    fingerprint,
                    row,
                    commits: 0,
                    version: NONE,
                    reader: NONE,
                    is_last: false,
                    lost: false,
                };
                self.all.push(unknown);
                place
            }
        }
    }

    /// Notes a write that did not commit.
    pub(super) fn note(
        &mut self,
        txns: &Transactions<'_>,
        write: &Operation,
        aborted: bool,
        new: Uncommitted,
    ) {
        let place = self.find_or_add(txns, write.value, write.row);
        self.all[place as usize].lost = true;
        let (first_aborted, first_left_out) = self.uncommitted.entry(place).or_default();
        let first = if aborted { first_aborted } else { first_left_out };
        if first.is_none_or(|old| new.row < old.row) {
            *first = Some(new);
        }
    }

    /// The value at a place.
    pub(super) fn get(&self, place: u32) -> &Value {
        &self.all[place as usize]
    }

    /// Who wrote it and did not commit.
    pub(super) fn uncommitted(&self, place: u32) -> First {
        if !self.all[place as usize].lost {
            return First::default();
        }
        self.uncommitted.get(&place).copied().unwrap_or_default()
    }

    /// Notes that `reader`, which read the key more than once, read the value of log row `row`: its
    /// place, and whether it had read it before.
    pub(super) fn read(
        &mut self,
        txns: &Transactions<'_>,
        fingerprint: u64,
        row: u32,
        reader: u32,
    ) -> (u32, bool) {
        let place = self.find_or_add(txns, fingerprint, row);
        let before = std::mem::replace(&mut self.all[place as usize].reader, reader);
        (place, before == reader)
    }

    /// How many committed writes have a value that another one has too, and for each such value
    /// the version of its first writer.
    pub(super) fn shared(&self) -> impl Iterator<Item = (u32, u32)> {
        self.all.iter().filter(|v| v.commits > 1).map(|v| (v.commits, v.version))
    }
}

/// The half of a fingerprint that is not the slot's.
fn tag(fingerprint: u64) -> u64 {
    fingerprint << 32
}
