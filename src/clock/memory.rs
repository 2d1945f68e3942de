//! The two ways to a segment's words.

use std::fs::File;
use std::io;

use skewer_kernels::SharedMemory;

use super::seqlock::Memory;

/// How a segment is read.
///
/// Both are as consistent. A map costs a few nanoseconds a reading, and one danger: ClockBound
/// makes a segment that it cannot use anew by cutting it to nothing and writing it again, and a
/// process that reads a map in between gets a SIGBUS, which ends it. (ClockBound's own client
/// maps, and shares the danger.) Reading the file costs three system calls a reading, about half a
/// microsecond, and nothing can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Access {
    /// Through a memory map: for the commit path.
    #[default]
    Map,
    /// Through reads of the file: for programs that look now and then.
    Read,
}

/// A segment, opened.
#[derive(Debug)]
pub(super) enum Words {
    Map(SharedMemory),
    Read(File),
}

impl Words {
    /// The first `words` words of `file`.
    pub(super) fn open(file: File, words: usize, access: Access) -> io::Result<Self> {
        match access {
            Access::Map => Ok(Words::Map(SharedMemory::map(&file, words)?)),
            Access::Read => Ok(Words::Read(file)),
        }
    }
}

impl Memory for Words {
    #[inline]
    fn copy(&self, from: usize, out: &mut [u64]) -> io::Result<()> {
        match self {
            Words::Map(memory) => {
                memory.copy(from, out);
                Ok(())
            }
            Words::Read(file) => read_words(file, from, out),
        }
    }
}

/// Reads words at their place in the file.
pub(super) fn read_words(file: &File, from: usize, out: &mut [u64]) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_exact_at(file, bytemuck::cast_slice_mut(out), from as u64 * 8);
    #[cfg(not(unix))]
    {
        _ = (file, from, out);
        Err(io::ErrorKind::Unsupported.into())
    }
}
