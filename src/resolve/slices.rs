//! What a call asks of each side of a window in key order, laid out so that each side's judge reads its own and nothing else.

use skewer_kernels::prefetch_read;

use super::batch::{Access, Batch, Keyed, Span};
use super::cut::Cut;
use super::parts::Place;
use super::portion::{Portion, Uses};
use super::stretch::Stretch;

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
pub(super) type Slice = Portion<Piece>;

impl Slice {
    #[inline]
    pub(super) fn keyed(&self, piece: &Piece) -> Keyed<'_> {
        let (at, start, end) = (piece.at as usize, piece.start as usize, piece.end as usize);
        let keys = &self.bytes()[at..at + start + end];
        if end == 0 {
            return Keyed::Point(keys);
        }
        let (start, end) = keys.split_at(start);
        Keyed::Range(Span { start, end, shared: piece.shared as usize })
    }

    /// Fetches the keys of a piece.
    #[inline]
    pub(super) fn foresee(&self, piece: &Piece) {
        prefetch_read(self.bytes(), piece.at as usize);
    }

    /// The least key of a piece.
    #[inline]
    pub(super) fn start(&self, piece: &Piece) -> &[u8] {
        &self.bytes()[piece.at as usize..][..piece.start as usize]
    }
}

/// The slices of a call, by sides.
#[derive(Debug, Default)]
pub(super) struct Slices {
    pub(super) sides: [Slice; 2],
    /// Room for the keys of a part of a range.
    part: Vec<u8>,
}

impl Slices {
    pub(super) fn clear(&mut self) {
        self.sides.iter_mut().for_each(Slice::clear);
    }

    /// Becomes as another one.
    pub(super) fn copy(&mut self, other: &Slices) {
        self.sides.iter_mut().zip(&other.sides).for_each(|(side, other)| side.copy(other));
    }

    /// Takes each piece of an access to its side; whether there is one.
    #[inline]
    pub(super) fn take(
        &mut self,
        (batch, access, cut): (&Batch, &Access, &Cut),
        (txn, place): (u32, Place),
        uses: Uses,
    ) -> bool {
        let keyed = batch.keyed(*access);
        if keyed == Keyed::Nothing {
            return false;
        }
        let heads = Stretch::of(keyed, cut.prefix());
        match cut.side_of(heads, keyed) {
            Some(side) => {
                let (start, end, shared) = access.extent();
                let piece = |at| Piece { txn, place, heads, at, start, end, shared };
                self.sides[side].take(piece, batch.keys_of(*access), uses);
            }
            None => self.divide((keyed, cut), (txn, place), uses),
        }
        true
    }

    /// The same of a range that lies on both sides.
    #[cold]
    #[inline(never)]
    fn divide(&mut self, (keyed, cut): (Keyed<'_>, &Cut), (txn, place): (u32, Place), uses: Uses) {
        for (side, share) in self.sides.iter_mut().zip(cut.shares(keyed)) {
            let Keyed::Range(Span { start, end, shared }) = share else { continue };
            self.part.clear();
            self.part.extend_from_slice(start);
            self.part.extend_from_slice(end);
            let (start, end, shared) = (start.len() as u32, end.len() as u32, shared as u32);
            let heads = Stretch::of(share, cut.prefix());
            side.take(|at| Piece { txn, place, heads, at, start, end, shared }, &self.part, uses);
        }
    }
}
