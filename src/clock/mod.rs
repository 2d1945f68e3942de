//! Bounded clocks: what time it is, how far that may be from the truth, and who says so.
//!
//! A [`BoundedClock`] answers with a [`Reading`]: the interval of nanoseconds since 1970 (UTC) that
//! holds the true time, the clock's status, and its source. A reading whose status is `UNKNOWN` or
//! `DISRUPTED` is `[i64::MIN, i64::MAX]`: it is before and after nothing, and orders nothing.
//!
//! | source | where its bound comes from |
//! |---|---|
//! | [`ClockBound`] | the shared memory of Amazon's ClockBound daemon, layouts 2 and 3 |
//! | [`Chrony`] | `chronyc -c tracking`: offset + root dispersion + root delay / 2 |
//! | [`Adjtimex`] | what some daemon told the Linux kernel (`maxerror`), and the kernel lets grow |
//! | [`FixedError`] | the caller's word |
//! | [`Simulated`] | a test's |
//!
//! [`best()`] looks at all that a host has, takes one, and says why.
//!
//! ```
//! use skewer::clock::{BoundedClock, Simulated};
//! let mut clock = Simulated::new(1_000, 50);
//! let reading = clock.now();
//! assert_eq!((reading.earliest, reading.latest), (950, 1_050));
//! assert!(reading.after(949) && !reading.after(950), "perhaps it is 950 now");
//! assert!(reading.before(1_051) && !reading.before(1_050));
//! ```

mod adjtimex;
mod best;
mod chrony;
mod clockbound;
mod error;
mod fixed;
mod hlc;
mod memory;
mod segment;
mod seqlock;
mod simulated;
mod stamps;
mod vmclock;
mod wait;

pub use adjtimex::{Adjtimex, Leap};
pub use best::{Best, Found, NoClock, Places, best, choose, survey};
pub use chrony::{Chrony, Tracking};
pub use clockbound::{CLOCKBOUND_V2, CLOCKBOUND_V3, ClockBound, Observation, VMCLOCK};
pub use error::ClockError;
pub use fixed::FixedError;
pub use hlc::{Hlc, HlcError, HlcLayout};
pub use memory::Access;
pub use segment::{Layout, SegmentError, Snapshot, Window};
pub use simulated::Simulated;
pub use stamps::{SuspectStamps, date_of, plausible_as};
pub use wait::WaitError;

use std::fmt;
use std::time::Duration;

use crate::time::BoundedTimestamp;

/// How far a clock may drift by itself, in parts of 1,000,000,000, where nothing better is known:
/// 15 parts in a million, what ClockBound 3 assumes of the oscillators of servers.
pub const DEFAULT_DRIFT_PPB: u32 = 15_000;

/// Whether a clock's bound may be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClockStatus {
    /// Nobody vouches for the bound.
    Unknown,
    /// The clock follows its source.
    Synchronized,
    /// The clock lost its source; its bound grows by the drift and still holds.
    FreeRunning,
    /// The clock was disturbed, as when a virtual machine moves: its bound does not hold.
    Disrupted,
}

impl ClockStatus {
    /// The name in reports, which is ClockBound's.
    pub const fn name(self) -> &'static str {
        match self {
            ClockStatus::Unknown => "UNKNOWN",
            ClockStatus::Synchronized => "SYNCHRONIZED",
            ClockStatus::FreeRunning => "FREE_RUNNING",
            ClockStatus::Disrupted => "DISRUPTED",
        }
    }

    /// The status of that [name](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        use ClockStatus::{Disrupted, FreeRunning, Synchronized, Unknown};
        [Unknown, Synchronized, FreeRunning, Disrupted].into_iter().find(|s| s.name() == name)
    }

    /// Whether the bound holds, and may order events.
    pub const fn is_trusted(self) -> bool {
        matches!(self, ClockStatus::Synchronized | ClockStatus::FreeRunning)
    }
}

impl fmt::Display for ClockStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a bound comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// ClockBound's shared memory, layout 3: the counter of the CPU, without the system's clock.
    ClockBoundV3,
    /// ClockBound's shared memory, layout 2: the system's clock.
    ClockBoundV2,
    /// chrony.
    Chrony,
    /// The Linux kernel.
    Adjtimex,
    /// An error that somebody assumed.
    Fixed,
    /// A test.
    Simulated,
}

impl Source {
    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Source::ClockBoundV3 => "clockbound-v3",
            Source::ClockBoundV2 => "clockbound-v2",
            Source::Chrony => "chrony",
            Source::Adjtimex => "adjtimex",
            Source::Fixed => "fixed",
            Source::Simulated => "simulated",
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a bounded clock says: the true time is in `[earliest, latest]`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The earliest that it may be, in nanoseconds since 1970 (UTC).
    pub earliest: i64,
    /// The latest that it may be.
    pub latest: i64,
    /// Whether the two may be believed; if not, they are `i64::MIN` and `i64::MAX`.
    pub status: ClockStatus,
    /// Who says so.
    pub source: Source,
}

impl Reading {
    /// A reading of `window`, or of all time if the status is not to be trusted.
    pub const fn new(window: BoundedTimestamp, status: ClockStatus, source: Source) -> Self {
        let window = if status.is_trusted() { window } else { BoundedTimestamp::UNBOUNDED };
        Reading { earliest: window.earliest(), latest: window.latest(), status, source }
    }

    /// A reading that says nothing.
    pub const fn unknown(source: Source) -> Self {
        Reading::new(BoundedTimestamp::UNBOUNDED, ClockStatus::Unknown, source)
    }

    /// The interval; all time if the status is not to be trusted, or the ends are inverted.
    pub const fn bound(self) -> BoundedTimestamp {
        match BoundedTimestamp::new(self.earliest, self.latest) {
            Some(window) if self.status.is_trusted() => window,
            _ => BoundedTimestamp::UNBOUNDED,
        }
    }

    /// Whether `t` has certainly passed: `earliest > t`. Never, if the status is not to be
    /// trusted.
    pub const fn after(self, t: i64) -> bool {
        self.status.is_trusted() && self.earliest > t
    }

    /// Whether `t` has certainly not arrived: `latest < t`. Never, if the status is not to be
    /// trusted.
    pub const fn before(self, t: i64) -> bool {
        self.status.is_trusted() && self.latest < t
    }

    /// Half the width, rounded up: how far the middle may be from the truth, in nanoseconds;
    /// `None` if the status is not to be trusted.
    pub const fn error_ns(self) -> Option<u64> {
        if self.status.is_trusted() { Some(self.bound().width().div_ceil(2)) } else { None }
    }
}

/// A clock that says how wrong it may be.
///
/// `now` takes `&mut self` since readers keep what they read last; a reader per thread is the way.
/// The definitions of `after` and `before` are those of TrueTime (Corbett et al., *Spanner:
/// Google's globally distributed database*, 2012).
pub trait BoundedClock {
    /// The time now. A clock that cannot be read says [`ClockStatus::Unknown`]; why, its own
    /// methods tell.
    fn now(&mut self) -> Reading;

    /// Whether `t` (nanoseconds since 1970) has certainly passed.
    fn after(&mut self, t: i64) -> bool {
        self.now().after(t)
    }

    /// Whether `t` has certainly not arrived.
    fn before(&mut self, t: i64) -> bool {
        self.now().before(t)
    }

    /// Lets `time` pass. Real clocks wait; a simulated one moves on.
    fn pause(&mut self, time: Duration) {
        wait::pause(time);
    }

    /// Waits until `t` has certainly passed, and returns the reading that says so: the wait before
    /// a commit at `t` may be told to anyone.
    ///
    /// Waiting costs twice the clock's error, about, if `t` is a `latest` just read. A clock that
    /// is not to be trusted is waited for: it may recover.
    ///
    /// # Errors
    /// [`WaitError`] if `limit` has passed and `t` has not certainly.
    fn commit_wait(&mut self, t: i64, limit: Duration) -> Result<Reading, WaitError> {
        wait::until_after(self, t, limit)
    }
}

impl<C: BoundedClock + ?Sized> BoundedClock for Box<C> {
    fn now(&mut self) -> Reading {
        (**self).now()
    }

    fn pause(&mut self, time: Duration) {
        (**self).pause(time);
    }
}

/// How much an error grows in `elapsed_ns` by a drift of `ppb` parts in 1,000,000,000, rounded up,
/// in nanoseconds. `ppb` is below 1,000,000,000.
pub(crate) const fn drift(elapsed_ns: u64, ppb: u32) -> u64 {
    const NS: u64 = 1_000_000_000;
    // The product of whole seconds is exact; the rest fits 64 bits, where a 128-bit division would
    // cost more than all else in a reading.
    let (seconds, rest) = (elapsed_ns / NS, elapsed_ns % NS);
    (seconds * ppb as u64).saturating_add((rest * ppb as u64).div_ceil(NS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: UNKNOWN and DISRUPTED order nothing, whatever ends a reading carries.
    #[test]
    fn untrusted_orders_nothing() {
        for status in [ClockStatus::Unknown, ClockStatus::Disrupted] {
            let made = Reading::new(BoundedTimestamp::point(5), status, Source::Fixed);
            assert_eq!((made.earliest, made.latest), (i64::MIN, i64::MAX));
            let forged = Reading { earliest: 5, latest: 5, status, source: Source::Fixed };
            for reading in [made, forged] {
                assert!(!reading.after(i64::MIN) && !reading.before(i64::MAX), "{status}");
                assert_eq!((reading.bound(), reading.error_ns()), (BoundedTimestamp::UNBOUNDED, None));
            }
        }
    }

    /// Promise: `after` and `before` are strict at both ends.
    #[test]
    fn after_and_before() {
        let window = BoundedTimestamp::new(10, 21).unwrap();
        let reading = Reading::new(window, ClockStatus::FreeRunning, Source::Fixed);
        assert!(reading.after(9) && !reading.after(10));
        assert!(reading.before(22) && !reading.before(21));
        assert_eq!(reading.error_ns(), Some(6));
    }

    /// Promise: drift rounds up, and is exact for long times.
    #[test]
    fn drift_rounds_up() {
        assert_eq!(drift(0, 999_999_999), 0);
        assert_eq!(drift(1, 1), 1);
        assert_eq!(drift(60_000_000_000, 15_000), 900_000);
        assert_eq!(drift(1_500_000_000, 1), 2);
        assert_eq!(drift(i64::MAX as u64, 1_000), 9_223_372_036_855);
    }

    /// Promise: names of statuses round-trip.
    #[test]
    fn names() {
        for status in ["UNKNOWN", "SYNCHRONIZED", "FREE_RUNNING", "DISRUPTED"] {
            assert_eq!(ClockStatus::from_name(status).map(ClockStatus::name), Some(status));
        }
        assert_eq!(ClockStatus::from_name("synchronized"), None);
    }
}
