//! Which clock to take.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use super::adjtimex::{Adjtimex, Leap};
use super::chrony::Chrony;
use super::clockbound::{CLOCKBOUND_V2, CLOCKBOUND_V3, ClockBound, Observation, VMCLOCK};
use super::error::ClockError;
use super::memory::Access;
use super::{BoundedClock, Reading, Source};

/// Where to look for clocks.
#[derive(Clone, Debug)]
pub struct Places {
    /// ClockBound's segments, the one most trusted first.
    pub clockbound: Vec<PathBuf>,
    /// The VMClock device that ClockBound may watch.
    pub vmclock: PathBuf,
    /// chrony's program.
    pub chronyc: OsString,
    /// How segments are read.
    pub access: Access,
}

impl Default for Places {
    /// Where daemons publish by default. Segments are mapped.
    fn default() -> Self {
        Places {
            clockbound: vec![CLOCKBOUND_V3.into(), CLOCKBOUND_V2.into()],
            vmclock: VMCLOCK.into(),
            chronyc: "chronyc".into(),
            access: Access::Map,
        }
    }
}

/// What was found at one place.
pub struct Found {
    /// The place: a path, a program or a call.
    pub place: String,
    /// What is said there now, or why nothing is.
    pub reading: Result<Reading, ClockError>,
    /// What is to be known beside it: what the daemon published, a leap second to come, or why the clock is
    /// not synchronised.
    pub note: Option<String>,
    clock: Option<Box<dyn BoundedClock + Send>>,
}

impl fmt::Debug for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found")
            .field("place", &self.place)
            .field("reading", &self.reading)
            .finish_non_exhaustive()
    }
}

impl Found {
    /// Whether something is there, of use or not.
    pub fn is_there(&self) -> bool {
        !matches!(&self.reading, Err(error) if error.is_absent())
    }

    /// The reading, if it may order events.
    pub fn trusted(&self) -> Option<Reading> {
        self.reading.as_ref().ok().copied().filter(|reading| reading.status.is_trusted())
    }
}

/// The clock to take.
pub struct Best {
    /// The clock.
    pub clock: Box<dyn BoundedClock + Send>,
    /// What it is.
    pub source: Source,
    /// Where it was found.
    pub place: String,
    /// Why it was taken, in a sentence without a full stop.
    pub why: String,
}

impl fmt::Debug for Best {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Best").field("source", &self.source).field("why", &self.why).finish_non_exhaustive()
    }
}

/// No clock of the host is synchronised.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no synchronised clock on this host: {why}")]
pub struct NoClock {
    /// What each place lacks, in half a sentence.
    pub why: String,
}

/// What there is at each place, in the order in which sources are trusted: ClockBound, whose daemon
/// is made to bound a clock and to notice disruptions; chrony, which bounds its own error; the kernel,
/// which repeats what some daemon told it.
///
/// Cost: runs chrony's program once, if there is one: milliseconds.
pub fn survey(places: &Places) -> Vec<Found> {
    let mut found: Vec<Found> = places.clockbound.iter().map(|path| segment(path, places)).collect();
    found.push(chrony(places));
    found.push(adjtimex());
    found
}

/// The first of [`survey`]'s sources that is to be trusted now, and why.
///
/// It is the first and not the narrowest, since a bound that is too narrow is the worst of all.
///
/// # Errors
/// [`NoClock`] if none is to be trusted.
pub fn best(places: &Places) -> Result<Best, NoClock> {
    choose(&mut survey(places))
}

/// The first of `found` that is to be trusted, and why; its clock is taken out of `found`.
///
/// # Errors
/// [`NoClock`] if none is to be trusted.
pub fn choose(found: &mut [Found]) -> Result<Best, NoClock> {
    let taken = found.iter().position(|one| one.trusted().is_some() && one.clock.is_some());
    let Some(taken) = taken else { return Err(NoClock { why: passed_over(found, full_reason) }) };
    let why_not = passed_over(&found[..taken], reason);
    let one = &mut found[taken];
    let (Some(reading), Some(clock)) = (one.trusted(), one.clock.take()) else {
        return Err(NoClock { why: passed_over(found, full_reason) });
    };
    let (place, error) = (one.place.clone(), reading.error_ns().unwrap_or(u64::MAX));
    let mut why = format!("{place} is {}, give or take {error} ns", reading.status);
    why.push_str("; it is the first in order of trust that may order events");
    if !why_not.is_empty() {
        why = format!("{why} ({why_not})");
    }
    Ok(Best { clock, source: reading.source, place, why })
}

/// Why none of `found` was taken: first what is wrong with those that are there.
fn passed_over(found: &[Found], reason: fn(&Found) -> String) -> String {
    let (there, absent): (Vec<&Found>, Vec<&Found>) = found.iter().partition(|one| one.is_there());
    let mut reasons: Vec<String> = there.into_iter().map(reason).collect();
    if !absent.is_empty() {
        let places: Vec<&str> = absent.iter().map(|one| one.place.as_str()).collect();
        reasons.push(format!("not found: {}", places.join(", ")));
    }
    reasons.join("; ")
}

fn reason(one: &Found) -> String {
    match &one.reading {
        Ok(reading) => format!("{} is {}", one.place, reading.status),
        Err(error) => error.to_string(),
    }
}

fn full_reason(one: &Found) -> String {
    let note = one.note.as_ref().map_or(String::new(), |note| format!(" ({note})"));
    reason(one) + &note
}

fn segment(path: &Path, places: &Places) -> Found {
    let place = path.display().to_string();
    let opened = ClockBound::open(path, &places.vmclock, places.access);
    let seen = opened.and_then(|mut clock| Ok((clock.observe()?, clock)));
    match seen {
        Ok((seen, mut clock)) => {
            let note = Some(published(&seen));
            Found { place, reading: Ok(clock.now()), note, clock: Some(Box::new(clock)) }
        }
        Err(error) => Found { place, reading: Err(error), note: None, clock: None },
    }
}

/// What a segment's reading rests on.
fn published(seen: &Observation) -> String {
    let (snapshot, age) = (&seen.snapshot, seconds(seen.window.age_ns));
    let (status, bound, drift) = (snapshot.status, snapshot.bound_ns, snapshot.max_drift_ppb);
    let life = seconds(snapshot.void_after_ns.abs_diff(snapshot.as_of_ns));
    format!("published {age} ago: {status}, {bound} ns, growing by {drift} ppb, void after {life}")
}

fn seconds(ns: u64) -> String {
    format!("{:.1} s", ns as f64 / 1e9)
}

fn chrony(places: &Places) -> Found {
    let place = places.chronyc.to_string_lossy().into_owned();
    let mut clock = Chrony::new(&places.chronyc);
    match clock.observe() {
        Ok((reading, tracking)) => {
            let leap = tracking.leap.and_then(leap_note);
            let note = leap.map_or(String::new(), |leap| format!("; {leap}"));
            let note = Some(format!("follows {}{note}", tracking.reference));
            Found { place, reading: Ok(reading), note, clock: Some(Box::new(clock)) }
        }
        Err(error) => Found { place, reading: Err(error), note: None, clock: None },
    }
}

fn adjtimex() -> Found {
    let place = "adjtimex".to_owned();
    match Adjtimex::look() {
        Ok((reading, leap, complaint)) => {
            let note = complaint.or(leap_note(leap).map(str::to_owned));
            Found { place, reading: Ok(reading), note, clock: Some(Box::new(Adjtimex)) }
        }
        Err(error) => Found { place, reading: Err(error), note: None, clock: None },
    }
}

fn leap_note(leap: Leap) -> Option<&'static str> {
    match leap {
        Leap::None => None,
        Leap::Insertion => Some("a second is to be inserted at the end of the day (UTC)"),
        Leap::Deletion => Some("a second is to be left out at the end of the day (UTC)"),
        Leap::Now => Some("a leap second is being inserted: this second happens twice"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ClockStatus, Simulated};
    use super::*;
    use crate::time::BoundedTimestamp;

    fn found(place: &str, status: ClockStatus, error_ns: u64) -> Found {
        let mut clock = Simulated::new(1_000_000, error_ns);
        clock.set_status(status);
        Found { place: place.to_owned(), reading: Ok(clock.now()), note: None, clock: Some(Box::new(clock)) }
    }

    /// Promise: the first trusted source is taken, though a later one claims a narrower bound; the
    /// reason names what was passed over.
    #[test]
    fn first_trusted() {
        let taken = choose(&mut [
            found("shm1", ClockStatus::Disrupted, 1),
            found("shm0", ClockStatus::FreeRunning, 9_000),
            found("chronyc", ClockStatus::Synchronized, 5),
        ]);
        let mut taken = taken.unwrap();
        assert_eq!(taken.place, "shm0");
        assert!(taken.why.contains("shm1 is DISRUPTED") && taken.why.contains("9000 ns"), "{}", taken.why);
        assert_eq!(taken.clock.now().bound(), BoundedTimestamp::reading(1_000_000, 9_000));
    }

    /// Promise: without a trusted source there is no clock, and the reason names each.
    #[test]
    fn none_trusted() {
        let none = choose(&mut [
            found("shm1", ClockStatus::Disrupted, 1),
            found("adjtimex", ClockStatus::Unknown, 1),
        ]);
        let why = none.unwrap_err().to_string();
        assert!(why.contains("no synchronised clock on this host"), "{why}");
        assert!(why.contains("shm1 is DISRUPTED; adjtimex is UNKNOWN"), "{why}");
    }
}
