//! What the kernels compute, in the plainest words: no shared code, no wrapping, no cleverness.

use skewer_kernels::Extent;

pub(crate) fn blind(begins: &[i64], ends: &[i64], begin: i64, end: i64) -> Vec<usize> {
    (0..begins.len()).filter(|i| begins[*i] < end && begin < ends[*i]).collect()
}

pub(crate) fn concurrent(earliest: &[i64], latest: &[i64], e: i64, l: i64) -> Vec<usize> {
    let precedes = |a: (i64, i64), b: (i64, i64)| a.1 < b.0;
    let bound = |i: &usize| (earliest[*i], latest[*i]);
    (0..earliest.len()).filter(|i| !precedes(bound(i), (e, l)) && !precedes((e, l), bound(i))).collect()
}

pub(crate) fn less(values: &[i64], bound: i64) -> u64 {
    sorted(values).iter().take_while(|value| **value < bound).count() as u64
}

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

pub(crate) fn first_difference(values: &[u64]) -> Option<usize> {
    (1..values.len()).find(|i| values[*i] != values[0])
}

pub(crate) fn clamped(exact: i128) -> i64 {
    let within = exact.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
    i64::try_from(within).expect("clamped to i64")
}

pub(crate) fn bucket(fingerprint: u64, bits: u32) -> usize {
    // By arithmetic, not by shifts: the whole part of fingerprint * 2^bits / 2^64.
    (u128::from(fingerprint) * (1u128 << bits) / (1u128 << 64)) as usize
}
