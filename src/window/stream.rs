//! What is joined: the spans of which writes, and when two of them meet.

use skewer_kernels::{Extent, Isa};

use super::At;
use crate::history::{Segment, Writes};

/// Which pairs of writes meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meeting {
    /// Whose lifetimes overlap, from the start's first end to the commit's last: outside of them a write
    /// conflicts with nothing, not even possibly. Those that touch do not meet.
    Lifetimes,
    /// Whose commit bounds overlap or touch: neither certainly came first.
    Commits,
}

/// The writes of a log as the join sees them.
#[derive(Clone, Copy)]
pub(super) struct Stream<'a> {
    pub(super) writes: &'a Writes<'a>,
    pub(super) isa: Isa,
    pub(super) meeting: Meeting,
}

impl<'a> Stream<'a> {
    /// The begins and ends of the spans of a segment.
    #[inline]
    pub(super) fn spans(&self, segment: u32) -> (&'a [i64], &'a [i64]) {
        let segment = &self.writes.segments[segment as usize];
        let begins = match (&segment.start, self.meeting) {
            (Some(start), Meeting::Lifetimes) => &start.earliest,
            _ => &segment.commit.earliest,
        };
        (begins, &segment.commit.latest)
    }

    /// The extents of a segment's spans by blocks, if they are known.
    pub(super) fn outline(&self, segment: &'a Segment<'_>) -> &'a [Extent] {
        match self.meeting {
            Meeting::Lifetimes if segment.start.is_some() => &[],
            _ => segment.outline(),
        }
    }

    /// How much later a span may begin than another one as wide as `width` that it meets.
    pub(super) fn reach(&self, width: u64) -> u64 {
        match self.meeting {
            Meeting::Lifetimes => width,
            // A tick more, since those that touch meet.
            Meeting::Commits => width.saturating_add(1),
        }
    }

    /// The fingerprints of the keys of a segment's writes from `first` on.
    pub(super) fn fingerprints(&self, (segment, first): At, out: &mut [u64]) {
        self.writes.fingerprints(self.isa, segment as usize, first as usize, out);
    }
}
