//! What a write carries to its key.

use std::array::from_fn;

use skewer_kernels::Isa;

use super::scatter::Keyed;
use crate::history::Writes;

/// What every record of a write begins with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Label {
    /// What the split left of its key's fingerprint.
    pub(crate) rest: u64,
    /// Its region.
    pub(crate) region: u16,
    /// Its log row.
    pub(crate) row: u32,
}

/// A write with its commit bound.
pub(crate) trait Written: Keyed {
    /// `C.earliest`.
    fn earliest(&self) -> i64;

    /// `C.latest`.
    fn latest(&self) -> i64;

    /// The region.
    fn region(&self) -> u16;

    /// The log row.
    fn row(&self) -> u32;
}

/// A write and the ticks that its judge asked for: `W - 2` of them, the ends of its commit bound
/// first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record<const W: usize>([u64; W]);

impl<const W: usize> Record<W> {
    /// Words before the ticks.
    const HEAD: usize = 2;

    /// The record of a write.
    #[inline]
    pub(crate) fn new(label: Label, ticks: &[i64]) -> Self {
        Record(from_fn(|at| match at {
            0 => label.rest,
            1 => u64::from(label.row) << 16 | u64::from(label.region),
            _ => ticks[at - Self::HEAD].cast_unsigned(),
        }))
    }

    /// The region.
    pub(crate) fn region_code(&self) -> u16 {
        self.0[1] as u16
    }

    /// The tick at `at`.
    pub(crate) fn tick(&self, at: usize) -> i64 {
        self.0[Self::HEAD + at].cast_signed()
    }
}

impl<const W: usize> Keyed for Record<W> {
    type Words = [u64; W];

    const ZERO: Self = Record([0; W]);

    fn pack(self) -> [u64; W] {
        self.0
    }

    fn unpack(words: [u64; W]) -> Self {
        Record(words)
    }

    fn fingerprint(&self) -> u64 {
        self.0[0]
    }

    fn key_row(&self) -> Option<u32> {
        Some((self.0[1] >> 16) as u32)
    }
}

impl<const W: usize> Written for Record<W> {
    fn earliest(&self) -> i64 {
        self.tick(0)
    }

    fn latest(&self) -> i64 {
        self.tick(1)
    }

    fn region(&self) -> u16 {
        self.region_code()
    }

    fn row(&self) -> u32 {
        (self.0[1] >> 16) as u32
    }
}

/// A write with its commit bound, in as few bytes as can be: where no bound is wider than 32 bits
/// and the bits that the split cut off have room for the region. Memory is what a scatter waits
/// for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeanRecord([u64; 3]);

impl LeanRecord {
    /// Regions are told apart by that many bits.
    const REGION_BITS: u32 = 4;

    const REGION: u64 = (1 << Self::REGION_BITS) - 1;

    /// How many bits a split must cut off for these writes to fit; `None` if they do not.
    pub(crate) fn least_bits(writes: &Writes<'_>, isa: Isa) -> Option<u32> {
        let regions = writes.log.regions().len() <= 1 << Self::REGION_BITS;
        (regions && u32::try_from(writes.extent(isa).max_width).is_ok()).then_some(Self::REGION_BITS)
    }

    /// The record of a write whose label's `rest` has room for it: see [`least_bits`](Self::least_bits).
    #[inline]
    pub(crate) fn new(label: Label, earliest: i64, latest: i64) -> Self {
        let width = latest.wrapping_sub(earliest).cast_unsigned();
        LeanRecord([
            label.rest | u64::from(label.region),
            earliest.cast_unsigned(),
            width << 32 | u64::from(label.row),
        ])
    }
}

impl Keyed for LeanRecord {
    type Words = [u64; 3];

    const ZERO: Self = LeanRecord([0; 3]);

    fn pack(self) -> [u64; 3] {
        self.0
    }

    fn unpack(words: [u64; 3]) -> Self {
        LeanRecord(words)
    }

    fn fingerprint(&self) -> u64 {
        self.0[0] & !Self::REGION
    }

    fn key_row(&self) -> Option<u32> {
        Some(self.0[2] as u32)
    }
}

impl Written for LeanRecord {
    fn earliest(&self) -> i64 {
        self.0[1].cast_signed()
    }

    fn latest(&self) -> i64 {
        self.earliest().wrapping_add((self.0[2] >> 32).cast_signed())
    }

    fn region(&self) -> u16 {
        (self.0[0] & Self::REGION) as u16
    }

    fn row(&self) -> u32 {
        self.0[2] as u32
    }
}
