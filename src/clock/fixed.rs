//! The system's clock with an error that somebody vouches for.

use std::time::Duration;

use skewer_kernels::{SystemClock, system_clock_ns};

use super::{BoundedClock, ClockStatus, Reading, Source};
use crate::time::BoundedTimestamp;

/// The system's clock, taken to be wrong by at most a fixed error.
///
/// Nothing measures that: the bound is as true as the caller's word. Its status is
/// [`ClockStatus::FreeRunning`], and its source says that it was assumed.
#[derive(Clone, Copy, Debug)]
pub struct FixedError {
    error_ns: u64,
}

impl FixedError {
    /// The system's clock, give or take `error`.
    pub fn new(error: Duration) -> Self {
        FixedError { error_ns: u64::try_from(error.as_nanos()).unwrap_or(u64::MAX) }
    }
}

impl BoundedClock for FixedError {
    fn now(&mut self) -> Reading {
        match system_clock_ns(SystemClock::Realtime) {
            Ok(now) => {
                let bound = BoundedTimestamp::reading(now, self.error_ns);
                Reading::new(bound, ClockStatus::FreeRunning, Source::Fixed)
            }
            Err(_) => Reading::unknown(Source::Fixed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: the bound is the stated error around the system's time.
    #[test]
    fn is_as_wide_as_told() {
        let mut clock = FixedError::new(Duration::from_millis(5));
        let before = system_clock_ns(SystemClock::Realtime).unwrap();
        let reading = clock.now();
        assert_eq!(reading.bound().width(), 10_000_000);
        assert!(reading.latest >= before + 5_000_000);
        let mut anything = FixedError::new(Duration::MAX);
        assert!(!anything.after(0) && !anything.before(i64::MAX));
    }
}
