//! Commit wait: until a timestamp has certainly passed.

use std::time::{Duration, Instant};

use super::{BoundedClock, ClockStatus, Reading};

/// Sleeping is coarser than that: shorter pauses spin.
const SHORTEST_SLEEP: Duration = Duration::from_micros(100);
/// A clock that is not to be trusted, or does not move, is looked at this often.
const RECHECK: Duration = Duration::from_millis(1);

/// The time did not come within the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{t} has not certainly passed after {waited:?}: the clock is {}", status.name())]
pub struct WaitError {
    /// The time waited for, in nanoseconds since 1970.
    pub t: i64,
    /// How long was waited.
    pub waited: Duration,
    /// The clock's status at the end.
    pub status: ClockStatus,
}

/// Waits on the system's clocks.
pub(super) fn pause(time: Duration) {
    if time >= SHORTEST_SLEEP {
        std::thread::sleep(time);
        return;
    }
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
}

pub(super) fn until_after<C: BoundedClock + ?Sized>(
    clock: &mut C,
    t: i64,
    limit: Duration,
) -> Result<Reading, WaitError> {
    let began = Instant::now();
    // A simulated clock's pauses take no real time: both count.
    let mut paused = Duration::ZERO;
    loop {
        let reading = clock.now();
        if reading.after(t) {
            return Ok(reading);
        }
        let waited = paused.max(began.elapsed());
        if waited >= limit {
            return Err(WaitError { t, waited, status: reading.status });
        }
        let pause = remaining(reading, t).min(limit.saturating_sub(waited));
        clock.pause(pause);
        paused += pause;
    }
}

/// How long until `t` will have passed, if the clock keeps its error.
fn remaining(reading: Reading, t: i64) -> Duration {
    if !reading.status.is_trusted() {
        return RECHECK;
    }
    let ns = t.abs_diff(reading.earliest).saturating_add(1);
    Duration::from_nanos(ns)
}

#[cfg(test)]
mod tests {
    use super::super::Simulated;
    use super::*;

    /// Promise: when the wait is over, the true time is past `t`, however far off the clock is
    /// within its bound; and nobody waits longer than twice the error.
    #[test]
    fn waits_until_certain() {
        for offset in [-50, -1, 0, 49, 50] {
            let mut clock = Simulated::new(1_000, 50);
            clock.set_offset(offset);
            let t = clock.now().latest;
            let reading = clock.commit_wait(t, Duration::from_secs(1)).unwrap();
            assert!(reading.after(t));
            assert!(clock.true_ns() > t, "{offset}");
            assert!(clock.true_ns() <= 1_000 + 101, "{offset}: {}", clock.true_ns());
        }
    }

    /// Promise: a time that passed is not waited for.
    #[test]
    fn past_is_past() {
        let mut clock = Simulated::new(1_000, 50);
        assert!(clock.commit_wait(949, Duration::ZERO).is_ok());
        assert_eq!(clock.true_ns(), 1_000);
    }

    /// Promise: an untrusted clock ends no wait; the limit does, and the error says why.
    #[test]
    fn untrusted_clock_ends_no_wait() {
        for status in [ClockStatus::Unknown, ClockStatus::Disrupted] {
            let mut clock = Simulated::new(1_000, 50);
            clock.set_status(status);
            let late = clock.commit_wait(0, Duration::from_millis(20)).unwrap_err();
            assert_eq!((late.t, late.status), (0, status));
            assert!(late.waited >= Duration::from_millis(20));
            assert!(late.to_string().contains(status.name()));
        }
    }

    /// Promise: a real clock is waited for in real time.
    #[test]
    fn real_time_passes() {
        let mut clock = super::super::FixedError::new(Duration::from_micros(300));
        let t = clock.now().latest;
        let began = Instant::now();
        clock.commit_wait(t, Duration::from_secs(5)).unwrap();
        assert!(began.elapsed() >= Duration::from_micros(590), "{:?}", began.elapsed());
    }
}
