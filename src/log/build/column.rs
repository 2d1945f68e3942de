//! Columns that grow: their Arrow type is settled when the last value is known.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Int64Array, StringArray, UInt64Array};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;

use super::Value;
use crate::txn::{Brief, Datum};

/// Longest text or byte string taken, in bytes: 16 MiB.
const LONGEST: usize = 16 << 20;

/// Integers of both signs, as wide as their column needs: `bits` are those of an `i64`, or of a
/// `u64` once one is above `i64::MAX`.
#[derive(Debug, Default)]
struct Integers {
    bits: Vec<i64>,
    present: Vec<bool>,
    negative: Option<i64>,
    large: Option<u64>,
}

/// Texts and byte strings, back to back; row `r` ends at `ends[r]`.
#[derive(Debug, Default)]
struct Strings {
    data: Vec<u8>,
    ends: Vec<usize>,
    present: Vec<bool>,
    binary: bool,
}

#[derive(Debug)]
enum Store {
    /// Only nulls so far.
    Nulls(usize),
    Integers(Integers),
    Strings(Strings),
}

/// Keys, values or ids: integers, or texts and byte strings, or all null.
#[derive(Debug)]
pub(super) struct Datums(Store);

impl Datums {
    pub(super) fn new() -> Self {
        Datums(Store::Nulls(0))
    }

    /// Whether no row has a value.
    pub(super) fn all_null(&self) -> bool {
        matches!(self.0, Store::Nulls(_))
    }

    /// Why `value` cannot stand in this column, if it cannot; nothing is changed.
    pub(super) fn check(&self, value: &Value) -> Result<(), String> {
        match (&self.0, value) {
            (Store::Integers(i), Value::Integer(n)) => i.check_negative(*n),
            (Store::Integers(i), Value::Unsigned(n)) => i.check_large(*n),
            (Store::Integers(_), Value::Text(_) | Value::Bytes(_)) => {
                Err(format!("`{}` is not an integer, as all before it are", Brief(value.as_datum())))
            }
            (Store::Strings(_), Value::Integer(_) | Value::Unsigned(_)) => {
                Err(format!("`{}` is an integer, but all before it are text", Brief(value.as_datum())))
            }
            (_, Value::Text(text)) => check_length(text.len()),
            (_, Value::Bytes(bytes)) => check_length(bytes.len()),
            (Store::Nulls(_), _) => Ok(()),
        }
    }

    /// Appends a [checked](Self::check) value.
    pub(super) fn push(&mut self, value: Option<&Value>) {
        if let (Store::Nulls(rows), Some(value)) = (&self.0, value) {
            self.0 = Store::for_kind(value, *rows);
        }
        match (&mut self.0, value) {
            (Store::Nulls(rows), _) => *rows += 1,
            (Store::Integers(integers), value) => integers.push(value),
            (Store::Strings(strings), value) => strings.push(value),
        }
    }

    /// Turns texts into integers if every one is a plain decimal integer (no leading zero or
    /// plus sign, so that equal numbers were equal texts) and one 64-bit type holds them all.
    #[cfg(feature = "import")]
    pub(super) fn integers_from_text(&mut self) {
        let Store::Strings(strings) = &self.0 else { return };
        let mut integers = Integers::default();
        for row in 0..strings.ends.len() {
            let number = match strings.get(row) {
                None => None,
                Some(text) => match plain_integer(text) {
                    None => return,
                    number => number,
                },
            };
            let fits = match &number {
                Some(Value::Integer(n)) => integers.check_negative(*n),
                Some(Value::Unsigned(n)) => integers.check_large(*n),
                _ => Ok(()),
            };
            if fits.is_err() {
                return;
            }
            integers.push(number.as_ref());
        }
        self.0 = Store::Integers(integers);
    }

    /// The value of a row as text for messages.
    pub(super) fn show(&self, row: usize) -> String {
        match &self.0 {
            Store::Integers(i) if i.present[row] => i.show(row),
            Store::Strings(s) if s.present[row] => {
                Brief(Datum::Bytes(s.get(row).unwrap_or_default())).to_string()
            }
            _ => "null".to_owned(),
        }
    }

    /// The bytes of text in a row; 0 for integers, whose size is fixed.
    pub(super) fn text_bytes(&self, row: usize) -> usize {
        match &self.0 {
            Store::Strings(s) => s.range(row).len(),
            _ => 0,
        }
    }

    /// Int64 if all integers fit, else `UInt64`; Utf8 if all strings are text, else Binary.
    pub(super) fn data_type(&self) -> DataType {
        match &self.0 {
            Store::Integers(i) if i.large.is_none() => DataType::Int64,
            Store::Integers(_) => DataType::UInt64,
            Store::Strings(s) if s.binary => DataType::Binary,
            _ => DataType::Utf8,
        }
    }

    /// The rows as an array of [`data_type`](Self::data_type).
    pub(super) fn array(&self, rows: Range<usize>) -> Result<ArrayRef, ArrowError> {
        match &self.0 {
            Store::Nulls(_) => Ok(Arc::new(StringArray::new_null(rows.len()))),
            Store::Integers(integers) => Ok(integers.array(rows)),
            Store::Strings(strings) => strings.array(rows),
        }
    }
}

impl Store {
    /// A column for values of that kind, with `rows` nulls in it.
    fn for_kind(value: &Value, rows: usize) -> Self {
        let present = vec![false; rows];
        match value {
            Value::Integer(_) | Value::Unsigned(_) => {
                Store::Integers(Integers { bits: vec![0; rows], present, ..Integers::default() })
            }
            Value::Text(_) | Value::Bytes(_) => {
                Store::Strings(Strings { ends: vec![0; rows], present, ..Strings::default() })
            }
        }
    }
}

impl Integers {
    fn check_negative(&self, n: i64) -> Result<(), String> {
        match self.large {
            Some(large) if n < 0 => Err(format!("`{n}` and `{large}` do not fit one integer type")),
            _ => Ok(()),
        }
    }

    fn check_large(&self, n: u64) -> Result<(), String> {
        match self.negative {
            Some(negative) if i64::try_from(n).is_err() => {
                Err(format!("`{n}` and `{negative}` do not fit one integer type"))
            }
            _ => Ok(()),
        }
    }

    fn push(&mut self, value: Option<&Value>) {
        let bits = match value {
            Some(Value::Integer(n)) => {
                self.negative = self.negative.or((*n < 0).then_some(*n));
                *n
            }
            Some(Value::Unsigned(n)) => {
                self.large = self.large.or(i64::try_from(*n).is_err().then_some(*n));
                n.cast_signed()
            }
            _ => 0,
        };
        self.bits.push(bits);
        self.present.push(value.is_some());
    }

    fn show(&self, row: usize) -> String {
        let bits = self.bits[row];
        if self.large.is_some() { bits.cast_unsigned().to_string() } else { bits.to_string() }
    }

    fn array(&self, rows: Range<usize>) -> ArrayRef {
        let nulls = nulls(&self.present[rows.clone()]);
        let bits = &self.bits[rows];
        if self.large.is_some() {
            let values: Vec<u64> = bits.iter().map(|b| b.cast_unsigned()).collect();
            Arc::new(UInt64Array::new(ScalarBuffer::from(values), nulls))
        } else {
            Arc::new(Int64Array::new(ScalarBuffer::from(bits.to_vec()), nulls))
        }
    }
}

impl Strings {
    fn push(&mut self, value: Option<&Value>) {
        match value {
            Some(Value::Text(text)) => self.data.extend_from_slice(text.as_bytes()),
            Some(Value::Bytes(bytes)) => {
                self.data.extend_from_slice(bytes);
                self.binary = true;
            }
            _ => {}
        }
        self.ends.push(self.data.len());
        self.present.push(value.is_some());
    }

    fn range(&self, row: usize) -> Range<usize> {
        let begin = if row == 0 { 0 } else { self.ends[row - 1] };
        begin..self.ends[row]
    }

    fn get(&self, row: usize) -> Option<&[u8]> {
        self.present[row].then(|| &self.data[self.range(row)])
    }

    fn array(&self, rows: Range<usize>) -> Result<ArrayRef, ArrowError> {
        let bytes = self.range(rows.start).start..self.ends[rows.end.max(1) - 1];
        if i32::try_from(bytes.len()).is_err() {
            return Err(ArrowError::OffsetOverflowError(bytes.len()));
        }
        let array: BinaryArray = rows.map(|row| self.get(row)).collect();
        if self.binary { Ok(Arc::new(array)) } else { Ok(Arc::new(StringArray::try_from_binary(array)?)) }
    }
}

/// Optional ticks: one end of a bound, or an assigned timestamp.
#[derive(Debug, Default)]
pub(super) struct Ticks {
    values: Vec<i64>,
    present: Vec<bool>,
    any: bool,
}

impl Ticks {
    pub(super) fn push(&mut self, tick: Option<i64>) {
        self.any |= tick.is_some();
        self.values.push(tick.unwrap_or_default());
        self.present.push(tick.is_some());
    }

    pub(super) fn all_null(&self) -> bool {
        !self.any
    }

    pub(super) fn has_nulls(&self) -> bool {
        self.present.contains(&false)
    }

    pub(super) fn get(&self, row: usize) -> Option<i64> {
        self.present[row].then(|| self.values[row])
    }

    pub(super) fn slice(&self, rows: Range<usize>) -> (ScalarBuffer<i64>, Option<NullBuffer>) {
        (ScalarBuffer::from(self.values[rows.clone()].to_vec()), nulls(&self.present[rows]))
    }
}

/// No null buffer where there is no null.
fn nulls(present: &[bool]) -> Option<NullBuffer> {
    present.contains(&false).then(|| NullBuffer::from(present))
}

/// The integer that `text` spells in the one way in which integers are printed.
#[cfg(feature = "import")]
pub(crate) fn plain_integer(text: &[u8]) -> Option<Value> {
    let text = std::str::from_utf8(text).ok()?;
    let number = match text.parse::<i64>() {
        Ok(n) => Value::Integer(n),
        Err(_) => Value::Unsigned(text.parse().ok()?),
    };
    (number.as_datum().to_string() == text).then_some(number)
}

fn check_length(bytes: usize) -> Result<(), String> {
    if bytes <= LONGEST {
        return Ok(());
    }
    Err(format!("{bytes} bytes are more than the {LONGEST} allowed"))
}
