//! Bounded timestamps: intervals that hold a true time, and what they prove.

use std::fmt;

/// A closed interval `[earliest, latest]` of ticks that holds an event's true time.
///
/// Bounded timestamps form an interval order (Fishburn, *Intransitive indifference with
/// unequal indifference intervals*, 1970): [`precedes`](Self::precedes) is irreflexive and
/// transitive, but being [`concurrent`](Self::concurrent) is not transitive. That is why the
/// type implements neither `Ord` nor `PartialOrd`: sort by one of its ends, and say which.
///
/// ```
/// use skewer::BoundedTimestamp;
/// let a = BoundedTimestamp::new(0, 5).unwrap();
/// let b = BoundedTimestamp::new(5, 9).unwrap();
/// let c = BoundedTimestamp::new(6, 9).unwrap();
/// assert!(a.concurrent(b), "touching ends are concurrent");
/// assert!(a.precedes(c));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BoundedTimestamp {
    earliest: i64,
    latest: i64,
}

impl BoundedTimestamp {
    /// The bound of a clock that cannot be trusted: it orders nothing.
    pub const UNBOUNDED: Self = Self { earliest: i64::MIN, latest: i64::MAX };

    /// The interval from `earliest` to `latest`, both included; `None` if `earliest > latest`.
    pub const fn new(earliest: i64, latest: i64) -> Option<Self> {
        if earliest <= latest { Some(Self { earliest, latest }) } else { None }
    }

    /// An exact or logical timestamp.
    pub const fn point(t: i64) -> Self {
        Self { earliest: t, latest: t }
    }

    /// A clock reading `t` whose error is at most `error` ticks: `[t - error, t + error]`,
    /// saturating at the ends of the range.
    pub const fn reading(t: i64, error: u64) -> Self {
        Self { earliest: t.saturating_sub_unsigned(error), latest: t.saturating_add_unsigned(error) }
    }

    /// The first tick at which the event may have happened.
    pub const fn earliest(self) -> i64 {
        self.earliest
    }

    /// The last tick at which the event may have happened.
    pub const fn latest(self) -> i64 {
        self.latest
    }

    /// Whether the true time is known exactly.
    pub const fn is_point(self) -> bool {
        self.earliest == self.latest
    }

    /// Whether this event certainly happened before `other`: `self.latest < other.earliest`.
    pub const fn precedes(self, other: Self) -> bool {
        self.latest < other.earliest
    }

    /// Whether neither event certainly happened before the other. Touching ends are concurrent.
    pub const fn concurrent(self, other: Self) -> bool {
        !self.precedes(other) && !other.precedes(self)
    }

    /// The middle of the interval, rounded down; it does not overflow.
    pub const fn midpoint(self) -> i64 {
        // Both ends' shared bits plus half of the differing ones: the mean without a sum.
        (self.earliest & self.latest) + ((self.earliest ^ self.latest) >> 1)
    }

    /// Both ends `ticks` earlier, saturating.
    #[must_use]
    pub const fn earlier_by(self, ticks: u64) -> Self {
        Self {
            earliest: self.earliest.saturating_sub_unsigned(ticks),
            latest: self.latest.saturating_sub_unsigned(ticks),
        }
    }

    /// Both ends moved outwards by `ticks`, saturating.
    #[must_use]
    pub const fn widened(self, ticks: u64) -> Self {
        Self {
            earliest: self.earliest.saturating_sub_unsigned(ticks),
            latest: self.latest.saturating_add_unsigned(ticks),
        }
    }

    /// The number of ticks between the ends: 0 for a point.
    pub const fn width(self) -> u64 {
        self.latest.abs_diff(self.earliest)
    }
}

/// What one tick of a log lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// A second.
    Seconds,
    /// A millisecond.
    Milliseconds,
    /// A microsecond.
    Microseconds,
    /// A nanosecond.
    Nanoseconds,
    /// Ticks of a logical counter: no duration.
    None,
}

impl Unit {
    /// The name used in metadata, on the command line and in reports: `s ms us ns none`.
    pub const fn name(self) -> &'static str {
        match self {
            Unit::Seconds => "s",
            Unit::Milliseconds => "ms",
            Unit::Microseconds => "us",
            Unit::Nanoseconds => "ns",
            Unit::None => "none",
        }
    }

    /// The unit of that [name](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        use Unit::{Microseconds, Milliseconds, Nanoseconds, None as NoUnit, Seconds};
        [Seconds, Milliseconds, Microseconds, Nanoseconds, NoUnit].into_iter().find(|u| u.name() == name)
    }

    /// Nanoseconds in one tick; `None` for logical counters.
    pub const fn nanoseconds(self) -> Option<i64> {
        match self {
            Unit::Seconds => Some(1_000_000_000),
            Unit::Milliseconds => Some(1_000_000),
            Unit::Microseconds => Some(1_000),
            Unit::Nanoseconds => Some(1),
            Unit::None => None,
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A length of time as a user writes it: `250us`, `1.5ms`, or a plain number of ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// A number of the log's own ticks.
    Ticks(u64),
    /// A number of nanoseconds.
    Nanoseconds(u64),
}

impl Span {
    /// The span that `text` spells: a decimal number with `ns`, `us`, `ms` or `s`, or a whole
    /// number of ticks.
    ///
    /// # Errors
    /// Says what is wrong with the text: no number, an unknown unit, a fraction of a
    /// nanosecond or of a tick, or more than fits 64 bits.
    pub fn parse(text: &str) -> Result<Self, String> {
        let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits);
        let too_large = || format!("`{text}` does not fit 64 bits");
        if unit.is_empty() {
            if number.is_empty() || number.contains('.') {
                return Err(format!(
                    "`{text}` is not a duration: expected a number with ns, us, ms or s, or whole ticks"
                ));
            }
            return number.parse().map(Span::Ticks).map_err(|_| too_large());
        }
        let scale = match unit {
            "s" => 9,
            "ms" => 6,
            "us" | "µs" => 3,
            "ns" => 0,
            _ => return Err(format!("`{text}` is not a duration: unit `{unit}` is none of ns, us, ms, s")),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return Err(format!("`{text}` is not a duration: `{number}` is not a number"));
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > scale {
            return Err(format!("`{text}` is finer than a nanosecond"));
        }
        let padded = format!("{whole}{fraction:0<scale$}");
        padded.parse().map(Span::Nanoseconds).map_err(|_| too_large())
    }

    /// The span in ticks of `unit`, rounded up: a bound that is rounded down would no longer
    /// hold the true time. `None` if the unit has no duration and the span has one.
    pub const fn ticks(self, unit: Unit) -> Option<u64> {
        match (self, unit.nanoseconds()) {
            (Span::Ticks(ticks), _) => Some(ticks),
            (Span::Nanoseconds(ns), Some(tick)) => Some(ns.div_ceil(tick.unsigned_abs())),
            (Span::Nanoseconds(_), None) => None,
        }
    }
}

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Span::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: the midpoint rounds down and never overflows.
    #[test]
    fn midpoint_of_extremes() {
        assert_eq!(BoundedTimestamp::UNBOUNDED.midpoint(), -1);
        assert_eq!(BoundedTimestamp::new(-3, 0).unwrap().midpoint(), -2);
        assert_eq!(BoundedTimestamp::new(i64::MAX - 1, i64::MAX).unwrap().midpoint(), i64::MAX - 1);
        assert_eq!(BoundedTimestamp::point(i64::MIN).midpoint(), i64::MIN);
    }

    /// Promise: readings saturate instead of wrapping.
    #[test]
    fn readings_saturate() {
        let b = BoundedTimestamp::reading(i64::MAX - 1, 5);
        assert_eq!((b.earliest(), b.latest()), (i64::MAX - 6, i64::MAX));
        assert_eq!(BoundedTimestamp::reading(0, u64::MAX), BoundedTimestamp::UNBOUNDED);
    }

    /// Promise: spans parse exactly, refuse what they cannot hold, and round up to ticks.
    #[test]
    fn spans() {
        assert_eq!(Span::parse("1.5ms"), Ok(Span::Nanoseconds(1_500_000)));
        assert_eq!(Span::parse("7"), Ok(Span::Ticks(7)));
        assert_eq!(Span::parse(".5us"), Ok(Span::Nanoseconds(500)));
        assert_eq!(Span::parse("1s").unwrap().ticks(Unit::Milliseconds), Some(1_000));
        assert_eq!(Span::parse("1500us").unwrap().ticks(Unit::Milliseconds), Some(2));
        assert_eq!(Span::parse("1us").unwrap().ticks(Unit::None), None);
        for bad in ["", ".", "ms", "1.5", "1.2.3ms", "0.1ns", "3h", "-1ms", "99999999999s", "1e3ms"] {
            assert!(Span::parse(bad).is_err(), "{bad}");
        }
    }
}
