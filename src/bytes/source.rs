//! A file's bytes as one Arrow buffer: mapped, or read.

use std::fs::{File, Metadata};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use arrow::buffer::Buffer;
use bytes::Bytes;
use rayon::prelude::*;
use skewer_kernels::MappedFile;

use crate::error::{Error, Result};

/// The bytes of one file, and what the file looked like when they were taken.
#[derive(Debug)]
pub(crate) struct Source {
    bytes: Buffer,
    path: PathBuf,
    looks: Option<Looks>,
    map: Option<Map>,
}

/// A mapped file, of which columns are slices.
#[derive(Debug, Clone)]
pub(crate) struct Map(Arc<MappedFile>);

impl Map {
    /// Bytes that a thread gives back at a time.
    const PIECE: usize = 16 << 20;

    /// Gives the pages back to the system, on all threads; read again they come back.
    pub(crate) fn release(&self) {
        let pieces: Vec<usize> = (0..self.0.len()).step_by(Self::PIECE).collect();
        pieces.into_par_iter().for_each(|start| self.0.release(start..start + Self::PIECE));
    }
}

impl AsRef<[u8]> for Map {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

/// What a file looked like when it was opened; pipes and bytes in memory look like nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Looks {
    path: PathBuf,
    len: u64,
    modified: Option<SystemTime>,
}

impl Source {
    /// The bytes of the file at `path`: mapped read-only, or read into memory where `no_mmap`
    /// is set (for files that others may cut while they are judged). A pipe is read to its end.
    pub(crate) fn open(path: &Path, no_mmap: bool) -> Result<Self> {
        let mut file = File::open(path).map_err(|e| Error::io(path, e))?;
        let meta = file.metadata().map_err(|e| Error::io(path, e))?;
        if is_device(&meta) {
            return Err(Error::malformed(path, "this is a device, not a file"));
        }
        let (bytes, map) = if no_mmap || !meta.is_file() {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes).map_err(|e| Error::io(path, e))?;
            (Buffer::from_vec(bytes), None)
        } else {
            let map = MappedFile::map(&file).map_err(|e| Error::io(path, e))?;
            map.read_ahead();
            let map = Map(Arc::new(map));
            (Buffer::from(Bytes::from_owner(map.clone())), Some(map))
        };
        let looks = meta.is_file().then(|| Looks::of(path, &meta));
        Ok(Source { bytes, path: path.to_owned(), looks, map })
    }

    /// Bytes that are in memory already; errors call them `path`.
    pub(crate) fn of_bytes(path: &Path, bytes: Vec<u8>) -> Self {
        Source { bytes: Buffer::from_vec(bytes), path: path.to_owned(), looks: None, map: None }
    }

    /// All bytes of the file.
    pub(crate) fn bytes(&self) -> &Buffer {
        &self.bytes
    }

    /// The map that they are, if they are one.
    pub(crate) fn map(&self) -> Option<&Map> {
        self.map.as_ref()
    }

    /// Where they came from.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the file looked like, if it is one.
    pub(crate) fn looks(&self) -> Option<&Looks> {
        self.looks.as_ref()
    }
}

impl Looks {
    fn of(path: &Path, meta: &Metadata) -> Self {
        Looks { path: path.to_owned(), len: meta.len(), modified: meta.modified().ok() }
    }

    /// An error if the file does not look so any more: what was read from the map may then
    /// be neither the old log nor the new one.
    pub(crate) fn check_unchanged(&self) -> Result<()> {
        let meta = std::fs::metadata(&self.path).map_err(|e| Error::io(&self.path, e))?;
        if Looks::of(&self.path, &meta) == *self {
            return Ok(());
        }
        let (was, is) = (self.len, meta.len());
        let reason = format!("the file changed while it was read (it had {was} bytes, and now has {is})");
        Err(Error::malformed(&self.path, reason))
    }
}

/// Whether reading would never end, or not mean a file's bytes.
#[cfg(unix)]
fn is_device(meta: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    meta.file_type().is_char_device() || meta.file_type().is_block_device()
}

#[cfg(not(unix))]
fn is_device(_: &Metadata) -> bool {
    false
}
