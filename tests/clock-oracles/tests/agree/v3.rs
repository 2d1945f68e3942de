//! Layout 3: read by `clock-bound` 3.0.0-rc.0 and by us.

use std::path::Path;

use clock_bound::{Client, ErrorKind};
use nix::sys::time::TimeValLike;
use skewer::clock::{Access, BoundedClock, ClockBound, ClockError, ClockStatus};
use skewer_clock_oracles::{NS, Published, Segment};

use super::v2::folder;
use super::{NONE, Said, agree_on, ours};

pub(crate) fn client(path: &Path) -> Client {
    Client::new_with_paths(path.to_str().unwrap(), NONE).unwrap()
}

pub(crate) fn said(client: &mut Client) -> Said {
    let now = client.now().unwrap();
    Said {
        earliest: now.earliest.num_nanoseconds(),
        latest: now.latest.num_nanoseconds(),
        status: now.clock_status as i32,
    }
}

/// Promise: through every status, age, drift and period's error both clients say the same.
#[test]
fn agree_through_statuses_and_ages() {
    for status in 0..4 {
        // Fresh; past the grace of 60 s; past the end of use; from the counter's future.
        for (age, life) in [(0, 1_000 * NS), (70 * NS, 1_000 * NS), (90 * NS, 80 * NS), (-NS, 1_000 * NS)] {
            for (bound, drift, period_error) in [
                (25_000, 0, 0),
                (0, 15_000, 1 << 40),
                (108_000, 999_999_999, 0),
                (1 << 40, 1, u64::MAX >> 20),
            ] {
                let (_folder, path) = folder();
                let fresh = Published::aged(age);
                let void_after = fresh.as_of + life;
                let published = Published { status, bound, drift, period_error, void_after, ..fresh };
                let _segment = Segment::create(&path, &published).unwrap();
                let mut theirs = client(&path);
                agree_on(&path, || said(&mut theirs));
                let mine = ours(&path, Access::Map).now();
                let trusted = (status == 1 || status == 2) && age < life;
                assert_eq!(mine.status.is_trusted(), trusted, "{published:?}");
                assert_eq!(mine.earliest == i64::MIN, !trusted);
            }
        }
    }
}

/// Promise: while the daemon writes, dies writing, or restarts, both serve the last whole update.
#[test]
fn unfinished_updates() {
    let (_folder, path) = folder();
    let published = Published { drift: 0, ..Published::aged(0) };
    let mut segment = Segment::create(&path, &published).unwrap();
    let (mut mine, mut theirs) = (ours(&path, Access::Map), client(&path));
    let other = Published { bound: 1, ..published };
    for (version, generation) in [(0x0303, 3), (0, 0), (0x0303, 0), (0, 4)] {
        segment.header(version, generation).unwrap();
        segment.write_body_alone(&other).unwrap();
        assert_eq!(mine.observe().unwrap().snapshot.bound_ns, 25_000, "{version} {generation}");
        let said = said(&mut theirs);
        assert_eq!(said.latest - said.earliest, 50_000, "{version} {generation}");
    }
    segment.header(0x0303, 4).unwrap();
    segment.write(&other).unwrap();
    assert_eq!(mine.observe().unwrap().snapshot.bound_ns, 1);
    let said = said(&mut theirs);
    assert_eq!(said.latest - said.earliest, 2);
}

/// Promise: a segment opened amid an update gives no bound before the update is whole: theirs says
/// 1970 and UNKNOWN, ours all time and UNKNOWN.
#[test]
fn opened_amid_an_update() {
    let (_folder, path) = folder();
    let mut segment = Segment::create(&path, &Published::aged(0)).unwrap();
    segment.header(0x0303, 5).unwrap();
    let (mut mine, mut theirs) = (ours(&path, Access::Map), client(&path));
    assert_eq!(said(&mut theirs).status, 0);
    let reading = mine.now();
    assert_eq!((reading.status, reading.earliest), (ClockStatus::Unknown, i64::MIN));
    segment.write(&Published::aged(0)).unwrap();
    assert_eq!((mine.now().status, said(&mut theirs).status), (ClockStatus::Synchronized, 1));
}

/// Promise: a generation that wrapped to the very number seen last does not pass the old bound for
/// the new one. (Theirs compares generations only, and would, until the old bound is void.)
#[test]
fn whole_wraps_are_noticed() {
    let (_folder, path) = folder();
    let published = Published { drift: 0, ..Published::aged(0) };
    let mut segment = Segment::create(&path, &published).unwrap();
    let mut mine = ours(&path, Access::Map);
    assert_eq!(mine.observe().unwrap().snapshot.bound_ns, 25_000);
    segment.write_body_alone(&Published { bound: 99, counter: published.counter + 1, ..published }).unwrap();
    assert_eq!(mine.observe().unwrap().snapshot.bound_ns, 99);
}

/// Promise: layouts, sizes and fields that their client refuses ours does too.
#[test]
fn refuse_alike() {
    let (_folder, path) = folder();
    let mut segment = Segment::create(&path, &Published::aged(0)).unwrap();
    let refused = |path: &Path| {
        let theirs = Client::new_with_paths(path.to_str().unwrap(), NONE).is_err();
        let mine = ClockBound::open(path, Path::new(NONE), Access::Map).is_err();
        assert_eq!((mine, theirs), (true, true));
    };
    for (version, generation) in [(0x0303, 0), (0x0304, 2), (0x0404, 2), (0x0301, 2), (1, 2), (9_999, 2)] {
        segment.header(version, generation).unwrap();
        refused(&path);
    }
    let wild = Published { drift: 1_000_000_000, ..Published::aged(0) };
    let _segment = Segment::create(&path, &wild).unwrap();
    let error = Client::new_with_paths(path.to_str().unwrap(), NONE).unwrap().now().unwrap_err();
    assert_eq!(error.kind, ErrorKind::SegmentMalformed);
    let mine = ClockBound::open(&path, Path::new(NONE), Access::Map);
    assert!(matches!(mine, Err(ClockError::Segment { .. })), "{mine:?}");
    std::fs::write(&path, b"NZMA").unwrap();
    refused(&path);
}

/// Promise: a daemon that watches for disruptions is not read blindly; and its file of layout 2 is
/// read by us, where theirs reads layout 3 alone.
#[test]
fn disruption_support() {
    let (_folder, path) = folder();
    let _segment = Segment::create(&path, &Published { support: true, ..Published::aged(0) }).unwrap();
    assert!(Client::new_with_paths(path.to_str().unwrap(), NONE).is_err());
    let blind = ClockBound::open(&path, Path::new(NONE), Access::Map);
    assert!(matches!(blind, Err(ClockError::VmClock { .. })), "{blind:?}");
    let device = path.with_file_name("vmclock0");
    let mut bytes = vec![0_u8; 104];
    bytes[..4].copy_from_slice(&0x4B4C_4356_u32.to_le_bytes());
    bytes[4..8].copy_from_slice(&104_u32.to_le_bytes());
    bytes[8..10].copy_from_slice(&1_u16.to_le_bytes());
    bytes[12..16].copy_from_slice(&2_u32.to_le_bytes());
    bytes[16..24].copy_from_slice(&7_u64.to_le_bytes());
    std::fs::write(&device, &bytes).unwrap();
    let (path, device) = (path.to_str().unwrap(), device.to_str().unwrap());
    let mut theirs = Client::new_with_paths(path, device).unwrap();
    let mut mine = ClockBound::open(Path::new(path), Path::new(device), Access::Read).unwrap();
    assert_eq!((mine.now().status, said(&mut theirs).status), (ClockStatus::Synchronized, 1));
    let file = std::fs::File::options().write(true).open(device).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &8_u64.to_le_bytes(), 16).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &4_u32.to_le_bytes(), 12).unwrap();
    assert_eq!((mine.now().status, said(&mut theirs).status), (ClockStatus::Disrupted, 3));
}
