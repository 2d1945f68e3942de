//! Why a clock says nothing.

use std::path::{Path, PathBuf};

use super::segment::SegmentError;

/// Why a clock cannot be read. Messages are lower case, without a full stop, and name the place.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClockError {
    /// The operating system refused.
    #[error("{place}: {source}")]
    Io {
        /// The file, or the name of the call.
        place: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// A segment that is not one of ClockBound's, or cannot be believed.
    #[error("{}: {source}", path.display())]
    Segment {
        /// The segment.
        path: PathBuf,
        /// What is wrong with it.
        source: SegmentError,
    },
    /// The daemon watches for disruptions of the machine, and this process cannot.
    #[error("{}: {reason}", path.display())]
    VmClock {
        /// The device.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A program said something else than a clock's state.
    #[error("{program}: {reason}")]
    Program {
        /// The program.
        program: String,
        /// What it said, or why it was not understood.
        reason: String,
    },
    /// The CPU has no counter that can be read.
    #[error("this cpu has no counter that a process can read")]
    NoCounter,
}

impl ClockError {
    pub(super) fn io(place: impl Into<String>, source: std::io::Error) -> Self {
        ClockError::Io { place: place.into(), source }
    }

    pub(super) fn segment(path: &Path, source: SegmentError) -> Self {
        ClockError::Segment { path: path.to_owned(), source }
    }

    /// Whether the source is not there at all, rather than there and of no use.
    pub fn is_absent(&self) -> bool {
        let absent = [std::io::ErrorKind::NotFound, std::io::ErrorKind::Unsupported];
        matches!(self, ClockError::Io { source, .. } if absent.contains(&source.kind()))
    }
}
