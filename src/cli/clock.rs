//! `skewer clock`.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::time::Duration;

use serde_json::{Value, json};
use skewer::clock::{Access, Best, Found, NoClock, Places, choose, survey};
use skewer::report::text::one_line;
use skewer::time::{Span, Unit};

use super::args::{ClockArgs, InspectFormat};
use super::{FAILED, complain};

/// Prints what clocks there are, once or again and again; 2 if none is synchronised.
pub(crate) fn run(args: &ClockArgs) -> anyhow::Result<u8> {
    let places = places(args);
    let again = args.watch.map(pause).transpose()?;
    loop {
        let mut found = survey(&places);
        let chosen = choose(&mut found);
        let text = match (args.format, again) {
            (InspectFormat::Human, None) => human(&found, &chosen),
            (InspectFormat::Human, Some(_)) => human(&found, &chosen) + "\n",
            (InspectFormat::Json, Some(_)) => json(&found, &chosen).to_string() + "\n",
            (InspectFormat::Json, None) => format!("{:#}\n", json(&found, &chosen)),
        };
        let gone = !printed(&text)?;
        let (Some(pause), false) = (again, gone) else {
            return Ok(match chosen {
                Ok(_) => 0,
                Err(none) => {
                    complain(&none.to_string());
                    FAILED
                }
            });
        };
        std::thread::sleep(pause);
    }
}

fn places(args: &ClockArgs) -> Places {
    // A look now and then: reading files costs nothing here, and no daemon can end this process.
    let mut places = Places { access: Access::Read, ..Places::default() };
    if !args.clockbound.is_empty() {
        places.clockbound.clone_from(&args.clockbound);
    }
    if let Some(vmclock) = &args.vmclock {
        places.vmclock.clone_from(vmclock);
    }
    places
}

fn pause(span: Span) -> anyhow::Result<Duration> {
    match span.ticks(Unit::Nanoseconds) {
        Some(ns) if matches!(span, Span::Nanoseconds(_)) => Ok(Duration::from_nanos(ns)),
        _ => anyhow::bail!("--watch: give a number with ns, us, ms or s"),
    }
}

/// Whether the reader is still there.
fn printed(text: &str) -> anyhow::Result<bool> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(gone) if gone.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => anyhow::bail!("standard output: {error}"),
        Ok(()) => Ok(true),
    }
}

fn human(found: &[Found], chosen: &Result<Best, NoClock>) -> String {
    let mut text = format!("{:<15}{:<14}{:>14}  place\n", "source", "status", "error");
    for one in found.iter().filter(|one| one.is_there()) {
        let note = one.note.as_ref().map_or(String::new(), |note| format!(" ({note})"));
        // Writing to a string does not fail.
        _ = match &one.reading {
            Ok(reading) => {
                let error = reading.error_ns().map_or("unlimited".to_owned(), length);
                let (source, status) = (reading.source, reading.status.name());
                let place = format!("{}{note}", one.place);
                writeln!(text, "{:<15}{status:<14}{error:>14}  {}", source.name(), one_line(&place))
            }
            Err(error) => {
                writeln!(text, "{:<15}{:<14}{:>14}  {}", "-", "unusable", "-", one_line(&error.to_string()))
            }
        };
    }
    let absent: Vec<&str> =
        found.iter().filter(|one| !one.is_there()).map(|one| one.place.as_str()).collect();
    if !absent.is_empty() {
        _ = writeln!(text, "\nnot found: {}", one_line(&absent.join(", ")));
    }
    _ = match chosen {
        Ok(best) => writeln!(text, "\nbest: {}: {}", best.source, one_line(&best.why)),
        Err(_) => writeln!(text, "\nbest: none: {NONE}"),
    };
    let reading = chosen.as_ref().ok().and_then(|best| found.iter().find(|one| one.place == best.place));
    if let Some(reading) = reading.and_then(Found::trusted) {
        _ = writeln!(text, "now:  from {} to {}", date(reading.earliest), date(reading.latest));
    }
    text
}

/// What it means that there is no clock, and what would help.
const NONE: &str = "no synchronised clock on this host: no timestamp taken here orders anything. Start chronyd, \
                    ntpd or ClockBound, and look again";

/// Nanoseconds since 1970 as a date, in UTC.
fn date(ns: i64) -> String {
    chrono::DateTime::from_timestamp_nanos(ns).format("%Y-%m-%dT%H:%M:%S%.9fZ").to_string()
}

/// A length of time in its largest unit below it, to three decimals.
fn length(ns: u64) -> String {
    let scales = [(1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "us")];
    match scales.into_iter().find(|(scale, _)| ns >= *scale) {
        Some((scale, unit)) => format!("{:.3} {unit}", ns as f64 / scale as f64),
        None => format!("{ns} ns"),
    }
}

fn json(found: &[Found], chosen: &Result<Best, NoClock>) -> Value {
    let there = found.iter().filter(|one| one.is_there());
    let absent: Vec<&String> = found.iter().filter(|one| !one.is_there()).map(|one| &one.place).collect();
    let (best, reason) = match chosen {
        Ok(best) => {
            (json!({ "source": best.source.name(), "place": best.place, "why": best.why }), Value::Null)
        }
        Err(none) => (Value::Null, json!(none.to_string())),
    };
    json!({
        "version": 1,
        "best": best,
        "reason": reason,
        "sources": there.map(source).collect::<Vec<_>>(),
        "absent": absent,
    })
}

/// Ends and errors are nanoseconds; those of a clock that is not to be trusted are null.
fn source(one: &Found) -> Value {
    match &one.reading {
        Ok(reading) => {
            let end = |ns: i64| reading.status.is_trusted().then_some(ns);
            json!({
                "source": reading.source.name(),
                "place": one.place,
                "status": reading.status.name(),
                "earliest": end(reading.earliest),
                "latest": end(reading.latest),
                "error_ns": reading.error_ns(),
                "note": one.note,
                "problem": null,
            })
        }
        Err(error) => json!({
            "source": null,
            "place": one.place,
            "status": null,
            "earliest": null,
            "latest": null,
            "error_ns": null,
            "note": one.note,
            "problem": error.to_string(),
        }),
    }
}
