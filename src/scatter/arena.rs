//! Memory that is zero until it is written, in huge pages where the system gives them.

use bytemuck::Pod;
use memmap2::{Advice, MmapMut, MmapOptions};

/// Less than that is taken from the allocator: a map of its own would cost more than it saves.
const MAPPED_MIN: usize = 1 << 20;

/// Bytes of a huge page on x86-64, and on ARM with small pages of 4 KiB.
const HUGE_PAGE: usize = 2 << 20;

/// A fixed number of records. What is never touched takes no memory.
#[derive(Debug)]
pub(super) struct Arena<W> {
    memory: Memory<W>,
    bytes: usize,
}

#[derive(Debug)]
enum Memory<W> {
    Mapped(MmapMut),
    Plain(Vec<W>),
}

impl<W: Pod> Arena<W> {
    /// Room for `records` records, all zero.
    pub(super) fn new(records: usize) -> Self {
        let bytes = records * size_of::<W>();
        let memory = match Self::mapped(bytes) {
            Some(map) => Memory::Mapped(map),
            None => Memory::Plain(vec![W::zeroed(); records]),
        };
        Arena { memory, bytes }
    }

    fn mapped(bytes: usize) -> Option<MmapMut> {
        // A map's address is a multiple of a page, and so of any record's alignment. Whole huge pages
        // are laid where no small ones are needed at the ends.
        let bytes = (bytes >= MAPPED_MIN).then(|| bytes.next_multiple_of(HUGE_PAGE))?;
        let map = MmapOptions::new().len(bytes).no_reserve_swap().map_anon().ok()?;
        // Without huge pages it is slower and nothing else.
        #[cfg(target_os = "linux")]
        let _ = map.advise(Advice::HugePage);
        Some(map)
    }

    /// All records.
    pub(super) fn records(&self) -> &[W] {
        match &self.memory {
            Memory::Mapped(map) => bytemuck::cast_slice(&map[..self.bytes]),
            Memory::Plain(records) => records,
        }
    }

    /// All records.
    pub(super) fn records_mut(&mut self) -> &mut [W] {
        match &mut self.memory {
            Memory::Mapped(map) => bytemuck::cast_slice_mut(&mut map[..self.bytes]),
            Memory::Plain(records) => records,
        }
    }
}
