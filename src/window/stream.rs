//! What is joined: the lifetimes of writes, from the start's first end to the commit's last. Outside of them a write
//! conflicts with nothing, not even possibly; those that touch do not meet.

use skewer_kernels::Isa;

use super::At;
use crate::history::Writes;

/// The writes of a log as the join sees them.
#[derive(Clone, Copy)]
pub(super) struct Stream<'a> {
    pub(super) writes: &'a Writes<'a>,
    pub(super) isa: Isa,
}

impl<'a> Stream<'a> {
    /// The begins and ends of the spans of a segment.
    #[inline]
    pub(super) fn spans(&self, segment: u32) -> (&'a [i64], &'a [i64]) {
        let segment = &self.writes.segments[segment as usize];
        let begins = segment.start.as_ref().unwrap_or(&segment.commit);
        (&begins.earliest, &segment.commit.latest)
    }

    /// The fingerprints of the keys of a segment's writes from `first` on.
    pub(super) fn fingerprints(&self, (segment, first): At, out: &mut [u64]) {
        self.writes.fingerprints(self.isa, segment as usize, first as usize, out);
    }
}
