//! Times and lengths of time as text, exact to the tick.

use crate::time::{BoundedTimestamp, Unit};

/// So many seconds from 1970, or more, is taken for a date: 3 years and 2 months.
const DATE_FROM_SECONDS: i128 = 100_000_000;

const SECOND: i128 = 1_000_000_000;

/// A bound: both ends, or one time if it is a point.
pub(super) fn bound(b: BoundedTimestamp, unit: Unit) -> String {
    if b.is_point() {
        return tick(b.earliest(), unit);
    }
    format!("[{}, {}]", tick(b.earliest(), unit), tick(b.latest(), unit))
}

/// A time: RFC 3339 in UTC with the digits of the unit if it looks like a date, else a decimal
/// with its unit; a plain number for logical counters. The ends of the range are unbounded.
pub(super) fn tick(t: i64, unit: Unit) -> String {
    if t == i64::MIN {
        return "unbounded past".to_owned();
    }
    if t == i64::MAX {
        return "unbounded future".to_owned();
    }
    let Some(scale) = unit.nanoseconds() else { return t.to_string() };
    let ns = i128::from(t) * i128::from(scale);
    if ns.abs() >= DATE_FROM_SECONDS * SECOND
        && let Some(date) = rfc3339(ns, unit)
    {
        return date;
    }
    decimal(ns)
}

/// A number of ticks as a length of time.
pub(crate) fn length(ticks: u64, unit: Unit) -> String {
    match unit.nanoseconds() {
        None if ticks == 1 => "1 tick".to_owned(),
        None => format!("{ticks} ticks"),
        Some(scale) => decimal(i128::from(ticks) * i128::from(scale)),
    }
}

/// Nanoseconds in the largest of s, ms, us, ns that makes them at least 1.
fn decimal(ns: i128) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    let ns = ns.unsigned_abs();
    let (scale, digits, unit) = match ns {
        0..1_000 => (1, 0, "ns"),
        1_000..1_000_000 => (1_000, 3, "us"),
        1_000_000..1_000_000_000 => (1_000_000, 6, "ms"),
        _ => (1_000_000_000, 9, "s"),
    };
    let fraction = format!("{:0digits$}", ns % scale);
    let fraction = fraction.trim_end_matches('0');
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction} {unit}", ns / scale)
}

/// `None` if the year does not have four digits.
fn rfc3339(ns: i128, unit: Unit) -> Option<String> {
    let (seconds, nanos) = (ns.div_euclid(SECOND), ns.rem_euclid(SECOND));
    let (day, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = civil(day);
    if !(0..=9999).contains(&year) {
        return None;
    }
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    let fraction = match unit {
        Unit::Seconds | Unit::None => String::new(),
        Unit::Milliseconds => format!(".{:03}", nanos / 1_000_000),
        Unit::Microseconds => format!(".{:06}", nanos / 1_000),
        Unit::Nanoseconds => format!(".{nanos:09}"),
    };
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"))
}

/// Year, month and day, in the Gregorian calendar, of a day counted from 1970-01-01.
fn civil(day: i128) -> (i128, i128, i128) {
    // Count from 0000-03-01 in eras of 400 years, which all have as many days. A year that
    // begins in March has its leap day last.
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let leap_days = of_era / 1_460 - of_era / 36_524 + of_era / 146_096;
    let year = (of_era - leap_days) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    // From March on, five months have 153 days: 31, 30, 31, 30, 31.
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let january_or_february = i128::from(month <= 2);
    (year + era * 400 + january_or_february, month, of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: times are exact, in the largest unit that makes them at least 1.
    #[test]
    fn decimals() {
        assert_eq!(tick(10_200_000, Unit::Nanoseconds), "10.2 ms");
        assert_eq!(tick(10_200_001, Unit::Nanoseconds), "10.200001 ms");
        assert_eq!(tick(-1_500, Unit::Nanoseconds), "-1.5 us");
        assert_eq!(tick(999, Unit::Nanoseconds), "999 ns");
        assert_eq!(tick(0, Unit::Milliseconds), "0 ns");
        assert_eq!(tick(1_500, Unit::Milliseconds), "1.5 s");
        assert_eq!(tick(99_999_999, Unit::Seconds), "99999999 s");
        assert_eq!(tick(i64::MAX - 1, Unit::None), "9223372036854775806");
    }

    /// Promise: what looks like a date is one, with the digits of the log's unit.
    #[test]
    fn dates() {
        assert_eq!(tick(100_000_000, Unit::Seconds), "1973-03-03T09:46:40Z");
        assert_eq!(tick(951_782_400_000, Unit::Milliseconds), "2000-02-29T00:00:00.000Z");
        assert_eq!(tick(1_709_251_199_999_999, Unit::Microseconds), "2024-02-29T23:59:59.999999Z");
        assert_eq!(tick(1_735_689_600_000_000_001, Unit::Nanoseconds), "2025-01-01T00:00:00.000000001Z");
        assert_eq!(tick(-2_208_988_800, Unit::Seconds), "1900-01-01T00:00:00Z");
        assert_eq!(tick(-62_167_219_200, Unit::Seconds), "0000-01-01T00:00:00Z");
        assert_eq!(tick(253_402_300_799, Unit::Seconds), "9999-12-31T23:59:59Z");
        assert_eq!(tick(253_402_300_800, Unit::Seconds), "253402300800 s");
        assert_eq!(tick(-62_167_219_201, Unit::Seconds), "-62167219201 s");
    }

    /// Promise: every day from 1600 to 2400 follows the one before it.
    #[test]
    fn days_follow_each_other() {
        let (mut year, mut month, mut day) = civil(-135_140);
        assert_eq!((year, month, day), (1600, 1, 1));
        for n in -135_139..157_000 {
            let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let days = [31, 28 + i128::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
            day += 1;
            if day > days[usize::try_from(month).unwrap() - 1] {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
            assert_eq!(civil(n), (year, month, day));
        }
    }

    /// Promise: bounds say when they bound nothing, and points are one time.
    #[test]
    fn bounds() {
        assert_eq!(bound(BoundedTimestamp::UNBOUNDED, Unit::Seconds), "[unbounded past, unbounded future]");
        assert_eq!(bound(BoundedTimestamp::point(7), Unit::None), "7");
        assert_eq!(bound(BoundedTimestamp::new(1, 2).unwrap(), Unit::Milliseconds), "[1 ms, 2 ms]");
        assert_eq!(length(1, Unit::None), "1 tick");
        assert_eq!(length(u64::MAX, Unit::Nanoseconds), "18446744073.709551615 s");
    }
}
