//! Which transactions of a group cross on a side: one writes a key that a later one checks.
//!
//! Writes are put into sections of equal width by where they begin, as told by heads: eight bytes behind what all begin
//! with. A check looks from its end's section backwards, until no write that is left reaches its start. Keys are
//! read where heads tie alone.

use super::company::Round;
use super::keys::{PAST, common};
use super::parts::Place;
use super::slices::{Piece, Slices};
use super::stretch::Stretch;

/// So many looks for each write and check: groups whose ranges cross more are judged otherwise.
const LOOKS: usize = 16;
/// Sections of more writes than these are put in order.
const FEW: usize = 8;

/// Two transactions, counted from the group's first, that cross, and where in the later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Crossing {
    pub(super) later: u32,
    pub(super) earlier: u32,
    pub(super) place: Place,
}

#[derive(Debug, Clone, Copy, Default)]
struct Write {
    heads: Stretch,
    txn: u32,
    call: u32,
    item: u32,
}

/// What crosses on a side. Room that is used again.
#[derive(Debug, Default)]
pub(super) struct Crossings {
    pub(super) found: Vec<Crossing>,
    /// Whether the ranges of the group cross so much that this was given up.
    pub(super) is_too_much: bool,
    /// As they come, and by sections.
    coming: Vec<Write>,
    writes: Vec<Write>,
    /// How far the writes up to each reach.
    reaches: Vec<u64>,
    /// Where each section ends, behind where the first begins.
    ends: Vec<u32>,
    least: u64,
    shift: u32,
}

impl Crossings {
    /// Finds what crosses on a side.
    pub(super) fn find(&mut self, side: usize, round: &Round) {
        self.find_by((side, round), |_, piece| piece.heads);
        // What all keys began with where the window was cut may tell little of these.
        if self.is_too_much
            && let Some(prefix) = shared_by(side, round)
        {
            self.find_by((side, round), |slices, piece| Stretch::of(slices.keyed(piece), prefix));
        }
    }

    fn find_by(&mut self, (side, round): (usize, &Round), heads: impl Fn(&Slices, &Piece) -> Stretch) {
        self.found.clear();
        self.is_too_much = false;
        let mut looks = self.take_writes((side, round), &heads) * LOOKS;
        if self.writes.is_empty() {
            return;
        }
        for (first, slices) in round.slices() {
            let checks = &slices.sides[side].checks;
            looks += checks.len() * LOOKS;
            for check in checks {
                let txn = first + check.txn;
                self.look((side, round), (txn, slices, check), heads(slices, check), &mut looks);
            }
        }
    }

    /// Takes the writes, and returns how many there are.
    fn take_writes(
        &mut self,
        (side, round): (usize, &Round),
        heads: impl Fn(&Slices, &Piece) -> Stretch,
    ) -> usize {
        self.coming.clear();
        for (call, (first, slices)) in round.slices().enumerate() {
            let write = |(item, piece): (usize, &Piece)| Write {
                heads: heads(slices, piece),
                txn: first + piece.txn,
                call: call as u32,
                item: item as u32,
            };
            self.coming.extend(slices.sides[side].writes.iter().enumerate().map(write));
        }
        self.divide();
        self.reaches.clear();
        let mut reach = 0;
        self.reaches.extend(self.writes.iter().map(|write| {
            reach = write.heads.end.max(reach);
            reach
        }));
        self.writes.len()
    }

    /// Puts the writes into sections: about one each.
    fn divide(&mut self) {
        let starts = || self.coming.iter().map(|write| write.heads.start);
        let (least, most) =
            starts().fold((PAST, 0), |(least, most), start| (start.min(least), start.max(most)));
        let bits = u64::BITS - most.saturating_sub(least).leading_zeros();
        self.least = least;
        self.shift = bits.saturating_sub(self.coming.len().next_power_of_two().ilog2());
        self.ends.clear();
        self.ends.resize((most.saturating_sub(least) >> self.shift) as usize + 2, 0);
        for write in &self.coming {
            self.ends[((write.heads.start - least) >> self.shift) as usize + 1] += 1;
        }
        for at in 1..self.ends.len() {
            self.ends[at] += self.ends[at - 1];
        }
        // Where each begins, and as writes come to it, where the next of them goes.
        self.writes.clear();
        self.writes.resize(self.coming.len(), Write::default());
        for write in &self.coming {
            let next = &mut self.ends[((write.heads.start - least) >> self.shift) as usize];
            self.writes[*next as usize] = *write;
            *next += 1;
        }
        let mut from = 0;
        for end in &self.ends {
            let section = &mut self.writes[from..*end as usize];
            from = *end as usize;
            if section.len() > FEW {
                section.sort_unstable_by_key(|write| write.heads.start);
            }
        }
    }

    /// How many writes may begin at a head or before: all others begin behind it.
    #[inline]
    fn up_to(&self, head: u64) -> usize {
        let Some(behind) = head.checked_sub(self.least) else { return 0 };
        let section = (behind >> self.shift) as usize;
        let Some(end) = self.ends.get(section).map(|end| *end as usize) else { return self.writes.len() };
        let begin = section.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        if end - begin <= FEW {
            return end;
        }
        begin + self.writes[begin..end].partition_point(|write| write.heads.start <= head)
    }

    /// Notes which writes of earlier transactions a check crosses.
    #[inline]
    fn look(
        &mut self,
        (side, round): (usize, &Round),
        (txn, slices, check): (u32, &Slices, &Piece),
        heads: Stretch,
        looks: &mut usize,
    ) {
        for at in (0..self.up_to(heads.end)).rev() {
            if self.reaches[at] < heads.start {
                return;
            }
            if *looks == 0 {
                self.is_too_much = true;
                return;
            }
            *looks -= 1;
            let write = self.writes[at];
            if write.txn < txn && write.heads.may_cross(heads) {
                let is_sure = write.heads.surely_crosses(heads);
                let others = &round.calls[write.call as usize].slices;
                let piece = &others.sides[side].writes[write.item as usize];
                if is_sure || others.keyed(piece).overlaps(slices.keyed(check)) {
                    self.found.push(Crossing { later: txn, earlier: write.txn, place: check.place });
                }
            }
        }
    }
}

/// The bytes that all pieces of a side begin with; `None` if there is none.
fn shared_by(side: usize, round: &Round) -> Option<&[u8]> {
    let starts = round.slices().flat_map(|(_, slices)| {
        let Slices { sides, .. } = slices;
        sides[side].checks.iter().chain(&sides[side].writes).map(|piece| slices.start(piece))
    });
    starts.reduce(|shared, start| &shared[..common(shared, start)])
}
