//! Who owns which keys.

use super::ResolveError;
use super::batch::{Keyed, Span};

/// A division of all keys among owners.
#[derive(Debug)]
pub(super) enum Ownership {
    Hash { count: usize, hasher: ahash::RandomState },
    Ranges { borders: Vec<Vec<u8>> },
}

impl Ownership {
    pub(super) fn hash(count: usize) -> Self {
        // Fixed seeds: the same keys have the same owner in every process.
        let hasher = ahash::RandomState::with_seeds(1, 2, 3, 4);
        Ownership::Hash { count: count.max(1), hasher }
    }

    pub(super) fn ranges(borders: &[(u32, &[u8])]) -> Result<Self, ResolveError> {
        let whole = |(keyspace, key): &(u32, &[u8])| [&keyspace.to_be_bytes()[..], key].concat();
        let borders: Vec<Vec<u8>> = borders.iter().map(whole).collect();
        if borders.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(ResolveError::UnorderedBorders);
        }
        Ok(Ownership::Ranges { borders })
    }

    pub(super) fn count(&self) -> usize {
        match self {
            Ownership::Hash { count, .. } => *count,
            Ownership::Ranges { borders } => borders.len() + 1,
        }
    }

    pub(super) fn owner(&self, key: &[u8]) -> usize {
        match self {
            Ownership::Hash { count, hasher } => {
                ((u128::from(hasher.hash_one(key)) * *count as u128) >> 64) as usize
            }
            Ownership::Ranges { borders } => borders.partition_point(|border| &border[..] <= key),
        }
    }

    /// What of an access concerns `owner`.
    pub(super) fn share<'a>(&'a self, owner: usize, keyed: Keyed<'a>) -> Keyed<'a> {
        match (keyed, self) {
            (Keyed::Nothing, _) => Keyed::Nothing,
            (Keyed::Point(key), _) => {
                if self.owner(key) == owner {
                    keyed
                } else {
                    Keyed::Nothing
                }
            }
            (Keyed::Range(_), Ownership::Hash { .. }) => keyed,
            (Keyed::Range(range), Ownership::Ranges { borders }) => {
                let low = owner.checked_sub(1).map_or(&[][..], |at| &borders[at]);
                let start = range.start.max(low);
                let end = borders.get(owner).map_or(range.end, |high| range.end.min(high));
                if start < end { Keyed::Range(Span::new(start, end)) } else { Keyed::Nothing }
            }
        }
    }
}
