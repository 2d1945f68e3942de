//! ClockBound's `synchronization.log`: one JSON object a line, a snapshot every minute, and what
//! happened in between.

use serde::Deserialize;

use super::date;
use super::file::Lines;
use super::history::{Event, Events};
use crate::clock::ClockStatus;
use crate::error::Result;

/// A line. Fields that are not needed here are not named.
#[derive(Deserialize)]
struct Line {
    timestamp: String,
    event: String,
    synchronization: Option<Synchronization>,
    clock_status_change: Option<StatusChange>,
    system_clock_step: Option<Step>,
    system_clock_summary: Option<Summary>,
}

#[derive(Deserialize)]
struct Synchronization {
    ffclock: Option<Clock>,
}

#[derive(Deserialize)]
struct Clock {
    clock_error_bound_ns: i64,
    status: String,
}

#[derive(Deserialize)]
struct StatusChange {
    to: String,
}

#[derive(Deserialize)]
struct Step {
    step_ns: i64,
}

#[derive(Deserialize)]
struct Summary {
    window_width_s: f64,
    correction_ns: Option<Corrections>,
}

#[derive(Deserialize)]
struct Corrections {
    min: f64,
    max: f64,
}

pub(super) fn read(lines: &mut Lines<'_>, events: &mut Events) -> Result<()> {
    while let Some(text) = lines.next()? {
        let line: Line = serde_json::from_str(&text).map_err(|e| lines.bad(e.to_string()))?;
        let time = date::parse(&line.timestamp)
            .ok_or_else(|| lines.bad(format!("timestamp `{}` is no RFC 3339 time", line.timestamp)))?;
        if let Some(event) = event(&line).map_err(|reason| lines.bad(reason))? {
            events.push(time, event);
        }
    }
    Ok(())
}

/// What a line tells; `None` for a kind of line that tells nothing of the error.
fn event(line: &Line) -> Result<Option<Event>, String> {
    let lacks = || format!("the event `{}` lacks its object", line.event);
    Ok(match line.event.as_str() {
        "synchronization" => {
            let synchronization = line.synchronization.as_ref().ok_or_else(lacks)?;
            Some(synchronization.ffclock.as_ref().map_or(Ok(Event::Lost), sample)?)
        }
        "clock_status_change" => {
            let change = line.clock_status_change.as_ref().ok_or_else(lacks)?;
            // That it is well again is no sample yet: the next one tells the error.
            (!trusted(&change.to)?).then_some(Event::Lost)
        }
        "system_clock_step" => {
            let step = line.system_clock_step.as_ref().ok_or_else(lacks)?;
            Some(Event::Step(step.step_ns.unsigned_abs()))
        }
        "system_clock_summary" => correction(line.system_clock_summary.as_ref().ok_or_else(lacks)?),
        _ => None,
    })
}

fn sample(clock: &Clock) -> Result<Event, String> {
    if !trusted(&clock.status)? {
        return Ok(Event::Lost);
    }
    let bound = clock.clock_error_bound_ns;
    let error = u64::try_from(bound).map_err(|_| format!("clock_error_bound_ns {bound} is below 0"))?;
    Ok(Event::Sample { error, until_now: None })
}

fn trusted(status: &str) -> Result<bool, String> {
    let known = ClockStatus::from_name(status);
    known.map(ClockStatus::is_trusted).ok_or_else(|| format!("status `{status}` is none of ClockBound's"))
}

fn correction(summary: &Summary) -> Option<Event> {
    let corrections = summary.correction_ns.as_ref()?;
    // Floats beyond the range become its ends: a bound that is too wide at worst.
    let error = corrections.min.abs().max(corrections.max.abs()).ceil() as u64;
    let window = (summary.window_width_s.abs() * 1e9).ceil() as u64;
    Some(Event::Corrected { window, error })
}
