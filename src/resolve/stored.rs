//! What is stored of a key: what whoever stores it does not know of it anyway, as it is, or front-coded, which is so many bytes
//! of another key before it and a few of its own.
//!
//! All keys of a leaf begin with the same bytes, and heads say those behind them: so keys are stored from there on. The ends of a
//! range mostly differ in their last bytes alone: then the second one costs eight bytes, or twelve, instead of its length.

use std::cmp::Ordering;

use super::keys::{HEAD, head};

/// Bytes of a key's own that fit behind those of another.
const MOST_OWN: usize = 7;
const SHARED_BITS: u32 = 15;
const BACK_BITS: u32 = 13;
const SKIP_BITS: u32 = 16;
const FRONT_CODED: u32 = 1 << 31;
/// So many of a key's first bytes may be left out.
const MOST_SKIPPED: usize = (1 << SKIP_BITS) - 1;

/// How many of a key's first bytes need not be stored, given its head behind `prefix` bytes that are known, if the head is not whole.
#[inline]
pub(super) fn skipped(prefix: usize) -> usize {
    (prefix + HEAD).min(MOST_SKIPPED)
}

/// What stands before a key's bytes, in four bytes: how many there are, and how many are left out before them; where it is
/// front-coded, instead of these, how many it shares, and how far back the other key begins, which leaves out as many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The key's first bytes that are left out; 0 where it is front-coded.
    pub(super) skip: usize,
    /// Bytes that follow.
    pub(super) own: usize,
    /// Bytes that are those of another key.
    pub(super) shared: usize,
    /// By how many units the other key stands before this one; 0 if there is none.
    pub(super) back: usize,
}

impl Header {
    /// Of `own` bytes of a key, fewer than `1 << 15`, behind those that are left out, which are [`skipped`] at most.
    #[inline]
    pub(super) fn plain(skip: usize, own: usize) -> Self {
        Self { skip, own, shared: 0, back: 0 }
    }

    /// Whether the header can say this.
    pub(super) fn fits(self) -> bool {
        self.own <= MOST_OWN && self.shared < 1 << SHARED_BITS && self.back < 1 << BACK_BITS
    }

    #[inline]
    pub(super) fn word(self) -> u32 {
        if self.back == 0 {
            return (self.own as u32) << SKIP_BITS | self.skip as u32;
        }
        FRONT_CODED
            | (self.own as u32) << (SHARED_BITS + BACK_BITS)
            | (self.back as u32) << SHARED_BITS
            | self.shared as u32
    }

    /// That at a place of a chunk.
    #[inline]
    pub(super) fn at(chunk: &[u8], at: usize) -> Self {
        let word = chunk[at..].first_chunk().copied().unwrap_or_default();
        Self::of(u32::from_le_bytes(word))
    }

    /// What a word says, without a branch: front-coded keys and others come as they come.
    #[inline]
    pub(super) fn of(word: u32) -> Self {
        let coded = ((word.cast_signed()) >> 31).cast_unsigned();
        let (shared, back) = (word & ((1 << SHARED_BITS) - 1), word >> SHARED_BITS & ((1 << BACK_BITS) - 1));
        let own = word >> (SHARED_BITS + BACK_BITS) & MOST_OWN as u32;
        Self {
            skip: (word & MOST_SKIPPED as u32 & !coded) as usize,
            own: (own & coded | word >> SKIP_BITS & !coded) as usize,
            shared: (shared & coded) as usize,
            back: (back & coded) as usize,
        }
    }
}

/// The bytes of a key from `skip` on, in two pieces, of which the second may be empty.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored<'a> {
    pub(super) skip: usize,
    pub(super) first: &'a [u8],
    pub(super) rest: &'a [u8],
}

impl Stored<'_> {
    /// Compares it with a key that has the bytes which are left out.
    #[inline]
    pub(super) fn cmp(self, key: &[u8]) -> Ordering {
        let key = key.get(self.skip..).unwrap_or_default();
        let (front, back) = key.split_at(self.first.len().min(key.len()));
        // Of a key's own there are so few that a call would cost more.
        self.first.cmp(front).then_with(|| self.rest.iter().cmp(back))
    }

    /// Appends the bytes that are stored.
    pub(super) fn append_to(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.first);
        out.extend_from_slice(self.rest);
    }

    /// The stored bytes from some on, up to eight, and how many.
    fn eight(self, from: usize) -> ([u8; 8], usize) {
        let mut eight = [0; 8];
        let stored = self.first.get(from..).unwrap_or_default().iter();
        let rest = self.rest.get(from.saturating_sub(self.first.len())..).unwrap_or_default();
        let count = eight.iter_mut().zip(stored.chain(rest)).map(|(to, byte)| *to = *byte).count();
        (eight, count)
    }

    /// The [`head`] behind `prefix` bytes of the key whose head behind the bytes `shared` is `old`, which is not whole.
    pub(super) fn head(self, (old, shared): (u64, &[u8]), prefix: usize) -> u64 {
        if prefix >= self.skip {
            let (eight, count) = self.eight(prefix - self.skip);
            return head(&eight[..count], 0);
        }
        let known = old.to_be_bytes();
        let mut near = [0; HEAD + 8];
        if let Some(less) = prefix.checked_sub(shared.len()) {
            let (eight, count) = self.eight(shared.len() + HEAD - self.skip);
            near[..HEAD].copy_from_slice(&known[..HEAD]);
            near[HEAD..].copy_from_slice(&eight);
            return head(&near[less..HEAD + count], 0);
        }
        let more = (shared.len() - prefix).min(8);
        near[..more].copy_from_slice(&shared[prefix..prefix + more]);
        near[more..more + HEAD].copy_from_slice(&known[..HEAD]);
        head(&near[..8], 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a header comes back as it was, up to its limits.
    #[test]
    fn headers_come_back() {
        for own in [0, 1, 7, 8, 32_764] {
            for skip in [0, 7, skipped(1 << 20)] {
                assert_eq!(Header::of(Header::plain(skip, own).word()), Header::plain(skip, own));
            }
        }
        let coded = |own, shared, back| Header { skip: 0, own, shared, back };
        for own in [0, 1, 7] {
            for shared in [0, 1, 32_767] {
                for back in [1, 8_191] {
                    let header = coded(own, shared, back);
                    assert!(header.fits());
                    assert_eq!(Header::of(header.word()), header);
                }
            }
        }
        assert!(!coded(8, 1, 1).fits() && !coded(1, 1 << 15, 1).fits() && !coded(1, 1, 1 << 13).fits());
    }

    /// Promise: a key of which a part is stored, in two pieces, is to others as the whole one, and has its heads.
    #[test]
    fn pieces_are_the_key() {
        let keys: [&[u8]; 9] =
            [b"", b"\0", b"a", b"ab", b"ab\0", b"abcdefg", b"abcdefgh", b"abcdefghi", b"abcdefghij-klmn"];
        for key in keys {
            for (skip, at) in (0..=key.len()).flat_map(|at| (0..=at).map(move |skip| (skip, at))) {
                let stored = Stored { skip, first: &key[skip..at], rest: &key[at..] };
                keys.iter().filter(|other| other.starts_with(&key[..skip])).for_each(|other| {
                    assert_eq!(stored.cmp(other), key.cmp(*other), "{key:?} {skip} {at} {other:?}");
                });
                let mut out = key[..skip].to_vec();
                stored.append_to(&mut out);
                assert_eq!(out, key);
                // Where its head is not whole, and says what is not stored.
                for known in skip.saturating_sub(HEAD)..key.len().saturating_sub(HEAD) {
                    let old = (head(key, known), &key[..known]);
                    (0..=key.len()).for_each(|prefix| {
                        assert_eq!(
                            stored.head(old, prefix),
                            head(key, prefix),
                            "{key:?} {skip} {at} {known}"
                        );
                    });
                }
            }
        }
    }
}
