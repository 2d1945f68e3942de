//! For the same segment ours and theirs agree: on the earliest, the latest and the status.

#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![forbid(unsafe_code)]

#[path = "agree/hammer.rs"]
mod hammer;
#[path = "agree/v2.rs"]
mod v2;
#[path = "agree/v3.rs"]
mod v3;

use std::path::Path;

use skewer::clock::{Access, ClockBound, ClockStatus, Layout, Observation};

/// What a client said: nanoseconds since 1970, and a status code.
#[derive(Clone, Copy, Debug)]
struct Said {
    earliest: i64,
    latest: i64,
    status: i32,
}

const NONE: &str = "/nowhere/vmclock0";

fn ours(path: &Path, access: Access) -> ClockBound {
    ClockBound::open(path, Path::new(NONE), access).unwrap()
}

fn code(status: ClockStatus) -> i32 {
    [ClockStatus::Unknown, ClockStatus::Synchronized, ClockStatus::FreeRunning, ClockStatus::Disrupted]
        .iter()
        .position(|s| *s == status)
        .map_or(-1, |code| i32::try_from(code).unwrap())
}

/// Theirs, read between two of ours, lies between the two: both ends go forward with time, as no
/// bound grows faster than time passes. The slack is what the two round differently, in nanoseconds.
fn agree(before: &Observation, theirs: Said, after: &Observation) {
    const SLACK: i64 = 4;
    let (first, last) = (before.window, after.window);
    for (end, low, said, high) in [
        ("earliest", first.bound.earliest(), theirs.earliest, last.bound.earliest()),
        ("latest", first.bound.latest(), theirs.latest, last.bound.latest()),
    ] {
        assert!(low - SLACK <= said && said <= high + SLACK, "{end}: {low} {said} {high}\n{before:?}");
    }
    let statuses = [code(first.status), code(last.status)];
    assert!(statuses.contains(&theirs.status), "{statuses:?} and {}", theirs.status);
}

/// Ours, by both ways of reading, beside theirs, several times.
fn agree_on(path: &Path, mut theirs: impl FnMut() -> Said) -> Said {
    let mut said = None;
    for access in [Access::Map, Access::Read] {
        let mut ours = ours(path, access);
        let (mut agreed, mut tries) = (0, 0);
        while agreed < 20 {
            tries += 1;
            assert!(tries < 100_000, "the coarse clock ticked in each of {tries} readings");
            let (before, one, after) = (ours.observe().unwrap(), theirs(), ours.observe().unwrap());
            // Layout 2 is aged by a clock that ticks every few milliseconds: at a tick the bound jumps.
            let ticked = before.window.bound.width() != after.window.bound.width();
            if ticked && before.snapshot.layout == Layout::V2 {
                continue;
            }
            agree(&before, one, &after);
            agreed += 1;
            said = Some(one);
        }
    }
    said.unwrap()
}
