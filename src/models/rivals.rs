//! Pairs of writers of one key, each blind to the other: counted without looking at pairs, and
//! the least of them found for the report.

use super::counting::{Span, mutual};
use super::least::{self, Group};
use super::names::{Head, least_head};
use crate::history::Ends;
use crate::log::Log;
use crate::report::{Certainty, Counts};

/// Groups up to that size are judged pair by pair: that beats sorting.
const PAIRWISE_MAX: usize = 16;

/// When a write began and ended, as its rivals see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// `S.earliest`, `S.latest`, `C.earliest`, `C.latest`.
    pub(super) ticks: Ends,
}

impl Life {
    /// Whether two writes are in conflict, and how certainly.
    pub(super) fn conflict(&self, other: &Life) -> Option<Certainty> {
        if !self.meets(other) {
            None
        } else if self.surely_meets(other) {
            Some(Certainty::Definite)
        } else {
            Some(Certainty::Possible)
        }
    }

    /// Whether each may have begun before the other ended.
    #[inline]
    fn meets(&self, other: &Life) -> bool {
        self.ticks[0] < other.ticks[3] && other.ticks[0] < self.ticks[3]
    }

    /// Whether, if they are in conflict, that is certain: each began before the other ended.
    #[inline]
    fn surely_meets(&self, other: &Life) -> bool {
        self.ticks[1] < other.ticks[2] && other.ticks[1] < self.ticks[2]
    }
}

/// One write of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rival {
    /// When it began and ended.
    pub(super) life: Life,
    /// Writes of one class are no rivals; of [`NO_CLASS`] all are.
    pub(super) class: u32,
    /// The log row.
    pub(super) row: u32,
}

/// The class of writes that are rivals of each other.
pub(super) const NO_CLASS: u32 = u32::MAX;

impl Rival {
    /// Whether both are in conflict and of different classes, and how certainly.
    pub(super) fn meets(&self, other: &Rival) -> Option<Certainty> {
        let apart = self.class != other.class || self.class == NO_CLASS;
        self.life.conflict(&other.life).filter(|_| apart)
    }
}

/// Where pairs are counted and told.
pub(super) trait Desk: Sized {
    /// What the writes are rows of.
    fn log(&self) -> &Log;

    /// Counts pairs.
    fn count(&mut self, counts: Counts);

    /// How many findings are kept.
    fn limit(&self) -> usize;

    /// Whether a pair of writes of the key of that row could be kept.
    fn wants(&mut self, certainty: Certainty, row: u32) -> bool;

    /// What the lesser name of such a pair must not begin with more than, if it is known.
    fn last_name(&mut self, certainty: Certainty, row: u32) -> Option<Head>;

    /// Tells of one pair.
    fn offer(&mut self, certainty: Certainty, a: u32, b: u32);

    /// Tells of the pairs of a key of few writes, of which there are so many, now or later.
    fn tell(&mut self, writes: impl Iterator<Item = Rival>, before: usize, counts: Counts) {
        let writes: Vec<Rival> = writes.collect();
        tell_few(self, Group { writes: &writes, before }, counts);
    }
}

/// Judges the committed writes of one key, the first `before` of which have met each other before.
///
/// Cost: O(writes log writes), and as much for every pair told.
pub(super) fn judge(
    desk: &mut impl Desk,
    writes: &(impl ExactSizeIterator<Item = Rival> + Clone),
    before: usize,
) {
    let counts = if writes.len() > PAIRWISE_MAX { count(writes, before) } else { count_few(writes, before) };
    if counts == Counts::default() {
        return;
    }
    desk.count(counts);
    if writes.len() > PAIRWISE_MAX {
        tell_many(desk, writes, before, counts);
    } else {
        desk.tell(writes.clone(), before, counts);
    }
}

fn count_few(writes: &(impl ExactSizeIterator<Item = Rival> + Clone), before: usize) -> Counts {
    let mut counts = Counts::default();
    for (j, b) in writes.clone().enumerate().skip(before) {
        for a in writes.clone().take(j) {
            // Which of two writes there is a conflict of is a coin that no CPU guesses.
            let apart = a.class != b.class || a.class == NO_CLASS;
            let met = u64::from(apart) * u64::from(a.life.meets(&b.life));
            let definite = met * u64::from(a.life.surely_meets(&b.life));
            counts.definite += definite;
            counts.possible += met - definite;
        }
    }
    counts
}

/// Exact numbers of pairs, without looking at pairs.
fn count(writes: &(impl ExactSizeIterator<Item = Rival> + Clone), before: usize) -> Counts {
    let apart = writes.clone().any(|w| w.class != NO_CLASS);
    let pairs = |begin: usize, end: usize| {
        let spans = writes.clone().enumerate().map(|(at, w)| Span {
            begin: w.life.ticks[begin],
            end: w.life.ticks[end],
            class: w.class,
            before: at < before,
        });
        mutual(&spans, apart)
    };
    let (definite, any) = (pairs(1, 2), pairs(0, 3));
    Counts { definite, possible: any - definite }
}

/// First the definite ones, then, if room is left, the possible ones.
fn both(counts: Counts) -> [(Certainty, u64); 2] {
    [(Certainty::Definite, counts.definite), (Certainty::Possible, counts.possible)]
}

/// Offers all pairs of a key of few writes, if they could be kept.
pub(super) fn tell_few(desk: &mut impl Desk, group: Group<'_>, counts: Counts) {
    let Some(first) = group.writes.first() else { return };
    for (certainty, pairs) in both(counts) {
        if pairs == 0 || !desk.wants(certainty, first.row) {
            continue;
        }
        for j in group.before..group.writes.len() {
            for i in (0..j).filter(|i| group.meet(*i, j, certainty)) {
                desk.offer(certainty, group.writes[i].row, group.writes[j].row);
            }
        }
    }
}

fn tell_many(
    desk: &mut impl Desk,
    writes: &(impl ExactSizeIterator<Item = Rival> + Clone),
    before: usize,
    counts: Counts,
) {
    let (limit, mut all) = (desk.limit() as u64, Vec::new());
    let Some(first) = writes.clone().next() else { return };
    for (certainty, pairs) in both(counts) {
        if pairs > 0 && desk.wants(certainty, first.row) {
            // Of a hot key that was told of before mostly none comes first by name.
            let last_name = desk.last_name(certainty, first.row);
            let none_before =
                |last| least_head(desk.log(), writes.clone().map(|w| w.row)).is_some_and(|l| l > last);
            if last_name.is_some_and(none_before) {
                continue;
            }
            if all.is_empty() {
                all.extend(writes.clone());
            }
            least::offer(desk, Group { writes: &all, before }, (certainty, last_name), pairs.min(limit));
        }
    }
}
