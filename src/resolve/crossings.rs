//! Which transactions of a group cross on a side: one writes a key that a later one checks.
//!
//! Few do, so a [`Sieve`] tells which writes and checks may, by heads: eight bytes behind what all begin with. These
//! writes are put into sections of equal width by where they begin. A check looks from its end's section backwards, until no write
//! that is left reaches its start. Keys are read where heads tie alone.

use super::company::Round;
use super::keys::{PAST, common};
use super::parts::Place;
use super::portion::{Seen, each};
use super::sieve::{Sections, Sieve};
use super::slices::{Piece, Slice};
use super::stretch::Stretch;

/// So many looks for each write and check: groups whose ranges cross more are judged otherwise. And so many words of the sieve.
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

/// A write, or a check, and where it lies.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    heads: Stretch,
    of: Seen,
}

/// What crosses on a side. Room that is used again.
#[derive(Debug, Default)]
pub(super) struct Crossings {
    pub(super) found: Vec<Crossing>,
    /// Whether the ranges of the group cross so much that this was given up.
    pub(super) is_too_much: bool,
    sieve: Sieve,
    /// The checks that may cross a write, and the writes that may cross a check, as they come.
    checks: Vec<Mark>,
    coming: Vec<Mark>,
    /// These writes by sections.
    writes: Vec<Mark>,
    /// How far the writes up to each reach.
    reaches: Vec<u64>,
    /// Where each section ends, behind where the first begins.
    ends: Vec<u32>,
    /// By which they are in sections.
    scale: Scale,
}

/// Heads from the least to the greatest in sections of equal width.
#[derive(Debug, Clone, Copy, Default)]
struct Scale {
    least: u64,
    shift: u32,
    /// The last section.
    last: usize,
}

impl Scale {
    /// Of about so many sections, and no more, which is a power of two.
    fn of((least, most): (u64, u64), sections: usize) -> Self {
        let bits = u64::BITS - most.saturating_sub(least).leading_zeros();
        Scale { least, shift: bits.saturating_sub(sections.ilog2()), last: sections - 1 }
    }

    /// The section of a head: the nearest one, if it lies outside.
    #[inline]
    fn section(self, head: u64) -> usize {
        ((head.saturating_sub(self.least) >> self.shift) as usize).min(self.last)
    }

    #[inline]
    fn sections(self, heads: Stretch) -> Sections {
        Sections { first: self.section(heads.start) as u32, last: self.section(heads.end) as u32 }
    }
}

impl Crossings {
    /// Finds what crosses on a side.
    pub(super) fn find(&mut self, side: usize, round: &Round) {
        self.find_by((side, round), |_, piece| piece.heads);
        // What all keys began with where the window was cut may tell little of these.
        if self.is_too_much
            && let Some(prefix) = shared_by(side, round)
        {
            self.find_by((side, round), |of, piece| {
                Stretch::of(slice_of((side, round), of).keyed(piece), prefix)
            });
        }
    }

    fn find_by(&mut self, (side, round): (usize, &Round), heads: impl Fn(Seen, &Piece) -> Stretch) {
        let mut looks = LOOKS * round.slices(side).map(|(_, slice)| slice.len()).sum::<usize>();
        self.found.clear();
        self.is_too_much = false;
        self.sift((side, round), heads, looks);
        if self.checks.is_empty() {
            return;
        }
        self.divide();
        self.reaches.clear();
        let mut reach = 0;
        self.reaches.extend(self.writes.iter().map(|write| {
            reach = write.heads.end.max(reach);
            reach
        }));
        for at in 0..self.checks.len() {
            self.look((side, round), self.checks[at], &mut looks);
        }
    }

    /// Chooses the writes and checks that may cross: more than these where wide ranges would take more than so many words to tell.
    fn sift(
        &mut self,
        (side, round): (usize, &Round),
        heads: impl Fn(Seen, &Piece) -> Stretch,
        most_words: usize,
    ) {
        let Crossings { sieve, checks, coming, .. } = self;
        checks.clear();
        coming.clear();
        let all_checks = || round.slices(side).map(|(first, slice)| (first, &slice.checks[..]));
        let all_writes = || round.slices(side).map(|(first, slice)| (first, &slice.writes[..]));
        if all_checks().all(|(_, checks)| checks.is_empty()) {
            return;
        }
        let txn = |piece: &Piece| piece.txn;
        let mark = |of: Seen, piece: &Piece| Mark { heads: heads(of, piece), of };
        let (mut count, mut all) = (0, Stretch { start: PAST, end: 0 });
        each(all_writes(), txn, |of, write| {
            let Stretch { start, end } = mark(of, write).heads;
            (count, all) = (count + 1, Stretch { start: start.min(all.start), end: end.max(all.end) });
        });
        let scale = Scale::of((all.start, all.end), sieve.begin(count));
        let mut words = 0;
        each(all_writes(), txn, |of, write| {
            let sections = scale.sections(mark(of, write).heads);
            words += sections.more_words();
            if words <= most_words {
                sieve.write(sections);
            }
        });
        each(all_checks(), txn, |of, check| {
            let check = mark(of, check);
            if check.heads.may_cross(all) {
                let sections = scale.sections(check.heads);
                words += sections.more_words();
                if words > most_words || sieve.check(sections) {
                    checks.push(check);
                }
            }
        });
        if !checks.is_empty() {
            each(all_writes(), txn, |of, write| {
                let write = mark(of, write);
                if words > most_words || sieve.is_met(scale.sections(write.heads)) {
                    coming.push(write);
                }
            });
        }
    }

    /// Puts the writes into sections: about one each.
    fn divide(&mut self) {
        let starts = || self.coming.iter().map(|write| write.heads.start);
        let (least, most) =
            starts().fold((PAST, 0), |(least, most), start| (start.min(least), start.max(most)));
        let scale = Scale::of((least, most), self.coming.len().next_power_of_two());
        self.scale = scale;
        self.ends.clear();
        self.ends.resize(scale.last + 2, 0);
        for write in &self.coming {
            self.ends[scale.section(write.heads.start) + 1] += 1;
        }
        for at in 1..self.ends.len() {
            self.ends[at] += self.ends[at - 1];
        }
        // Where each begins, and as writes come to it, where the next of them goes.
        self.writes.clear();
        self.writes.resize(self.coming.len(), Mark::default());
        for write in &self.coming {
            let next = &mut self.ends[scale.section(write.heads.start)];
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
        if head < self.scale.least {
            return 0;
        }
        let section = self.scale.section(head);
        let end = self.ends[section] as usize;
        let begin = section.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        if end - begin <= FEW {
            return end;
        }
        begin + self.writes[begin..end].partition_point(|write| write.heads.start <= head)
    }

    /// Notes which writes of earlier transactions a check crosses.
    #[inline]
    fn look(&mut self, of: (usize, &Round), Mark { heads, of: check }: Mark, looks: &mut usize) {
        for at in (0..self.up_to(heads.end)).rev() {
            if self.reaches[at] < heads.start {
                return;
            }
            if *looks == 0 {
                self.is_too_much = true;
                return;
            }
            *looks -= 1;
            let Mark { heads: others, of: write } = self.writes[at];
            if write.txn < check.txn && others.may_cross(heads) {
                let (here, there) = (slice_of(of, check), slice_of(of, write));
                let (piece, other) = (&here.checks[check.item as usize], &there.writes[write.item as usize]);
                if others.surely_crosses(heads) || there.keyed(other).overlaps(here.keyed(piece)) {
                    self.found.push(Crossing { later: check.txn, earlier: write.txn, place: piece.place });
                }
            }
        }
    }
}

/// What the call of an access asks on a side.
#[inline]
fn slice_of((side, round): (usize, &Round), of: Seen) -> &Slice {
    &round.calls[of.call as usize].slices.sides[side]
}

/// The bytes that all pieces of a side begin with; `None` if there is none.
fn shared_by(side: usize, round: &Round) -> Option<&[u8]> {
    let starts = round
        .slices(side)
        .flat_map(|(_, slice)| slice.checks.iter().chain(&slice.writes).map(|piece| slice.start(piece)));
    starts.reduce(|shared, start| &shared[..common(shared, start)])
}
