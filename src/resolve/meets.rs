//! Which transactions of a group meet in a half of the points: one writes a key that a later one checks.
//!
//! Few do, so a [`Sieve`] tells which writes and checks may, by hashes. Of these writes the keys are put into a table, where the
//! checks are looked up.

use super::company::Round;
use super::parts::{Item, Part, Place};
use super::points::Hash;
use super::portion::{Seen, each};
use super::sieve::{Sections, Sieve};

/// An access that meets others of the group, or may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    /// Counted from the group's first.
    pub(super) txn: u32,
    /// Checks stand before writes.
    pub(super) is_write: bool,
    pub(super) place: Place,
    /// The key, by a number within its half.
    pub(super) key: u32,
}

/// A key that the group writes, and may check.
#[derive(Debug, Clone, Copy)]
struct Written {
    /// Its first write.
    first: Seen,
    /// Whether a later transaction checks it.
    is_met: bool,
}

/// What meets in a half. Room that is used again.
#[derive(Debug, Default)]
pub(super) struct Meets {
    pub(super) marks: Vec<Mark>,
    sieve: Sieve,
    /// The checks that may meet a write, and the writes that may meet a check.
    checks: Vec<Seen>,
    writes: Vec<Seen>,
    written: Vec<Written>,
    /// Which of the keys each of the writes is of.
    keys: Vec<u32>,
    /// By the lower half of the hash: the upper half, and one more than the place in `written`.
    table: Vec<u64>,
}

/// The bits of a table's entry that are of a hash.
const TAG: u64 = (u32::MAX as u64) << 32;

fn tag(hash: Hash) -> u64 {
    hash & TAG
}

impl Meets {
    /// How many keys marks tell apart.
    pub(super) fn keys(&self) -> usize {
        self.written.len()
    }

    /// Marks the accesses of the group to keys that one transaction writes and a later one checks.
    pub(super) fn find(&mut self, half: usize, round: &Round) {
        self.marks.clear();
        self.written.clear();
        self.sift(half, round);
        if self.checks.is_empty() {
            return;
        }
        self.keys.clear();
        self.table.clear();
        self.table.resize((4 * self.writes.len()).next_power_of_two(), 0);
        for at in 0..self.writes.len() {
            self.take_key((half, round), self.writes[at]);
        }
        for at in 0..self.checks.len() {
            self.look((half, round), self.checks[at]);
        }
        if !self.marks.is_empty() {
            self.mark_writes(half, round);
        }
    }

    /// Chooses the writes and checks that may meet.
    fn sift(&mut self, half: usize, round: &Round) {
        let Meets { sieve, checks, writes, .. } = self;
        checks.clear();
        writes.clear();
        let sections = sieve.begin(round.parts(half).map(|(_, part)| part.writes.len()).sum());
        let section = |item: &Item| {
            let number = (item.hash as usize & (sections - 1)) as u32;
            Sections { first: number, last: number }
        };
        let all_checks = || round.parts(half).map(|(first, part)| (first, &part.checks[..]));
        let all_writes = || round.parts(half).map(|(first, part)| (first, &part.writes[..]));
        let txn = |item: &Item| item.txn;
        each(all_writes(), txn, |_, item| sieve.write(section(item)));
        each(all_checks(), txn, |check, item| {
            if sieve.check(section(item)) {
                checks.push(check);
            }
        });
        if checks.is_empty() {
            return;
        }
        each(all_writes(), txn, |write, item| {
            if sieve.is_met(section(item)) {
                writes.push(write);
            }
        });
    }

    /// Puts the key of a write into the table.
    fn take_key(&mut self, (half, round): (usize, &Round), write: Seen) {
        let (part, item) = write_of((half, round), write);
        let key = self.key((half, round), (part, item)).unwrap_or_else(|slot| {
            self.written.push(Written { first: write, is_met: false });
            self.table[slot] = tag(item.hash) | self.written.len() as u64;
            self.written.len() as u32 - 1
        });
        self.keys.push(key);
    }

    /// Marks a check if an earlier transaction writes its key.
    fn look(&mut self, (half, round): (usize, &Round), Seen { txn, call, item }: Seen) {
        let part = &round.calls[call as usize].halves[half];
        let item = &part.checks[item as usize];
        let Ok(key) = self.key((half, round), (part, item)) else { return };
        let written = &mut self.written[key as usize];
        if written.first.txn < txn {
            written.is_met = true;
            self.marks.push(Mark { txn, is_write: false, place: item.place, key });
        }
    }

    /// Which of the keys written it is; else the slot where it would be found.
    #[inline]
    fn key(&self, (half, round): (usize, &Round), (part, item): (&Part, &Item)) -> Result<u32, usize> {
        let mask = self.table.len() - 1;
        let mut slot = item.hash as usize & mask;
        loop {
            let entry = self.table[slot];
            if entry == 0 {
                return Err(slot);
            }
            let key = entry as u32 - 1;
            if entry & TAG == tag(item.hash) && self.is_of((half, round), key, part.key(item)) {
                return Ok(key);
            }
            slot = (slot + 1) & mask;
        }
    }

    fn is_of(&self, of: (usize, &Round), key: u32, bytes: &[u8]) -> bool {
        let (part, first) = write_of(of, self.written[key as usize].first);
        part.key(first) == bytes
    }

    fn mark_writes(&mut self, half: usize, round: &Round) {
        for (write, &key) in self.writes.iter().zip(&self.keys) {
            if self.written[key as usize].is_met {
                let (_, item) = write_of((half, round), *write);
                self.marks.push(Mark { txn: write.txn, is_write: true, place: item.place, key });
            }
        }
    }
}

fn write_of((half, round): (usize, &Round), Seen { call, item, .. }: Seen) -> (&Part, &Item) {
    let part = &round.calls[call as usize].halves[half];
    (part, &part.writes[item as usize])
}
