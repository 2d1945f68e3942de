//! Time and error, separated by a comma: `2026-11-22T06:40:56Z,250us`.
//!
//! A header line may name the columns `time` and `error` wherever they stand, with the unit of plain
//! numbers: `time_ms,error_us`. Without it the first two columns count; a plain number of time tells its
//! unit by its digits (10 s, 13 ms, 16 us, 19 ns), a plain number of error is nanoseconds. An error that
//! is empty, or a clock's status such as `UNKNOWN`, makes the bound unlimited from there on.

use super::date;
use super::file::Lines;
use super::history::{Event, Events};
use crate::clock::{ClockStatus, plausible_as};
use crate::error::Result;
use crate::time::{Span, Unit};

/// Where the two columns stand, and what their plain numbers count.
struct Layout {
    time: (usize, Option<Unit>),
    error: (usize, Unit),
}

pub(super) fn read(lines: &mut Lines<'_>, events: &mut Events) -> Result<()> {
    let mut layout = None;
    while let Some(text) = lines.next()? {
        let cells: Vec<&str> = text.split(',').map(|cell| cell.trim().trim_matches('"')).collect();
        if layout.is_none() {
            let named = header(&cells).map_err(|reason| lines.bad(reason))?;
            let is_header = named.is_some();
            layout = Some(named.unwrap_or(Layout { time: (0, None), error: (1, Unit::Nanoseconds) }));
            if is_header {
                continue;
            }
        }
        let Some(layout) = &layout else { continue };
        let (time, event) = line(&cells, layout).map_err(|reason| lines.bad(reason))?;
        events.push(time, event);
    }
    Ok(())
}

/// The layout that a first line names, if it is a header: if its first cell begins with a letter.
fn header(cells: &[&str]) -> Result<Option<Layout>, String> {
    let is_header = cells.first().is_some_and(|cell| cell.starts_with(|c: char| c.is_ascii_alphabetic()));
    if !is_header {
        return Ok(None);
    }
    let find = |name: &str| -> Result<(usize, Option<Unit>), String> {
        for (at, cell) in cells.iter().enumerate() {
            match cell.strip_prefix(name) {
                Some("") => return Ok((at, None)),
                Some(unit) if unit.starts_with('_') => {
                    let unit = Unit::from_name(&unit[1..]).filter(|unit| *unit != Unit::None);
                    let unit =
                        unit.ok_or_else(|| format!("column `{cell}`: the unit is none of s, ms, us, ns"))?;
                    return Ok((at, Some(unit)));
                }
                _ => {}
            }
        }
        Err(format!("the header has no column `{name}`, only `{}`", cells.join("`, `")))
    };
    let (time, (error, unit)) = (find("time")?, find("error")?);
    Ok(Some(Layout { time, error: (error, unit.unwrap_or(Unit::Nanoseconds)) }))
}

fn line(cells: &[&str], layout: &Layout) -> Result<(i64, Event), String> {
    let cell = |at: usize, name: &str| {
        cells.get(at).copied().ok_or_else(|| format!("{} columns: there is no {name}", cells.len()))
    };
    let time = time(cell(layout.time.0, "time")?, layout.time.1)?;
    let error = cell(layout.error.0, "error")?;
    if error.is_empty()
        || ClockStatus::from_name(&error.to_ascii_uppercase()).is_some_and(|s| !s.is_trusted())
    {
        return Ok((time, Event::Lost));
    }
    let no_error = |reason: String| format!("error `{error}`: {reason}");
    let error = match Span::parse(error).map_err(no_error)? {
        Span::Nanoseconds(ns) => ns,
        Span::Ticks(ticks) => {
            let tick = layout.error.1.nanoseconds().unwrap_or(1).unsigned_abs();
            ticks
                .checked_mul(tick)
                .ok_or_else(|| no_error("does not fit 64 bits of nanoseconds".to_owned()))?
        }
    };
    Ok((time, Event::Sample { error, until_now: None }))
}

fn time(text: &str, unit: Option<Unit>) -> Result<i64, String> {
    let Ok(ticks) = text.parse::<i64>() else {
        return date::parse(text)
            .ok_or_else(|| format!("time `{text}` is neither an integer nor an RFC 3339 time"));
    };
    let unit = unit.or(plausible_as(ticks)).ok_or_else(|| {
        format!("time `{text}`: its digits tell no unit; a header such as time_ms,error_us would")
    })?;
    let tick = unit.nanoseconds().unwrap_or(1);
    ticks.checked_mul(tick).ok_or_else(|| format!("time `{text}` does not fit 64 bits of nanoseconds"))
}
