//! Room for bytes in chunks of one size, which never move: growing copies nothing, and nobody waits for it.
//!
//! Chunks lie side by side in slabs: a small one, then large ones that lie in huge pages, if the system has these. Keys are
//! read where nobody has been for long, and in small pages each such look is two, one of them for the address.

use skewer_kernels::advise_huge;

pub(super) const CHUNK: usize = 32 << 10;
/// Chunks of the first slab, and of each other one.
const FIRST: usize = 8;
const OTHERS: usize = 512;

/// Chunks by number. A slab's memory is asked for at once, and taken from the system as chunks of it are first used.
#[derive(Debug, Default)]
pub(super) struct Slabs {
    slabs: Vec<Vec<u8>>,
}

/// The slab of a chunk, and where it begins there.
#[inline]
fn locate(chunk: usize) -> (usize, usize) {
    match chunk.checked_sub(FIRST) {
        None => (0, chunk * CHUNK),
        Some(behind) => (1 + behind / OTHERS, behind % OTHERS * CHUNK),
    }
}

impl Slabs {
    /// The bytes of a chunk.
    #[inline]
    pub(super) fn chunk(&self, chunk: usize) -> &[u8] {
        let (slab, at) = locate(chunk);
        &self.slabs[slab][at..at + CHUNK]
    }

    /// The bytes of a chunk, to be changed.
    #[inline]
    pub(super) fn chunk_mut(&mut self, chunk: usize) -> &mut [u8] {
        let (slab, at) = locate(chunk);
        &mut self.slabs[slab][at..at + CHUNK]
    }

    /// How many chunks there are.
    pub(super) fn len(&self) -> usize {
        self.slabs.iter().map(|slab| slab.len() / CHUNK).sum()
    }

    /// Adds a chunk of zeros behind the last, and returns its number.
    #[cold]
    pub(super) fn add(&mut self) -> usize {
        let chunk = self.len();
        let (slab, at) = locate(chunk);
        if slab == self.slabs.len() {
            let mut bytes = Vec::with_capacity(CHUNK * if slab == 0 { FIRST } else { OTHERS });
            advise_huge(bytes.spare_capacity_mut());
            self.slabs.push(bytes);
        }
        self.slabs[slab].resize(at + CHUNK, 0);
        chunk
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: chunks stay where they are and what they are, however many are added.
    #[test]
    fn chunks_stay() {
        let mut slabs = Slabs::default();
        let mut addresses = Vec::new();
        for number in 0..600 {
            assert_eq!(slabs.add(), number);
            slabs.chunk_mut(number).fill(number as u8);
            addresses.push(slabs.chunk(number).as_ptr().addr());
        }
        assert_eq!(slabs.len(), addresses.len());
        for (number, address) in addresses.into_iter().enumerate() {
            assert_eq!(slabs.chunk(number).as_ptr().addr(), address);
            assert!(slabs.chunk(number).iter().all(|byte| *byte == number as u8));
        }
    }
}
