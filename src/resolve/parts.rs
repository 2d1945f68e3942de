//! What a call asks of each half of the window, laid out so that each half's judge reads its own part and nothing else.

use super::Version;
use super::batch::{Access, Batch, Keyed};
use super::cut::Cut;
use super::halves::half_of;
use super::hashes::Hasher;
use super::points::Hash;
use super::portion::{Portion, Uses};
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
pub(super) type Part = Portion<Item>;

impl Part {
    #[inline]
    pub(super) fn key(&self, item: &Item) -> &[u8] {
        &self.bytes()[item.at as usize..][..item.len as usize]
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
        let halves = &mut self.halves;
        lay_out(batch, checked, &mut self.txns, |access, (txn, place), uses| {
            let Keyed::Point(key) = batch.keyed(*access) else { return false };
            let (hash, len) = (hasher.hash(key), key.len() as u32);
            halves[half_of(hash)].take(|at| Item { hash, txn, place, at, len }, key, uses);
            true
        });
        self.end();
    }

    /// Takes a batch of keys and ranges, by sides.
    pub(super) fn take_ordered(&mut self, batch: &Batch, cut: &Cut, checked: Checked) {
        self.begin(checked);
        self.cut = cut.number;
        let slices = &mut self.slices;
        lay_out(batch, checked, &mut self.txns, |access, place, uses| {
            slices.take((batch, access, cut), place, uses)
        });
        self.end();
    }

    fn begin(&mut self, checked: Checked) {
        self.checked = Some(checked);
        self.txns.clear();
        self.halves.iter_mut().for_each(Part::clear);
        self.slices.clear();
        (self.seeds, self.cut) = ([0; 3], 0);
    }

    fn end(&mut self) {
        let snapshots = || self.txns.iter().map(|asked| asked.snapshot);
        self.oldest = snapshots().min().unwrap_or(Version::MAX);
        self.newest = snapshots().max().unwrap_or(Version::MIN);
    }

    /// Becomes as another one. Those who judge read this on other cores: its lines come back from there to be written anew, which
    /// takes less long where they are written in whole, one behind the other.
    pub(super) fn copy(&mut self, other: &Parts) {
        let Parts { seeds, oldest, newest, txns, halves, checked, cut, slices } = other;
        (self.seeds, self.checked, self.cut) = (*seeds, *checked, *cut);
        (self.oldest, self.newest) = (*oldest, *newest);
        self.txns.clone_from(txns);
        self.halves.iter_mut().zip(halves).for_each(|(part, other)| part.copy(other));
        self.slices.copy(slices);
    }

    pub(super) fn writes_nothing(&self) -> bool {
        self.halves.iter().all(|part| part.writes.is_empty())
            && self.slices.sides.iter().all(|slice| slice.writes.is_empty())
    }
}

/// Gives each access of a batch that is checked or written to `put`, which tells whether it covers a key, with its transaction and its
/// place there.
#[inline]
fn lay_out(
    batch: &Batch,
    checked: Checked,
    txns: &mut Vec<Asked>,
    mut put: impl FnMut(&Access, (u32, Place), Uses) -> bool,
) {
    let reads = Uses { is_check: checked.reads(), is_write: false };
    let writes = Uses { is_check: checked.writes(), is_write: true };
    let mut starts = (0, 0);
    for (txn, header) in batch.txns().iter().enumerate() {
        let ends = batch.starts(txn + 1);
        let reads = (&batch.reads()[starts.0..ends.0], Cause::Read, reads);
        let writes = (&batch.writes()[starts.1..ends.1], Cause::Write, writes);
        let mut is_checked = false;
        for (accesses, cause, uses) in [reads, writes] {
            if !uses.is_check && !uses.is_write {
                continue;
            }
            for (nth, access) in accesses.iter().enumerate() {
                is_checked |= put(access, (txn as u32, Place::of(nth, cause)), uses) && uses.is_check;
            }
        }
        txns.push(Asked { snapshot: header.snapshot, is_checked });
        starts = ends;
    }
}
