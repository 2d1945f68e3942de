//! One unit for all times of a log.

use crate::error::{Error, Result};
use crate::time::Unit;

/// The names of the time columns.
pub(crate) const TIME_COLUMNS: [&str; 6] =
    ["start_earliest", "start_latest", "commit_earliest", "commit_latest", "start_ts", "commit_ts"];

/// What a file says of its unit.
#[derive(Debug, Clone, Default)]
pub(super) struct FileUnit {
    /// `skewer.unit` of the schema's metadata.
    stated: Option<Unit>,
    /// The columns seen so far, with the unit their type tells (integers tell none).
    seen: Vec<(&'static str, Option<Unit>)>,
}

impl FileUnit {
    /// A file whose metadata states `unit` for its integers.
    pub(super) fn stated(unit: Option<Unit>) -> Self {
        FileUnit { stated: unit, seen: Vec::new() }
    }

    /// Notes the unit of a column's type.
    pub(super) fn see(&mut self, column: &'static str, unit: Option<Unit>) {
        if !self.seen.iter().any(|(name, _)| *name == column) {
            self.seen.push((column, unit));
        }
    }

    /// Whether the file has any time column.
    pub(super) fn has_times(&self) -> bool {
        !self.seen.is_empty()
    }

    /// The one unit of the file: that of its timestamp columns, which must agree among
    /// themselves and with what is stated for integers; else what is stated; else none.
    ///
    /// # Errors
    /// The second column of two that disagree, and both units.
    pub(super) fn resolve(&self) -> Result<Unit, (&'static str, String)> {
        let mut first: Option<(&str, Unit)> = None;
        for (column, unit) in &self.seen {
            let Some(unit) = *unit else { continue };
            match first {
                Some((other, known)) if known != unit => {
                    return Err((column, format!("is in {unit}, but column {other} is in {known}")));
                }
                _ => first = Some((column, unit)),
            }
        }
        let integers = self.seen.iter().find(|(_, unit)| unit.is_none());
        match (first, self.stated, integers) {
            (Some((other, known)), Some(stated), Some((column, _))) if known != stated => {
                Err((column, format!("is in {stated} (skewer.unit), but column {other} is in {known}")))
            }
            (Some((_, known)), ..) => Ok(known),
            (None, stated, _) => Ok(stated.unwrap_or(Unit::None)),
        }
    }
}

/// The unit of a log of several files: the finest. Logical counters and durations do not mix.
pub(super) fn finest(files: &[(&str, Unit)]) -> Result<Unit> {
    let Some((first, mut finest)) = files.first().copied() else { return Ok(Unit::None) };
    for (name, unit) in &files[1..] {
        finest = match (finest.nanoseconds(), unit.nanoseconds()) {
            (Some(a), Some(b)) => {
                if b < a {
                    *unit
                } else {
                    finest
                }
            }
            (None, None) => Unit::None,
            _ => {
                return Err(Error::Log(format!(
                    "{first} counts time in {finest} and {name} in {unit}: these cannot be compared \
                     (metadata skewer.unit states the unit of integer columns)"
                )));
            }
        };
    }
    Ok(finest)
}

/// How many ticks of `to` one tick of `from` is; 1 for equal or logical units.
pub(super) fn factor(from: Unit, to: Unit) -> i64 {
    match (from.nanoseconds(), to.nanoseconds()) {
        (Some(from), Some(to)) => from / to,
        _ => 1,
    }
}
