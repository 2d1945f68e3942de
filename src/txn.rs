//! The grammar of a log: transactions, operations, keys, values and their names.

use std::cmp::Ordering;
use std::fmt;

use crate::time::BoundedTimestamp;

/// A key, a value, or the id of a transaction or session, borrowed from a log.
///
/// Integers compare by value whatever their column's type, text and bytes compare by bytes,
/// and every integer is less than every text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Datum<'a> {
    /// From an Int64 or UInt64 column.
    Integer(i128),
    /// From a text or binary column.
    Bytes(&'a [u8]),
}

impl fmt::Display for Datum<'_> {
    /// Decimal for integers, the text for UTF-8, and `0x` with lower case hex for other bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Datum::Integer(i) => write!(f, "{i}"),
            Datum::Bytes(bytes) => {
                if let Ok(text) = std::str::from_utf8(bytes) {
                    f.write_str(text)
                } else {
                    f.write_str("0x")?;
                    bytes.iter().try_for_each(|b| write!(f, "{b:02x}"))
                }
            }
        }
    }
}

/// A datum for messages: text as it is, other bytes as hex, long ones cut.
pub(crate) struct Brief<'a>(pub(crate) Datum<'a>);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CHARS_MAX: usize = 80;
        let text = self.0.to_string();
        match text.char_indices().nth(CHARS_MAX) {
            Some((cut, _)) => write!(f, "{}...", &text[..cut]),
            None => f.write_str(&text),
        }
    }
}

impl<'a> From<&'a str> for Datum<'a> {
    fn from(text: &'a str) -> Self {
        Datum::Bytes(text.as_bytes())
    }
}

/// What an operation does to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Returned the key's value; null means that it found nothing.
    Read,
    /// Installed a version; a null value deletes the key.
    Write,
}

/// What became of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It took effect.
    Committed,
    /// It did not.
    Aborted,
    /// Nobody was told.
    Unknown,
}

impl Status {
    /// The word for it in the `status` column.
    pub const fn name(self) -> &'static str {
        match self {
            Status::Committed => "committed",
            Status::Aborted => "aborted",
            Status::Unknown => "unknown",
        }
    }
}

/// The four times a transaction may carry, as its row in the log gives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Times {
    /// When the snapshot was taken, by the clocks.
    pub start: Option<BoundedTimestamp>,
    /// When it committed, by the clocks.
    pub commit: Option<BoundedTimestamp>,
    /// The snapshot's timestamp that the database assigned.
    pub start_ts: Option<i64>,
    /// The commit timestamp that the database assigned.
    pub commit_ts: Option<i64>,
    /// Whether a bound above was not recorded but made of an assigned timestamp and a clock error: a
    /// stated one, or one that the clock's daemon kept.
    pub assumed: bool,
}

impl Times {
    /// The times of a transaction that wrote nothing: it stands at its start where it has no
    /// commit of its own.
    #[must_use]
    pub fn at_start_if_uncommitted(self) -> Self {
        if self.commit.is_some() {
            return self;
        }
        Times { commit: self.start, commit_ts: self.commit_ts.or(self.start_ts), ..self }
    }

    /// The stamp that orders writes: the assigned `commit_ts`, else the midpoint of the commit
    /// bound, else none.
    pub fn stamp(&self) -> Option<i64> {
        self.commit_ts.or(self.commit.map(BoundedTimestamp::midpoint))
    }
}

/// One operation: a row of a log, with every default filled in and the clock error applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Its place in the log: rows count from 0 through the files in the order of their names.
    pub row: u64,
    /// The key operated on.
    pub key: Datum<'a>,
    /// Read or write.
    pub op: Op,
    /// The value read or written.
    pub value: Option<Datum<'a>>,
    /// The transaction's id; `None` in a log without such a column or in a null cell: the row
    /// is then a transaction of its own.
    pub txn: Option<Datum<'a>>,
    /// Where it ran.
    pub region: &'a str,
    /// The session it belongs to.
    pub session: Option<Datum<'a>>,
    /// The transaction's fate.
    pub status: Status,
    /// The transaction's times.
    pub times: Times,
}

/// Which optional columns a log has; models that need an absent one are not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Columns {
    /// Every file has `value`.
    pub value: bool,
    /// Some file has `session`.
    pub session: bool,
    /// Some row is a read.
    pub reads: bool,
}

/// Where the rows of a log stand: its files in the order of their names.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Places {
    /// Each file's name and its number of rows.
    pub files: Vec<(String, u64)>,
}

impl Places {
    /// The file that holds log row `row`, and the row's place in it, counted from 0.
    ///
    /// # Panics
    /// If the log has no such row.
    pub fn locate(&self, row: u64) -> (&str, u64) {
        let mut left = row;
        for (name, rows) in &self.files {
            if left < *rows {
                return (name, left);
            }
            left -= rows;
        }
        panic!("row {row} is beyond the log");
    }

    /// The name of the transaction that log row `row` is on its own: `#row`, or `file#row` in a
    /// log of several files.
    pub fn row_name(&self, row: u64) -> String {
        let (file, place) = self.locate(row);
        if self.files.len() > 1 { format!("{file}#{place}") } else { format!("#{place}") }
    }
}

/// The order of two transactions of equal stamp under last-writer-wins, and of serial order:
/// region name, then transaction id, then row.
pub fn tie_break(a: (&str, Option<Datum<'_>>, u64), b: (&str, Option<Datum<'_>>, u64)) -> Ordering {
    a.0.as_bytes().cmp(b.0.as_bytes()).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: keys print as text, integers as decimal, other bytes as hex.
    #[test]
    fn datums_print() {
        assert_eq!(Datum::Integer(-5).to_string(), "-5");
        assert_eq!(Datum::Bytes("né".as_bytes()).to_string(), "né");
        assert_eq!(Datum::Bytes(&[0xff, 0x01]).to_string(), "0xff01");
        assert_eq!(Datum::Bytes(b"").to_string(), "");
    }

    /// Promise: integers compare by value, text by bytes.
    #[test]
    fn datums_compare() {
        assert!(Datum::Integer(9) < Datum::Integer(10));
        assert!(Datum::Bytes(b"10") < Datum::Bytes(b"9"));
        assert!(tie_break(("eu", Some(Datum::Integer(9)), 4), ("us", None, 0)).is_lt());
        assert!(tie_break(("eu", Some(Datum::Integer(9)), 4), ("eu", Some(Datum::Integer(10)), 0)).is_lt());
    }
}
