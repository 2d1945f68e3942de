//! Files without a name.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::buffer::Buffer;
use bytes::Bytes;
use skewer_kernels::MappedFile;

use crate::error::{Error, Result};

/// A file in the folder for temporary files that has no name there. Any thread may append to it.
#[derive(Debug)]
pub(crate) struct Temporary {
    file: File,
    folder: PathBuf,
    end: AtomicU64,
}

impl Temporary {
    /// An empty file.
    ///
    /// # Errors
    /// If the folder is not there or takes no files.
    pub(crate) fn create() -> Result<Self> {
        let folder = std::env::temp_dir();
        match tempfile::tempfile_in(&folder) {
            Ok(file) => Ok(Temporary { file, folder, end: AtomicU64::new(0) }),
            Err(source) => Err(Error::Temporary { folder, source: plain(source) }),
        }
    }

    fn told(&self, source: io::Error) -> Error {
        Error::Temporary { folder: self.folder.clone(), source }
    }

    /// Appends `bytes` and returns where they stand.
    ///
    /// # Errors
    /// What the system said: mostly that the disk is full.
    pub(crate) fn append(&self, bytes: &[u8]) -> Result<u64> {
        let at = self.end.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        positioned::write(&self.file, bytes, at).map_err(|e| self.told(e))?;
        Ok(at)
    }

    /// Fills `bytes` from what stands at `at`.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn read(&self, at: u64, bytes: &mut [u8]) -> Result<()> {
        positioned::read(&self.file, bytes, at).map_err(|e| self.told(e))
    }

    /// All that was appended, in place.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn map(self) -> Result<Buffer> {
        let map = MappedFile::map(&self.file).map_err(|e| self.told(e))?;
        Ok(Buffer::from(Bytes::from_owner(map)))
    }
}

/// What the system said, without the path that was tried: the error tells the folder.
fn plain(error: io::Error) -> io::Error {
    let system = error.get_ref().and_then(|inner| inner.source()).and_then(|s| s.downcast_ref::<io::Error>());
    system.and_then(io::Error::raw_os_error).map_or(error, io::Error::from_raw_os_error)
}

/// Reading and writing at a place, which systems call differently.
#[cfg(unix)]
mod positioned {
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::FileExt;

    pub(super) fn write(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
        file.write_all_at(bytes, at)
    }

    pub(super) fn read(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
        file.read_exact_at(bytes, at)
    }
}

#[cfg(windows)]
mod positioned {
    use std::fs::File;
    use std::io;
    use std::os::windows::fs::FileExt;

    pub(super) fn write(file: &File, mut bytes: &[u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = file.seek_write(bytes, at)?;
            if written == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            bytes = &bytes[written..];
            at += written as u64;
        }
        Ok(())
    }

    pub(super) fn read(file: &File, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            let read = file.seek_read(bytes, at)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            bytes = &mut bytes[read..];
            at += read as u64;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: what any thread appended is read back from where it stands.
    #[test]
    fn runs_come_back() {
        let file = Temporary::create().unwrap();
        let places: Vec<(u8, u64)> = std::thread::scope(|scope| {
            let file = &file;
            let append = |mark: u8| scope.spawn(move || (mark, file.append(&[mark; 1000]).unwrap()));
            let threads: Vec<_> = (0..20).map(append).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        for (mark, at) in places {
            let mut read = [0; 1000];
            file.read(at, &mut read).unwrap();
            assert_eq!(read, [mark; 1000]);
        }
        assert!(file.read(19_500, &mut [0; 1000]).is_err(), "beyond the end");
        assert_eq!(file.map().unwrap().len(), 20_000);
    }
}
