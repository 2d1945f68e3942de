//! Columns of ticks.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::{
    DataType, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt64Type,
};

use crate::time::Unit;

/// One tick count a row, in place.
#[derive(Debug, Clone)]
pub(crate) struct Ticks {
    values: ScalarBuffer<i64>,
    nulls: Option<NullBuffer>,
}

/// Why a column holds no ticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TicksError {
    /// Its type is not one of times.
    Type(String),
    /// A UInt64 above `i64::MAX`, in that row.
    TooLarge(usize, u64),
}

impl Ticks {
    /// The column in place, and its unit: `None` for integers, which do not say theirs.
    pub(crate) fn of_column(array: &ArrayRef) -> Result<(Ticks, Option<Unit>), TicksError> {
        let (values, unit) = match array.data_type() {
            DataType::Int64 => (array.as_primitive::<Int64Type>().values().clone(), None),
            DataType::UInt64 => (signed(array.as_primitive::<UInt64Type>().values(), array.nulls())?, None),
            DataType::Timestamp(unit, zone) => {
                if let Some(zone) = zone.as_deref().filter(|z| !is_utc(z)) {
                    return Err(TicksError::Type(format!("has time zone {zone}; expected none or UTC")));
                }
                timestamps(array, *unit)
            }
            other => {
                return Err(TicksError::Type(format!("is {other}; expected Timestamp, Int64 or UInt64")));
            }
        };
        let nulls = array.nulls().filter(|n| n.null_count() > 0).cloned();
        Ok((Ticks { values, nulls }, unit))
    }

    /// A column of nulls alone.
    pub(crate) fn nulls(rows: usize) -> Ticks {
        Ticks { values: vec![0; rows].into(), nulls: Some(NullBuffer::new_null(rows)) }
    }

    /// The ticks at `row`; `None` for null.
    pub(crate) fn get(&self, row: usize) -> Option<i64> {
        match &self.nulls {
            Some(nulls) if nulls.is_null(row) => None,
            _ => Some(self.values[row]),
        }
    }

    /// All ticks in place; `None` if one is null.
    pub(crate) fn dense(&self) -> Option<&ScalarBuffer<i64>> {
        self.nulls.is_none().then_some(&self.values)
    }

    /// Whether the same rows are null in both; the first row that differs otherwise.
    pub(crate) fn null_mismatch(&self, other: &Ticks) -> Option<usize> {
        if self.nulls.is_none() && other.nulls.is_none() {
            return None;
        }
        (0..self.values.len()).find(|&row| self.get(row).is_some() != other.get(row).is_some())
    }

    /// All ticks, those of null rows being of no meaning.
    pub(crate) fn values(&self) -> &[i64] {
        &self.values
    }

    /// Every tick times `factor`; the first row that overflows otherwise.
    pub(crate) fn scaled(&self, factor: i64) -> Result<Ticks, usize> {
        let mut values = Vec::with_capacity(self.values.len());
        for row in 0..self.values.len() {
            values.push(match self.get(row) {
                Some(t) => t.checked_mul(factor).ok_or(row)?,
                None => 0,
            });
        }
        Ok(Ticks { values: values.into(), nulls: self.nulls.clone() })
    }
}

fn is_utc(zone: &str) -> bool {
    ["UTC", "utc", "Etc/UTC", "Z", "+00:00", "+00", "+0000", "GMT"].contains(&zone)
}

fn timestamps(array: &ArrayRef, unit: TimeUnit) -> (ScalarBuffer<i64>, Option<Unit>) {
    match unit {
        TimeUnit::Second => {
            (array.as_primitive::<TimestampSecondType>().values().clone(), Some(Unit::Seconds))
        }
        TimeUnit::Millisecond => {
            (array.as_primitive::<TimestampMillisecondType>().values().clone(), Some(Unit::Milliseconds))
        }
        TimeUnit::Microsecond => {
            (array.as_primitive::<TimestampMicrosecondType>().values().clone(), Some(Unit::Microseconds))
        }
        TimeUnit::Nanosecond => {
            (array.as_primitive::<TimestampNanosecondType>().values().clone(), Some(Unit::Nanoseconds))
        }
    }
}

/// The same bytes read as signed integers, where none is above `i64::MAX`.
fn signed(values: &ScalarBuffer<u64>, nulls: Option<&NullBuffer>) -> Result<ScalarBuffer<i64>, TicksError> {
    let valid = |row: usize| nulls.is_none_or(|n| n.is_valid(row));
    match values.iter().enumerate().find(|&(row, &v)| v > i64::MAX as u64 && valid(row)) {
        Some((row, &value)) => Err(TicksError::TooLarge(row, value)),
        None => Ok(ScalarBuffer::new(values.inner().clone(), 0, values.len())),
    }
}
