//! Memory that another process writes while this one reads.

use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering, fence};

use memmap2::{MmapOptions, MmapRaw};

/// Words of 64 bits that another process may change at any time, mapped read-only.
///
/// There is no slice of them: each read is an atomic load, so that what is read was at some time
/// written, and the compiler reads neither twice nor never. Words read one after another belong
/// together only if a protocol says so (a generation that is the same before and after).
#[derive(Debug)]
pub struct SharedMemory {
    map: MmapRaw,
    words: usize,
}

impl SharedMemory {
    /// The first `words` words of `file`. The map outlives `file`.
    ///
    /// If the file is cut short later, the next read of what was cut off ends the process
    /// (SIGBUS): nothing that this process can do beforehand prevents it. Readers that cannot
    /// take that from the writer read the file instead of mapping it.
    ///
    /// # Errors
    /// `UnexpectedEof` if a regular file is shorter; else those of the system.
    pub fn map(file: &File, words: usize) -> io::Result<Self> {
        let bytes = words.saturating_mul(size_of::<u64>());
        let found = file.metadata()?;
        if found.is_file() && found.len() < bytes as u64 {
            let reason = format!("{} bytes, fewer than {bytes}", found.len());
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason));
        }
        let map = MmapOptions::new().len(bytes).map_raw_read_only(file)?;
        Ok(SharedMemory { map, words })
    }

    /// The number of words mapped.
    pub fn len(&self) -> usize {
        self.words
    }

    /// Whether no word is mapped.
    pub fn is_empty(&self) -> bool {
        self.words == 0
    }

    /// The word at index `at`. Reads of other words that follow in the program happen after it.
    ///
    /// # Panics
    /// If `at` is not less than [`len`](Self::len).
    #[inline]
    pub fn word(&self, at: usize) -> u64 {
        self.atomic(at).load(Ordering::Acquire)
    }

    /// Copies the words from index `from` on into `out`. They happen before reads that follow in
    /// the program; among each other they are in no order.
    ///
    /// # Panics
    /// If `from + out.len()` exceeds [`len`](Self::len).
    #[inline]
    pub fn copy(&self, from: usize, out: &mut [u64]) {
        for (at, word) in out.iter_mut().enumerate() {
            *word = self.atomic(from + at).load(Ordering::Relaxed);
        }
        fence(Ordering::Acquire);
    }

    #[inline]
    fn atomic(&self, at: usize) -> &AtomicU64 {
        assert!(at < self.words, "word {at} of {}", self.words);
        // A mapping starts at a page: its words are aligned.
        #[allow(clippy::cast_ptr_alignment)]
        let first = self.map.as_ptr().cast::<AtomicU64>();
        // SAFETY: `at` is less than the number of words that `map` asked the system for, so the
        // sum stays within the mapping.
        let word = unsafe { first.add(at) };
        // SAFETY: the mapping lives as long as `self`, starts at a page (so words are aligned), is
        // readable, and is accessed through atomics alone; atomic loads of 64 bits do not write.
        // Other processes may write: that is what atomics are for.
        unsafe { &*word }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;

    /// Promise: a map shows what others write after it was made.
    #[test]
    fn shows_later_writes() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[1; 24]).unwrap();
        let memory = SharedMemory::map(&file, 3).unwrap();
        assert_eq!((memory.len(), memory.word(1)), (3, 0x0101_0101_0101_0101));
        file.seek(std::io::SeekFrom::Start(8)).unwrap();
        file.write_all(&[2; 8]).unwrap();
        let mut words = [0; 2];
        memory.copy(1, &mut words);
        assert_eq!(words, [0x0202_0202_0202_0202, 0x0101_0101_0101_0101]);
    }

    /// Promise: a file that is too short is refused, not mapped.
    #[test]
    fn refuses_short_files() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[0; 23]).unwrap();
        assert_eq!(SharedMemory::map(&file, 3).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    /// Promise: a read beyond the end is refused.
    #[test]
    #[should_panic(expected = "word 3 of 3")]
    fn refuses_words_beyond() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[0; 24]).unwrap();
        SharedMemory::map(&file, 3).unwrap().word(3);
    }
}
