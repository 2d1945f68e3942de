//! chrony's `tracking.log`: a line at each update of the clock.
//!
//! ```text
//!    Date (UTC) Time     IP Address   St   Freq ppm   Skew ppm     Offset L Co  Offset sd Rem. corr. Root delay Root disp. Max. error
//! 2026-11-22 06:40:56 169.254.169.123  4    -13.200      0.012 -1.250e-05 N  1  2.000e-05 -1.000e-06  2.000e-04  5.000e-05  1.900e-04
//! ```

use super::date;
use super::file::Lines;
use super::history::{Event, Events};
use crate::error::Result;

const LEAP: usize = 7;
const REMAINING: usize = 10;
const ROOT_DELAY: usize = 11;
const ROOT_DISPERSION: usize = 12;
/// The greatest error since the line before.
const MAX_ERROR: usize = 13;
const COLUMNS: usize = 14;

pub(super) fn read(lines: &mut Lines<'_>, events: &mut Events) -> Result<()> {
    while let Some(text) = lines.next()? {
        if text.starts_with('=') || text.trim_start().starts_with("Date") {
            continue;
        }
        let columns: Vec<&str> = text.split_whitespace().collect();
        let line = line(&columns).map_err(|reason| lines.bad(reason))?;
        events.push(line.0, line.1);
    }
    Ok(())
}

fn line(columns: &[&str]) -> Result<(i64, Event), String> {
    if columns.len() < COLUMNS {
        return Err(format!("{} columns, but tracking.log has {COLUMNS}", columns.len()));
    }
    let stamp = format!("{}T{}Z", columns[0], columns[1]);
    let time = date::parse(&stamp).ok_or_else(|| format!("`{stamp}` is no time"))?;
    match columns[LEAP] {
        "N" | "+" | "-" => {}
        "?" => return Ok((time, Event::Lost)),
        other => return Err(format!("leap status `{other}` is none of N, +, -, ?")),
    }
    let greatest = nanoseconds(columns, MAX_ERROR)?;
    let remaining = nanoseconds(columns, REMAINING)?;
    let from_root =
        nanoseconds(columns, ROOT_DISPERSION)?.saturating_add(nanoseconds(columns, ROOT_DELAY)? / 2 + 1);
    let error = remaining.saturating_add(from_root);
    Ok((time, Event::Sample { error, until_now: Some(greatest) }))
}

/// The size of a column of seconds, rounded up.
fn nanoseconds(columns: &[&str], at: usize) -> Result<u64, String> {
    match columns[at].parse::<f64>() {
        Ok(seconds) if seconds.is_finite() => Ok((seconds.abs() * 1e9).ceil() as u64),
        _ => Err(format!("column {} is `{}`, no number of seconds", at + 1, columns[at])),
    }
}
