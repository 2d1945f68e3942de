//! A writer that never rests, while both read.

use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clock_bound::Client;
use clock_bound_client::ClockBoundClient;
use clock_bound_shm::{ClockErrorBound, ClockStatus, ShmWrite, ShmWriter};
use skewer::clock::{Access, ClockError, SegmentError, Snapshot};
use skewer_clock_oracles::{Published, Segment};

use super::v2::{folder, monotonic, time};
use super::{NONE, Said, ours, v2, v3};

const NS: i64 = 1_000_000_000;
const LONG_ENOUGH: Duration = Duration::from_millis(600);

/// Every update's fields follow from its number: a bound of two updates' halves gives itself away.
fn is_whole(seen: &Snapshot) -> bool {
    let number = seen.bound_ns;
    let odd = !number.is_multiple_of(2);
    seen.disruption_marker == number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
        && seen.void_after_ns - seen.as_of_ns == 1_000 * NS + number.cast_signed()
        && seen.status
            == if odd {
                skewer::clock::ClockStatus::Synchronized
            } else {
                skewer::clock::ClockStatus::FreeRunning
            }
}

fn marker(number: i64) -> u64 {
    number.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Lets the writer rest when the readers are done, or failed.
struct Rest<'a>(&'a AtomicBool);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Their client: it gives up opening, now and then, under a writer that never rests.
fn opened<C>(open: impl FnMut() -> Option<C>) -> C {
    let began = Instant::now();
    let mut tries = std::iter::repeat_with(open).take_while(|_| began.elapsed() < Duration::from_secs(60));
    tries.find_map(|client| client).expect("their client opens a segment within a minute")
}

/// Lets a writer, made in a thread of its own, write 1, 2, 3, ... while ours, by both ways, and
/// theirs read.
fn hammer<W: FnMut(i64), T: FnMut() -> Option<Said>>(
    path: &Path,
    writer: impl FnOnce() -> W + Send,
    theirs: impl FnOnce() -> T,
) {
    let (done, written) = (AtomicBool::new(false), Barrier::new(2));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut write = writer();
            write(1);
            written.wait();
            let mut number = 1;
            while !done.load(Ordering::Relaxed) {
                number += 1;
                write(number);
            }
        });
        written.wait();
        let _rest = Rest(&done);
        let mut theirs = theirs();
        let (mut mapped, mut read) = (ours(path, Access::Map), ours(path, Access::Read));
        let (mut last, mut last_said, mut updates) = ([0; 2], 0, 0);
        let began = Instant::now();
        while began.elapsed() < LONG_ENOUGH {
            for (reader, last) in [&mut mapped, &mut read].into_iter().zip(&mut last) {
                let seen = match reader.observe() {
                    Ok(seen) => seen.snapshot,
                    // A writer that the system paused amid an update, before the first whole one.
                    Err(ClockError::Segment { source: SegmentError::Busy, .. }) if *last == 0 => continue,
                    Err(other) => panic!("{other}"),
                };
                assert!(is_whole(&seen), "{seen:?}");
                assert!(seen.bound_ns >= *last, "updates go forward: {} after {last}", seen.bound_ns);
                updates += u64::from(seen.bound_ns > *last);
                *last = seen.bound_ns;
            }
            let Some(said) = theirs() else { continue };
            if said.status == 0 {
                // Theirs was opened amid an update, and says 1970 until it reads a whole one.
                assert_eq!(last_said, 0);
                continue;
            }
            let number = (said.latest - said.earliest) / 2;
            assert!(number >= last_said, "{number} after {last_said}");
            assert_eq!(said.status, if number % 2 == 1 { 1 } else { 2 });
            last_said = number;
        }
        assert!(updates > 0, "the writer was busy: {updates}");
        // At rest all see the same.
        done.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        let said = theirs().unwrap();
        for reader in [&mut mapped, &mut read] {
            let seen = reader.observe().unwrap().snapshot.bound_ns;
            assert_eq!(seen.cast_signed(), (said.latest - said.earliest) / 2);
        }
    });
}

/// Promise: under a writer that never rests no torn bound is ever read: layout 2.
#[test]
fn layout_2() {
    let (_folder, path) = folder();
    let writer = || {
        let mut writer = ShmWriter::new(&path).unwrap();
        move |number: i64| {
            let as_of = monotonic();
            let status = if number % 2 == 1 { ClockStatus::Synchronized } else { ClockStatus::FreeRunning };
            let void_after = time(as_of + 1_000 * NS + number);
            let marker = marker(number);
            writer.write(&ClockErrorBound::new(time(as_of), void_after, number, marker, 0, status, false));
        }
    };
    let theirs = || {
        let path = path.to_str().unwrap();
        let mut client = opened(|| ClockBoundClient::new_with_paths(path, NONE).ok());
        move || v2::said_if_whole(&mut client)
    };
    hammer(&path, writer, theirs);
}

/// Promise: under a writer that never rests no torn bound is ever read: layout 3.
#[test]
fn layout_3() {
    let (_folder, path) = folder();
    let published = |number: i64| {
        let fresh = Published { bound: number, marker: marker(number), drift: 0, ..Published::aged(0) };
        let status = if number % 2 == 1 { 1 } else { 2 };
        Published { status, void_after: fresh.as_of + 1_000 * NS + number, ..fresh }
    };
    let writer = || {
        let mut segment = Segment::create(&path, &published(1)).unwrap();
        move |number| segment.write(&published(number)).unwrap()
    };
    let theirs = || {
        let path = path.to_str().unwrap();
        let mut client = opened(|| Client::new_with_paths(path, NONE).ok());
        move || v3::said_if_whole(&mut client)
    };
    hammer(&path, writer, theirs);
}
