//! Second heads: where neighbours' heads are equal.
//!
//! Keys of one table or host are alike in more than all keys of a node are, and so in more than a head can tell.
//! Each stretch of equal heads therefore has a depth, which is how many bytes its keys share, and heads of what follows
//! these. The keys themselves, elsewhere in memory, are only read where second heads tie too.

use crate::resolve::keys::{KeyRef, Keys, alike, begins_with, common, head, is_whole};

/// Renews the second heads and the depths of the stretch whose head is that at `place`, and returns its end.
pub(super) fn deepen(
    keys: &Keys,
    (heads, lows): (&[u64], &[KeyRef]),
    (seconds, depths): (&mut [u64], &mut [u32]),
    place: usize,
) -> usize {
    let here = heads[place];
    let first = heads[..place].partition_point(|h| *h < here);
    let end = place + heads[place..].partition_point(|h| *h == here);
    if end - first == 1 || is_whole(here) {
        return end;
    }
    let depth = common(keys.get(lows[first]), keys.get(lows[end - 1]));
    for at in first..end {
        depths[at] = depth as u32;
        seconds[at] = head(keys.get(lows[at]), depth);
    }
    end
}

/// How many of the keys whose head is `here`, which come first, are at most `key`. `key` has that head too; `known` of its
/// first bytes are theirs.
#[inline(never)]
pub(super) fn tied(
    keys: &Keys,
    (heads, lows): (&[u64], &[KeyRef]),
    (seconds, depths): (&[u64], &[u32]),
    (key, here, known): (&[u8], u64, usize),
) -> usize {
    if is_whole(here) {
        return 1;
    }
    let count = 1 + alike(&heads[1..], here);
    if count == 1 {
        return usize::from(keys.get(lows[0]) <= key);
    }
    let depth = depths[0] as usize;
    let shared = &keys.get(lows[0])[known..depth];
    if !begins_with(&key[known..], shared) {
        return if key[known..] < *shared { 0 } else { count };
    }
    let second = head(key, depth);
    let seconds = &seconds[..count];
    let at = seconds.partition_point(|s| *s < second);
    if seconds.get(at) != Some(&second) {
        return at;
    }
    if is_whole(second) {
        return at + 1;
    }
    at + lows[at..count]
        .iter()
        .zip(&seconds[at..])
        .take_while(|(low, s)| **s == second && keys.get(**low) <= key)
        .count()
}
