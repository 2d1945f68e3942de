//! What the kernels compute, in the plainest words: no shared code, no wrapping, no cleverness.

use skewer_kernels::{Extent, High, Likeness, Marks, NEAR, NearPairs};

pub(crate) fn sorted(values: &[i64]) -> Vec<i64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted
}

pub(crate) fn extent(begin: &[i64], end: &[i64]) -> Extent {
    let width = |(b, e): (&i64, &i64)| (i128::from(*e) - i128::from(*b)).max(0);
    let widest = begin.iter().zip(end).map(width).max().unwrap_or(0);
    Extent {
        min_begin: sorted(begin).first().copied().unwrap_or(i64::MAX),
        max_begin: sorted(begin).last().copied().unwrap_or(i64::MIN),
        max_width: u64::try_from(widest).expect("the widest interval of i64 fits u64"),
        inverted: begin.iter().zip(end).any(|(b, e)| b > e),
    }
}

pub(crate) fn first_inverted(earliest: &[i64], latest: &[i64]) -> Option<usize> {
    (0..earliest.len()).find(|i| earliest[*i] > latest[*i])
}

pub(crate) fn rank(words: &[u64], word: u64) -> usize {
    words.iter().filter(|other| **other < word).count()
}

/// A column whose rows from `at` on moved up by `by`.
pub(crate) fn open_gap<T: Copy>(column: &[T], at: usize, by: usize) -> Vec<T> {
    (0..column.len()).map(|row| column[if row < at + by { row } else { row - by }]).collect()
}

/// The rows of a column whose bits are set, and behind them `past`.
pub(crate) fn squeeze<T: Copy>(column: &[T], kept: u32, past: T) -> Vec<T> {
    let kept = (0..column.len()).filter(|row| kept >> row & 1 == 1).map(|row| column[row]);
    kept.chain(std::iter::repeat(past)).take(column.len()).collect()
}

pub(crate) fn choose(words: &[u64], High { shift, value }: High) -> Vec<u32> {
    let is_chosen = |word: u64| u128::from(word) / (1 << shift) == u128::from(value);
    (0..words.len() as u32).filter(|i| is_chosen(words[*i as usize])).collect()
}

pub(crate) fn near_pairs(marks: Marks<'_>, Likeness { bits, reach }: Likeness) -> (NearPairs, Vec<u32>) {
    let Marks { words, others, times } = marks;
    let agree = |i: usize, j: usize| others.is_empty() || others[i] == others[j];
    let near = |i: usize| (i + 1..words.len()).filter(move |j| j - i <= NEAR && agree(i, *j));
    let pairs: Vec<(usize, usize)> = (0..words.len()).flat_map(|i| near(i).map(move |j| (i, j))).collect();
    let alike = |&(i, j): &(usize, usize)| words[i] & bits == words[j] & bits;
    // The way around the clock may be the shorter one.
    let apart = |i: usize, j: usize| {
        let straight = u128::from(times[i].abs_diff(times[j]));
        straight.min((1 << 64) - straight)
    };
    let close = |i: usize| near(i).any(|j| alike(&(i, j)) && apart(i, j) <= u128::from(reach));
    let pairs = NearPairs {
        alike: pairs.iter().filter(|pair| alike(pair)).count() as u64,
        equal: pairs.iter().filter(|(i, j)| words[*i] == words[*j]).count() as u64,
        repeated: (0..words.len()).filter(|i| near(*i).any(|j| alike(&(*i, j)))).count() as u64,
    };
    (pairs, (0..words.len()).filter(|i| close(*i)).map(|i| i as u32).collect())
}
