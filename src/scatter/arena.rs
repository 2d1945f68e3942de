//! Memory for records, in huge pages where the system gives them.

use bytemuck::Pod;
use memmap2::MmapMut;

use crate::memory::Spare;

/// Less than that is taken from the allocator: a map of its own would cost more than it saves.
const MAPPED_MIN: usize = 1 << 19;

/// A fixed number of records, which hold anything until they are written. What is never touched takes no memory.
#[derive(Debug)]
pub(crate) struct Arena<W> {
    memory: Memory<W>,
    bytes: usize,
    spare: Spare,
}

#[derive(Debug)]
enum Memory<W> {
    Mapped(MmapMut),
    Plain(Vec<W>),
}

impl<W: Pod> Arena<W> {
    /// Room for `records` records, of what is `spare` if that is enough.
    pub(crate) fn new(records: usize, spare: &Spare) -> Self {
        let bytes = records * size_of::<W>();
        // A map's address is a multiple of a page, and so of any record's alignment.
        let memory = match (bytes >= MAPPED_MIN).then(|| spare.take(bytes)).flatten() {
            Some(map) => Memory::Mapped(map),
            None => Memory::Plain(vec![W::zeroed(); records]),
        };
        Arena { memory, bytes, spare: spare.clone() }
    }

    /// All records.
    pub(crate) fn records(&self) -> &[W] {
        match &self.memory {
            Memory::Mapped(map) => bytemuck::cast_slice(&map[..self.bytes]),
            Memory::Plain(records) => records,
        }
    }

    /// All records.
    pub(crate) fn records_mut(&mut self) -> &mut [W] {
        match &mut self.memory {
            Memory::Mapped(map) => bytemuck::cast_slice_mut(&mut map[..self.bytes]),
            Memory::Plain(records) => records,
        }
    }
}

impl<W> Drop for Arena<W> {
    fn drop(&mut self) {
        if let Memory::Mapped(map) = std::mem::replace(&mut self.memory, Memory::Plain(Vec::new())) {
            self.spare.keep(map);
        }
    }
}
