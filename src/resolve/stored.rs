//! A stored key: whole, or front-coded, which is so many bytes of another key before it and a few of its own.
//!
//! The ends of a range mostly differ in their last bytes alone: then the second one costs eight bytes, or twelve, instead of
//! its length.

use std::cmp::Ordering;

use super::keys::head;

/// Bytes of a key's own that fit behind those of another.
const MOST_OWN: usize = 7;
const SHARED_BITS: u32 = 15;
const BACK_BITS: u32 = 13;
const FRONT_CODED: u32 = 1 << 31;

/// What stands before a key's bytes, in four bytes: how many there are, and where it is front-coded how many it shares, and
/// how far back the other key begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Bytes that follow.
    pub(super) own: usize,
    /// Bytes that are those of another key.
    pub(super) shared: usize,
    /// By how many units the other key stands before this one; 0 if there is none.
    pub(super) back: usize,
}

impl Header {
    /// Of a key that is stored whole, of up to `u32::MAX / 2` bytes.
    #[inline]
    pub(super) fn whole(len: usize) -> Self {
        Self { own: len, shared: 0, back: 0 }
    }

    /// Whether the header can say this.
    pub(super) fn fits(self) -> bool {
        self.own <= MOST_OWN && self.shared < 1 << SHARED_BITS && self.back < 1 << BACK_BITS
    }

    #[inline]
    pub(super) fn word(self) -> u32 {
        if self.back == 0 {
            return self.own as u32;
        }
        FRONT_CODED
            | (self.own as u32) << (SHARED_BITS + BACK_BITS)
            | (self.back as u32) << SHARED_BITS
            | self.shared as u32
    }

    /// What a word says, without a branch: whole keys and others come as they come.
    #[inline]
    pub(super) fn of(word: u32) -> Self {
        let coded = ((word.cast_signed()) >> 31).cast_unsigned();
        let (shared, back) = (word & ((1 << SHARED_BITS) - 1), word >> SHARED_BITS & ((1 << BACK_BITS) - 1));
        let own = word >> (SHARED_BITS + BACK_BITS) & MOST_OWN as u32;
        Self {
            own: (own & coded | word & !coded) as usize,
            shared: (shared & coded) as usize,
            back: (back & coded) as usize,
        }
    }
}

/// The bytes of a key in two pieces, of which the second may be empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored<'a> {
    pub(super) first: &'a [u8],
    pub(super) rest: &'a [u8],
}

impl Stored<'_> {
    #[inline]
    pub(super) fn cmp(self, key: &[u8]) -> Ordering {
        let (front, back) = key.split_at(self.first.len().min(key.len()));
        // Of a key's own there are so few that a call would cost more.
        self.first.cmp(front).then_with(|| self.rest.iter().cmp(back))
    }

    pub(super) fn append_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.first);
        out.extend_from_slice(self.rest);
    }

    /// As [`head`] of the whole key.
    pub(super) fn head(self, prefix: usize) -> u64 {
        if self.rest.is_empty() {
            return head(self.first, prefix);
        }
        let (first, rest) = match self.first.get(prefix..) {
            Some(first) => (first, self.rest),
            None => (&[][..], &self.rest[prefix - self.first.len()..]),
        };
        let mut near = [0; 8 + MOST_OWN];
        let few = first.len().min(8);
        near[..few].copy_from_slice(&first[..few]);
        near[few..few + rest.len()].copy_from_slice(rest);
        head(&near[..few + rest.len()], 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a header comes back as it was, up to its limits.
    #[test]
    fn headers_come_back() {
        for len in [0, 1, 7, 8, 32_764, u32::MAX as usize / 2] {
            assert_eq!(Header::of(Header::whole(len).word()), Header::whole(len));
        }
        for own in [0, 1, 7] {
            for shared in [0, 1, 32_767] {
                for back in [1, 8_191] {
                    let header = Header { own, shared, back };
                    assert!(header.fits());
                    assert_eq!(Header::of(header.word()), header);
                }
            }
        }
        assert!(!Header { own: 8, shared: 1, back: 1 }.fits());
        assert!(!Header { own: 1, shared: 1 << 15, back: 1 }.fits());
        assert!(!Header { own: 1, shared: 1, back: 1 << 13 }.fits());
    }

    /// Promise: a key in two pieces is to others, and has heads, as the whole one.
    #[test]
    fn pieces_are_the_key() {
        let keys: [&[u8]; 9] =
            [b"", b"\0", b"a", b"ab", b"ab\0", b"abcdefg", b"abcdefgh", b"abcdefghi", b"abcdefghij-klmn"];
        for key in keys {
            for at in key.len().saturating_sub(MOST_OWN)..=key.len() {
                let stored = Stored { first: &key[..at], rest: &key[at..] };
                keys.iter().for_each(|other| {
                    assert_eq!(stored.cmp(other), key.cmp(*other), "{key:?} {at} {other:?}");
                });
                (0..=key.len())
                    .for_each(|prefix| assert_eq!(stored.head(prefix), head(key, prefix), "{key:?} {at}"));
                let mut out = Vec::new();
                stored.append_to(&mut out);
                assert_eq!(out, key);
            }
        }
    }
}
