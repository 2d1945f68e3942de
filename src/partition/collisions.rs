//! Different keys that met in one fingerprint.

use super::scatter::Keyed;
use crate::log::Scalars;
use crate::txn::Datum;

/// The column and the place in it where a record's key stands.
pub(super) type Place<'l> = Option<(&'l Scalars, usize)>;

/// So many records ahead a key's place in its column is asked for, and its bytes: a column is read
/// in no order here, and one key after the other would be waited for.
const AHEAD: (usize, usize) = (48, 24);

/// The key at a place.
pub(super) fn datum(place: Place<'_>) -> Option<Datum<'_>> {
    place.and_then(|(column, at)| column.get(at))
}

/// Whether all records of each fingerprint are of one key; `records` stand sorted by fingerprints.
///
/// Cost: O(records), each key of those that share a fingerprint looked up.
pub(super) fn none<'l, R: Keyed>(records: &[R], place: impl Fn(&R) -> Place<'l>) -> bool {
    let same = |at: usize| records[at - 1].fingerprint() == records[at].fingerprint();
    let shares = |at: &usize| {
        *at < records.len() && (*at > 0 && same(*at) || *at + 1 < records.len() && same(*at + 1))
    };
    let ask = |at: usize, how: fn(&Scalars, usize)| {
        if let Some((column, place)) = Some(at).filter(shares).and_then(|at| place(&records[at])) {
            how(column, place);
        }
    };
    (0..AHEAD.0).for_each(|at| ask(at, Scalars::prefetch_place));
    (0..AHEAD.1).for_each(|at| ask(at, Scalars::prefetch_datum));
    (0..records.len()).all(|at| {
        ask(at + AHEAD.0, Scalars::prefetch_place);
        ask(at + AHEAD.1, Scalars::prefetch_datum);
        at == 0 || !same(at) || datum(place(&records[at - 1])) == datum(place(&records[at]))
    })
}
