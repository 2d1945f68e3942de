//! Dates of clock logs: RFC 3339, and chrony's two columns.

/// Nanoseconds since 1970 of `2026-11-22T06:40:56.123456Z`, a space in place of the `T`, an offset
/// in place of the `Z`, or neither (UTC). A leap second is the first of the next minute. `None`
/// for anything else, and beyond the year 2262.
pub(super) fn parse(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let number = |from: usize, to: usize| -> Option<i64> {
        let digits = bytes.get(from..to)?;
        let plain = digits.iter().all(u8::is_ascii_digit);
        plain.then(|| digits.iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0')))
    };
    let is = |at: usize, wanted: &[u8]| bytes.get(at).is_some_and(|byte| wanted.contains(byte));
    let separated = is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let sound = (1..=12).contains(&month) && day >= 1 && day <= days_in(year, month);
    if !(separated && sound && hour < 24 && minute < 60 && second <= 60) {
        return None;
    }
    let (fraction, zone) = fraction(text.get(19..)?)?;
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    (seconds - offset(zone)?).checked_mul(1_000_000_000)?.checked_add(fraction)
}

/// Nanoseconds of the digits behind a point, those beyond the ninth cut off, and what follows.
fn fraction(rest: &str) -> Option<(i64, &str)> {
    let Some(digits) = rest.strip_prefix('.') else { return Some((0, rest)) };
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (digits, zone) = digits.split_at(end);
    let nine = &digits[..digits.len().min(9)];
    let value: i64 = nine.parse().ok()?;
    Some((value * 10_i64.pow(9 - nine.len() as u32), zone))
}

/// Seconds that `Z`, `+01:00` or nothing is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes() {
        [] | b"Z" | b"z" => return Some(0),
        [b'+', ..] => 1,
        [b'-', ..] => -1,
        _ => return None,
    };
    let (hours, minutes) = zone[1..].split_once(':')?;
    let two =
        |text: &str| (text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse());
    let (hours, minutes): (i64, i64) = (two(hours)?.ok()?, two(minutes)?.ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3_600 + minutes * 60))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days from 1970-01-01 (Hinnant, chrono-compatible date algorithms).
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: dates parse exactly, with their fraction and their offset.
    #[test]
    fn dates() {
        assert_eq!(parse("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(parse("2024-01-15T11:05:00.25Z"), Some(1_705_316_700_250_000_000));
        assert_eq!(parse("2024-01-15 12:05:00+01:00"), Some(1_705_316_700_000_000_000));
        assert_eq!(parse("2000-02-29T00:00:00"), Some(951_782_400_000_000_000));
        assert_eq!(parse("1969-12-31T23:59:59.999999999Z"), Some(-1));
        assert_eq!(parse("2016-12-31T23:59:60Z"), parse("2017-01-01T00:00:00Z"));
        assert_eq!(parse("2024-01-15T11:05:00.1234567899Z"), parse("2024-01-15T11:05:00.123456789Z"));
    }

    /// Promise: what is no date is none.
    #[test]
    fn no_dates() {
        for text in [
            "",
            "2024",
            "2024-01-15",
            "2024-13-15T11:05:00Z",
            "2023-02-29T11:05:00Z",
            "1900-02-29T00:00:00Z",
            "2024-01-15T24:05:00Z",
            "2024-01-15T11:05:00Q",
            "2024-01-15T11:05:00.Z",
            "2024-01-15T11:05:00+0100",
            "2024/01/15T11:05:00Z",
            "9999-01-15T11:05:00Z",
            "2024-01-15T11:05:é0Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
