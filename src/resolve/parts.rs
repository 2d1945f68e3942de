//! What a call asks of each half of the window, laid out so that each half's judge reads its own part and nothing else.

use super::Version;
use super::batch::{Access, Batch, Keyed};
use super::cut::Cut;
use super::halves::half_of;
use super::hashes::Hasher;
use super::points::Hash;
use super::slices::Slices;
use super::verdict::{Cause, Checked, Verdict};

/// Where an access stands in its transaction: what is refused is told by the least. Writes are checked after reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u32);

impl Place {
    /// Behind all: none is refused.
    pub(super) const NONE: Place = Place(u32::MAX);
    /// Before all: the transaction is too old.
    pub(super) const OLD: Place = Place(0);
    const WRITE: u32 = 1 << 31;

    /// A transaction's access of that number, of its reads or of its writes.
    pub(super) fn of(nth: usize, cause: Cause) -> Self {
        Place(nth as u32 + 1 + if cause == Cause::Read { 0 } else { Self::WRITE })
    }

    /// What a verdict refused; `None` if it is a commit.
    pub(super) fn of_refusal(verdict: Verdict) -> Option<Self> {
        match verdict {
            Verdict::Commit(_) => None,
            Verdict::TooOld | Verdict::Unavailable => Some(Place::OLD),
            Verdict::Conflict { cause, range_index } => Some(Place::of(range_index as usize, cause)),
        }
    }

    /// The number that stands for it.
    pub(super) fn number(self) -> u32 {
        self.0
    }

    /// That of a number.
    pub(super) fn of_number(number: u32) -> Self {
        Place(number)
    }

    /// The verdict on a transaction of which this is refused first.
    pub(super) fn verdict(self, commit: Version) -> Verdict {
        match self {
            Place::NONE => Verdict::Commit(commit),
            Place::OLD => Verdict::TooOld,
            Place(place) => {
                let cause = if place < Self::WRITE { Cause::Read } else { Cause::Write };
                Verdict::Conflict { cause, range_index: (place & !Self::WRITE) - 1 }
            }
        }
    }
}

/// A point that is checked or written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Item {
    pub(super) hash: Hash,
    /// The transaction, counted from the call's first.
    pub(super) txn: u32,
    pub(super) place: Place,
    at: u32,
    len: u32,
}

/// The points of a call that lie in one half.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// In the order of transactions.
    pub(super) checks: Vec<Item>,
    /// In the order of transactions.
    pub(super) writes: Vec<Item>,
    bytes: Vec<u8>,
}

impl Part {
    #[inline]
    pub(super) fn key(&self, item: &Item) -> &[u8] {
        &self.bytes[item.at as usize..(item.at + item.len) as usize]
    }
}

/// A transaction of a call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) snapshot: Version,
    /// Whether anything is checked.
    pub(super) is_checked: bool,
}

/// A call by halves.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Of the hasher that took the hashes.
    pub(super) seeds: [u64; 3],
    /// The least and the greatest snapshot.
    pub(super) oldest: Version,
    pub(super) newest: Version,
    pub(super) txns: Vec<Asked>,
    pub(super) halves: [Part; 2],
    /// What is checked, as the caller knew.
    pub(super) checked: Option<Checked>,
    /// The number of the cut by which slices were laid out; 0 if it is halves that were.
    pub(super) cut: u64,
    pub(super) slices: Slices,
}

impl Parts {
    /// Takes a batch of points.
    pub(super) fn take(&mut self, batch: &Batch, hasher: &Hasher, checked: Checked) {
        self.begin(checked);
        self.seeds = hasher.seeds();
        for txn in 0..batch.len() {
            let (start, end) = (batch.starts(txn), batch.starts(txn + 1));
            let mut is_checked = false;
            if checked.reads() {
                for (nth, at) in (start.0..end.0).enumerate() {
                    let place = Place::of(nth, Cause::Read);
                    let item = self.put(batch, batch.reads()[at], hasher, (txn, place));
                    if let Some((part, item)) = item {
                        part.checks.push(item);
                        is_checked = true;
                    }
                }
            }
            for (nth, at) in (start.1..end.1).enumerate() {
                let place = Place::of(nth, Cause::Write);
                let Some((part, item)) = self.put(batch, batch.writes()[at], hasher, (txn, place)) else {
                    continue;
                };
                part.writes.push(item);
                if checked.writes() {
                    part.checks.push(item);
                    is_checked = true;
                }
            }
            self.note(batch.txns()[txn].snapshot, is_checked);
        }
    }

    /// Takes a batch of keys and ranges, by sides.
    pub(super) fn take_ordered(&mut self, batch: &Batch, cut: &Cut, checked: Checked) {
        self.begin(checked);
        self.cut = cut.number;
        self.slices.begin(batch);
        for txn in 0..batch.len() {
            let is_checked = self.slices.take((batch, txn), cut, checked);
            self.note(batch.txns()[txn].snapshot, is_checked);
        }
    }

    fn begin(&mut self, checked: Checked) {
        self.checked = Some(checked);
        self.txns.clear();
        (self.oldest, self.newest) = (Version::MAX, Version::MIN);
        for part in &mut self.halves {
            part.checks.clear();
            part.writes.clear();
            part.bytes.clear();
        }
        self.slices.clear();
        (self.seeds, self.cut) = ([0; 3], 0);
    }

    fn note(&mut self, snapshot: Version, is_checked: bool) {
        (self.oldest, self.newest) = (self.oldest.min(snapshot), self.newest.max(snapshot));
        self.txns.push(Asked { snapshot, is_checked });
    }

    pub(super) fn writes_nothing(&self) -> bool {
        self.halves.iter().all(|part| part.writes.is_empty())
            && self.slices.sides.iter().all(|slice| slice.writes.is_empty())
    }

    #[inline]
    fn put(
        &mut self,
        batch: &Batch,
        access: Access,
        hasher: &Hasher,
        (txn, place): (usize, Place),
    ) -> Option<(&mut Part, Item)> {
        let Keyed::Point(key) = batch.keyed(access) else { return None };
        let hash = hasher.hash(key);
        let part = &mut self.halves[half_of(hash)];
        let (at, len) = (part.bytes.len() as u32, key.len() as u32);
        part.bytes.extend_from_slice(key);
        Some((part, Item { hash, txn: txn as u32, place, at, len }))
    }
}
