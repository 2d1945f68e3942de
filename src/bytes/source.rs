//! A file's bytes as one Arrow buffer: mapped, or read.

use std::fs::{File, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use arrow::buffer::Buffer;
use bytes::Bytes;
use skewer_kernels::MappedFile;

use crate::error::{Error, Result};

/// The bytes of one file, and what the file looked like when they were taken.
#[derive(Debug)]
pub(crate) struct Source {
    path: PathBuf,
    bytes: Buffer,
    len: u64,
    modified: Option<SystemTime>,
}

impl Source {
    /// The bytes of the file at `path`: mapped read-only, or read into memory where `no_mmap`
    /// is set (for files that others may cut while they are judged).
    pub(crate) fn open(path: &Path, no_mmap: bool) -> Result<Self> {
        let file = File::open(path).map_err(|e| Error::io(path, e))?;
        let meta = file.metadata().map_err(|e| Error::io(path, e))?;
        let bytes = if no_mmap || !meta.is_file() {
            Buffer::from_vec(std::fs::read(path).map_err(|e| Error::io(path, e))?)
        } else {
            let map = MappedFile::map(&file).map_err(|e| Error::io(path, e))?;
            Buffer::from(Bytes::from_owner(map))
        };
        Ok(Source { path: path.to_owned(), bytes, len: meta.len(), modified: modified(&meta) })
    }

    /// All bytes of the file.
    pub(crate) fn bytes(&self) -> &Buffer {
        &self.bytes
    }

    /// Where they came from.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// An error if the file was changed since it was opened: what was read from the map may then
    /// be neither the old log nor the new one.
    pub(crate) fn check_unchanged(&self) -> Result<()> {
        let meta = std::fs::metadata(&self.path).map_err(|e| Error::io(&self.path, e))?;
        if meta.is_file() && (meta.len() != self.len || modified(&meta) != self.modified) {
            return Err(Error::malformed(
                &self.path,
                format!("the file changed while it was read (it had {} bytes, now {})", self.len, meta.len()),
            ));
        }
        Ok(())
    }
}

fn modified(meta: &Metadata) -> Option<SystemTime> {
    meta.modified().ok()
}
