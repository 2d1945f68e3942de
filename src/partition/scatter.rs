//! Records, scattered piece by piece.

use rayon::prelude::*;

/// Rows in a piece: with records of 32 bytes half of a second-level cache.
pub(super) const PIECE: usize = 1 << 15;

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

/// The pieces, each sorted by partition.
pub(super) struct Scattered<R> {
    pub(super) bits: u32,
    pieces: Vec<Piece<R>>,
}

struct Piece<R> {
    records: Vec<R>,
    /// Where each partition ends.
    ends: Vec<u32>,
}

impl<R: Keyed> Scattered<R> {
    /// Scatters `rows` records, which `fill(piece, buffer)` writes for each of `pieces` pieces.
    pub(super) fn of(rows: usize, pieces: usize, fill: impl Fn(usize, &mut Vec<R>) + Sync) -> Self {
        let bits = rows.div_ceil(PARTITION_ROWS).next_power_of_two().trailing_zeros().min(14);
        let pieces = (0..pieces)
            .into_par_iter()
            .map_init(Vec::new, |buffer, piece| {
                buffer.clear();
                fill(piece, buffer);
                Piece::of(buffer, bits)
            })
            .collect();
        Scattered { bits, pieces }
    }

    /// Partitions.
    pub(super) fn len(&self) -> usize {
        1 << self.bits
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
    /// The records, stably sorted by the high `bits` of their fingerprints.
    fn of(records: &[R], bits: u32) -> Self {
        let mut ends = vec![0_u32; 1 << bits];
        records.iter().for_each(|r| ends[bucket(r.fingerprint(), bits)] += 1);
        let mut sum = 0;
        for end in &mut ends {
            // The start of each partition; the scatter moves it to the end.
            let count = *end;
            *end = sum;
            sum += count;
        }
        let mut sorted = vec![R::ZERO; records.len()];
        for record in records {
            let at = &mut ends[bucket(record.fingerprint(), bits)];
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
