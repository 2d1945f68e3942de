//! Layout 2: written by `clock-bound-shm`, read by `clock-bound-client` and by us.

use std::path::{Path, PathBuf};

use clock_bound_client::ClockBoundClient;
use clock_bound_shm::{ClockErrorBound, ClockStatus as Theirs, ShmWrite, ShmWriter};
use clock_bound_vmclock::shm::{VMClockClockStatus, VMClockShmBody};
use clock_bound_vmclock::shm_writer::{VMClockShmWrite, VMClockShmWriter};
use nix::sys::time::{TimeSpec, TimeValLike};
use skewer::clock::{Access, BoundedClock, ClockBound, ClockError, ClockStatus};
use skewer_kernels::{SystemClock, system_clock_ns};

use super::{NONE, Said, agree_on, ours};

const NS: i64 = 1_000_000_000;

pub(crate) fn monotonic() -> i64 {
    system_clock_ns(SystemClock::MonotonicCoarse).unwrap()
}

pub(crate) fn time(ns: i64) -> TimeSpec {
    TimeSpec::nanoseconds(ns)
}

fn bound(age: i64, life: i64, bound: i64, drift: u32, status: Theirs, support: bool) -> ClockErrorBound {
    let as_of = monotonic() - age;
    ClockErrorBound::new(time(as_of), time(as_of + life), bound, 10, drift, status, support)
}

pub(crate) fn client(path: &Path, vmclock: &str) -> ClockBoundClient {
    ClockBoundClient::new_with_paths(path.to_str().unwrap(), vmclock).unwrap()
}

pub(crate) fn said(client: &mut ClockBoundClient) -> Said {
    let now = client.now().unwrap();
    Said {
        earliest: now.earliest.num_nanoseconds(),
        latest: now.latest.num_nanoseconds(),
        status: now.clock_status as i32,
    }
}

pub(crate) fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shm0");
    (folder, path)
}

/// Promise: through every status, age and drift both clients say the same.
#[test]
fn agree_through_statuses_and_ages() {
    let statuses = [Theirs::Unknown, Theirs::Synchronized, Theirs::FreeRunning, Theirs::Disrupted];
    for status in statuses {
        // Fresh; past the grace of 5 s; past the end of use; a microsecond early.
        for (age, life) in [(0, 1_000 * NS), (7 * NS, 1_000 * NS), (12 * NS, 11 * NS), (-500, 1_000 * NS)] {
            for (ns, drift) in [(25_000, 0), (0, 1_000), (108_000, 999_999_999), (1 << 40, 15_000)] {
                let (_folder, path) = folder();
                let mut writer = ShmWriter::new(&path).unwrap();
                writer.write(&bound(age, life, ns, drift, status, false));
                let mut theirs = client(&path, NONE);
                let said = agree_on(&path, || said(&mut theirs));
                let trusted = matches!(status, Theirs::Synchronized | Theirs::FreeRunning);
                if !trusted || age > life {
                    assert_eq!(ours(&path, Access::Map).now().earliest, i64::MIN);
                    assert!(said.status == 0 || said.status == 3);
                }
            }
        }
    }
}

/// Promise: updates are seen as they come, also over the wrap of the generation.
#[test]
fn updates_are_seen() {
    let (_folder, path) = folder();
    let mut writer = ShmWriter::new(&path).unwrap();
    writer.write(&bound(0, 1_000 * NS, 1, 0, Theirs::Synchronized, false));
    let (mut mine, mut theirs) = (ours(&path, Access::Map), client(&path, NONE));
    let mut wrapped = false;
    for update in 2..33_000 {
        writer.write(&bound(0, 1_000 * NS, update, 0, Theirs::Synchronized, false));
        let seen = mine.observe().unwrap().snapshot;
        assert_eq!(seen.bound_ns, update.cast_unsigned());
        wrapped |= seen.generation == 2;
        let said = said(&mut theirs);
        assert_eq!(said.latest - said.earliest, 2 * update);
    }
    assert!(wrapped, "the generation has 16 bits");
}

/// Promise: what their client refuses or cannot compute, ours does too.
#[test]
fn refuse_alike() {
    let unusable = [
        bound(-NS, 1_000 * NS, 5, 0, Theirs::Synchronized, false),
        bound(0, 1_000 * NS, 5, 1_000_000_000, Theirs::Synchronized, false),
    ];
    for ceb in unusable {
        let (_folder, path) = folder();
        ShmWriter::new(&path).unwrap().write(&ceb);
        assert!(client(&path, NONE).now().is_err());
        let mine = ClockBound::open(&path, Path::new(NONE), Access::Map).and_then(|mut c| c.observe());
        assert!(matches!(mine, Err(ClockError::Segment { .. })), "{mine:?}");
    }
    let (_folder, path) = folder();
    let _never_written = ShmWriter::new(&path).unwrap();
    assert!(ClockBoundClient::new_with_paths(path.to_str().unwrap(), NONE).is_err());
    assert!(ClockBound::open(&path, Path::new(NONE), Access::Map).is_err());
}

fn vmclock(marker: u64) -> VMClockShmBody {
    VMClockShmBody {
        disruption_marker: marker,
        flags: 0,
        _padding: [0, 0],
        clock_status: VMClockClockStatus::Synchronized,
        leap_second_smearing_hint: 0,
        tai_offset_sec: 37,
        leap_indicator: 0,
        counter_period_shift: 0,
        counter_value: 0,
        counter_period_frac_sec: 0,
        counter_period_esterror_rate_frac_sec: 0,
        counter_period_maxerror_rate_frac_sec: 0,
        time_sec: 0,
        time_frac_sec: 0,
        time_esterror_nanosec: 0,
        time_maxerror_nanosec: 0,
    }
}

/// Promise: a machine that was disturbed since the daemon looked orders nothing; until then the
/// marker changes nothing.
///
/// (The 2.x client calls such a clock UNKNOWN, ours DISRUPTED, as the 3.x client does.)
#[test]
fn disruptions_are_noticed() {
    let (folder, path) = folder();
    let device = folder.path().join("vmclock0");
    ShmWriter::new(&path).unwrap().write(&bound(0, 1_000 * NS, 5, 0, Theirs::Synchronized, true));
    assert!(ClockBoundClient::new_with_paths(path.to_str().unwrap(), NONE).is_err());
    let blind = ClockBound::open(&path, Path::new(NONE), Access::Map);
    assert!(matches!(blind, Err(ClockError::VmClock { .. })), "{blind:?}");

    let mut writer = VMClockShmWriter::new(&device).unwrap();
    writer.write(&vmclock(10));
    let mut theirs = client(&path, device.to_str().unwrap());
    let mut mine = ClockBound::open(&path, &device, Access::Map).unwrap();
    assert_eq!((mine.now().status, said(&mut theirs).status), (ClockStatus::Synchronized, 1));
    writer.write(&vmclock(11));
    assert_eq!((mine.now().status, said(&mut theirs).status), (ClockStatus::Disrupted, 0));
    assert_eq!(mine.now().latest, i64::MAX);
}
