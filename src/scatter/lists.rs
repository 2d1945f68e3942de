//! Lists in blocks.

use bytemuck::Pod;
use skewer_kernels::prefetch_range;

use super::arena::Arena;
use crate::memory::Spare;

/// Bytes that a block should have: some two dozen cache lines.
const BLOCK_BYTES: usize = 1536;

/// The last block of a list.
const NONE: u32 = u32::MAX;

/// Lists of records `W`, each appended to on its own.
#[derive(Debug)]
pub(crate) struct Lists<W> {
    arena: Arena<W>,
    /// Where the next record of each list goes.
    slots: Vec<u32>,
    /// The block after each block.
    next: Vec<u32>,
}

impl<W: Pod> Lists<W> {
    /// Records in a block: a power of two.
    const BLOCK: u32 = 1 << (BLOCK_BYTES / size_of::<W>()).ilog2();

    /// `lists` empty lists, with room for `records` records in all, in what is `spare` if that is enough.
    ///
    /// Cost: O(lists) now; memory as records come, and half a block a list on top.
    pub(crate) fn new(lists: usize, records: usize, spare: &Spare) -> Self {
        // A full block is followed by a fresh one at once.
        let blocks = lists + records.div_ceil(Self::BLOCK as usize) + 1;
        let mut made = Lists {
            arena: Arena::new(blocks * Self::BLOCK as usize, spare),
            slots: vec![0; lists],
            next: Vec::with_capacity(blocks),
        };
        made.clear();
        made
    }

    /// Empties all lists, and keeps their memory.
    pub(crate) fn clear(&mut self) {
        // List `i` begins in block `i`.
        self.slots.iter_mut().enumerate().for_each(|(list, slot)| *slot = list as u32 * Self::BLOCK);
        self.next.clear();
        self.next.resize(self.slots.len(), NONE);
    }

    /// What appends to the lists.
    pub(crate) fn writer(&mut self) -> Writer<'_, W> {
        Writer { records: self.arena.records_mut(), slots: &mut self.slots, next: &mut self.next }
    }

    /// How many records a list has.
    ///
    /// Cost: O(blocks of the list).
    pub(crate) fn len(&self, list: usize) -> usize {
        let blocks = std::iter::successors(Some(list as u32), |&at| {
            Some(self.next[at as usize]).filter(|&n| n != NONE)
        });
        let (blocks, end) = blocks.fold((0, 0), |(count, _), at| (count + 1, at));
        ((blocks - 1) * Self::BLOCK + (self.slots[list] - end * Self::BLOCK)) as usize
    }

    /// The records of a list, in the order in which they came.
    pub(crate) fn list(&self, list: usize) -> impl Iterator<Item = &[W]> {
        let records = self.arena.records();
        let mut block = Some(list as u32);
        std::iter::from_fn(move || {
            let at = block?;
            let start = at * Self::BLOCK;
            block = Some(self.next[at as usize]).filter(|&next| next != NONE);
            let end = if block.is_some() { start + Self::BLOCK } else { self.slots[list] };
            if let Some(next) = block {
                prefetch_range(records, (next * Self::BLOCK) as usize, Self::BLOCK as usize);
            }
            Some(&records[start as usize..end as usize])
        })
    }
}

/// Appends to lists.
pub(crate) struct Writer<'l, W> {
    records: &'l mut [W],
    slots: &'l mut [u32],
    next: &'l mut Vec<u32>,
}

impl<W: Pod> Writer<'_, W> {
    /// Appends `record` to `list`.
    ///
    /// # Panics
    /// If there is no such list, or more records come than were announced.
    #[inline]
    pub(crate) fn push(&mut self, list: usize, record: W) {
        let slot = &mut self.slots[list];
        self.records[*slot as usize] = record;
        *slot += 1;
        if slot.is_multiple_of(Lists::<W>::BLOCK) {
            *slot = extend(self.next, *slot / Lists::<W>::BLOCK - 1) * Lists::<W>::BLOCK;
        }
    }
}

/// A fresh block after `full`.
#[inline(never)]
fn extend(next: &mut Vec<u32>, full: u32) -> u32 {
    let fresh = next.len() as u32;
    next.push(NONE);
    next[full as usize] = fresh;
    fresh
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: each list gives back what was appended to it, in that order, also after it was
    /// emptied and filled again.
    #[test]
    fn lists_keep_their_order() {
        let (lists, records) = (37, 20_000_u64);
        let mut made: Lists<[u64; 3]> = Lists::new(lists, records as usize, &Spare::default());
        for round in 0..2 {
            made.clear();
            let mut writer = made.writer();
            for i in 0..records {
                // Some lists are long, the last ones stay empty.
                writer.push((i * i % 31) as usize, [i, round, !i]);
            }
            let mut seen = 0;
            for list in 0..lists {
                let all: Vec<[u64; 3]> = made.list(list).flatten().copied().collect();
                assert!(
                    all.is_sorted() && all.iter().all(|r| r[0] * r[0] % 31 == list as u64 && r[1] == round)
                );
                assert_eq!(made.len(list), all.len());
                seen += all.len() as u64;
            }
            assert_eq!(seen, records);
        }
    }
}
