//! The least pairs of rivals, by the names of both, without naming all of them.
//!
//! Pairs are sorted by the lesser of their names, then by the other. The writes are taken in the order of
//! their names, as many as are needed and no more: the first few are selected in one pass, more of them
//! only if these had no rivals to tell of. So each costs a few comparisons of numbers, and no name is made.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::names::{Head, Named};
use super::rivals::{Desk, NO_CLASS, Rival};
use crate::log::Log;
use crate::report::Certainty;

/// So many writes look for their rivals among all; more of them get a tree.
const SCANS_MAX: u64 = 32;

/// With every further round so many times as many writes are taken.
const GROWTH: usize = 8;

/// The writes of one key, the first `before` of which have met each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group<'w> {
    pub(super) writes: &'w [Rival],
    pub(super) before: usize,
}

impl Group<'_> {
    /// Whether a pair is one of that certainty that was not met before.
    pub(super) fn meet(&self, a: usize, b: usize, certainty: Certainty) -> bool {
        a != b && a.max(b) >= self.before && self.writes[a].meets(&self.writes[b]) == Some(certainty)
    }
}

/// Offers the `wanted` least pairs of one certainty, by the names of both transactions; others too. No pair is asked for
/// whose lesser name begins with more than `last_name`, if there is one.
///
/// Cost: O(writes) for few pairs that are wanted; O(writes log writes) at most, and as much for every
/// pair told.
pub(super) fn offer(
    desk: &mut impl Desk,
    group: Group<'_>,
    (certainty, last_name): (Certainty, Option<Head>),
    wanted: u64,
) {
    let mut rivals = Rivals { group, certainty, scans_left: SCANS_MAX.saturating_sub(wanted), trees: None };
    let (mut offered, mut before, mut last) = (0_u64, 0, None);
    let mut size = usize::try_from(wanted).unwrap_or(usize::MAX).max(4).min(group.writes.len());
    loop {
        let batch = after(desk.log(), group.writes, (last, last_name), size);
        for a in &batch {
            // Writes of one name are taken together: among them partners' names decide, not rows.
            if last.is_none_or(|last: Place| last.name.cmp_name(&a.name, desk.log()).is_ne()) {
                before = offered;
            }
            if before >= wanted {
                return;
            }
            let room = usize::try_from(wanted - before).unwrap_or(usize::MAX);
            for b in rivals.later(desk.log(), a, room) {
                desk.offer(certainty, a.name.row, b.name.row);
                offered += 1;
            }
            last = Some(*a);
        }
        if batch.len() < size {
            return;
        }
        size = size.saturating_mul(GROWTH).min(group.writes.len());
    }
}

/// The first `size` writes by name that come after `last`; none whose names begin with more than
/// `last_name`, if there is one.
fn after(
    log: &Log,
    writes: &[Rival],
    (last, last_name): (Option<Place>, Option<Head>),
    size: usize,
) -> Vec<Place> {
    let mut found = Least::new(log, size);
    for (at, write) in writes.iter().enumerate() {
        let place = Place { name: Named::of(log, write.row), at };
        let named = last_name.is_none_or(|most| place.name.head <= most);
        if named && last.is_none_or(|last| last.name.cmp(&place.name, log).is_lt()) {
            found.add(place);
        }
    }
    found.sorted()
}

/// The first `size` of these rows, by the names of their transactions, then by row.
///
/// Cost: O(rows + size log size) expected.
pub(super) fn first_named(log: &Log, rows: impl Iterator<Item = u32>, size: usize) -> Vec<Named> {
    let mut least = Least::new(log, size);
    rows.enumerate().for_each(|(at, row)| least.add(Place { name: Named::of(log, row), at }));
    least.sorted().into_iter().map(|place| place.name).collect()
}

/// A write, by its name and by its place among those of its key.
#[derive(Clone, Copy, Debug)]
struct Place {
    name: Named,
    at: usize,
}

/// The least few of many places.
struct Least<'l> {
    log: &'l Log,
    size: usize,
    kept: Vec<Place>,
    /// What is not less is not kept.
    bar: Option<Named>,
}

impl<'l> Least<'l> {
    fn new(log: &'l Log, size: usize) -> Self {
        Least { log, size, kept: Vec::new(), bar: None }
    }

    fn add(&mut self, place: Place) {
        if self.bar.is_some_and(|bar| place.name.cmp(&bar, self.log).is_ge()) {
            return;
        }
        self.kept.push(place);
        // Half of them are dropped at once: that is cheaper than to keep them sorted.
        if self.kept.len() >= self.size.saturating_mul(2).saturating_add(16) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let (log, size) = (self.log, self.size);
        if self.kept.len() > size && size > 0 {
            let by_name = |a: &Place, b: &Place| -> Ordering { a.name.cmp(&b.name, log) };
            let (_, last, _) = self.kept.select_nth_unstable_by(size - 1, by_name);
            self.bar = Some(last.name);
        }
        self.kept.truncate(size);
    }

    fn sorted(mut self) -> Vec<Place> {
        self.cut();
        self.kept.sort_unstable_by(|a, b| a.name.cmp(&b.name, self.log));
        self.kept
    }
}

/// What finds the rivals of a write.
struct Rivals<'w> {
    group: Group<'w>,
    certainty: Certainty,
    /// How often it may look at all writes.
    scans_left: u64,
    trees: Option<Trees>,
}

impl Rivals<'_> {
    /// The first `room` rivals of a write whose names come after its own.
    fn later(&mut self, log: &Log, a: &Place, room: usize) -> Vec<Place> {
        let (group, certainty) = (self.group, self.certainty);
        let mut least = Least::new(log, room);
        let mut see = |at: usize| {
            if group.meet(a.at, at, certainty) {
                let place = Place { name: Named::of(log, group.writes[at].row), at };
                if a.name.cmp(&place.name, log).is_lt() {
                    least.add(place);
                }
            }
        };
        if self.trees.is_none() && self.scans_left > 0 {
            self.scans_left -= 1;
            let first = if a.at < group.before { group.before } else { 0 };
            (first..group.writes.len()).for_each(see);
        } else {
            let trees = self.trees.get_or_insert_with(|| Trees::of(group, certainty));
            trees.each(group, a.at, &mut see);
        }
        least.sorted()
    }
}

/// For each class, its writes sorted by begin, with the greatest end of every stretch: lists
/// those that begin before one time and end after another without meeting many others
/// (a priority search tree, McCreight 1985, over a sorted list). Those that met before have trees of
/// their own.
struct Trees {
    by_class: BTreeMap<(u32, bool), Tree>,
    /// Which ends count.
    begin: usize,
    end: usize,
}

impl Trees {
    fn of(group: Group<'_>, certainty: Certainty) -> Self {
        // Definite: from the last tick of the start to the first of the commit.
        let (begin, end) = if certainty == Certainty::Definite { (1, 2) } else { (0, 3) };
        let writes = group.writes;
        let mut by_class: BTreeMap<(u32, bool), Vec<(i64, u32)>> = BTreeMap::new();
        for (at, write) in writes.iter().enumerate() {
            let class = (write.class, at < group.before);
            by_class.entry(class).or_default().push((write.life.ticks[begin], at as u32));
        }
        let tree = |(class, begins)| (class, Tree::of(begins, |at| writes[at as usize].life.ticks[end]));
        Trees { by_class: by_class.into_iter().map(tree).collect(), begin, end }
    }

    /// Calls `visit` with each write that begins before that one's end and ends after its begin, of
    /// other classes, and not met before.
    fn each(&self, group: Group<'_>, at: usize, visit: &mut impl FnMut(usize)) {
        let write = &group.writes[at];
        let (begin, end) = (write.life.ticks[self.begin], write.life.ticks[self.end]);
        for ((class, before), tree) in &self.by_class {
            let met = *before && at < group.before;
            if !met && (*class != write.class || *class == NO_CLASS) {
                tree.each(1, (end, begin), visit);
            }
        }
    }
}

struct Tree {
    /// Begin and place of each write, sorted.
    begins: Vec<(i64, u32)>,
    /// The greatest end of each node; the leaves stand last.
    greatest: Vec<i64>,
    leaves: usize,
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

    /// Visits, below `node`, those that begin before `span.0` and end after `span.1`.
    fn each(&self, node: usize, span: (i64, i64), visit: &mut impl FnMut(usize)) {
        let depth = node.ilog2();
        let first_leaf = (node << (self.leaves.trailing_zeros() - depth)) - self.leaves;
        let begins_before = self.begins.get(first_leaf).is_some_and(|b| b.0 < span.0);
        if !begins_before || self.greatest[node] <= span.1 {
            return;
        }
        if node >= self.leaves {
            visit(self.begins[first_leaf].1 as usize);
            return;
        }
        self.each(2 * node, span, visit);
        self.each(2 * node + 1, span, visit);
    }
}
