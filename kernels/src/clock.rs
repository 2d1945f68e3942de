//! The system's clocks, where the standard library does not reach them.

use std::io;

/// A clock of the system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemClock {
    /// The time of day, since 1970 (UTC). It can be set and stepped.
    Realtime,
    /// Time since some start, at the resolution of the scheduler's tick: it is the cheapest, and
    /// the one by which daemons say how old their bound is.
    MonotonicCoarse,
}

/// What the kernel knows of its own clock's error, and the time at that moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct KernelClock {
    /// The state that the call returned: 0 fine, 1 and 2 a leap second is to be inserted or deleted,
    /// 3 one is being inserted, 4 one is just over, 5 not synchronised.
    pub state: i32,
    /// The `STA_*` bits.
    pub status: i32,
    /// The greatest error, in microseconds.
    pub max_error_us: i64,
    /// The time of day, in nanoseconds since 1970.
    pub time_ns: i64,
    /// Whether the time of day is in nanoseconds; it is in microseconds, cut off, otherwise.
    pub is_nano: bool,
    /// TAI minus UTC, in seconds; 0 if nobody told the kernel.
    pub tai_offset_s: i32,
}

#[cfg(target_os = "linux")]
// The fields are narrower on systems of 32 bits.
#[allow(clippy::useless_conversion)]
mod linux {
    use std::io;

    use super::{KernelClock, SystemClock};

    const NS: i64 = 1_000_000_000;

    // On 32-bit systems these fields are narrower.
    #[allow(clippy::useless_conversion)]
    pub(super) fn read(clock: SystemClock) -> io::Result<i64> {
        let id = match clock {
            SystemClock::Realtime => libc::CLOCK_REALTIME,
            SystemClock::MonotonicCoarse => libc::CLOCK_MONOTONIC_COARSE,
        };
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` is a valid place to write one `timespec` to, and the call keeps no
        // pointer to it.
        let failed = unsafe { libc::clock_gettime(id, &raw mut time) } != 0;
        if failed {
            return Err(io::Error::last_os_error());
        }
        nanoseconds(time.tv_sec.into(), time.tv_nsec.into())
    }

    #[allow(clippy::useless_conversion)]
    pub(super) fn kernel_clock() -> io::Result<KernelClock> {
        // SAFETY: `timex` is integers alone, for which zero bytes are valid; `modes` 0 makes the
        // call read and change nothing.
        let mut timex: libc::timex = unsafe { std::mem::zeroed() };
        // SAFETY: `timex` is a valid place to write one `timex` to, and the call keeps no pointer
        // to it.
        let state = unsafe { libc::adjtimex(&raw mut timex) };
        if state < 0 {
            return Err(io::Error::last_os_error());
        }
        let is_nano = timex.status & libc::STA_NANO != 0;
        let fraction: i64 = timex.time.tv_usec.into();
        Ok(KernelClock {
            state,
            status: timex.status,
            max_error_us: timex.maxerror.into(),
            time_ns: nanoseconds(
                timex.time.tv_sec.into(),
                if is_nano { fraction } else { fraction * 1_000 },
            )?,
            is_nano,
            tai_offset_s: timex.tai,
        })
    }

    fn nanoseconds(seconds: i64, nanoseconds: i64) -> io::Result<i64> {
        let sum = seconds.checked_mul(NS).and_then(|ns| ns.checked_add(nanoseconds));
        sum.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the clock is beyond the year 2262"))
    }
}

/// Nanoseconds on `clock` now.
///
/// # Errors
/// `Unsupported` where the system has no such clock; `InvalidData` beyond the year 2262.
pub fn system_clock_ns(clock: SystemClock) -> io::Result<i64> {
    #[cfg(target_os = "linux")]
    return linux::read(clock);
    #[cfg(not(target_os = "linux"))]
    match clock {
        SystemClock::Realtime => {
            let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let since = since.map_err(|_| io::Error::other("the clock stands before 1970"))?;
            i64::try_from(since.as_nanos()).map_err(io::Error::other)
        }
        SystemClock::MonotonicCoarse => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// What the kernel knows of its clock (`adjtimex` with no mode set: it changes nothing, and needs
/// no privilege).
///
/// # Errors
/// `Unsupported` on systems other than Linux; else those of the system.
pub fn kernel_clock() -> io::Result<KernelClock> {
    #[cfg(target_os = "linux")]
    return linux::kernel_clock();
    #[cfg(not(target_os = "linux"))]
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Promise: the clocks go forward, and the kernel's time is the time of day.
    #[test]
    fn clocks_agree() {
        let before = system_clock_ns(SystemClock::Realtime).unwrap();
        let kernel = kernel_clock().unwrap();
        let after = system_clock_ns(SystemClock::Realtime).unwrap();
        // A microsecond is lost where the kernel counts in microseconds.
        assert!(before - 1_000 <= kernel.time_ns && kernel.time_ns <= after, "{before} {kernel:?} {after}");
        assert!((0..=5).contains(&kernel.state));
        let coarse = || system_clock_ns(SystemClock::MonotonicCoarse).unwrap();
        assert!(coarse() <= coarse());
    }
}
