//! The versions of one key, sorted by each end of their commits, with prefix maxima.
//!
//! "Was the version read overwritten before this reader stood there?" asks of all versions whose
//! commit ended (or began) by then for the one that reaches furthest; the reader's own version
//! and the one it read do not count. So each prefix keeps its greatest two, or three: with one
//! or two of them struck out, the next is the answer.
//!
//! Mostly the versions stand as a chain: each begins and ends its commit after the one before it. Then
//! they are sorted already, and the greatest of every prefix is its last.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::key::Version;
use super::transactions::Transactions;
use crate::memory::reserve;
use crate::txn::tie_break;

/// From that many versions on sorting is spread over threads.
const PARALLEL_MIN: usize = 1 << 16;

/// No version.
const NONE: u32 = u32::MAX;

/// A prefix of the sorted versions: its last end, and its greatest.
#[derive(Clone, Copy, Debug)]
struct Prefix<const N: usize> {
    end: i64,
    greatest: [u32; N],
}

/// The versions of one key in time. Kept from key to key for its memory.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    /// Whether the versions are a chain: then nothing else is kept of them.
    chain: bool,
    ends: Vec<(i64, u32)>,
    /// By `C.latest`: the greatest by (`C.earliest`, `C.latest`, tie-break).
    ended: Vec<Prefix<2>>,
    /// By `C.earliest`: the greatest by (`C.latest`, `C.earliest`, tie-break).
    begun: Vec<Prefix<3>>,
}

impl Timeline {
    /// Takes in the versions of a key.
    ///
    /// Cost: O(versions log versions); O(versions) where they are nearly sorted.
    pub(crate) fn take(&mut self, txns: &Transactions<'_>, versions: &[Version]) {
        self.chain = versions.is_sorted_by(|a, b| a.ends[2] < b.ends[2] && a.ends[3] < b.ends[3]);
        if self.chain {
            return;
        }
        let earliest = |v: &Version| v.ends[2];
        let latest = |v: &Version| v.ends[3];
        let tie = |a: &Version, b: &Version| by_tie_break(txns, a.row, b.row);
        sort(&mut self.ends, versions, latest);
        prefixes(&mut self.ended, &self.ends, |a, b| {
            let (a, b) = (&versions[a as usize], &versions[b as usize]);
            (earliest(a), latest(a)).cmp(&(earliest(b), latest(b))).then_with(|| tie(a, b))
        });
        sort(&mut self.ends, versions, earliest);
        prefixes(&mut self.begun, &self.ends, |a, b| {
            let (a, b) = (&versions[a as usize], &versions[b as usize]);
            (latest(a), earliest(a)).cmp(&(latest(b), earliest(b))).then_with(|| tie(a, b))
        });
    }

    /// Whether every version begins and ends its commit after the one before it.
    pub(crate) fn is_chain(&self) -> bool {
        self.chain
    }

    /// Of the versions whose `C.latest` is at most `at` (below it if `strictly`), the greatest by
    /// (`C.earliest`, `C.latest`, tie-break) that transaction `but` did not write.
    pub(crate) fn ended<'v>(
        &self,
        versions: &'v [Version],
        finger: &mut Finger,
        (at, strictly): (i64, bool),
        but: u32,
    ) -> Option<&'v Version> {
        if self.chain {
            return last(versions, finger, |v| before(v.ends[3], at, strictly), [but, NONE]);
        }
        greatest(versions, &self.ended, finger, (at, strictly), [but, NONE])
    }

    /// Of the versions whose `C.earliest` is at most `at` (below it if `strictly`), the greatest by
    /// (`C.latest`, `C.earliest`, tie-break) that none of transactions `but` wrote.
    pub(crate) fn begun<'v>(
        &self,
        versions: &'v [Version],
        finger: &mut Finger,
        (at, strictly): (i64, bool),
        but: [u32; 2],
    ) -> Option<&'v Version> {
        if self.chain {
            return last(versions, finger, |v| before(v.ends[2], at, strictly), but);
        }
        greatest(versions, &self.begun, finger, (at, strictly), but)
    }
}

/// Whether an end is at most `at`, or below it.
fn before(end: i64, at: i64, strictly: bool) -> bool {
    end < at || (end == at && !strictly)
}

/// The last version of a chain of which `among` holds, but for those of two transactions.
fn last<'v>(
    versions: &'v [Version],
    finger: &mut Finger,
    among: impl Fn(&Version) -> bool,
    but: [u32; 2],
) -> Option<&'v Version> {
    let end = finger.seek(versions, among);
    versions[..end].iter().rev().find(|v| !but.contains(&v.txn))
}

fn greatest<'v, const N: usize>(
    versions: &'v [Version],
    prefixes: &[Prefix<N>],
    finger: &mut Finger,
    (at, strictly): (i64, bool),
    but: [u32; 2],
) -> Option<&'v Version> {
    let end = finger.seek(prefixes, |p| before(p.end, at, strictly));
    let prefix = prefixes.get(end.checked_sub(1)?)?;
    let known = prefix.greatest.iter().filter_map(|&g| versions.get(g as usize));
    known.into_iter().find(|v| !but.contains(&v.txn))
}

fn sort(ends: &mut Vec<(i64, u32)>, versions: &[Version], end: impl Fn(&Version) -> i64) {
    ends.clear();
    reserve(ends, versions.len());
    ends.extend(versions.iter().enumerate().map(|(at, v)| (end(v), at as u32)));
    if sort_nearly_sorted(ends) {
    } else if ends.len() < PARALLEL_MIN {
        ends.sort_unstable_by_key(|e| e.0);
    } else {
        ends.par_sort_unstable_by_key(|e| e.0);
    }
}

/// Sorts by insertion as long as that is cheap, which it is where commits were logged nearly in their
/// order: whether it came to an end.
fn sort_nearly_sorted(ends: &mut [(i64, u32)]) -> bool {
    let mut moves = ends.len() * 8;
    for at in 1..ends.len() {
        let new = ends[at];
        let mut to = at;
        while to > 0 && ends[to - 1].0 > new.0 {
            ends[to] = ends[to - 1];
            to -= 1;
        }
        ends[to] = new;
        match moves.checked_sub(at - to) {
            Some(left) => moves = left,
            None => return false,
        }
    }
    true
}

fn prefixes<const N: usize>(
    prefixes: &mut Vec<Prefix<N>>,
    ends: &[(i64, u32)],
    order: impl Fn(u32, u32) -> Ordering,
) {
    prefixes.clear();
    reserve(prefixes, ends.len());
    let mut greatest = [NONE; N];
    prefixes.extend(ends.iter().map(|&(end, new)| {
        let place = greatest.iter().position(|&old| old == NONE || order(new, old).is_gt());
        if let Some(place) = place {
            greatest[place..].rotate_right(1);
            greatest[place] = new;
        }
        Prefix { end, greatest }
    }));
}

/// The last place looked at in a sorted list: reads come nearly in order of time, so that the
/// next place is near.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Finger(usize);

impl Finger {
    /// The number of leading elements of which `before` holds; it holds of no later one.
    ///
    /// Cost: O(log distance from the last place).
    pub(crate) fn seek<T>(&mut self, of: &[T], before: impl Fn(&T) -> bool) -> usize {
        let (at, mut step) = (self.0.min(of.len()), 1);
        let (mut low, mut high) = (at, at);
        if of.get(at).is_some_and(&before) {
            low += 1;
            while of.get(low + step - 1).is_some_and(&before) {
                low += step;
                step *= 2;
            }
            high = (low + step).min(of.len());
        } else {
            while high >= step && !before(&of[high - step]) {
                high -= step;
                step *= 2;
            }
            low = high.saturating_sub(step);
        }
        self.0 = low + of[low..high].partition_point(before);
        self.0
    }
}

/// Which of two writes, by their rows, wins a tie: see [`tie_break`].
fn by_tie_break(txns: &Transactions<'_>, a: u32, b: u32) -> Ordering {
    let of = |row: u32| {
        let (chunk, at) = txns.log.locate(u64::from(row));
        let region = txns.log.regions()[usize::from(chunk.region.get(at))].as_str();
        (region, chunk.txn.as_ref().and_then(|t| t.get(at)), u64::from(row))
    };
    tie_break(of(a), of(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Promise: wherever the search begins, it finds the same place.
        #[test]
        fn fingers_find(mut of in prop::collection::vec(0..50_i32, 0..40), from in 0..60_usize, at in -1..51) {
            of.sort_unstable();
            let expected = of.partition_point(|&x| x < at);
            prop_assert_eq!(Finger(from).seek(&of, |&x| x < at), expected);
        }

        /// Promise: sorting by insertion loses nothing, whether or not it gives up.
        #[test]
        fn insertion_sorts(mut of in prop::collection::vec((0..50_i64, 0..4_u32), 0..60)) {
            let mut expected = of.clone();
            let sorted = sort_nearly_sorted(&mut of);
            prop_assert!(!sorted || of.is_sorted_by_key(|e| e.0));
            expected.sort_unstable();
            of.sort_unstable();
            prop_assert_eq!(of, expected);
        }
    }
}
