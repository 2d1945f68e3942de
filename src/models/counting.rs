//! Exact numbers of pairs from sorted ends, without looking at pairs.
//!
//! Of `n` intervals with begins `a` and ends `d`, two are *mutual* iff each begins before the
//! other ends: `a_i < d_j` and `a_j < d_i`. Where every interval is proper (`a < d`), exactly one
//! of "mutual", "i ends by j's begin", "j ends by i's begin" holds of a pair, so the mutual ones
//! are all pairs less those in order, which two sorted arrays count. An improper interval (a
//! write that may have committed before it began, by its bounds) breaks the exclusion: two of these
//! are never mutual, and where there are both a tree of counts over the ranks of the ends answers.
//!
//! Pairs that do not count (of one class, or met before) are counted apart in the same pass.

use std::collections::BTreeSet;

use rayon::prelude::*;

use crate::partition::insert_nearly;

/// From that many elements on sorting is spread over threads.
const PARALLEL_MIN: usize = 1 << 16;

/// The number of pairs out of `n`.
pub(super) fn pairs(n: u64) -> u64 {
    n * n.saturating_sub(1) / 2
}

/// An interval, and which others it is to meet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) begin: i64,
    pub(super) end: i64,
    /// Those of one class do not count as a pair, if classes are told apart. Memory is taken for all
    /// classes up to the greatest.
    pub(super) class: u32,
    /// Two that were met before do not count either.
    pub(super) before: bool,
}

/// Pairs that count of intervals each of which begins before the other ends, the classes of which are
/// `apart` or all one: `O(n log n)`, and `O(n)` where begins and ends ascend.
pub(super) fn mutual(spans: &(impl Iterator<Item = Span> + Clone), apart: bool) -> u64 {
    if !spans.clone().any(|s| s.begin < s.end) {
        return 0;
    }
    let room = spans.size_hint().0;
    let (mut begins, mut ends) = (Vec::with_capacity(room), Vec::with_capacity(room));
    let (mut all, mut proper) = (Groups::new(0, apart), true);
    spans.clone().for_each(|s| {
        let tag = (if apart { s.class } else { 0 }) << 1 | u32::from(s.before);
        proper &= s.begin < s.end;
        all.add(tag);
        begins.push((s.begin, tag));
        ends.push((s.end, tag));
    });
    if !proper {
        return mutual_improper(spans, apart);
    }
    let (begins, ends) = (sorted_by_tick(begins), sorted_by_tick(ends));
    let mut ended = Groups::new(all.by_class.len(), apart);
    let (mut next, mut count) = (0, 0);
    for &(begin, tag) in &begins {
        while ends.get(next).is_some_and(|end| end.0 <= begin) {
            ended.add(ends[next].1);
            next += 1;
        }
        count += ended.partners(tag);
    }
    all.pairs() - count
}

/// How many intervals there are so far: in all, and of each kind that does not count.
struct Groups {
    apart: bool,
    /// Those not met before, and those met before.
    sums: [u64; 2],
    /// The same by class.
    by_class: Vec<[u64; 2]>,
}

impl Groups {
    fn new(classes: usize, apart: bool) -> Self {
        Groups { apart, sums: [0; 2], by_class: vec![[0; 2]; classes] }
    }

    #[inline]
    fn add(&mut self, tag: u32) {
        let (class, before) = ((tag >> 1) as usize, (tag & 1) as usize);
        self.sums[before] += 1;
        if self.by_class.len() <= class {
            self.by_class.resize(class + 1, [0; 2]);
        }
        self.by_class[class][before] += 1;
    }

    /// Pairs among them that count.
    fn pairs(&self) -> u64 {
        let of = |[new, before]: [u64; 2]| pairs(new + before) - pairs(before);
        let within = if self.apart { self.by_class.iter().copied().map(of).sum() } else { 0 };
        of(self.sums) - within
    }

    /// With how many of them one of that tag makes a pair that counts.
    #[inline]
    fn partners(&self, tag: u32) -> u64 {
        let own = if self.apart { self.by_class[(tag >> 1) as usize] } else { [0; 2] };
        let met = if tag & 1 == 1 { 0 } else { self.sums[1] - own[1] };
        self.sums[0] - own[0] + met
    }
}

/// Sorts by the first member.
fn sorted_by_tick(mut ticks: Vec<(i64, u32)>) -> Vec<(i64, u32)> {
    // Ends of bounds of like widths that begin in order stand few places from where they belong.
    if !insert_nearly(&mut ticks, |t| t.0) {
        if ticks.len() < PARALLEL_MIN {
            ticks.sort_unstable_by_key(|t| t.0);
        } else {
            ticks.par_sort_unstable_by_key(|t| t.0);
        }
    }
    ticks
}

/// The general case: all pairs, less those of one class, less those that were met before, of which
/// those of one class were taken away twice.
fn mutual_improper(spans: &(impl Iterator<Item = Span> + Clone), apart: bool) -> u64 {
    let of = |which: &dyn Fn(&Span) -> bool| {
        let (mut begins, mut ends) = (Vec::new(), Vec::new());
        spans.clone().filter(|s| which(s)).for_each(|s| {
            begins.push(s.begin);
            ends.push(s.end);
        });
        all_mutual(&begins, &ends)
    };
    let mut count = of(&|_| true) - of(&|s| s.before);
    if apart {
        let classes: BTreeSet<u32> = spans.clone().map(|s| s.class).collect();
        for class in classes {
            count -= of(&|s| s.class == class) - of(&|s| s.class == class && s.before);
        }
    }
    count
}

/// Numbers of pairs of closed intervals: those that overlap are concurrent, also if they touch; those across are of
/// different classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Overlaps {
    pub(super) pairs: u64,
    pub(super) across: u64,
    pub(super) concurrent: u64,
    pub(super) concurrent_across: u64,
}

/// The pairs of intervals of which these are the begins and the ends, in any order, each with the class of its
/// interval: `O(n log n)`, and `O(n)` where both ascend. Memory is taken for all classes up to the greatest.
pub(super) fn overlaps(begins: Vec<(i64, u32)>, ends: Vec<(i64, u32)>) -> Overlaps {
    let classes = begins.iter().map(|begin| begin.1 as usize + 1).max().unwrap_or(0);
    let (begins, ends) = (sorted_by_tick(begins), sorted_by_tick(ends));
    let (mut begun, mut ended) = (vec![0_u64; classes], vec![0_u64; classes]);
    let (mut next, mut in_order, mut in_order_within, mut within) = (0, 0, 0, 0);
    for &(begin, class) in &begins {
        while ends.get(next).is_some_and(|end| end.0 < begin) {
            ended[ends[next].1 as usize] += 1;
            next += 1;
        }
        let class = class as usize;
        in_order += next as u64;
        in_order_within += ended[class];
        within += begun[class];
        begun[class] += 1;
    }
    let all = pairs(begins.len() as u64);
    let (across, concurrent) = (all - within, all - in_order);
    Overlaps { pairs: all, across, concurrent, concurrent_across: concurrent - (within - in_order_within) }
}

fn sorted(values: &[i64]) -> Vec<i64> {
    let mut sorted = values.to_vec();
    if sorted.is_sorted() {
    } else if sorted.len() < PARALLEL_MIN {
        sorted.sort_unstable();
    } else {
        sorted.par_sort_unstable();
    }
    sorted
}

/// Of all pairs: for each `j`, of the intervals that begin before `d_j`, those that end after `a_j`.
fn all_mutual(begins: &[i64], ends: &[i64]) -> u64 {
    let n = begins.len();
    let ranks = sorted(ends);
    let mut by_begin: Vec<u32> = (0..n as u32).collect();
    by_begin.sort_unstable_by_key(|&i| begins[i as usize]);
    let mut by_end: Vec<u32> = (0..n as u32).collect();
    by_end.sort_unstable_by_key(|&i| ends[i as usize]);
    let mut tree = CountTree::new(n);
    let (mut added, mut ordered, mut total) = (0, 0, 0_u64);
    for &j in &by_end {
        while added < n && begins[by_begin[added] as usize] < ends[j as usize] {
            tree.add(ranks.partition_point(|&d| d < ends[by_begin[added] as usize]));
            added += 1;
        }
        let ended = tree.before(ranks.partition_point(|&d| d <= begins[j as usize]));
        total += added as u64 - ended;
        ordered += u64::from(begins[j as usize] < ends[j as usize]);
    }
    // Each pair was met from both sides, and each proper interval met itself.
    (total - ordered) / 2
}

/// Counts by rank with prefix sums, both in `O(log n)` (Fenwick 1994).
struct CountTree {
    sums: Vec<u32>,
}

impl CountTree {
    fn new(ranks: usize) -> Self {
        CountTree { sums: vec![0; ranks + 1] }
    }

    fn add(&mut self, rank: usize) {
        let mut at = rank + 1;
        while at < self.sums.len() {
            self.sums[at] += 1;
            at += at & at.wrapping_neg();
        }
    }

    /// How many were added with a rank below `rank`.
    fn before(&self, rank: usize) -> u64 {
        let (mut at, mut sum) = (rank, 0);
        while at > 0 {
            sum += u64::from(self.sums[at]);
            at &= at - 1;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Drawn = (i64, i64, u32, bool);

    fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
        let tick = prop_oneof![4 => -6..6_i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
        let proper = prop_oneof![Just(0_u8), Just(1), Just(2)];
        let drawn = prop::collection::vec((tick.clone(), tick, 0..3_u32, any::<bool>()), 0..40);
        (drawn, proper).prop_map(|(drawn, proper)| {
            let turned = |(a, d, class, before): Drawn| match proper {
                0 => (a, d, class, before),
                1 => (a.min(d).saturating_sub(1), a.max(d), class, before),
                _ => (a.max(d), a.min(d), class, before),
            };
            drawn.into_iter().map(turned).collect()
        })
    }

    fn count(of: &[Drawn], holds: impl Fn(Drawn, Drawn) -> bool) -> u64 {
        let met = |(j, b): (usize, &Drawn)| of[..j].iter().filter(|a| holds(**a, *b)).count() as u64;
        of.iter().enumerate().map(met).sum()
    }

    proptest! {
        /// Promise: counting without pairs equals looking at every pair that counts, improper intervals,
        /// classes and pairs met before too.
        #[test]
        fn counts_equal_pairs(drawn in drawn()) {
            let spans = drawn.iter().map(|&(begin, end, class, before)| Span { begin, end, class, before });
            for apart in [false, true] {
                let pairs = count(&drawn, |a, b| {
                    a.0 < b.1 && b.0 < a.1 && !(a.3 && b.3) && !(apart && a.2 == b.2)
                });
                prop_assert_eq!(mutual(&spans, apart), pairs);
            }
            let closed: Vec<Drawn> =
                drawn.iter().map(|i| (i.0.min(i.1), i.0.max(i.1), i.2, i.3)).collect();
            let (begins, ends) = closed.iter().map(|i| ((i.0, i.2), (i.1, i.2))).unzip();
            let touch = |a: Drawn, b: Drawn| a.0 <= b.1 && b.0 <= a.1;
            prop_assert_eq!(overlaps(begins, ends), Overlaps {
                pairs: pairs(closed.len() as u64),
                across: count(&closed, |a, b| a.2 != b.2),
                concurrent: count(&closed, touch),
                concurrent_across: count(&closed, |a, b| touch(a, b) && a.2 != b.2),
            });
        }
    }
}
