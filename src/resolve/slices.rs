//! What a call asks of each side of a window in key order, laid out so that each side's judge reads its own and nothing else.

use skewer_kernels::prefetch_read;

use super::batch::{Access, Batch, Keyed, Span};
use super::cut::Cut;
use super::key_room::{KeyRoom, copy};
use super::parts::Place;
use super::stretch::Stretch;
use super::verdict::{Cause, Checked};

/// A key or range that is checked or written, or what of it lies on a side.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    /// The transaction, counted from the call's first.
    pub(super) txn: u32,
    pub(super) place: Place,
    /// Where it lies, as seen from what keys began with where the window was cut.
    pub(super) heads: Stretch,
    at: u32,
    start: u32,
    /// 0 in a point.
    end: u32,
    shared: u32,
}

/// The pieces of a call that lie on one side.
#[derive(Debug, Default)]
pub(super) struct Slice {
    /// In the order of transactions.
    pub(super) checks: Vec<Piece>,
    /// In the order of transactions.
    pub(super) writes: Vec<Piece>,
}

impl Slice {
    pub(super) fn len(&self) -> usize {
        self.checks.len() + self.writes.len()
    }
}

/// The slices of a call.
#[derive(Debug, Default)]
pub(super) struct Slices {
    pub(super) sides: [Slice; 2],
    /// The keys: those of the batch, and those where ranges were divided.
    bytes: KeyRoom,
}

impl Slices {
    pub(super) fn clear(&mut self) {
        for side in &mut self.sides {
            side.checks.clear();
            side.writes.clear();
        }
        self.bytes.clear();
    }

    #[inline]
    pub(super) fn keyed(&self, piece: &Piece) -> Keyed<'_> {
        let (at, start, end) = (piece.at as usize, piece.start as usize, piece.end as usize);
        let keys = &self.bytes.bytes()[at..at + start + end];
        if end == 0 {
            return Keyed::Point(keys);
        }
        let (start, end) = keys.split_at(start);
        Keyed::Range(Span { start, end, shared: piece.shared as usize })
    }

    /// Fetches the keys of a piece.
    #[inline]
    pub(super) fn foresee(&self, piece: &Piece) {
        prefetch_read(self.bytes.bytes(), piece.at as usize);
    }

    /// The least key of a piece.
    #[inline]
    pub(super) fn start(&self, piece: &Piece) -> &[u8] {
        &self.bytes.bytes()[piece.at as usize..][..piece.start as usize]
    }

    /// Takes the keys of a batch whose transactions are taken after that.
    pub(super) fn begin(&mut self, batch: &Batch) {
        self.bytes.add(batch.bytes().len()).copy_from_slice(batch.bytes());
    }

    /// Takes what a transaction of the batch asks; whether anything is checked.
    #[inline]
    pub(super) fn take(&mut self, (batch, txn): (&Batch, usize), cut: &Cut, checked: Checked) -> bool {
        let mut is_checked = false;
        if checked.reads() {
            for (nth, access) in batch.reads_of(txn).iter().enumerate() {
                let place = (txn, Place::of(nth, Cause::Read));
                is_checked |= self.each((batch, access, cut), place, |side, piece| side.checks.push(piece));
            }
        }
        for (nth, access) in batch.writes_of(txn).iter().enumerate() {
            let place = (txn, Place::of(nth, Cause::Write));
            let is_any = self.each((batch, access, cut), place, |side, piece| {
                side.writes.push(piece);
                if checked.writes() {
                    side.checks.push(piece);
                }
            });
            is_checked |= is_any && checked.writes();
        }
        is_checked
    }

    /// Gives each piece of an access to its side; whether there is one.
    #[inline]
    fn each(
        &mut self,
        (batch, access, cut): (&Batch, &Access, &Cut),
        (txn, place): (usize, Place),
        mut give: impl FnMut(&mut Slice, Piece),
    ) -> bool {
        let keyed = batch.keyed(*access);
        if keyed == Keyed::Nothing {
            return false;
        }
        let piece = |heads, (at, start, end, shared): (u32, u32, u32, u32)| Piece {
            txn: txn as u32,
            place,
            heads,
            at,
            start,
            end,
            shared,
        };
        let heads = Stretch::of(keyed, cut.prefix());
        match cut.side_of(heads, keyed) {
            Some(side) => give(&mut self.sides[side], piece(heads, access.extent())),
            None => {
                for (side, share) in cut.shares(keyed).into_iter().enumerate() {
                    let extent = self.divided(share);
                    give(&mut self.sides[side], piece(Stretch::of(share, cut.prefix()), extent));
                }
            }
        }
        true
    }

    /// Adds the keys of a part of a range, and returns where they are.
    #[cold]
    fn divided(&mut self, share: Keyed<'_>) -> (u32, u32, u32, u32) {
        let Keyed::Range(Span { start, end, shared }) = share else { return (0, 0, 0, 0) };
        let at = self.bytes.len() as u32;
        copy(self.bytes.add(start.len()), start);
        copy(self.bytes.add(end.len()), end);
        (at, start.len() as u32, end.len() as u32, shared as u32)
    }
}
