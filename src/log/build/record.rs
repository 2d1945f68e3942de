//! A row of a log to be, and the values in it.

use crate::time::BoundedTimestamp;
use crate::txn::{Datum, Op, Status};

/// A key, a value or an id, owned.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A signed integer.
    Integer(i64),
    /// An unsigned integer; equal to the [`Integer`](Value::Integer) of the same number.
    Unsigned(u64),
    /// Text.
    Text(String),
    /// Bytes, text or not.
    Bytes(Vec<u8>),
}

impl Value {
    /// The same, borrowed, and comparable with what a log holds.
    pub fn as_datum(&self) -> Datum<'_> {
        match self {
            Value::Integer(n) => Datum::Integer((*n).into()),
            Value::Unsigned(n) => Datum::Integer((*n).into()),
            Value::Text(text) => Datum::Bytes(text.as_bytes()),
            Value::Bytes(bytes) => Datum::Bytes(bytes),
        }
    }
}

impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Value::Integer(n)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Text(text.to_owned())
    }
}

/// One operation, owned: a row of a log to be.
///
/// The default is a committed write of null to key 0 that has no times; it is meant for
/// `..Record::default()` and is no valid row by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The key operated on.
    pub key: Value,
    /// Read or write.
    pub op: Op,
    /// The value read or written; `None`: a read that found nothing, a write that deletes.
    pub value: Option<Value>,
    /// The transaction; `None`: this operation is one of its own.
    pub txn: Option<Value>,
    /// Where the transaction ran.
    pub region: Option<String>,
    /// The session of the transaction.
    pub session: Option<Value>,
    /// The transaction's fate.
    pub status: Status,
    /// When its snapshot was taken.
    pub start: Option<BoundedTimestamp>,
    /// When it committed.
    pub commit: Option<BoundedTimestamp>,
    /// The snapshot's timestamp that the database assigned.
    pub start_ts: Option<i64>,
    /// The commit timestamp that the database assigned.
    pub commit_ts: Option<i64>,
    /// The host whose clock the timestamps are of: [`crate::bounds`] are joined by it.
    pub host: Option<String>,
}

impl Default for Record {
    fn default() -> Self {
        Record {
            key: Value::Integer(0),
            op: Op::Write,
            value: None,
            txn: None,
            region: None,
            session: None,
            status: Status::Committed,
            start: None,
            commit: None,
            start_ts: None,
            commit_ts: None,
            host: None,
        }
    }
}
