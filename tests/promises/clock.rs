//! This host's clocks, from outside; and ClockBound's segments, whatever their bytes.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use proptest::prelude::*;
use serde_json::Value;
use skewer::clock::{Access, Adjtimex, BoundedClock, ClockBound, ClockError, ClockStatus, Layout, Snapshot};

use crate::cli::{command, skewer};
use crate::corpus::fuzz::segment_any_bytes;

const S: i64 = 1_000_000_000;

/// The bytes of a segment: the header's version and generation, then the body's words.
fn segment(version: u16, generation: u16, body: &[u64]) -> Vec<u8> {
    let size = 16 + 8 * body.len() as u32;
    let mut bytes = [0x414D_5A4E_u32, 0x4342_0200, size].map(u32::to_le_bytes).concat();
    bytes.extend([version, generation].map(u16::to_le_bytes).concat());
    bytes.extend(body.iter().flat_map(|word| word.to_le_bytes()));
    bytes
}

/// Layout 2: as of second 100 of the coarse clock, void after 1,100, 25 us, 1,000 ppb.
fn layout_2(status: u64) -> Vec<u8> {
    segment(2, 2, &[100, 0, 1_100, 0, 25_000, 7, (status << 32) + 1_000, 0])
}

/// Layout 3: a counter of 1 GHz at 5,000 when the clock showed second 100; 25 us, 1,000 ppb.
fn layout_3(status: u64) -> Vec<u8> {
    // 2^(64 + 29) / 10^9, with a shift of 29.
    let period = ((1_u128 << 93) / 1_000_000_000) as u64;
    segment(0x0303, 2, &[5_000, 100, 0, 1_100, 0, period, 0, 25_000, 7, (status << 32) + 1_000, 29 << 8])
}

fn parsed(bytes: &[u8]) -> Snapshot {
    Snapshot::parse(bytes).unwrap()
}

/// Promise: layout 2's bound is the published one, grown by the drift; its status ages at 5 s and at the
/// end of use.
#[test]
fn layout_2_ages() {
    let snapshot = parsed(&layout_2(1));
    assert_eq!((snapshot.layout, snapshot.bound_ns, snapshot.disruption_marker), (Layout::V2, 25_000, 7));
    let at = |monotonic| snapshot.at_clocks(50 * S, monotonic).unwrap();
    let window = at(102 * S);
    assert_eq!((window.bound.earliest(), window.bound.latest()), (50 * S - 27_000, 50 * S + 27_000));
    assert_eq!(window.status, ClockStatus::Synchronized);
    assert_eq!(at(105 * S - 1).status, ClockStatus::Synchronized);
    assert_eq!(at(105 * S).status, ClockStatus::FreeRunning);
    assert_eq!(at(1_100 * S - 1).status, ClockStatus::FreeRunning);
    assert_eq!(at(1_100 * S).status, ClockStatus::Unknown);
    assert_eq!(at(100 * S - 999).bound.width(), 50_000, "the coarse clock lags by less than 1 us");
    assert!(snapshot.at_clocks(0, 100 * S - 1_000).is_err(), "a bound from the future");
}

/// Promise: layout 3's clock runs with the counter, and its status ages at 60 s and at the end of use.
#[test]
fn layout_3_ages() {
    let snapshot = parsed(&layout_3(2));
    let at = |ns: i64| snapshot.at_counter(5_000 + ns as u64).unwrap();
    let window = at(2 * S);
    let middle = window.bound.midpoint();
    assert!((102 * S - 2..=102 * S).contains(&middle), "{middle}");
    assert!((54_000..=54_010).contains(&window.bound.width()), "{}", window.bound.width());
    let synchronised = parsed(&layout_3(1));
    let status = |ns: i64| synchronised.at_counter(5_000 + ns as u64).unwrap().status;
    assert_eq!((status(59 * S), status(61 * S)), (ClockStatus::Synchronized, ClockStatus::FreeRunning));
    assert_eq!((status(999 * S), status(1_001 * S)), (ClockStatus::FreeRunning, ClockStatus::Unknown));
    assert_eq!(synchronised.at_counter(0).unwrap().bound.midpoint(), 100 * S, "a counter is never behind");
}

/// Promise: UNKNOWN and DISRUPTED stay what they are at any age.
#[test]
fn untrusted_stays_untrusted() {
    for (code, status) in [(0, ClockStatus::Unknown), (3, ClockStatus::Disrupted)] {
        assert_eq!(parsed(&layout_3(code)).at_counter(5_000).unwrap().status, status);
        assert_eq!(parsed(&layout_2(code)).at_clocks(0, 100 * S).unwrap().status, status);
    }
    assert!(Snapshot::parse(&layout_2(4)).is_err());
}

/// Promise: a segment in use is read by both ways, and files that are no segments are refused with their name.
#[test]
fn opening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shm1");
    let none = Path::new("/nowhere/vmclock0");
    for access in [Access::Map, Access::Read] {
        std::fs::write(&path, layout_3(3)).unwrap();
        let mut clock = ClockBound::open(&path, none, access).unwrap();
        assert_eq!((clock.now().status, clock.now().latest), (ClockStatus::Disrupted, i64::MAX));
        for (bytes, why) in [
            (segment(1, 2, &[0; 7]), "layouts 0 to 1"),
            (segment(0x0303, 2, &[0; 8]), "80 bytes"),
            (segment(0x0303, 0, &[0; 11]), "has not written"),
            (b"NZMA".to_vec(), "4 bytes"),
            (vec![0; 104], "does not start like"),
        ] {
            std::fs::write(folder.path().join("bad"), bytes).unwrap();
            let refused = ClockBound::open(&folder.path().join("bad"), none, access).unwrap_err().to_string();
            assert!(refused.contains(why) && refused.contains("bad"), "{refused}");
        }
    }
    let absent = ClockBound::open(&folder.path().join("none"), none, Access::Map).unwrap_err();
    assert!(matches!(&absent, ClockError::Io { .. }) && absent.is_absent());
}

/// Writes at a place in a file, as a daemon does: the file stays the same one.
#[cfg(unix)]
fn put(path: &Path, at: u64, bytes: &[u8]) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, bytes, at).unwrap();
}

/// Promise: a daemon that restarts makes its segment anew in its place, and its generations begin anew: until
/// the first new bound is whole the old one serves; then the new one is seen, though its generation is the very
/// number seen last. So it is when generations wrap.
#[cfg(unix)]
#[test]
fn restarts_and_wraps() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("segment");
    for (version, old) in [(2_u16, layout_2(1)), (0x0303, layout_3(1))] {
        for access in [Access::Map, Access::Read] {
            std::fs::write(&path, &old).unwrap();
            let mut clock = ClockBound::open(&path, Path::new("/nowhere/vmclock0"), access).unwrap();
            let mut bound = || clock.observe().unwrap().snapshot.bound_ns;
            let header = |version: u16, generation: u16| {
                put(&path, 12, &[version, generation].map(u16::to_le_bytes).concat());
            };
            let body = |second: u64, ns: u64| {
                let (as_of, place) = if version == 2 { (16, 48) } else { (24, 72) };
                put(&path, as_of, &second.to_le_bytes());
                put(&path, place, &ns.to_le_bytes());
            };
            assert_eq!(bound(), 25_000);
            header(0, 0);
            assert_eq!(bound(), 25_000, "the file is being made anew");
            header(version, 1);
            body(101, 99);
            assert_eq!(bound(), 25_000, "the first bound is being written");
            header(version, 2);
            assert_eq!(bound(), 99, "the generation is that of the bound before the restart");
            for (generation, ns) in [(65_534, 98), (2, 97)] {
                header(version, generation - 1);
                body(102 + ns, ns);
                assert_eq!(bound(), ns + 1);
                header(version, generation);
                assert_eq!(bound(), ns);
            }
        }
    }
}

/// A segment of layout 2 as of `age` seconds ago, good for 1,000 s from then.
#[cfg(target_os = "linux")]
fn aged(age: i64, bound: u64, status: u64, support: bool) -> Vec<u8> {
    use skewer_kernels::{SystemClock, system_clock_ns};
    let as_of = system_clock_ns(SystemClock::MonotonicCoarse).unwrap() - age * S;
    let (s, ns) = ((as_of / S) as u64, (as_of % S) as u64);
    segment(2, 2, &[s, ns, s + 1_000, ns, bound, 7, (status << 32) + 1_000, support.into()])
}

/// Promise: another file put in the segment's place is taken up, once the old one is not renewed, whatever
/// that one said last; until then the old bound serves, growing.
#[cfg(target_os = "linux")]
#[test]
fn replaced_segments() {
    use std::time::{Duration, Instant};
    let folder = tempfile::tempdir().unwrap();
    let (path, new) = (folder.path().join("shm0"), folder.path().join("new"));
    for (access, status) in [(Access::Map, 1), (Access::Read, 2), (Access::Map, 3)] {
        std::fs::write(&path, aged(6, 25_000, status, false)).unwrap();
        let mut clock = ClockBound::open(&path, Path::new("/nowhere/vmclock0"), access).unwrap();
        std::fs::write(&new, aged(0, 1_000, 1, false)).unwrap();
        std::fs::rename(&new, &path).unwrap();
        let old = clock.now();
        match status {
            3 => assert_eq!((old.status, old.error_ns()), (ClockStatus::Disrupted, None)),
            _ => assert!(old.status == ClockStatus::FreeRunning && old.error_ns() >= Some(31_000), "{old:?}"),
        }
        let began = Instant::now();
        while clock.now().status == old.status && began.elapsed() < Duration::from_secs(4) {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(clock.observe().unwrap().snapshot.bound_ns, 1_000, "{access:?}");
    }
}

/// Promise: a machine that was disturbed since the daemon looked orders nothing until the daemon knows of it,
/// and a daemon that watches for that is not read blindly.
#[cfg(target_os = "linux")]
#[test]
fn disruptions() {
    let folder = tempfile::tempdir().unwrap();
    let (path, device) = (folder.path().join("shm0"), folder.path().join("vmclock0"));
    for access in [Access::Map, Access::Read] {
        std::fs::write(&path, aged(0, 25_000, 1, true)).unwrap();
        _ = std::fs::remove_file(&device);
        let blind = ClockBound::open(&path, &device, access).unwrap_err();
        assert!(blind.to_string().contains("watches this device for disruptions"), "{blind}");
        let mut bytes = [0_u8; 104];
        bytes[..4].copy_from_slice(&0x4B4C_4356_u32.to_le_bytes());
        bytes[16] = 7;
        std::fs::write(&device, bytes).unwrap();
        let mut clock = ClockBound::open(&path, &device, access).unwrap();
        assert_eq!(clock.now().status, ClockStatus::Synchronized);
        put(&device, 16, &[8]);
        let reading = clock.now();
        assert_eq!((reading.status, reading.earliest), (ClockStatus::Disrupted, i64::MIN));
        assert!(!reading.after(i64::MIN) && !reading.before(i64::MAX));
        put(&path, 14, &[3]);
        put(&path, 56, &[8]);
        put(&path, 14, &[4]);
        assert_eq!(clock.now().status, ClockStatus::Synchronized, "the daemon saw the marker, and is well");
    }
}

proptest! {
    /// Promise: any bytes are a segment or an error, and a bound from them is one.
    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        segment_any_bytes(&bytes);
    }

    /// Promise: a segment with any bytes changed is one or an error.
    #[test]
    fn any_change(three in any::<bool>(), changes in prop::collection::vec((0..104_usize, any::<u8>()), 0..9)) {
        let mut bytes = if three { layout_3(1) } else { layout_2(1) };
        for (at, byte) in changes {
            let len = bytes.len();
            bytes[at % len] = byte;
        }
        segment_any_bytes(&bytes);
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// Promise: `skewer clock` tells what this very host has: 0 and a clock, or 2 and a plain word.
#[test]
fn this_host() {
    let run = skewer(&["clock", "--format", "json"]);
    let page = json(&run.out);
    let known = page["sources"].as_array().unwrap().iter().find(|s| s["source"] == "adjtimex");
    let kernel = Adjtimex.observe().ok().map(|(reading, _)| reading.status.name());
    assert_eq!(known.and_then(|s| s["status"].as_str()), kernel);
    let human = skewer(&["clock"]);
    if page["best"].is_null() {
        assert_eq!((run.status, human.status), (2, 2));
        for said in [page["reason"].as_str().unwrap(), &run.err, &human.err, &human.out] {
            assert!(said.contains("no synchronised clock on this host"), "{said}");
        }
        assert!(human.out.contains("Start chronyd") && human.err.contains("not found: "), "{}", human.err);
    } else {
        assert_eq!((run.status, human.status), (0, 0));
        assert!(human.out.contains("best: "), "{}", human.out);
    }
}

/// Promise: every source is printed with its status and bound, the one taken is named with the reason,
/// and the paths of segments can be given.
#[cfg(target_os = "linux")]
#[test]
fn sources_and_choice() {
    let folder = tempfile::tempdir().unwrap();
    let (disrupted, running) = (folder.path().join("a"), folder.path().join("b"));
    std::fs::write(&disrupted, layout_3(3)).unwrap();
    std::fs::write(&running, aged(0, 25_000, 1, false)).unwrap();
    let (a, b) = (disrupted.to_str().unwrap(), running.to_str().unwrap());
    let args = ["clock", "--clockbound", a, "--clockbound", b];
    let run = skewer(&[&args[..], &["--format", "json"]].concat());
    assert_eq!(run.status, 0, "{}", run.err);
    let page = json(&run.out);
    assert_eq!(
        (page["best"]["source"].as_str(), page["best"]["place"].as_str()),
        (Some("clockbound-v2"), Some(b))
    );
    assert!(page["best"]["why"].as_str().unwrap().contains("a is DISRUPTED"));
    let (first, second) = (&page["sources"][0], &page["sources"][1]);
    assert_eq!((first["status"].as_str(), first["earliest"].is_null()), (Some("DISRUPTED"), true));
    let error = second["error_ns"].as_u64().unwrap();
    assert!((25_000..60_000).contains(&error), "{error}");
    let human = skewer(&args).out;
    assert!(human.contains("best: clockbound-v2") && human.contains("unlimited"), "{human}");
    assert!(
        human.contains("s ago: SYNCHRONIZED, 25000 ns, growing by 1000 ppb, void after 1000.0 s"),
        "{human}"
    );
    let now = human.lines().find(|line| line.starts_with("now:  from 20")).unwrap();
    assert_eq!(now.matches('Z').count(), 2, "{now}");
}

/// Promise: chrony's word is taken from `chronyc`, with its bound.
#[cfg(unix)]
#[test]
fn chrony_is_asked() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("chronyc");
    let line =
        "A9FEA97B,169.254.169.123,4,1795329744.1,-0.0000125,0,0,-13.2,0,0.02,0.0002,0.00005,16.1,Normal";
    std::fs::write(&program, format!("#!/bin/sh\necho '{line}'\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.path().display());
    let output = command().args(["clock", "--format", "json"]).env("PATH", path).output().unwrap();
    let page = json(std::str::from_utf8(&output.stdout).unwrap());
    let chrony = page["sources"].as_array().unwrap().iter().find(|s| s["source"] == "chrony").unwrap();
    let error = chrony["error_ns"].as_u64().unwrap();
    assert!(error > 162_500, "|offset| + dispersion + delay / 2, and growing: {error}");
    assert!(!page["best"].is_null() && output.status.code() == Some(0));
}

/// Promise: `--watch` looks again, one JSON object a line, until nobody listens.
#[test]
fn watching() {
    let mut child =
        command().args(["clock", "--watch=5ms", "--format", "json"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for _ in 0..3 {
        assert_eq!(json(&lines.next().unwrap().unwrap())["version"], 1);
    }
    drop(lines);
    assert!(child.wait().unwrap().code().is_some_and(|code| code == 0 || code == 2));
    skewer(&["clock", "--watch=5"]).is_refused("--watch");
}
