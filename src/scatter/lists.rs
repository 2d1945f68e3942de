//! Lists in blocks.

use bytemuck::Pod;
use skewer_kernels::{prefetch_range, prefetch_read};

use super::arena::Arena;
use crate::memory::Spare;

/// Bytes that a block should have: some two dozen cache lines.
const BLOCK_BYTES: usize = 1536;

/// As many places as a core asks memory for at a time, and some.
const AHEAD: usize = 32;

/// Of so many lists the places where they go on do not fit the caches that are near.
const MANY: usize = 1 << 11;

/// Lists of records `W`, each appended to on its own.
#[derive(Debug)]
pub(crate) struct Lists<W> {
    arena: Arena<W>,
    /// Where the next record of each list goes.
    slots: Vec<u32>,
    blocks: Blocks,
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
        let arena = Arena::new(blocks * Self::BLOCK as usize, spare);
        let mut made = Lists { arena, slots: vec![0; lists], blocks: Blocks::default() };
        made.clear();
        made
    }

    /// Empties all lists, and keeps their memory.
    pub(crate) fn clear(&mut self) {
        // List `i` begins in block `i`.
        self.slots.iter_mut().enumerate().for_each(|(list, slot)| *slot = list as u32 * Self::BLOCK);
        self.blocks.clear(self.slots.len());
    }

    /// What appends to the lists, which have what it took once it is dropped.
    pub(crate) fn writer(&mut self) -> Writer<'_, W> {
        Writer { records: self.arena.records_mut(), slots: &mut self.slots, blocks: &mut self.blocks }
    }

    /// How many records a list has.
    pub(crate) fn len(&self, list: usize) -> usize {
        let Some((end, full)) = self.blocks.of(list).split_last() else { return 0 };
        full.len() * Self::BLOCK as usize + (self.slots[list] - end * Self::BLOCK) as usize
    }

    /// The records of a list, in the order in which they came.
    pub(crate) fn list(&self, list: usize) -> impl Iterator<Item = &[W]> {
        let (records, blocks) = (self.arena.records(), self.blocks.of(list));
        blocks.iter().enumerate().map(move |(at, &block)| {
            let start = block * Self::BLOCK;
            let Some(&next) = blocks.get(at + 1) else {
                return &records[start as usize..self.slots[list] as usize];
            };
            prefetch_range(records, (next * Self::BLOCK) as usize, Self::BLOCK as usize);
            &records[start as usize..(start + Self::BLOCK) as usize]
        })
    }
}

/// Which blocks are whose.
#[derive(Debug, Default)]
struct Blocks {
    /// The list of each block.
    owners: Vec<u32>,
    /// The blocks, list by list, and where those of each list end: if each told the next one, every one of them would
    /// be waited for.
    by_list: Vec<u32>,
    ends: Vec<u32>,
}

impl Blocks {
    /// A block for each list.
    fn clear(&mut self, lists: usize) {
        self.owners.clear();
        self.owners.extend(0..lists as u32);
        self.ends.clear();
        self.ends.resize(lists, 0);
        self.sort();
    }

    /// A fresh block for a list.
    #[inline(never)]
    fn add(&mut self, list: usize) -> u32 {
        self.owners.push(list as u32);
        self.owners.len() as u32 - 1
    }

    /// Brings the blocks of each list together.
    fn sort(&mut self) {
        self.ends.fill(0);
        self.owners.iter().for_each(|&owner| self.ends[owner as usize] += 1);
        let mut sum = 0;
        for end in &mut self.ends {
            sum += std::mem::replace(end, sum);
        }
        self.by_list.resize(self.owners.len(), 0);
        for (block, &owner) in (0..).zip(&self.owners) {
            let end = &mut self.ends[owner as usize];
            self.by_list[*end as usize] = block;
            *end += 1;
        }
    }

    /// Those of a list, as they were added.
    fn of(&self, list: usize) -> &[u32] {
        let start = list.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.by_list[start as usize..self.ends[list] as usize]
    }
}

/// Appends to lists.
pub(crate) struct Writer<'l, W> {
    records: &'l mut [W],
    slots: &'l mut [u32],
    blocks: &'l mut Blocks,
}

impl<W: Pod> Writer<'_, W> {
    /// Appends `record(i, &items[i])` to `list(&items[i])` for each item. Where lists are many, places of a few are asked for
    /// before the first of these is stored: stores wait for each other.
    ///
    /// # Panics
    /// As [`push`](Self::push).
    #[inline]
    pub(crate) fn append<T>(
        &mut self,
        items: &[T],
        list: impl Fn(&T) -> usize,
        record: impl Fn(usize, &T) -> W,
    ) {
        if self.slots.len() < MANY {
            return items.iter().enumerate().for_each(|(i, item)| self.push(list(item), record(i, item)));
        }
        for (chunk, few) in items.chunks(AHEAD).enumerate() {
            few.iter().for_each(|item| prefetch_read(self.records, self.slots[list(item)] as usize));
            for (i, item) in (chunk * AHEAD..).zip(few) {
                self.push(list(item), record(i, item));
            }
        }
    }

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
            *slot = self.blocks.add(list) * Lists::<W>::BLOCK;
        }
    }
}

impl<W> Drop for Writer<'_, W> {
    fn drop(&mut self) {
        self.blocks.sort();
    }
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
            drop(writer);
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
