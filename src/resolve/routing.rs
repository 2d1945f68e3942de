//! Which part of a divided window an access concerns, and what was known before the window was divided so.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Version;
use super::batch::{Keyed, Span};
use super::hashes::Hasher;
use super::resolver::Resolver;
use super::verdict::Checked;

/// Into how many parts a window is divided.
pub(super) const PARTS: usize = 8;

/// How keys are divided among parts.
#[derive(Debug, Clone)]
pub(super) enum Split {
    /// Points alone, by bits of their hashes.
    Hashed(Hasher),
    /// By key: part `i` ends where the `i`-th border begins. Borders ascend; fewer of them make fewer parts.
    Ordered(Vec<Box<[u8]>>),
}

/// A window that is written no more: what was known before the keys were divided anew. It is looked at
/// for snapshots that are older, and given up when the floor has passed them.
#[derive(Debug)]
pub(super) struct Past {
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
        let first = borders.partition_point(|border| &**border <= start);
        let last = match end {
            // Mostly the next border is behind the end.
            Some(end) if borders.get(first).is_some_and(|border| &**border < end) => {
                borders.partition_point(|border| &**border < end)
            }
            _ => first,
        };
        first..=last
    }

    /// What of an access lies in a part that it concerns.
    pub(super) fn clip<'a>(&'a self, part: usize, keyed: Keyed<'a>) -> Keyed<'a> {
        match (self, keyed) {
            (Split::Ordered(borders), Keyed::Range(range)) => {
                let low = part.checked_sub(1).map_or(&[][..], |at| &borders[at]);
                let high = borders.get(part).map_or(range.end, |high| range.end.min(high));
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
            snapshot < past.last
                && past.windows.iter().any(|window| window.newer_unforeseen(keyed, snapshot))
        })
    }

    /// Whether batches with ranges can be judged by it.
    pub(super) fn takes_ranges(&self) -> bool {
        matches!(self.split, Split::Ordered(_))
    }
}
