//! One side's share of a group of calls: what is checked, and what is written, in key order.

use super::ahead::GROUP;
use super::company::Round;
use super::halves::Half;
use super::index::{Index, Purpose};
use super::slices::{Piece, Slice};
use super::stamps::Stamp;
use super::tree::Tree;

impl Half {
    /// Finds out what the window refuses on this side, and which transactions of the group cross here.
    pub(super) fn check_side(&mut self, side: usize, round: &Round) {
        let Half { tree, found, hints, .. } = self;
        found.refused.clear();
        for (first, slice) in round.slices(side) {
            let shown = |piece: &Piece| round.shown[(first + piece.txn) as usize];
            let purpose = |piece: &Piece| Purpose::Check(shown(piece));
            pass((tree, hints), (slice, &slice.checks), purpose, |tree, piece, hint| {
                let (keyed, since) = (slice.keyed(piece), shown(piece));
                let old = || round.old.as_ref().is_some_and(|old| old.newer(keyed, since));
                if Index::newer(tree, hint, keyed, since) || old() {
                    found.refused.push((first + piece.txn, piece.place));
                }
            });
        }
        found.crossings.find(side, round);
    }

    /// Notes the writes of those that commit.
    pub(super) fn write_side(&mut self, side: usize, round: &Round, stamp: Stamp) {
        let Half { tree, hints, .. } = self;
        for (first, slice) in round.slices(side) {
            pass(
                (tree, hints),
                (slice, &slice.writes),
                |_| Purpose::Write,
                |tree, piece, hint| {
                    if round.commits[(first + piece.txn) as usize] {
                        Index::write(tree, hint, slice.keyed(piece), stamp);
                    }
                },
            );
        }
        Index::sweep(tree);
    }
}

/// Does something with each piece in order, once what it will touch has come from memory: in steps of as many pieces as
/// transactions of a batch take together.
fn pass(
    (tree, hints): (&mut Tree, &mut Vec<u64>),
    (slice, pieces): (&Slice, &[Piece]),
    purpose: impl Fn(&Piece) -> Purpose,
    mut act: impl FnMut(&mut Tree, &Piece, u64),
) {
    hints.clear();
    let mut hinted = 0;
    for from in (0..pieces.len()).step_by(GROUP) {
        let until = |groups: usize| pieces.len().min(from + groups * GROUP);
        Index::sweep(tree);
        Index::begin(tree);
        let aimed = hints.len();
        // They were written on another core, half of them. The first ones are not asked for: so many at once would be in the way.
        pieces[aimed..].iter().skip(3 * GROUP).take(GROUP).for_each(|piece| slice.foresee(piece));
        hints.extend(pieces[aimed..until(3)].iter().map(|piece| Index::aim(tree, slice.keyed(piece))));
        for (hint, piece) in hints[hinted..until(2)].iter_mut().zip(&pieces[hinted..]) {
            *hint = Index::hint(tree, *hint, slice.keyed(piece), purpose(piece));
        }
        hinted = until(2);
        if tree.foresees() {
            let next = pieces[from..until(1)].iter().zip(&hints[from..]);
            next.for_each(|(piece, hint)| tree.foresee(*hint, slice.keyed(piece)));
        }
        for at in from..until(1) {
            act(tree, &pieces[at], hints[at]);
        }
    }
}
