//! The few writes that live far longer than the others.

use std::collections::BTreeMap;

use super::plan::Block;
use super::stream::Stream;

/// At most that many writes are kept aside.
const LONG_MAX: usize = 2_048;

/// A width must exceed that multiple of the usual one to be worth keeping aside.
const FACTOR: u64 = 8;

/// Bits of the filter of keys: large enough that a few thousand keys rarely strike by chance,
/// small enough for the first-level cache.
const FILTER_BITS: u32 = 17;

/// Writes kept aside, and the width of all others.
#[derive(Debug, Default)]
pub(super) struct Long {
    /// Positions (segment, row) by fingerprint.
    by_key: BTreeMap<u64, Vec<(u32, u32)>>,
    /// One bit for each fingerprint's highest bits.
    filter: Vec<u64>,
    /// Spans up to that width are in the window; all others are here.
    pub(super) rest_width: u64,
}

impl Long {
    /// Nothing kept aside, where the widest lifetime is that wide.
    pub(super) fn none(rest_width: u64) -> Self {
        Long { rest_width, ..Long::default() }
    }

    /// Whether nothing was kept aside.
    pub(super) fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// The writes kept aside whose key has that fingerprint.
    pub(super) fn of_key(&self, fingerprint: u64) -> &[(u32, u32)] {
        let slot = fingerprint >> (64 - FILTER_BITS);
        if self.filter[(slot / 64) as usize] & (1 << (slot % 64)) == 0 {
            return &[];
        }
        self.by_key.get(&fingerprint).map_or(&[], Vec::as_slice)
    }

    /// The lists of writes of one fingerprint each.
    pub(super) fn lists(&self) -> impl Iterator<Item = &[(u32, u32)]> {
        self.by_key.values().map(Vec::as_slice)
    }
}

/// The writes to keep aside.
pub(super) fn aside(stream: Stream<'_>, blocks: &[Block]) -> Long {
    let mut widths: Vec<u64> = blocks.iter().map(|b| b.extent.max_width).collect();
    let widest = widths.iter().copied().max().unwrap_or(0);
    let all = Long::none(widest);
    if widths.is_empty() {
        return all;
    }
    // Where a tenth of the blocks holds a long write, the median still does not.
    let middle = widths.len() / 2;
    let usual = *widths.select_nth_unstable(middle).1;
    let cut = usual.saturating_mul(FACTOR);
    if widest <= cut {
        return all;
    }
    let mut long = Long { filter: vec![0; 1 << (FILTER_BITS - 6)], rest_width: cut, ..Long::default() };
    let mut count = 0;
    for block in blocks.iter().filter(|b| b.extent.max_width > cut) {
        let (begins, ends) = stream.spans(block.segment);
        for at in block.first..block.first + block.len {
            if is_long(begins[at as usize], ends[at as usize], cut) {
                count += 1;
                let mut fingerprint = [0];
                stream.fingerprints((block.segment, at), &mut fingerprint);
                let [fingerprint] = fingerprint;
                let slot = fingerprint >> (64 - FILTER_BITS);
                long.filter[(slot / 64) as usize] |= 1 << (slot % 64);
                long.by_key.entry(fingerprint).or_default().push((block.segment, at));
            }
        }
        if count > LONG_MAX {
            return all;
        }
    }
    long
}

/// Whether a span is wider than `width`.
pub(super) fn is_long(begin: i64, end: i64, width: u64) -> bool {
    end > begin && end.abs_diff(begin) > width
}
