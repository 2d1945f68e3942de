//! Which part of a divided window an access concerns, and what was known before the window was divided so.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Version;
use super::batch::{Keyed, Span};
use super::hashes::Hasher;
use super::keys::{begins_with, common, head};
use super::resolver::Resolver;
use super::verdict::Checked;

/// Into how many parts a window is divided.
pub(super) const PARTS: usize = 8;

/// How keys are divided among parts.
#[derive(Debug, Clone)]
pub(super) enum Split {
    /// Points alone, by bits of their hashes.
    Hashed(Hasher),
    /// By key: part `i` ends at the `i`-th border.
    Ordered(Borders),
}

/// Keys at which parts end and the next begin: they ascend.
#[derive(Debug, Clone, Default)]
pub(super) struct Borders {
    keys: Vec<Box<[u8]>>,
    /// All begin with it.
    prefix: Box<[u8]>,
    /// What comes behind it: keys are compared by that first.
    heads: Vec<u64>,
}

/// A window that is written no more: what was known before the keys were divided anew. It is looked at
/// for snapshots that are older, and given up when the floor has passed them.
#[derive(Debug)]
pub(super) struct Past {
    #[expect(clippy::vec_box, reason = "as parts were")]
    pub(super) windows: Vec<Box<Resolver>>,
    /// The last version that may be in it.
    pub(super) last: Version,
}

/// All that callers have to know of a divided window to judge in its parts.
#[derive(Debug, Clone)]
pub(super) struct Routing {
    pub(super) checked: Checked,
    pub(super) split: Split,
    pub(super) pasts: Vec<Arc<Past>>,
}

impl Borders {
    /// Borders at some of these keys, at most one less than there are parts.
    pub(super) fn among(mut samples: Vec<Box<[u8]>>) -> Self {
        samples.sort_unstable();
        let at = |part: usize| part * samples.len() / PARTS;
        let mut keys: Vec<_> = (1..PARTS).filter_map(|part| samples.get(at(part)).cloned()).collect();
        keys.dedup();
        let prefix: Box<[u8]> = match (keys.first(), keys.last()) {
            (Some(first), Some(last)) => first[..common(first, last)].into(),
            _ => Box::default(),
        };
        let heads = keys.iter().map(|key| head(key, prefix.len())).collect();
        Self { keys, prefix, heads }
    }

    /// The part of a key: how many borders are not above it.
    #[inline]
    fn part(&self, key: &[u8]) -> usize {
        if !begins_with(key, &self.prefix) {
            return if *key < *self.prefix { 0 } else { self.keys.len() };
        }
        let own = head(key, self.prefix.len());
        let below = self.heads.iter().filter(|head| **head < own).count();
        below + self.keys[below..].iter().take_while(|border| ***border <= *key).count()
    }
}

impl Split {
    #[inline]
    pub(super) fn of_hash(hash: u64) -> usize {
        (hash >> 8) as usize % PARTS
    }

    /// The parts that an access concerns; `hash` is that of a point, where points are hashed.
    #[inline]
    pub(super) fn parts(&self, hash: u64, keyed: Keyed<'_>) -> RangeInclusive<usize> {
        let borders = match self {
            Split::Hashed(_) => {
                let part = Self::of_hash(hash);
                return part..=part;
            }
            Split::Ordered(borders) => borders,
        };
        let (start, end) = match keyed {
            Keyed::Nothing => return 0..=0,
            Keyed::Point(key) => (key, None),
            Keyed::Range(span) => (span.start, Some(span.end)),
        };
        let first = borders.part(start);
        let next = borders.keys[first..].iter();
        let last = first + end.map_or(0, |end| next.take_while(|border| &***border < end).count());
        first..=last
    }

    /// What of an access lies in a part that it concerns.
    pub(super) fn clip<'a>(&'a self, part: usize, keyed: Keyed<'a>) -> Keyed<'a> {
        match (self, keyed) {
            (Split::Ordered(borders), Keyed::Range(range)) => {
                let low = part.checked_sub(1).map_or(&[][..], |at| &borders.keys[at]);
                let high = borders.keys.get(part).map_or(range.end, |high| range.end.min(high));
                Keyed::Range(Span::new(range.start.max(low), high))
            }
            _ => keyed,
        }
    }
}

impl Routing {
    /// Whether a key of the access was written after `snapshot`, as far as is known from before.
    #[inline]
    pub(super) fn newer_in_past(&self, keyed: Keyed<'_>, snapshot: Version) -> bool {
        self.pasts.iter().any(|past| {
            snapshot < past.last && past.windows.iter().any(|window| window.newer_unforeseen(keyed, snapshot))
        })
    }

    /// Whether other borders are possible, and what was past is forgotten: so there is never more than one past of them.
    pub(super) fn may_divide(&self) -> bool {
        self.pasts.is_empty() && self.takes_ranges()
    }

    /// Whether batches with ranges can be judged by it.
    pub(super) fn takes_ranges(&self) -> bool {
        matches!(self.split, Split::Ordered(_))
    }
}
