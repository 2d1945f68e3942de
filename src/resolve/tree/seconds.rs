//! Second heads: where neighbours' heads are equal.
//!
//! Keys of one table or host are alike in more than all keys of a node are, and so in more than a head can tell.
//! Each stretch of equal heads therefore has a depth, which is how many bytes its keys share, and heads of what follows
//! these. What stands between is mostly the same in all stretches of a node, which holds it as its text; the keys themselves,
//! elsewhere in memory, are only read where it is not, or where second heads tie too.

use crate::resolve::keys::{HEAD, KeyRef, Keys, alike, begins_with, common, head, is_whole};

/// How deep a stretch is, and whether what its keys share behind their heads is the beginning of the node's text.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Depth(u32);

const IS_OF_TEXT: u32 = 1 << 31;

impl Depth {
    #[inline]
    fn bytes(self) -> usize {
        (self.0 & !IS_OF_TEXT) as usize
    }

    #[inline]
    fn is_of_text(self) -> bool {
        self.0 & IS_OF_TEXT != 0
    }
}

/// What two keys share behind the heads that follow their first `prefix` bytes.
pub(super) fn text_of(keys: &Keys, [a, b]: [KeyRef; 2], prefix: usize) -> &[u8] {
    let [a, b] = [a, b].map(|low| keys.get(low).get(prefix + HEAD..).unwrap_or_default());
    &a[..common(a, b)]
}

/// Renews the second heads and the depths of the stretch whose head, behind `prefix` bytes, is that at `place`, and returns its end.
pub(super) fn deepen(
    keys: &Keys,
    (heads, lows): (&[u64], &[KeyRef]),
    (seconds, depths): (&mut [u64], &mut [Depth]),
    (text, prefix): (&[u8], usize),
    place: usize,
) -> usize {
    let here = heads[place];
    let first = heads[..place].partition_point(|h| *h < here);
    let end = place + heads[place..].partition_point(|h| *h == here);
    if is_whole(here) {
        return end;
    }
    let (least, known) = (keys.get(lows[first]), prefix + HEAD);
    let of_text = known + common(&least[known..], text);
    let depth = if end - first == 1 { of_text } else { common(least, keys.get(lows[end - 1])) };
    let mut deepen = |depth: usize, bit| {
        for at in first..end {
            depths[at] = Depth(depth as u32 | bit);
            seconds[at] = head(keys.get(lows[at]), depth);
        }
        seconds[first..end].is_sorted_by(|a, b| a < b)
    };
    // Less deep is good enough if it tells them apart.
    if !deepen(depth.min(of_text), IS_OF_TEXT) && of_text < depth {
        deepen(depth, 0);
    }
    end
}

/// How many of the keys whose head is `here`, which come first, are at most `key`. `key` has that head too, behind `prefix` bytes
/// that are theirs.
#[inline(never)]
pub(super) fn tied(
    keys: &Keys,
    (heads, lows): (&[u64], &[KeyRef]),
    (seconds, depths): (&[u64], &[Depth]),
    (text, prefix): (&[u8], usize),
    (key, here): (&[u8], u64),
) -> usize {
    if is_whole(here) {
        return 1;
    }
    let count = 1 + alike(&heads[1..], here);
    let (depth, known) = (depths[0].bytes(), prefix + HEAD);
    let shared =
        if depths[0].is_of_text() { &text[..depth - known] } else { &keys.get(lows[0])[known..depth] };
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
