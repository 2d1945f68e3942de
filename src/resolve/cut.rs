//! Where the order of keys is cut in two, so that two threads judge ranges side by side.

use std::sync::atomic::{AtomicU64, Ordering};

use super::batch::{Keyed, Span};
use super::keys::head;
use super::stretch::Stretch;

/// Bytes of its key at most.
const LONGEST: usize = 64;

/// A key that divides all keys: those less than it are on one side, it and the others on the other.
#[derive(Debug)]
pub(super) struct Cut {
    /// Which of all cuts of the process it is, from 1 on: a resolver may be replaced by another one.
    pub(super) number: u64,
    key: Box<[u8]>,
    /// So many of its first bytes all keys began with when it was made.
    prefix: usize,
    /// Its head behind these.
    head: u64,
}

impl Cut {
    /// A new cut at a key, of whose first bytes all boundaries have so many.
    ///
    /// Of long keys it takes the beginning, since each range that reaches over the cut is given a copy.
    pub(super) fn at(mut key: Vec<u8>, prefix: usize) -> Self {
        static CUTS: AtomicU64 = AtomicU64::new(0);
        key.truncate(LONGEST);
        let prefix = prefix.min(key.len());
        let head = head(&key, prefix);
        Cut { number: 1 + CUTS.fetch_add(1, Ordering::Relaxed), key: key.into(), prefix, head }
    }

    /// What all keys began with when it was made.
    #[inline]
    pub(super) fn prefix(&self) -> &[u8] {
        &self.key[..self.prefix]
    }

    /// The side of an access, if it lies on one.
    #[inline]
    pub(super) fn side(&self, keyed: Keyed<'_>) -> Option<usize> {
        match keyed {
            Keyed::Nothing => Some(0),
            Keyed::Point(key) => Some(usize::from(key >= &self.key[..])),
            Keyed::Range(Span { start, .. }) if start >= &self.key[..] => Some(1),
            Keyed::Range(Span { end, .. }) => (end <= &self.key[..]).then_some(0),
        }
    }

    /// The same of an access that has these heads, as seen from what all keys began with.
    #[inline]
    pub(super) fn side_of(&self, heads: Stretch, keyed: Keyed<'_>) -> Option<usize> {
        if heads.start > self.head {
            Some(1)
        } else if heads.end < self.head {
            Some(0)
        } else {
            self.side(keyed)
        }
    }

    /// What of an access lies on each side, if it lies on both.
    #[cold]
    pub(super) fn shares<'k>(&'k self, keyed: Keyed<'k>) -> [Keyed<'k>; 2] {
        match keyed {
            Keyed::Range(Span { start, end, .. }) => {
                [Keyed::Range(Span::new(start, &self.key)), Keyed::Range(Span::new(&self.key, end))]
            }
            Keyed::Nothing | Keyed::Point(_) => [Keyed::Nothing; 2],
        }
    }
}
