//! Exact numbers of pairs from sorted ends, without looking at pairs.
//!
//! Of `n` intervals with begins `a` and ends `d`, two are *mutual* iff each begins before the
//! other ends: `a_i < d_j` and `a_j < d_i`. Where every interval is proper (`a < d`), exactly one
//! of "mutual", "i ends by j's begin", "j ends by i's begin" holds of a pair, so the mutual ones
//! are all pairs less those in order, which two sorted arrays count. An improper interval (a
//! write that may have committed before it began, by its bounds) breaks the exclusion; then a
//! tree of counts over the ranks of the ends answers.

use rayon::prelude::*;

/// From that many elements on sorting is spread over threads.
const PARALLEL_MIN: usize = 1 << 16;

/// The number of pairs out of `n`.
pub(super) fn pairs(n: u64) -> u64 {
    n * n.saturating_sub(1) / 2
}

/// Pairs of intervals each of which begins before the other ends: `O(n log n)`.
pub(super) fn mutual(begins: &[i64], ends: &[i64]) -> u64 {
    if begins.iter().zip(ends).all(|(a, d)| a < d) {
        return pairs(begins.len() as u64) - in_order(begins, ends, |end, begin| end <= begin);
    }
    mutual_improper(begins, ends)
}

/// Pairs of closed intervals that overlap; touching ends overlap: `O(n log n)`.
pub(super) fn concurrent(earliest: &[i64], latest: &[i64]) -> u64 {
    pairs(earliest.len() as u64) - in_order(earliest, latest, |latest, earliest| latest < earliest)
}

/// The number of (i, j) of which `before(ends[i], begins[j])` holds; `before` is monotone.
fn in_order(begins: &[i64], ends: &[i64], before: impl Fn(i64, i64) -> bool) -> u64 {
    let (begins, ends) = (sorted(begins), sorted(ends));
    let (mut ended, mut count) = (0, 0);
    for &begin in &begins {
        while ended < ends.len() && before(ends[ended], begin) {
            ended += 1;
        }
        count += ended as u64;
    }
    count
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

/// The general case: for each `j`, of the intervals that begin before `d_j`, those that end
/// after `a_j`.
fn mutual_improper(begins: &[i64], ends: &[i64]) -> u64 {
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

    fn ends() -> impl Strategy<Value = Vec<(i64, i64)>> {
        let tick = prop_oneof![4 => -6..6_i64, 1 => Just(i64::MIN), 1 => Just(i64::MAX)];
        prop::collection::vec((tick.clone(), tick), 0..40)
    }

    fn count(of: &[(i64, i64)], holds: impl Fn((i64, i64), (i64, i64)) -> bool) -> u64 {
        let met = |(j, b): (usize, &(i64, i64))| of[..j].iter().filter(|a| holds(**a, *b)).count() as u64;
        of.iter().enumerate().map(met).sum()
    }

    proptest! {
        /// Promise: counting without pairs equals looking at every pair, improper intervals too.
        #[test]
        fn counts_equal_pairs(intervals in ends()) {
            let (begins, ends): (Vec<i64>, Vec<i64>) = intervals.iter().copied().unzip();
            prop_assert_eq!(mutual(&begins, &ends), count(&intervals, |a, b| a.0 < b.1 && b.0 < a.1));
            let closed: Vec<(i64, i64)> = intervals.iter().map(|i| (i.0.min(i.1), i.0.max(i.1))).collect();
            let (earliest, latest): (Vec<i64>, Vec<i64>) = closed.iter().copied().unzip();
            prop_assert_eq!(concurrent(&earliest, &latest), count(&closed, |a, b| a.0 <= b.1 && b.0 <= a.1));
        }
    }
}
