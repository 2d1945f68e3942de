//! From rows of the log to the names that findings carry, and to the order of these.
//!
//! Findings are sorted by text, and few of them are told: what sorts them compares the first bytes of
//! names as numbers, and makes a name only where these are equal.

use std::cmp::Ordering;

use crate::log::Log;
use crate::report::Party;
use crate::txn::{Datum, tie_break};

/// The transaction that log row `row` belongs to, as a party to a finding.
pub(super) fn party(log: &Log, row: u32) -> Party {
    let found = log.row(u64::from(row));
    Party {
        txn: txn_name(log, row),
        region: found.region.to_owned(),
        row: u64::from(row),
        times: found.times,
    }
}

/// The name of the transaction that log row `row` belongs to.
pub(super) fn txn_name(log: &Log, row: u32) -> String {
    match txn_id(log, row) {
        Some(id) => id.to_string(),
        None => log.places().row_name(u64::from(row)),
    }
}

fn txn_id(log: &Log, row: u32) -> Option<Datum<'_>> {
    let (chunk, at) = log.locate(u64::from(row));
    chunk.txn.as_ref().and_then(|t| t.get(at))
}

/// The key at log row `row`, as text.
pub(super) fn key_name(log: &Log, row: u32) -> String {
    log.row(u64::from(row)).key.to_string()
}

/// Which of two writes of equal stamp wins: see [`tie_break`].
pub(super) fn by_tie_break(log: &Log, a: u32, b: u32) -> Ordering {
    let of = |row: u32| {
        let (chunk, at) = log.locate(u64::from(row));
        (log.regions()[usize::from(chunk.region.get(at))].as_str(), txn_id(log, row), u64::from(row))
    };
    tie_break(of(a), of(b))
}

/// The first bytes of a text, as a number: of two texts the lesser never has the greater head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Head(u128);

impl Head {
    const BYTES: usize = size_of::<u128>();

    /// The head of a text.
    pub(super) fn of_text(text: &str) -> Self {
        Head::of_bytes(text.as_bytes())
    }

    /// The head of the text that a datum prints as.
    pub(super) fn of(datum: Datum<'_>) -> Self {
        match datum {
            Datum::Integer(i) => match u64::try_from(i.unsigned_abs()) {
                Ok(size) if i < 0 => Head::of_decimal(Some(b'-'), size),
                Ok(size) => Head::of_decimal(None, size),
                Err(_) => Head::of_text(&i.to_string()),
            },
            Datum::Bytes(bytes) if std::str::from_utf8(bytes).is_ok() => Head::of_bytes(bytes),
            Datum::Bytes(_) => Head::of_text(&datum.to_string()),
        }
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        let mut first = [0; Self::BYTES];
        let len = bytes.len().min(Self::BYTES);
        first[..len].copy_from_slice(&bytes[..len]);
        Head(u128::from_be_bytes(first))
    }

    /// The head of a number's decimal digits, after a byte before them.
    fn of_decimal(before: Option<u8>, number: u64) -> Self {
        let mut first = [0; Self::BYTES];
        let at = usize::from(before.is_some());
        first[..at].copy_from_slice(before.as_slice());
        let digits = number.checked_ilog10().unwrap_or(0) as usize + 1;
        let shown = digits.min(Self::BYTES - at);
        let mut left = number / 10_u64.pow((digits - shown) as u32);
        for digit in first[at..at + shown].iter_mut().rev() {
            *digit = b'0' + (left % 10) as u8;
            left /= 10;
        }
        Head(u128::from_be_bytes(first))
    }
}

impl Head {
    /// The least of the heads of all numbers from `least` to `most`: as numbers of one length are sorted as
    /// they are, it is that of the least or of a first one of a length.
    fn least_decimal(before: Option<u8>, least: u64, most: u64) -> Self {
        let shortest = (0..20).map(|digits| 10_u64.pow(digits)).filter(|n| (least..=most).contains(n));
        let heads = shortest.chain([least]).map(|number| Head::of_decimal(before, number));
        heads.min().unwrap_or(Head(0))
    }
}

/// A row, to be sorted by the name of its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) head: Head,
    pub(super) row: u32,
}

impl Named {
    /// The row, with the head of its transaction's name.
    pub(super) fn of(log: &Log, row: u32) -> Self {
        let head = match txn_id(log, row) {
            Some(id) => Head::of(id),
            None if log.places().files.len() == 1 => Head::of_decimal(Some(b'#'), u64::from(row)),
            None => Head::of_text(&txn_name(log, row)),
        };
        Named { head, row }
    }

    /// By name.
    pub(super) fn cmp_name(&self, other: &Named, log: &Log) -> Ordering {
        if self.row == other.row {
            return Ordering::Equal;
        }
        self.head.cmp(&other.head).then_with(|| match (txn_id(log, self.row), txn_id(log, other.row)) {
            (Some(a), Some(b)) => cmp_text(a, b),
            _ => txn_name(log, self.row).cmp(&txn_name(log, other.row)),
        })
    }

    /// By name, then by row.
    pub(super) fn cmp(&self, other: &Named, log: &Log) -> Ordering {
        self.cmp_name(other, log).then(self.row.cmp(&other.row))
    }
}

/// A head that no name of these rows is below, and that one may have, if all of them are numbers of one kind:
/// cheaper than the heads of all.
pub(super) fn least_head(log: &Log, rows: impl Iterator<Item = u32>) -> Option<Head> {
    let (mut least, mut most, mut sign) = (u64::MAX, 0, None);
    for row in rows {
        let (before, number) = match txn_id(log, row) {
            Some(Datum::Integer(id)) => (None, u64::try_from(id).ok()?),
            None if log.places().files.len() == 1 => (Some(b'#'), u64::from(row)),
            _ => return None,
        };
        if *sign.get_or_insert(before) != before {
            return None;
        }
        (least, most) = (least.min(number), most.max(number));
    }
    Some(Head::least_decimal(sign?, least, most))
}

/// Compares data as texts.
fn cmp_text(a: Datum<'_>, b: Datum<'_>) -> Ordering {
    match (a, b) {
        _ if a == b => Ordering::Equal,
        (Datum::Bytes(a), Datum::Bytes(b)) if [a, b].iter().all(|t| std::str::from_utf8(t).is_ok()) => {
            a.cmp(b)
        }
        _ => a.to_string().cmp(&b.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn data() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(prop_oneof![4 => b'a'..=b'c', 1 => Just(0), 1 => Just(0xff)], 0..20)
    }

    proptest! {
        /// Promise: no number of a range has a head below the range's, and one has it.
        #[test]
        fn heads_of_ranges(least in 0..3_000_u64, more in 0..3_000_u64) {
            for before in [None, Some(b'#')] {
                let heads = (least..=least + more).map(|number| Head::of_decimal(before, number));
                prop_assert_eq!(Some(Head::least_decimal(before, least, least + more)), heads.min());
            }
        }

        /// Promise: numbers and texts are sorted as they are printed, by their heads and by themselves.
        #[test]
        fn heads_sort_as_texts(
            numbers in prop::collection::vec(any::<i64>(), 8),
            digits in prop::collection::vec(0_u32..64, 8),
            more in prop::collection::vec(any::<u64>(), 2),
            texts in prop::collection::vec(data(), 6),
        ) {
            let numbers = numbers.iter().zip(digits).map(|(n, bits)| Datum::Integer((n >> bits).into()));
            let more = more.iter().map(|n| Datum::Integer((*n).into()));
            let all: Vec<Datum<'_>> =
                numbers.chain(more).chain(texts.iter().map(|t| Datum::Bytes(t))).collect();
            for a in &all {
                for b in &all {
                    let by_text = a.to_string().cmp(&b.to_string());
                    prop_assert_eq!(Head::of(*a).cmp(&Head::of(*b)).then_with(|| cmp_text(*a, *b)), by_text);
                    prop_assert_eq!(cmp_text(*a, *b), by_text);
                }
            }
        }
    }
}
