//! A small batch in words that one thread leaves for another: one behind the other, in as few cache lines as can be.
//!
//! First how much there is, then transactions, accesses and keys.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use super::{Access, Batch, Header};

/// Two numbers in a word, the first in its lower half.
#[inline]
fn both(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

#[inline]
fn halves(word: u64) -> (u32, u32) {
    (word as u32, (word >> 32) as u32)
}

/// How many transactions, reads, writes, and bytes of keys.
#[derive(Debug, Clone, Copy)]
struct Counts([u16; 4]);

impl Counts {
    fn words(self) -> usize {
        let [txns, reads, writes, bytes] = self.0.map(usize::from);
        1 + 2 * (txns + reads + writes) + bytes.div_ceil(8)
    }
}

impl Batch {
    fn counts(&self) -> Option<Counts> {
        let counts = [self.txns.len(), self.reads.len(), self.writes.len(), self.keys.len()];
        let [txns, reads, writes, bytes] = counts.map(|count| u16::try_from(count).ok());
        Some(Counts([txns?, reads?, writes?, bytes?]))
    }

    /// Writes the batch to some words; whether there are enough of them.
    #[inline]
    pub(in crate::resolve) fn write_to(&self, words: &[AtomicU64]) -> bool {
        let Some(counts) = self.counts().filter(|counts| counts.words() <= words.len()) else { return false };
        let mut words = words.iter();
        let mut put = |word: u64| {
            if let Some(place) = words.next() {
                place.store(word, Relaxed);
            }
        };
        put(counts.0.iter().rev().fold(0, |word, count| word << 16 | u64::from(*count)));
        for txn in &self.txns {
            put(txn.snapshot as u64);
            put(both(txn.reads, txn.writes << 1 | u32::from(txn.explain)));
        }
        for access in self.reads.iter().chain(&self.writes) {
            put(both(access.at, access.start));
            put(both(access.end, access.shared));
        }
        let (eights, rest) = self.keys.bytes().as_chunks::<8>();
        eights.iter().for_each(|eight| put(u64::from_le_bytes(*eight)));
        if !rest.is_empty() {
            let mut eight = [0; 8];
            eight[..rest.len()].copy_from_slice(rest);
            put(u64::from_le_bytes(eight));
        }
        true
    }

    /// Appends the transactions of a batch that was written to some words, and returns how many there are; `None` if they
    /// do not fit.
    #[inline]
    pub(in crate::resolve) fn append_from(&mut self, words: &[AtomicU64]) -> Option<usize> {
        let mut words = words.iter();
        let mut take = || words.next().map_or(0, |place| place.load(Relaxed));
        let counts = take();
        let [txns, reads, writes, bytes] = [0, 16, 32, 48].map(|shift| usize::from((counts >> shift) as u16));
        self.fits(bytes).ok()?;
        let (at, first_read, first_write) =
            (self.keys.len() as u32, self.reads.len() as u32, self.writes.len() as u32);
        for _ in 0..txns {
            let snapshot = take() as i64;
            let (reads, writes) = halves(take());
            let (reads, writes, explain) = (first_read + reads, first_write + (writes >> 1), writes & 1 == 1);
            self.txns.push(Header { snapshot, reads, writes, explain });
        }
        for nth in 0..reads + writes {
            let ((begin, start), (end, shared)) = (halves(take()), halves(take()));
            let accesses = if nth < reads { &mut self.reads } else { &mut self.writes };
            accesses.push(Access { at: at + begin, start, end, shared });
            self.ranges += usize::from(end > 0);
        }
        let (eights, rest) = self.keys.add(bytes).as_chunks_mut::<8>();
        eights.iter_mut().for_each(|eight| *eight = take().to_le_bytes());
        if !rest.is_empty() {
            let len = rest.len();
            rest.copy_from_slice(&take().to_le_bytes()[..len]);
        }
        Some(txns)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Bound::{Excluded, Unbounded};

    use super::*;

    /// Promise: a batch that is left in words is appended as the batch itself is; one for which there are too few is not left.
    #[test]
    fn batches_pass_through_words() {
        let words = [const { AtomicU64::new(7) }; 256];
        let (mut given, mut appended, mut passed) = (Batch::new(), Batch::new(), Batch::new());
        let long = [9; 301];
        for size in 0..60 {
            given.clear();
            for txn in 0..size % 5 {
                let key = &long[..(size * 7 + txn) % 40];
                let mut adding = given.begin(i64::MIN + size as i64);
                adding.read(3, key).unwrap().write_range(0, Excluded(&b"a"[..]), Unbounded).unwrap();
                adding.write(u32::MAX - 1, b"").unwrap().read_range(1, Unbounded, Excluded(key)).unwrap();
                if txn == 1 {
                    adding.explain();
                }
            }
            assert!(given.write_to(&words), "{size}");
            assert_eq!(passed.append_from(&words), Some(given.len()));
            appended.append(&given).unwrap();
        }
        assert_eq!(format!("{passed:?}"), format!("{appended:?}"));
        given.begin(0).write(0, &long).unwrap().write(0, &long).unwrap();
        assert!(!given.write_to(&words[..60]));
    }
}
