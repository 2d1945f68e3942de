//! Where keys and ranges lie, in two words: enough to tell most of them apart without a look at their bytes.

use super::batch::Keyed;
use super::keys::{PAST, begins_with, head};

/// The heads between which the keys of an access lie, both included, as seen from some bytes: of a key that begins with
/// these, the head behind them; of lesser keys 0, and of greater ones the greatest head.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stretch {
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Stretch {
    #[inline]
    pub(super) fn of(keyed: Keyed<'_>, prefix: &[u8]) -> Self {
        match keyed {
            Keyed::Nothing => Stretch { start: PAST, end: 0 },
            Keyed::Point(key) => {
                let head = head_of(key, prefix);
                Stretch { start: head, end: head }
            }
            Keyed::Range(span) => {
                let start = head_of(span.start, prefix);
                // What the start begins with, the end does, as far as they share it.
                let both = span.shared >= prefix.len() && start != 0 && start != PAST;
                let end = if both { head(span.end, prefix.len()) } else { head_of(span.end, prefix) };
                Stretch { start, end }
            }
        }
    }

    /// Whether it has a head in common with another one: else no key is in both.
    #[inline]
    pub(super) fn may_cross(self, other: Stretch) -> bool {
        self.start <= other.end && other.start <= self.end
    }

    /// Whether some key is in both, whatever the bytes are.
    #[inline]
    pub(super) fn surely_crosses(self, other: Stretch) -> bool {
        self.start < other.end && other.start < self.end
    }
}

#[inline]
fn head_of(key: &[u8], prefix: &[u8]) -> u64 {
    if begins_with(key, prefix) {
        head(key, prefix.len())
    } else if key < prefix {
        0
    } else {
        PAST
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::batch::Span;

    /// Promise: what surely crosses does, and what cannot does not, whatever the bytes from which heads are seen.
    #[test]
    fn heads_tell_what_crosses() {
        let keys: Vec<&[u8]> = vec![
            b"",
            b"a",
            b"a\0",
            b"ab",
            b"ab\0",
            b"ab1234567",
            b"ab12345678",
            b"ab12345679",
            b"ab\xFF",
            b"b",
            b"\xFF\xFF",
        ];
        let mut all: Vec<Keyed<'_>> = keys.iter().map(|key| Keyed::Point(key)).collect();
        for (at, start) in keys.iter().enumerate() {
            all.extend(keys[at + 1..].iter().map(|end| Keyed::Range(Span::new(start, end))));
        }
        for prefix in [&b""[..], b"a", b"ab", b"ab1", b"zz"] {
            for a in &all {
                for b in &all {
                    let (here, there) = (Stretch::of(*a, prefix), Stretch::of(*b, prefix));
                    let (may, surely) = (here.may_cross(there), here.surely_crosses(there));
                    assert!(if a.overlaps(*b) { may } else { !surely }, "{a:?} {b:?} {prefix:?}");
                }
            }
        }
    }
}
