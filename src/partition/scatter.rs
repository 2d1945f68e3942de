//! Records, scattered to the partitions of their keys.

use std::marker::PhantomData;

use bytemuck::Pod;
use rayon::prelude::*;

use crate::scatter::{Lists, Writer};

/// Records wanted in a partition: they and their sorted copy fit the second-level cache, and a scatter writes to few lists.
const PARTITION_ROWS: usize = 1 << 14;

/// What is grouped by key.
pub(crate) trait Keyed: Copy + Send + Sync {
    /// The record as it lies in memory.
    type Words: Pod + Send + Sync;

    /// What memory holds before the first record is there.
    const ZERO: Self;

    /// As words.
    fn pack(self) -> Self::Words;

    /// From words.
    fn unpack(words: Self::Words) -> Self;

    /// What [`Split::rest`] left of the key's fingerprint.
    fn fingerprint(&self) -> u64;

    /// The log row.
    fn row(&self) -> u32;
}

/// How keys are split: by their fingerprints' highest bits into rounds, so that the records held
/// at a time fit the memory, and by the next bits into partitions.
///
/// The keys are read once a round. That costs a scan of one column where temporary files would
/// cost a write and a read of every record, and leaves nothing behind whatever happens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    round_bits: u32,
    bits: u32,
}

/// Bytes of records held at a time without a budget: what is read once more with every further
/// round costs more than fresh memory does, up to about there.
const BYTES_MAX: u64 = 256 << 20;

impl Split {
    /// The split of `rows` records of `width` bytes each; a fingerprint is cut by `least` bits or
    /// more.
    pub(super) fn of(rows: usize, width: usize, memory: Option<u64>, least: u32) -> Self {
        // Records, and what their tables and the allocator take on top.
        let bytes = (rows as u64).saturating_mul(width as u64 + 2);
        let by_memory = memory.map_or(1, |memory| bytes.div_ceil(memory.max(1)));
        let rounds = bytes.div_ceil(BYTES_MAX).max(by_memory);
        let round_bits = rounds.next_power_of_two().trailing_zeros().min(16);
        let wanted = (rows >> round_bits).div_ceil(PARTITION_ROWS);
        let bits = wanted.next_power_of_two().trailing_zeros().min(14);
        Split { round_bits, bits: bits.max(least.saturating_sub(round_bits)) }
    }

    /// The rounds.
    pub(super) fn rounds(self) -> std::ops::Range<usize> {
        0..1 << self.round_bits
    }

    /// Partitions of a round.
    pub(super) fn partitions(self) -> usize {
        1 << self.bits
    }

    /// What a record needs to carry of a fingerprint: the bits that are not the same within a
    /// partition, highest first. As many lowest bits as the fingerprint was cut by are zero.
    #[inline]
    pub(crate) fn rest(self, fingerprint: u64) -> u64 {
        fingerprint << (self.round_bits + self.bits)
    }

    #[inline]
    fn partition(self, fingerprint: u64) -> usize {
        bucket(fingerprint << self.round_bits, self.bits)
    }
}

/// The records of one round: stretches of the log, each scattered within itself.
pub(super) struct Scattered<R: Keyed> {
    split: Split,
    stretches: Vec<Lists<R::Words>>,
}

impl<R: Keyed> Scattered<R> {
    /// Room for the records of stretches of so many rows each.
    pub(super) fn new(split: Split, stretches: impl Iterator<Item = usize>) -> Self {
        let stretches = stretches.map(|rows| Lists::new(split.partitions(), rows)).collect();
        Scattered { split, stretches }
    }

    /// Scatters the records of a round in place of what was there; `fill(stretch, sink)` hands
    /// in those of one stretch, in row order.
    pub(super) fn fill(&mut self, round: usize, fill: impl Fn(usize, &mut Sink<'_, R>) + Sync) {
        let split = self.split;
        self.stretches.par_iter_mut().enumerate().for_each(|(stretch, lists)| {
            lists.clear();
            fill(
                stretch,
                &mut Sink { split, round, lists: lists.writer(), chosen: Vec::new(), of: PhantomData },
            );
        });
    }

    /// Partitions.
    pub(super) fn len(&self) -> usize {
        self.split.partitions()
    }

    /// The slices that make up a partition, in row order.
    pub(super) fn slices(&self, partition: usize) -> impl Iterator<Item = &[R::Words]> {
        self.stretches.iter().flat_map(move |lists| lists.list(partition))
    }
}

/// Takes the records of one stretch that belong to a round.
pub(super) struct Sink<'l, R: Keyed> {
    split: Split,
    round: usize,
    lists: Writer<'l, R::Words>,
    chosen: Vec<u32>,
    of: PhantomData<R>,
}

impl<R: Keyed> Sink<'_, R> {
    /// Takes the records of the keys of these fingerprints that belong to this round:
    /// `record(i, rest)` makes the one at place `i`.
    #[inline]
    pub(super) fn take(&mut self, fingerprints: &[u64], record: impl Fn(usize, u64) -> R) {
        let split = self.split;
        if split.round_bits == 0 {
            for (i, &f) in fingerprints.iter().enumerate() {
                self.lists.push(split.partition(f), record(i, split.rest(f)).pack());
            }
            return;
        }
        self.chosen.resize(fingerprints.len() + 1, 0);
        // Written always and kept if it counts: whether it does is a coin that no CPU guesses.
        let mut count = 0;
        for (i, &f) in fingerprints.iter().enumerate() {
            self.chosen[count] = i as u32;
            count += usize::from(bucket(f, split.round_bits) == self.round);
        }
        for &i in &self.chosen[..count] {
            let f = fingerprints[i as usize];
            self.lists.push(split.partition(f), record(i as usize, split.rest(f)).pack());
        }
    }
}

/// The value of the highest `bits` bits.
#[inline]
pub(super) fn bucket(fingerprint: u64, bits: u32) -> usize {
    // Two shifts, since a shift by 64 is none.
    (fingerprint >> 1 >> (63 - bits)) as usize
}
