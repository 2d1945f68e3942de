//! Numbers that claim to be times: do they look like their unit?
//!
//! Seconds since 1970 have ten digits from 2001 to 2286, milliseconds thirteen, microseconds sixteen and
//! nanoseconds nineteen. A number with another unit's digits is mostly of that other unit:
//! milliseconds read as microseconds lie in January 1970, and every bound around them means nothing.

use super::HlcLayout;
use crate::time::Unit;

const UNITS: [Unit; 4] = [Unit::Seconds, Unit::Milliseconds, Unit::Microseconds, Unit::Nanoseconds];
/// 2001-01-01 and 2101-01-01, in seconds since 1970: between them times are believed.
const ERA: std::ops::Range<i64> = 978_307_200..4_133_980_800;
/// A column that holds less than this many ticks counts from zero, not from 1970.
const FROM_ZERO: i64 = 100_000_000;

/// The unit in which `ticks`, counted since 1970, are a time of our era (2001 to 2100).
pub fn plausible_as(ticks: i64) -> Option<Unit> {
    UNITS.into_iter().find(|unit| is_of_era(ticks, *unit))
}

fn is_of_era(ticks: i64, unit: Unit) -> bool {
    let per_second = 1_000_000_000 / unit.nanoseconds().unwrap_or(i64::MAX);
    per_second > 0 && ERA.contains(&ticks.div_euclid(per_second))
}

/// The hybrid clock whose packed numbers `ticks` look like.
fn hybrid(ticks: i64) -> Option<HlcLayout> {
    let packed = u64::try_from(ticks).ok()?;
    let layouts = [HlcLayout::YugabyteDb, HlcLayout::TiDb, HlcLayout::Paper];
    layouts.into_iter().find(|layout| {
        let stamp = super::Hlc::unpack(*layout, packed).ok();
        let physical = stamp.and_then(|stamp| i64::try_from(stamp.physical()).ok());
        physical.is_some_and(|physical| is_of_era(physical, layout.unit()))
    })
}

/// The date of `ticks` of `unit` since 1970, as `2026-11-22`; `None` for counters and for years of
/// more than four digits.
pub fn date_of(ticks: i64, unit: Unit) -> Option<String> {
    let per_second = 1_000_000_000 / unit.nanoseconds()?;
    let days = ticks.div_euclid(per_second).div_euclid(86_400);
    // Days from 0000-03-01, in eras of 400 years (Hinnant, chrono-compatible date algorithms).
    let shifted = days.checked_add(719_468)?;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (0..10_000).contains(&year).then(|| format!("{year:04}-{month:02}-{day_of_month:02}"))
}

/// Watches a column of times for ticks of another unit than the column's.
#[derive(Clone, Copy, Debug, Default)]
pub struct SuspectStamps {
    seen: u64,
    /// The least tick that is not an open end.
    least: Option<i64>,
    suspects: u64,
    first: Option<(u64, i64)>,
}

impl SuspectStamps {
    /// Takes note of `ticks` in `row`. Open ends (`i64::MIN`, `i64::MAX`) are no times.
    pub fn see(&mut self, row: u64, ticks: i64, unit: Unit) {
        if ticks == i64::MIN || ticks == i64::MAX {
            return;
        }
        self.seen += 1;
        self.least = Some(self.least.map_or(ticks, |least| least.min(ticks)));
        if !is_of_era(ticks, unit) && (plausible_as(ticks).is_some() || hybrid(ticks).is_some()) {
            self.suspects += 1;
            self.first.get_or_insert((row, ticks));
        }
    }

    /// What a user should know of `column`, in a sentence without a full stop.
    ///
    /// Nothing is said of columns that count from zero: simulators' and tests' do.
    pub fn warning(&self, column: &str, unit: Unit) -> Option<String> {
        let (row, ticks) = self.first?;
        if self.least.is_some_and(|least| (-FROM_ZERO..FROM_ZERO).contains(&least)) {
            return None;
        }
        let looks = match (plausible_as(ticks), hybrid(ticks)) {
            (Some(unit), _) => format!("{unit} since 1970 ({})", date_of(ticks, unit)?),
            (None, Some(layout)) => format!("a hybrid timestamp ({})", layout.name()),
            (None, None) => return None,
        };
        let read = match date_of(ticks, unit) {
            Some(date) => format!("as {unit} it is of {date}"),
            None if unit == Unit::None => "the log's unit is none".to_owned(),
            None => format!("as {unit} it is of no year"),
        };
        let (suspects, seen) = (self.suspects, self.seen);
        Some(format!(
            "{column}: {suspects} of {seen} times look like another unit; {ticks} in row {row} looks like \
             {looks}, but {read}"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_795_329_744_123;

    /// Promise: digits tell the unit: 10 s, 13 ms, 16 us, 19 ns.
    #[test]
    fn digits_tell_units() {
        assert_eq!(plausible_as(MS / 1_000), Some(Unit::Seconds));
        assert_eq!(plausible_as(MS), Some(Unit::Milliseconds));
        assert_eq!(plausible_as(MS * 1_000), Some(Unit::Microseconds));
        assert_eq!(plausible_as(MS * 1_000_000), Some(Unit::Nanoseconds));
        for none in [0, -1, 5_000, MS / 10, MS * 10, i64::MIN, i64::MAX] {
            assert_eq!(plausible_as(none), None, "{none}");
        }
    }

    /// Promise: dates are right, leap days and times before 1970 included.
    #[test]
    fn dates() {
        let day = |days: i64| date_of(days * 86_400, Unit::Seconds);
        assert_eq!(day(0).as_deref(), Some("1970-01-01"));
        assert_eq!(day(-1).as_deref(), Some("1969-12-31"));
        assert_eq!(day(11_016).as_deref(), Some("2000-02-29"));
        assert_eq!(date_of(MS, Unit::Milliseconds).as_deref(), Some("2026-11-22"));
        assert_eq!(date_of(i64::MAX, Unit::Seconds), None);
        assert_eq!(date_of(5, Unit::None), None);
    }

    fn watch(unit: Unit, ticks: &[i64]) -> Option<String> {
        let mut stamps = SuspectStamps::default();
        for (row, ticks) in ticks.iter().enumerate() {
            stamps.see(row as u64, *ticks, unit);
        }
        stamps.warning("commit_ts", unit)
    }

    /// Promise: milliseconds in a column of microseconds are noticed, one among many too.
    #[test]
    fn other_units_are_noticed() {
        let warning = watch(Unit::Microseconds, &[MS, MS + 1]).unwrap();
        assert!(
            warning.contains("2 of 2 times") && warning.contains("ms since 1970 (2026-11-22)"),
            "{warning}"
        );
        assert!(warning.contains("as us it is of 1970-01-21"), "{warning}");
        let warning = watch(Unit::Microseconds, &[MS * 1_000, MS * 1_000 + 1, MS, i64::MAX]).unwrap();
        assert!(warning.contains("1 of 3 times") && warning.contains("in row 2"), "{warning}");
    }

    /// Promise: packed hybrid timestamps are noticed, though some have as many digits as nanoseconds.
    #[test]
    fn hybrid_stamps_are_noticed() {
        let warning = watch(Unit::Nanoseconds, &[(MS * 1_000) << 12]).unwrap();
        assert!(warning.contains("yugabytedb"), "{warning}");
        let warning = watch(Unit::Milliseconds, &[443_852_055_297_916_932]).unwrap();
        assert!(warning.contains("tidb"), "{warning}");
    }

    /// Promise: right units, counters and clocks that start at zero raise no alarm.
    #[test]
    fn no_false_alarm() {
        assert_eq!(watch(Unit::Milliseconds, &[MS]), None);
        assert_eq!(watch(Unit::Nanoseconds, &[MS * 1_000_000, i64::MAX, i64::MIN]), None);
        assert_eq!(watch(Unit::Nanoseconds, &[1, 2, 3]), None);
        assert_eq!(watch(Unit::Nanoseconds, &[0, 1_000_000_000, MS]), None);
        assert_eq!(watch(Unit::None, &[7, 9]), None);
        assert!(watch(Unit::None, &[MS]).unwrap().contains("unit is none"));
    }
}
