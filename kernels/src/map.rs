//! A file's bytes in place of a copy of them.

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// The bytes of a file, mapped read-only. An empty file is an empty slice.
///
/// The operating system, not this type, decides what the bytes are: see [`map`](Self::map).
#[derive(Debug)]
pub struct MappedFile {
    /// `None` for an empty file: there is nothing to map, and some systems refuse to.
    map: Option<Mmap>,
}

impl MappedFile {
    /// The bytes that `file` has now. The map outlives `file`.
    ///
    /// Whoever opens a log promises that nobody writes to it, or cuts it, while it is mapped. No
    /// system lets a reader enforce that. If the promise is broken, bytes may change under checks
    /// that were already made, and reading beyond a file that was cut ends the process (SIGBUS).
    /// Callers that cannot promise it read the file into memory instead; callers that can should
    /// still compare the file's length and time of modification before they believe what they
    /// computed.
    ///
    /// # Errors
    /// Those of the system: `file` is not a regular file, was not opened for reading, or exceeds
    /// the address space.
    pub fn map(file: &File) -> io::Result<Self> {
        if file.metadata()?.len() == 0 {
            return Ok(MappedFile { map: None });
        }
        // SAFETY: the map is read-only, so nothing in this process changes the bytes through it,
        // and any bytes are a valid `[u8]`. That no one else changes or cuts the file is the
        // promise in the docs above: this crate cannot check it beforehand, only notice later.
        let map = unsafe { Mmap::map(file) }?;
        Ok(MappedFile { map: Some(map) })
    }

    /// The number of bytes mapped: the file's length at the time.
    pub fn len(&self) -> usize {
        self.as_ref().len()
    }

    /// Whether the file was empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl MappedFile {
    /// Asks the system to read the file ahead, and into huge pages where it has these: for whoever will read all of it, from its
    /// beginning to its end. Changes no content.
    ///
    /// Does nothing where the system has no such call or declines, and for a file that would take more than a quarter of
    /// the machine's memory: what is read of it first may be gone when it is wanted.
    pub fn read_ahead(&self) {
        #[cfg(target_os = "linux")]
        if let Some(map) = &self.map
            && map.len() as u64 <= physical_memory() / 4
        {
            // Huge pages first: they are what is read into.
            let _ = map.advise(memmap2::Advice::HugePage);
            let _ = map.advise(memmap2::Advice::WillNeed);
        }
    }

    /// Gives the pages that hold `range` back to the system, which fetches them again if they are read again:
    /// bytes stay what they are. Threads may do so side by side, where unmapping is the work of one.
    ///
    /// Does nothing where the system has no such call or declines, and for what is outside of the map.
    pub fn release(&self, range: std::ops::Range<usize>) {
        let Some(map) = &self.map else { return };
        let range = range.start.min(map.len())..range.end.min(map.len());
        if range.is_empty() {
            return;
        }
        #[cfg(unix)]
        {
            // SAFETY: the map is of a file and read-only, so that no page of it holds anything that the
            // file does not: a page read again is the same bytes.
            let _ = unsafe {
                map.unchecked_advise_range(memmap2::UncheckedAdvice::DontNeed, range.start, range.len())
            };
        }
    }
}

/// Bytes of the machine's memory; 0 where the system does not tell.
#[cfg(target_os = "linux")]
fn physical_memory() -> u64 {
    // SAFETY: takes a number and returns one.
    let told = |name| u64::try_from(unsafe { libc::sysconf(name) }).unwrap_or(0);
    told(libc::_SC_PHYS_PAGES).saturating_mul(told(libc::_SC_PAGESIZE))
}

impl AsRef<[u8]> for MappedFile {
    fn as_ref(&self) -> &[u8] {
        self.map.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// The map of a file of so many bytes, and these.
    fn map_of(count: u32) -> (MappedFile, Vec<u8>) {
        let mut file = tempfile::tempfile().unwrap();
        let bytes: Vec<u8> = (0..count).map(|i| (i % 251) as u8).collect();
        file.write_all(&bytes).unwrap();
        (MappedFile::map(&file).unwrap(), bytes)
    }

    /// Promise: a map shows the bytes that the file had, whatever is added later.
    #[test]
    fn shows_bytes() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"eu then us").unwrap();
        let map = MappedFile::map(&file).unwrap();
        assert_eq!(map.as_ref(), b"eu then us");
        file.write_all(b"!").unwrap();
        assert_eq!(map.len(), 10);
    }

    /// Promise: bytes are the same after their pages were given back, whatever the range.
    #[test]
    fn released_pages_come_back() {
        let (map, bytes) = map_of(100_000);
        for range in [0..1, 5_000..9_000, 0..100_000, 99_999..500_000, 700_000..800_000, 9..9] {
            map.release(range);
            assert_eq!(map.as_ref(), bytes);
        }
    }

    /// Promise: reading ahead changes no byte.
    #[test]
    fn reading_ahead_changes_nothing() {
        let (map, bytes) = map_of(5_000_000);
        map.read_ahead();
        assert_eq!(map.as_ref(), bytes);
        MappedFile::map(&tempfile::tempfile().unwrap()).unwrap().read_ahead();
    }

    /// Promise: an empty file is an empty slice, not an error.
    #[test]
    fn empty_file() {
        let file = tempfile::tempfile().unwrap();
        let map = MappedFile::map(&file).unwrap();
        assert!(map.is_empty());
    }
}
