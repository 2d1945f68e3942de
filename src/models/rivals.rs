//! Pairs of writers of one key, each blind to the other: counted without looking at pairs, and
//! the least of them found for the report.

use std::collections::BTreeMap;

use super::counting::mutual;
use crate::history::Ends;
use crate::report::{Certainty, Counts};

/// Groups up to that size are judged pair by pair: that beats sorting.
const PAIRWISE_MAX: usize = 32;

/// When a write began and ended, as its rivals see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// `S.earliest`, `S.latest`, `C.earliest`, `C.latest`.
    pub(super) ticks: Ends,
}

impl Life {
    /// Whether two writes are in conflict, and how certainly.
    pub(super) fn conflict(&self, other: &Life) -> Option<Certainty> {
        let ([a_first, a_last, a_earliest, a_latest], [b_first, b_last, b_earliest, b_latest]) =
            (self.ticks, other.ticks);
        if a_latest <= b_first || b_latest <= a_first {
            None
        } else if a_last < b_earliest && b_last < a_earliest {
            Some(Certainty::Definite)
        } else {
            Some(Certainty::Possible)
        }
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
    fn meets(&self, other: &Rival) -> Option<Certainty> {
        let apart = self.class != other.class || self.class == NO_CLASS;
        self.life.conflict(&other.life).filter(|_| apart)
    }
}

/// Where pairs are counted and told.
pub(super) trait Desk {
    /// Counts pairs.
    fn count(&mut self, counts: Counts);

    /// How many findings are kept.
    fn limit(&self) -> usize;

    /// Whether a pair of writes of the key of that row could be kept.
    fn wants(&mut self, certainty: Certainty, row: u32) -> bool;

    /// The name of the transaction of that row.
    fn name(&self, row: u32) -> String;

    /// Tells of one pair.
    fn offer(&mut self, certainty: Certainty, a: u32, b: u32);
}

/// Judges the committed writes of one key.
///
/// Cost: O(writes log writes), and as much for every pair told.
pub(super) fn judge(desk: &mut impl Desk, writes: &(impl ExactSizeIterator<Item = Rival> + Clone)) {
    if writes.len() > PAIRWISE_MAX {
        judge_many(desk, writes);
        return;
    }
    for (j, b) in writes.clone().enumerate() {
        for a in writes.clone().take(j) {
            if let Some(certainty) = a.meets(&b) {
                let mut one = Counts::default();
                one.add(certainty);
                desk.count(one);
                desk.offer(certainty, a.row, b.row);
            }
        }
    }
}

fn judge_many(desk: &mut impl Desk, writes: &(impl ExactSizeIterator<Item = Rival> + Clone)) {
    let counts = count(writes.clone());
    desk.count(counts);
    let (limit, mut all) = (desk.limit() as u64, Vec::new());
    // First the definite ones, then, if room is left, the possible ones.
    for (certainty, pairs) in [(Certainty::Definite, counts.definite), (Certainty::Possible, counts.possible)]
    {
        let Some(first) = writes.clone().next().filter(|_| pairs > 0) else { continue };
        if desk.wants(certainty, first.row) {
            if all.is_empty() {
                all.extend(writes.clone());
            }
            offer_least(desk, &all, certainty, pairs.min(limit));
        }
    }
}

/// Exact numbers of pairs, without looking at pairs.
fn count(writes: impl Iterator<Item = Rival> + Clone) -> Counts {
    let (mut definite, mut any) = both(&writes);
    let mut by_class: BTreeMap<u32, Vec<Rival>> = BTreeMap::new();
    for write in writes.filter(|w| w.class != NO_CLASS) {
        by_class.entry(write.class).or_default().push(write);
    }
    for within in by_class.values() {
        let (within_definite, within_any) = both(&within.iter().copied());
        definite -= within_definite;
        any -= within_any;
    }
    Counts { definite, possible: any - definite }
}

/// Pairs of any class that conflict definitely, and that conflict at all.
fn both(writes: &(impl Iterator<Item = Rival> + Clone)) -> (u64, u64) {
    let column = |at: usize| writes.clone().map(|w| w.life.ticks[at]).collect::<Vec<i64>>();
    (mutual(&column(1), &column(2)), mutual(&column(0), &column(3)))
}

/// Offers the `wanted` least pairs of one certainty, by the names of both transactions.
///
/// Only writes that have a rival at all are named and sorted. The rivals of each are listed from
/// a tree; one that lists and finds no pair to offer has only rivals of lesser names, which
/// offered theirs before, or pairs of the other certainty: of definite pairs there are fewer
/// than are wanted when possible ones are asked for, and possible ones make a key's list of
/// definite pairs longer only where bounds are wider than transactions.
fn offer_least(desk: &mut impl Desk, writes: &[Rival], certainty: Certainty, wanted: u64) {
    let trees = Trees::of(writes, certainty);
    let mut named: Vec<(String, u32)> = Vec::new();
    for (at, write) in writes.iter().enumerate() {
        if trees.any(writes, at as u32) {
            named.push((desk.name(write.row), at as u32));
        }
    }
    named.sort_by(|a, b| (&a.0, writes[a.1 as usize].row).cmp(&(&b.0, writes[b.1 as usize].row)));
    let mut rank = vec![0; writes.len()];
    named.iter().enumerate().for_each(|(place, (_, at))| rank[*at as usize] = place as u32);
    let (mut offered, mut before) = (0, 0);
    for (place, (name, a)) in named.iter().enumerate() {
        // Writes of one name are taken together: among them partners' names decide, not rows.
        if place == 0 || named[place - 1].0 != *name {
            before = offered;
        }
        if before >= wanted {
            return;
        }
        let write = &writes[*a as usize];
        let mut later: Vec<u32> = Vec::new();
        trees.each(writes, *a, |b| {
            let other = rank[b as usize];
            if other > place as u32 && write.meets(&writes[b as usize]) == Some(certainty) {
                later.push(other);
            }
            true
        });
        later.sort_unstable();
        for other in later.into_iter().take((wanted - before) as usize) {
            desk.offer(certainty, write.row, writes[named[other as usize].1 as usize].row);
            offered += 1;
        }
    }
}

/// For each class, its writes sorted by begin, with the greatest end of every stretch: lists
/// those that begin before one time and end after another without meeting many others
/// (a priority search tree, McCreight 1985, over a sorted list).
struct Trees {
    by_class: Vec<(u32, Tree)>,
    /// Which ends count.
    begin: usize,
    end: usize,
}

struct Tree {
    /// Begin and place of each write, sorted.
    begins: Vec<(i64, u32)>,
    /// The greatest end of each node; the leaves stand last.
    greatest: Vec<i64>,
    leaves: usize,
}

impl Trees {
    fn of(writes: &[Rival], certainty: Certainty) -> Self {
        // Definite: from the last tick of the start to the first of the commit.
        let (begin, end) = if certainty == Certainty::Definite { (1, 2) } else { (0, 3) };
        let mut by_class: BTreeMap<u32, Vec<(i64, u32)>> = BTreeMap::new();
        for (at, write) in writes.iter().enumerate() {
            by_class.entry(write.class).or_default().push((write.life.ticks[begin], at as u32));
        }
        let tree = |(class, begins)| (class, Tree::of(begins, |at| writes[at as usize].life.ticks[end]));
        Trees { by_class: by_class.into_iter().map(tree).collect(), begin, end }
    }

    /// Whether some rival begins before the write's end and ends after its begin.
    fn any(&self, writes: &[Rival], at: u32) -> bool {
        let mut found = false;
        self.each(writes, at, |_| {
            found = true;
            false
        });
        found
    }

    /// Calls `visit` with each such rival until it returns false.
    fn each(&self, writes: &[Rival], at: u32, mut visit: impl FnMut(u32) -> bool) {
        let write = &writes[at as usize];
        let (begin, end) = (write.life.ticks[self.begin], write.life.ticks[self.end]);
        let mut go_on = true;
        for (class, tree) in &self.by_class {
            if go_on && (*class != write.class || *class == NO_CLASS) {
                tree.each(1, (end, begin), &mut |other| {
                    go_on = other == at || visit(other);
                    go_on
                });
            }
        }
    }
}

impl Tree {
    fn of(mut begins: Vec<(i64, u32)>, end: impl Fn(u32) -> i64) -> Self {
        begins.sort_unstable();
        let leaves = begins.len().next_power_of_two();
        let mut greatest = vec![i64::MIN; 2 * leaves];
        for (leaf, (_, at)) in begins.iter().enumerate() {
            greatest[leaves + leaf] = end(*at);
        }
        for node in (1..leaves).rev() {
            greatest[node] = greatest[2 * node].max(greatest[2 * node + 1]);
        }
        Tree { begins, greatest, leaves }
    }

    /// Visits, below `node`, those that begin before `span.0` and end after `span.1`; false if
    /// `visit` said so.
    fn each(&self, node: usize, span: (i64, i64), visit: &mut impl FnMut(u32) -> bool) -> bool {
        let depth = node.ilog2();
        let first_leaf = (node << (self.leaves.trailing_zeros() - depth)) - self.leaves;
        let begins_before = self.begins.get(first_leaf).is_some_and(|b| b.0 < span.0);
        if !begins_before || self.greatest[node] <= span.1 {
            return true;
        }
        if node >= self.leaves {
            return visit(self.begins[first_leaf].1);
        }
        self.each(2 * node, span, visit) && self.each(2 * node + 1, span, visit)
    }
}
