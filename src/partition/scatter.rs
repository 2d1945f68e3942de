//! Records, scattered to the partitions of their keys.

use std::ops::Range;

use bytemuck::Pod;
use rayon::prelude::*;
use skewer_kernels::{High, Isa, choose, prefetch_range};

use super::spill::{Outbox, Spill};
use crate::error::Result;
use crate::memory::{Budget, Spare};
use crate::scatter::{Lists, Writer};

/// Records wanted in a partition: they and their sorted copy fit the second-level cache, and a scatter writes to few lists.
const PARTITION_ROWS: usize = 1 << 14;

/// Rather than more partitions than that, as a power of two, there are partitions twice as large: each store to so many
/// lists waits for memory.
const PARTITIONS_MANY: u32 = 12;

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

    /// A log row that holds the key; `None` where no fingerprint is ever shared by two keys.
    fn key_row(&self) -> Option<u32>;
}

/// How keys are split: by their fingerprints' highest bits into rounds, so that the records held
/// at a time fit the memory, and by the next bits into partitions.
///
/// Without a budget the rounds of a large log read its keys again: that costs a scan of a column
/// where a file would cost a write and a read of every record. With one, records that it does not
/// hold are written to a file once, and each round reads its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Split {
    round_bits: u32,
    bits: u32,
    /// If records are written to a file, what of them may be in memory.
    spilled: Option<Budget>,
}

/// Bytes of records held at a time without a budget. Twice as many spare reading the keys once more, a few per cent of the
/// time where fresh memory comes at once; where a host gives it slowly they cost a third more.
const BYTES_MAX: u64 = 1 << 30;

/// More rounds than 2 to that are not worth their runs' short writes.
const ROUND_BITS_MAX: u32 = 12;

impl Split {
    /// The split of `rows` records of `width` bytes each; a fingerprint is cut by `least` bits or
    /// more.
    pub(super) fn of(rows: usize, width: usize, budget: Budget, least: u32) -> Self {
        // Records, and what their tables and the allocator take on top.
        let bytes = (rows as u64).saturating_mul(width as u64 + 2);
        let spilled = (!budget.holds(bytes)).then_some(budget);
        let held = spilled.and_then(Budget::for_records);
        let by_memory = held.map_or(1, |held| bytes.div_ceil(held.max(1)));
        let rounds = bytes.div_ceil(BYTES_MAX).max(by_memory);
        let round_bits = rounds.next_power_of_two().trailing_zeros().min(ROUND_BITS_MAX);
        // What is written to a file is cut by the bits of its round alone.
        let round_bits = if spilled.is_some() { round_bits.max(least) } else { round_bits };
        let bits_for = |most: usize| (rows >> round_bits).div_ceil(most).next_power_of_two().trailing_zeros();
        let bits = bits_for(PARTITION_ROWS).min(bits_for(2 * PARTITION_ROWS).max(PARTITIONS_MANY)).min(14);
        Split { round_bits, bits: bits.max(least.saturating_sub(round_bits)), spilled }
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
    fn rest(self, fingerprint: u64) -> u64 {
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
    /// Rows of each stretch of the log.
    lens: Vec<usize>,
    /// All records, if they are in a file.
    spill: Option<Spill<R>>,
    spare: Spare,
    stretches: Vec<Lists<R::Words>>,
}

impl<R: Keyed> Scattered<R> {
    /// Room for the records of stretches of so many rows each, in what is `spare` if that is enough.
    pub(super) fn new(split: Split, lens: impl Iterator<Item = usize>, spare: Spare) -> Self {
        Scattered { split, lens: lens.collect(), spill: None, spare, stretches: Vec::new() }
    }

    /// Scatters the records of a round in place of what was there; `fill(stretch, sink)` hands
    /// in those of one stretch, in row order. It is asked once or every round, and must not
    /// change its answer.
    ///
    /// # Errors
    /// If records had to go to a file and it failed.
    pub(super) fn fill(
        &mut self,
        isa: Isa,
        round: usize,
        fill: impl Fn(usize, &mut Sink<'_, '_, R>) + Sync,
    ) -> Result<()> {
        let split = self.split;
        if let Some(budget) = split.spilled {
            if self.spill.is_none() {
                self.spill = Some(spilled((split, isa), self.lens.len(), budget, fill)?);
            }
            return self.read_back(round);
        }
        let spare = &self.spare;
        if self.stretches.is_empty() {
            self.stretches =
                self.lens.iter().map(|&rows| Lists::new(split.partitions(), rows, spare)).collect();
        }
        self.stretches.par_iter_mut().enumerate().for_each(|(stretch, lists)| {
            lists.clear();
            let to = To::Lists(lists.writer());
            fill(stretch, &mut Sink { isa, split, round, to, chosen: Vec::new() });
        });
        Ok(())
    }

    /// Scatters the records of a round from the file: those of a few stretches each thread.
    fn read_back(&mut self, round: usize) -> Result<()> {
        let (Some(spill), split, spare) = (&self.spill, self.split, &self.spare) else { return Ok(()) };
        let per_thread = spill.stretches().div_ceil(rayon::current_num_threads()).max(1);
        let shares: Vec<_> = (0..spill.stretches())
            .step_by(per_thread)
            .map(|first| first..(first + per_thread).min(spill.stretches()))
            .collect();
        if self.stretches.is_empty() {
            let rows = |share: &Range<usize>, round| share.clone().map(|s| spill.records(s, round)).sum();
            let most = |share: &Range<usize>| split.rounds().map(|r| rows(share, r)).max().unwrap_or(0);
            self.stretches =
                shares.iter().map(|share| Lists::new(split.partitions(), most(share), spare)).collect();
        }
        self.stretches.par_iter_mut().zip(shares).try_for_each(|(lists, mut share)| {
            lists.clear();
            let mut lists = lists.writer();
            share.try_for_each(|stretch| {
                spill.read(stretch, round, |records| {
                    for &words in records {
                        lists.push(bucket(R::unpack(words).fingerprint(), split.bits), words);
                    }
                })
            })
        })
    }

    /// Partitions.
    pub(super) fn len(&self) -> usize {
        self.split.partitions()
    }

    /// The records of a partition.
    pub(super) fn partition(&self, partition: usize) -> Partition<'_, R> {
        Partition {
            slices: self.stretches.iter().flat_map(|lists| lists.list(partition)).collect(),
            shared_bits: if self.split.spilled.is_some() { self.split.bits } else { 0 },
        }
    }

    /// How many records a partition has.
    pub(super) fn rows(&self, partition: usize) -> usize {
        self.stretches.iter().map(|lists| lists.len(partition)).sum()
    }
}

/// The records of a partition as they lie in memory: slices, in row order.
pub(super) struct Partition<'s, R: Keyed> {
    slices: Vec<&'s [R::Words]>,
    /// How many of the highest bits of a record's fingerprint are the same for all.
    shared_bits: u32,
}

impl<R: Keyed> Partition<'_, R> {
    /// Records.
    pub(super) fn rows(&self) -> usize {
        self.slices.iter().map(|slice| slice.len()).sum()
    }

    /// Bits of fingerprints by which records come into buckets of about one.
    fn bucket_bits(&self) -> u32 {
        self.rows().next_power_of_two().trailing_zeros().min(20)
    }

    fn bucket(&self, words: R::Words, bits: u32) -> usize {
        bucket(R::unpack(words).fingerprint() << self.shared_bits, bits)
    }

    /// Hands over each record.
    pub(super) fn each(&self, visit: impl FnMut(R::Words)) {
        self.slices.iter().copied().flatten().copied().for_each(visit);
    }

    /// How many of the highest bits of a record's fingerprint are the same for all.
    pub(super) fn shared_bits(&self) -> u32 {
        self.shared_bits
    }

    /// Makes `counts` the numbers of records of each bucket.
    pub(super) fn count(&self, counts: &mut Vec<u32>) {
        let bits = self.bucket_bits();
        counts.clear();
        counts.resize(1 << bits, 0);
        for (at, slice) in self.slices.iter().enumerate() {
            self.slices.get(at + 1).inspect(|next| prefetch_range(next, 0, next.len()));
            slice.iter().for_each(|&words| counts[self.bucket(words, bits)] += 1);
        }
    }

    /// Hands over each record with its place, where the buckets begin at `starts`: these become their ends.
    pub(super) fn place(&self, starts: &mut [u32], mut put: impl FnMut(usize, R::Words)) {
        let bits = self.bucket_bits();
        for &words in self.slices.iter().copied().flatten() {
            let start = &mut starts[self.bucket(words, bits)];
            put(*start as usize, words);
            *start += 1;
        }
    }
}

fn spilled<R: Keyed>(
    (split, isa): (Split, Isa),
    stretches: usize,
    budget: Budget,
    fill: impl Fn(usize, &mut Sink<'_, '_, R>) + Sync,
) -> Result<Spill<R>> {
    Spill::of(stretches, split.round_bits, budget, |stretch, outbox| {
        fill(stretch, &mut Sink { isa, split, round: 0, to: To::File(outbox), chosen: Vec::new() });
    })
}

/// Takes the records of one stretch that belong to a round, or to any if they are written to a file.
pub(super) struct Sink<'l, 'f, R: Keyed> {
    isa: Isa,
    split: Split,
    round: usize,
    to: To<'l, 'f, R>,
    chosen: Vec<u32>,
}

enum To<'l, 'f, R: Keyed> {
    Lists(Writer<'l, R::Words>),
    File(&'l mut Outbox<'f, R>),
}

impl<R: Keyed> Sink<'_, '_, R> {
    /// Takes the records of the keys of these fingerprints that belong to this round:
    /// `record(i, rest)` makes the one at place `i`.
    #[inline]
    pub(super) fn take(&mut self, fingerprints: &[u64], record: impl Fn(usize, u64) -> R) {
        self.take_of(fingerprints, |_| (), |(), _, i, rest| record(i, rest));
    }

    /// The same, where `of` looks something up for all places that are taken, or for those given, and `record(&looked_up,
    /// nth, i, rest)` makes the record of the nth of these, at place `i`.
    #[inline]
    pub(super) fn take_of<T>(
        &mut self,
        fingerprints: &[u64],
        of: impl FnOnce(Option<&[u32]>) -> T,
        record: impl Fn(&T, usize, usize, u64) -> R,
    ) {
        let split = self.split;
        let lists = match &mut self.to {
            To::Lists(lists) if split.round_bits > 0 => lists,
            To::Lists(lists) => {
                let of = of(None);
                let record = |i: usize, &f: &u64| record(&of, i, i, split.rest(f)).pack();
                return lists.append(fingerprints, |&f| split.partition(f), record);
            }
            To::File(outbox) => {
                let of = of(None);
                return outbox.take(fingerprints, |i, rest| record(&of, i, i, rest));
            }
        };
        let mine = High { shift: u64::BITS - split.round_bits, value: self.round as u64 };
        let chosen = choose(self.isa, fingerprints, mine, &mut self.chosen);
        let of = of(Some(chosen));
        let list = |&i: &u32| split.partition(fingerprints[i as usize]);
        lists.append(chosen, list, |nth, &i| {
            let i = i as usize;
            record(&of, nth, i, split.rest(fingerprints[i])).pack()
        });
    }
}

/// The value of the highest `bits` bits.
#[inline]
pub(super) fn bucket(fingerprint: u64, bits: u32) -> usize {
    // Two shifts, since a shift by 64 is none.
    (fingerprint >> 1 >> (63 - bits)) as usize
}
