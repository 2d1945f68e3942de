//! Times of a source: integers, text and timestamps brought to the one unit of a log.

use chrono::DateTime;

use super::brief;
use super::cells::Cell;
use crate::log::build::{Value, plain_integer};
use crate::time::{BoundedTimestamp, Unit};

/// What to do with an instant between two ticks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    /// An assigned timestamp: refuse.
    Exact,
    /// The earliest end of a bound: it must stay below the true time.
    Down,
    /// The latest end of a bound.
    Up,
}

/// A time as the source has it.
enum Raw {
    Ticks(i64),
    /// Nanoseconds since 1970.
    Instant(i128),
}

/// Which unit the times of a log have: what the user states, or what the first time implies.
pub(super) struct TimeRule {
    stated: Option<Unit>,
    /// The unit for instants if none is stated.
    instants: Unit,
    implied: Option<Unit>,
}

impl TimeRule {
    pub(super) fn new(stated: Option<Unit>, instants: Unit) -> Self {
        TimeRule { stated, instants, implied: None }
    }

    /// The unit of all times seen; `none` if there were none.
    pub(super) fn unit(&self) -> Unit {
        self.stated.or(self.implied).unwrap_or(Unit::None)
    }

    /// The bound with those ends; both must be there, or neither. The error says which end.
    pub(super) fn bound(
        &mut self,
        [earliest, latest]: &[Cell; 2],
    ) -> Result<Option<BoundedTimestamp>, (usize, String)> {
        let first = self.ticks(earliest, Rounding::Down).map_err(|reason| (0, reason))?;
        let last = self.ticks(latest, Rounding::Up).map_err(|reason| (1, reason))?;
        match (first, last) {
            (None, None) => Ok(None),
            (Some(_), None) => Err((1, format!("null, but the earliest end is `{}`", earliest.show()))),
            (None, Some(_)) => Err((0, format!("null, but the latest end is `{}`", latest.show()))),
            (Some(first), Some(last)) => BoundedTimestamp::new(first, last).map(Some).ok_or_else(|| {
                (0, format!("`{}` is later than the latest end, `{}`", earliest.show(), latest.show()))
            }),
        }
    }

    /// The time in ticks of the log's unit.
    pub(super) fn ticks(&mut self, cell: &Cell, rounding: Rounding) -> Result<Option<i64>, String> {
        let Some(raw) = raw(cell)? else { return Ok(None) };
        let unit = match (&raw, self.stated) {
            (_, Some(stated)) => stated,
            (Raw::Ticks(_), None) => self.imply(Unit::None, cell)?,
            (Raw::Instant(_), None) => self.imply(self.instants, cell)?,
        };
        match (raw, unit.nanoseconds()) {
            (Raw::Ticks(ticks), _) => Ok(Some(ticks)),
            (Raw::Instant(_), None) => {
                Err(format!("`{}` is an instant, but the unit is none: ticks have no date", cell.show()))
            }
            (Raw::Instant(ns), Some(tick)) => in_ticks(ns, tick.into(), rounding)
                .map(Some)
                .map_err(|problem| format!("`{}` {problem} of unit {unit}", cell.show())),
        }
    }

    fn imply(&mut self, unit: Unit, cell: &Cell) -> Result<Unit, String> {
        match *self.implied.get_or_insert(unit) {
            implied if implied == unit => Ok(unit),
            _ => Err(format!(
                "`{}`: some times are integers and some are instants; --unit must say what integers count",
                cell.show()
            )),
        }
    }
}

fn raw(cell: &Cell) -> Result<Option<Raw>, String> {
    let too_large = || format!("`{}` does not fit a signed 64-bit time", cell.show());
    Ok(Some(match cell {
        Cell::Null => return Ok(None),
        Cell::Integer(n) => Raw::Ticks(*n),
        Cell::Unsigned(n) => Raw::Ticks(i64::try_from(*n).map_err(|_| too_large())?),
        Cell::Instant(ns) => Raw::Instant(*ns),
        Cell::Bytes(_) => return Err(format!("`{}` is not a time", cell.show())),
        Cell::Text(text) => match plain_integer(text.as_bytes()) {
            Some(Value::Integer(n)) => Raw::Ticks(n),
            Some(_) => return Err(too_large()),
            None => Raw::Instant(instant(text)?),
        },
    }))
}

/// Nanoseconds since 1970 of an RFC 3339 text.
fn instant(text: &str) -> Result<i128, String> {
    let time = DateTime::parse_from_rfc3339(text)
        .map_err(|_| format!("`{}` is neither an integer nor an RFC 3339 time", brief(text)))?;
    // A leap second counts as the start of the next: its nanoseconds run past one second.
    Ok(i128::from(time.timestamp()) * 1_000_000_000 + i128::from(time.timestamp_subsec_nanos()))
}

fn in_ticks(ns: i128, tick: i128, rounding: Rounding) -> Result<i64, &'static str> {
    let (down, rest) = (ns.div_euclid(tick), ns.rem_euclid(tick));
    let ticks = match rounding {
        Rounding::Exact if rest != 0 => return Err("is finer than the ticks"),
        Rounding::Up if rest != 0 => down + 1,
        _ => down,
    };
    i64::try_from(ticks).map_err(|_| "does not fit 64 bits of ticks")
}
