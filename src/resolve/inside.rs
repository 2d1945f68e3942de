//! Which transactions of a batch stand in the way of later ones of the same batch, found before any is judged.

use std::cmp::Ordering;

use super::batch::{Batch, Keyed};
use super::hashes::Hashes;
use super::keys::{common, head};
use super::verdict::{Cause, Checked};

/// Which access of its transaction is in the way: reads before writes, in the order in which they were handed in.
pub(super) type Rank = u64;
/// Nothing is in the way.
pub(super) const FREE: Rank = Rank::MAX;
/// The snapshot is below the floor.
pub(super) const TOO_OLD: Rank = 0;

/// The rank of an access.
#[inline]
pub(super) fn rank(cause: Cause, index: usize) -> Rank {
    (if cause == Cause::Read { 1 << 32 } else { 2 << 32 }) | index as Rank
}

/// The later one may not commit, because of the access of this rank, if the earlier one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) later: u32,
    pub(super) earlier: u32,
    pub(super) rank: Rank,
}

/// A write, or an access that is checked.
#[derive(Debug, Clone, Copy)]
struct Item {
    /// Of its start and of its end, behind what all starts share.
    head: u64,
    end: u64,
    txn: u32,
    /// Its place among all reads or all writes of the batch.
    at: u32,
    is_write: bool,
}

/// All such pairs of a batch, and room to find them.
#[derive(Debug, Default)]
pub(super) struct Inside {
    pub(super) edges: Vec<Edge>,
    /// The last write of each bucket of hashes, plus one; and of each write the one before.
    heads: Vec<u32>,
    before: Vec<u32>,
    owners: Vec<u32>,
    items: Vec<Item>,
    open: Vec<Item>,
}

/// Up to so many looks a transaction; who needs more is judged one after the other instead.
const LOOKS: usize = 16;

impl Inside {
    /// Finds all pairs, by hashes if they were taken (of points alone), else by sorting. False if there are too many to
    /// be worth it.
    pub(super) fn find(&mut self, batch: &Batch, checked: Checked, hashes: Option<&Hashes>) -> bool {
        self.edges.clear();
        let found = match hashes {
            Some(hashes) => self.by_hash(batch, checked, hashes),
            None => self.by_order(batch, checked),
        };
        found.is_some()
    }

    fn by_hash(&mut self, batch: &Batch, checked: Checked, hashes: &Hashes) -> Option<()> {
        let buckets = (2 * batch.writes().len()).next_power_of_two();
        self.heads.clear();
        self.heads.resize(buckets, 0);
        self.before.clear();
        self.owners.clear();
        let mut looks = LOOKS * batch.len();
        for txn in 0..batch.len() {
            let (from, to) = (batch.starts(txn), batch.starts(txn + 1));
            if checked.reads() {
                for at in from.0..to.0 {
                    let read = (batch.keyed(batch.reads()[at]), hashes.reads[at]);
                    self.meet(batch, hashes, read, (txn, rank(Cause::Read, at - from.0)), &mut looks)?;
                }
            }
            if checked.writes() {
                for at in from.1..to.1 {
                    let write = (batch.keyed(batch.writes()[at]), hashes.writes[at]);
                    self.meet(batch, hashes, write, (txn, rank(Cause::Write, at - from.1)), &mut looks)?;
                }
            }
            for at in from.1..to.1 {
                let head = &mut self.heads[hashes.writes[at] as usize >> 12 & (buckets - 1)];
                self.before.push(*head);
                self.owners.push(txn as u32);
                *head = at as u32 + 1;
            }
        }
        Some(())
    }

    /// Meets all earlier writes of a key.
    #[inline]
    fn meet(
        &mut self,
        batch: &Batch,
        hashes: &Hashes,
        (keyed, hash): (Keyed<'_>, u64),
        (txn, rank): (usize, Rank),
        looks: &mut usize,
    ) -> Option<()> {
        let mut next = self.heads[hash as usize >> 12 & (self.heads.len() - 1)];
        while let Some(at) = next.checked_sub(1).map(|at| at as usize) {
            *looks = looks.checked_sub(1)?;
            let earlier = self.owners[at];
            let is_same = || keyed.overlaps(batch.keyed(batch.writes()[at]));
            if hashes.writes[at] == hash && earlier != txn as u32 && is_same() {
                self.edges.push(Edge { later: txn as u32, earlier, rank });
            }
            next = self.before[at];
        }
        Some(())
    }

    fn by_order(&mut self, batch: &Batch, checked: Checked) -> Option<()> {
        self.collect(batch, checked);
        let key = |item: &Item| start(keyed(batch, item));
        self.items.sort_unstable_by(|a, b| a.head.cmp(&b.head).then_with(|| key(a).cmp(key(b))));
        self.open.clear();
        let mut looks = LOOKS * batch.len();
        for item in &self.items {
            let here = keyed(batch, item);
            self.open.retain(|open| match open.end.cmp(&item.head) {
                Ordering::Equal => !ends_before(keyed(batch, open), start(here)),
                order => order.is_gt(),
            });
            looks = looks.checked_sub(self.open.len())?;
            self.edges.extend(self.open.iter().filter_map(|open| edge(batch, checked, open, item)));
            self.edges.extend(self.open.iter().filter_map(|open| edge(batch, checked, item, open)));
            self.open.push(*item);
        }
        self.edges.sort_unstable();
        Some(())
    }

    /// Collects writes and what is checked.
    fn collect(&mut self, batch: &Batch, checked: Checked) {
        self.items.clear();
        for txn in 0..batch.len() {
            let (from, to) = (batch.starts(txn), batch.starts(txn + 1));
            let item =
                |at: usize, is_write| Item { head: 0, end: 0, txn: txn as u32, at: at as u32, is_write };
            if checked.reads() {
                self.items.extend((from.0..to.0).map(|at| item(at, false)));
            }
            self.items.extend((from.1..to.1).map(|at| item(at, true)));
        }
        self.items.retain(|item| keyed(batch, item) != Keyed::Nothing);
        let Some(first) = self.items.first().map(|item| start(keyed(batch, item))) else { return };
        let shared = |least: usize, item: &Item| common(&first[..least], start(keyed(batch, item)));
        let prefix = self.items.iter().fold(first.len(), shared);
        for item in &mut self.items {
            let keyed = keyed(batch, item);
            item.head = head(start(keyed), prefix);
            item.end = match keyed {
                // Behind all that begins with the prefix.
                Keyed::Range(span) if span.shared < prefix => u64::MAX,
                Keyed::Range(span) => head(span.end, prefix),
                _ => item.head,
            };
        }
    }
}

/// The pair of an earlier write and a later access, if these two, which overlap, are one.
fn edge(batch: &Batch, checked: Checked, earlier: &Item, later: &Item) -> Option<Edge> {
    let counts = !later.is_write || checked.writes();
    if !earlier.is_write || earlier.txn >= later.txn || !counts {
        return None;
    }
    let from = batch.starts(later.txn as usize);
    let rank = if later.is_write {
        rank(Cause::Write, later.at as usize - from.1)
    } else {
        rank(Cause::Read, later.at as usize - from.0)
    };
    Some(Edge { later: later.txn, earlier: earlier.txn, rank })
}

fn keyed<'a>(batch: &'a Batch, item: &Item) -> Keyed<'a> {
    let accesses = if item.is_write { batch.writes() } else { batch.reads() };
    batch.keyed(accesses[item.at as usize])
}

fn start(keyed: Keyed<'_>) -> &[u8] {
    match keyed {
        Keyed::Nothing => &[],
        Keyed::Point(key) => key,
        Keyed::Range(span) => span.start,
    }
}

/// Whether all of an access lies before a key.
fn ends_before(keyed: Keyed<'_>, key: &[u8]) -> bool {
    match keyed {
        Keyed::Nothing => true,
        Keyed::Point(only) => only < key,
        Keyed::Range(span) => span.end <= key,
    }
}
