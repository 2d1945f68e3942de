//! A clock that a test moves.

use std::time::Duration;

use super::{BoundedClock, ClockStatus, Reading, Source};
use crate::time::BoundedTimestamp;

/// A clock whose time stands still until it is moved.
///
/// It knows the true time, how far it shows something else, and what error it admits to: a test
/// can make it lie.
#[derive(Clone, Debug)]
pub struct Simulated {
    true_ns: i64,
    offset_ns: i64,
    error_ns: u64,
    status: ClockStatus,
}

impl Simulated {
    /// A clock that shows `true_ns`, which is right, and admits to an error of `error_ns`.
    pub fn new(true_ns: i64, error_ns: u64) -> Self {
        Simulated { true_ns, offset_ns: 0, error_ns, status: ClockStatus::Synchronized }
    }

    /// The true time.
    pub fn true_ns(&self) -> i64 {
        self.true_ns
    }

    /// Lets `ns` pass.
    pub fn advance(&mut self, ns: u64) {
        self.true_ns = self.true_ns.saturating_add_unsigned(ns);
    }

    /// Makes the clock show `ns` more than the truth.
    pub fn set_offset(&mut self, ns: i64) {
        self.offset_ns = ns;
    }

    /// Makes the clock admit to an error of `ns`.
    pub fn set_error(&mut self, ns: u64) {
        self.error_ns = ns;
    }

    /// Makes the clock claim `status`.
    pub fn set_status(&mut self, status: ClockStatus) {
        self.status = status;
    }

    /// Whether the clock, if it may be believed, tells the truth: the true time is in its bound.
    pub fn is_honest(&self) -> bool {
        !self.status.is_trusted() || self.offset_ns.unsigned_abs() <= self.error_ns
    }
}

impl BoundedClock for Simulated {
    fn now(&mut self) -> Reading {
        let shown = self.true_ns.saturating_add(self.offset_ns);
        Reading::new(BoundedTimestamp::reading(shown, self.error_ns), self.status, Source::Simulated)
    }

    fn pause(&mut self, time: Duration) {
        self.advance(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
    }
}
