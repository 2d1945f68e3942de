//! chrony, asked through its own program.

use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use skewer_kernels::{SystemClock, system_clock_ns};

use super::error::ClockError;
use super::{BoundedClock, ClockStatus, DEFAULT_DRIFT_PPB, Leap, Reading, Source, drift};
use crate::time::BoundedTimestamp;

/// Fields of a line of `chronyc -c tracking`.
const FIELDS: usize = 14;
/// A reading asks chrony anew when the last answer is older; until then the bound grows.
const REFRESH: Duration = Duration::from_secs(1);

/// What `chronyc -c tracking` says, in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Tracking {
    /// The source that chrony follows; empty if none.
    pub reference: String,
    /// How far the system's clock is off, as chrony estimates; above 0 it is slow.
    pub system_time: f64,
    /// The round trip to the reference clock.
    pub root_delay: f64,
    /// The error gathered on the way from it.
    pub root_dispersion: f64,
    /// What chrony says of leap seconds; `None` if it is not synchronised.
    pub leap: Option<Leap>,
}

impl Tracking {
    /// What a line of `chronyc -c tracking` says.
    ///
    /// # Errors
    /// Says which field is not as expected.
    pub fn parse(line: &str) -> Result<Self, String> {
        let fields: Vec<&str> = line.trim_end().split(',').collect();
        if fields.len() != FIELDS {
            return Err(format!("{} fields, but tracking has {FIELDS}", fields.len()));
        }
        let seconds = |at: usize, name: &str| match fields[at].parse::<f64>() {
            Ok(s) if s.is_finite() => Ok(s),
            _ => Err(format!("{name} is `{}`, no number of seconds", fields[at])),
        };
        let leap = match fields[13] {
            "Normal" => Some(Leap::None),
            "Insert second" => Some(Leap::Insertion),
            "Delete second" => Some(Leap::Deletion),
            "Not synchronised" => None,
            other => return Err(format!("leap status is `{other}`")),
        };
        Ok(Tracking {
            reference: fields[1].to_owned(),
            system_time: seconds(4, "system time")?,
            root_delay: seconds(10, "root delay")?,
            root_dispersion: seconds(11, "root dispersion")?,
            leap,
        })
    }

    /// The greatest error of the system's clock, in nanoseconds, rounded up: the offset that chrony
    /// is still correcting, the dispersion, and half the delay (chronyc's manual: the absolute bound,
    /// if the reference clock is right).
    pub fn error_ns(&self) -> u64 {
        let seconds = self.system_time.abs() + self.root_dispersion.abs() + self.root_delay.abs() / 2.0;
        // A float beyond the range becomes its end; each of the three was rounded when printed.
        ((seconds * 1e9).ceil() as u64).saturating_add(2)
    }
}

/// The system's clock as chrony bounds it.
///
/// Each answer starts a program, which takes milliseconds: it serves for a second, its bound growing by
/// [`DEFAULT_DRIFT_PPB`]. If somebody other than chrony sets the system's clock, that goes unnoticed for
/// as long. With a hardware clock as its reference chrony's bound may be too narrow: it
/// does not know that clock's own error.
#[derive(Debug)]
pub struct Chrony {
    program: OsString,
    last: Option<(Instant, Tracking)>,
}

impl Chrony {
    /// A clock that runs `program` (such as `chronyc`, found by the system's rules).
    pub fn new(program: impl AsRef<OsStr>) -> Self {
        Chrony { program: program.as_ref().to_owned(), last: None }
    }

    /// What chrony says now.
    ///
    /// # Errors
    /// If the program cannot be run, fails, or says something else.
    pub fn ask(&self) -> Result<Tracking, ClockError> {
        let name = || self.program.to_string_lossy().into_owned();
        let run = Command::new(&self.program).args(["-n", "-c", "tracking"]).stdin(Stdio::null()).output();
        let run = run.map_err(|e| ClockError::io(name(), e))?;
        let said = String::from_utf8_lossy(&run.stdout);
        let fails = |reason: String| ClockError::Program { program: name(), reason };
        if !run.status.success() {
            let reason = if said.trim().is_empty() { String::from_utf8_lossy(&run.stderr) } else { said };
            return Err(fails(reason.lines().next().unwrap_or("failed without a word").trim().to_owned()));
        }
        Tracking::parse(&said).map_err(fails)
    }

    /// The reading now, and the answer that it rests on.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn observe(&mut self) -> Result<(Reading, Tracking), ClockError> {
        let fresh = self.last.take().filter(|(asked, _)| asked.elapsed() < REFRESH);
        let (asked, tracking) = match fresh {
            Some(last) => last,
            // Taken before the question: the answer's age is never understated.
            None => (Instant::now(), self.ask()?),
        };
        let now = system_clock_ns(SystemClock::Realtime).map_err(|e| ClockError::io("clock_gettime", e))?;
        let age = u64::try_from(asked.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let error = tracking.error_ns().saturating_add(drift(age, DEFAULT_DRIFT_PPB));
        let status = match tracking.leap {
            None => ClockStatus::Unknown,
            Some(_) => ClockStatus::Synchronized,
        };
        let reading = Reading::new(BoundedTimestamp::reading(now, error), status, Source::Chrony);
        self.last = Some((asked, tracking.clone()));
        Ok((reading, tracking))
    }
}

impl BoundedClock for Chrony {
    fn now(&mut self) -> Reading {
        self.observe().map_or(Reading::unknown(Source::Chrony), |(reading, _)| reading)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "A9FEA97B,169.254.169.123,4,1795329744.123456789,-0.000012500,0.000001,0.000020,\
                        -13.2,0.001,0.02,0.000200000,0.000050000,16.1,Normal\n";

    /// Promise: the bound is |offset| + dispersion + delay / 2, never less.
    #[test]
    fn bound_of_a_line() {
        let tracking = Tracking::parse(LINE).unwrap();
        assert_eq!((tracking.reference.as_str(), tracking.leap), ("169.254.169.123", Some(Leap::None)));
        let error = tracking.error_ns();
        assert!((162_500..=162_505).contains(&error), "{error}");
    }

    /// Promise: the leap states are told apart, and "not synchronised" is no bound.
    #[test]
    fn leap_states() {
        let with = |leap| Tracking::parse(&LINE.replace("Normal", leap)).map(|t| t.leap);
        assert_eq!(with("Insert second"), Ok(Some(Leap::Insertion)));
        assert_eq!(with("Delete second"), Ok(Some(Leap::Deletion)));
        assert_eq!(with("Not synchronised"), Ok(None));
        assert!(with("Perhaps").is_err());
    }

    /// Promise: what is not such a line is an error that says why, and never a bound.
    #[test]
    fn other_lines() {
        let error = |line: &str| Tracking::parse(line).unwrap_err();
        assert!(error("506 Cannot talk to daemon").contains("1 fields"));
        assert!(error(&LINE.replace("0.000200000", "fast")).contains("root delay is `fast`"));
        assert!(error(&LINE.replace("0.000050000", "inf")).contains("root dispersion"));
        assert!(error(&LINE.replace("-0.000012500", "NaN")).contains("system time"));
    }
}
