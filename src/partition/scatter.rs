//! Records, scattered piece by piece.

use rayon::prelude::*;

/// Records in a piece: of 32 bytes each they are half of a second-level cache.
const PIECE: usize = 1 << 15;

/// Records wanted in a partition: they and their sorted copy fit the second-level cache.
const PARTITION_ROWS: usize = 1 << 13;

/// A row on its way to its key: `N` ticks are carried along.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<const N: usize> {
    /// The key's fingerprint.
    pub(crate) fingerprint: u64,
    /// What the judge asked for.
    pub(crate) ticks: [i64; N],
    /// The log row.
    pub(crate) row: u32,
    /// The region.
    pub(crate) region: u16,
}

/// What is grouped by key: a row with its key's fingerprint.
pub(crate) trait Keyed: Copy + Send + Sync {
    /// What memory holds before the first record is there.
    const ZERO: Self;

    /// The key's fingerprint.
    fn fingerprint(&self) -> u64;

    /// The log row.
    fn row(&self) -> u32;
}

impl<const N: usize> Keyed for Record<N> {
    const ZERO: Self = Record { fingerprint: 0, ticks: [0; N], row: 0, region: 0 };

    fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    fn row(&self) -> u32 {
        self.row
    }
}

/// How the records are split so that those held at a time fit the memory: round `r` takes the
/// fingerprints whose highest `bits` bits say `r`.
///
/// The keys are read once a round. That costs a scan of one column where temporary files would
/// cost a write and a read of every record, and leaves nothing behind whatever happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rounds {
    bits: u32,
}

/// Records held at a time without a budget: with more, slices of partitions become too short to
/// be read at the speed of memory.
const RECORDS_MAX: u64 = 1 << 25;

/// From that many records on only a quarter is held at a time: reading the keys four times costs
/// less than the memory is worth.
const RECORDS_LARGE: u64 = 1 << 22;

impl Rounds {
    /// The rounds for `rows` records of `width` bytes each.
    pub(super) fn of(rows: usize, width: usize, memory: Option<u64>) -> Self {
        let rows = rows as u64;
        // Records, and what their tables and the allocator take on top.
        let bytes = rows.saturating_mul(width as u64 + 2);
        let by_memory = memory.map_or(1, |memory| bytes.div_ceil(memory.max(1)));
        let by_size = if rows < RECORDS_LARGE { 1 } else { 4 };
        let rounds = rows.div_ceil(RECORDS_MAX).max(by_memory).max(by_size);
        Rounds { bits: rounds.next_power_of_two().trailing_zeros().min(16) }
    }

    /// The rounds.
    pub(super) fn each(self) -> std::ops::Range<usize> {
        0..1 << self.bits
    }

    /// The share of the keys that `round` takes.
    pub(super) fn share(self, round: usize) -> Share {
        Share { bits: self.bits, round }
    }

    /// Rows in a piece of which a round takes its share.
    pub(super) fn piece(self) -> usize {
        PIECE << self.bits
    }
}

/// The fingerprints that one round takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    bits: u32,
    round: usize,
}

impl Share {
    /// Whether it is all of them.
    pub(super) fn is_all(self) -> bool {
        self.bits == 0
    }

    /// Whether a record of that fingerprint is in it.
    pub(super) fn takes(self, fingerprint: u64) -> bool {
        bucket(fingerprint, self.bits) == self.round
    }
}

/// The records of one round: pieces, each sorted by partition.
pub(super) struct Scattered<R> {
    /// The bits of a fingerprint that are the same within a partition.
    pub(super) bits_used: u32,
    partitions: usize,
    pieces: Vec<Piece<R>>,
}

struct Piece<R> {
    records: Vec<R>,
    /// Where each partition ends.
    ends: Vec<u32>,
}

impl<R: Keyed> Scattered<R> {
    /// Scatters the records of a round, out of `rows` in all, which `fill(piece, buffer)` writes for
    /// each of `pieces` pieces.
    pub(super) fn of(
        rows: usize,
        rounds: Rounds,
        pieces: usize,
        fill: impl Fn(usize, &mut Vec<R>) + Sync,
    ) -> Self {
        let wanted = (rows >> rounds.bits).div_ceil(PARTITION_ROWS);
        let bits = wanted.next_power_of_two().trailing_zeros().min(14);
        let place = |record: &R| bucket(record.fingerprint() << rounds.bits, bits);
        let pieces = (0..pieces)
            .into_par_iter()
            .map_init(Vec::new, |buffer, piece| {
                buffer.clear();
                fill(piece, buffer);
                Piece::of(buffer, 1 << bits, place)
            })
            .collect();
        Scattered { bits_used: rounds.bits + bits, partitions: 1 << bits, pieces }
    }

    /// Partitions.
    pub(super) fn len(&self) -> usize {
        self.partitions
    }

    /// The slices that make up a partition, in row order.
    pub(super) fn slices(&self, partition: usize) -> impl Iterator<Item = &[R]> {
        self.pieces.iter().map(move |piece| {
            let start = if partition == 0 { 0 } else { piece.ends[partition - 1] as usize };
            &piece.records[start..piece.ends[partition] as usize]
        })
    }
}

impl<R: Keyed> Piece<R> {
    /// The records, stably sorted by their partitions.
    fn of(records: &[R], partitions: usize, place: impl Fn(&R) -> usize) -> Self {
        let mut ends = vec![0_u32; partitions];
        records.iter().for_each(|r| ends[place(r)] += 1);
        let mut sum = 0;
        for end in &mut ends {
            // The start of each partition; the scatter moves it to the end.
            let count = *end;
            *end = sum;
            sum += count;
        }
        let mut sorted = vec![R::ZERO; records.len()];
        for record in records {
            let at = &mut ends[place(record)];
            sorted[*at as usize] = *record;
            *at += 1;
        }
        Piece { records: sorted, ends }
    }
}

/// The value of the highest `bits` bits.
pub(super) fn bucket(fingerprint: u64, bits: u32) -> usize {
    // Two shifts, since a shift by 64 is none.
    (fingerprint >> 1 >> (63 - bits)) as usize
}
