//! Time that a thread spent on a CPU: what a busy machine does meanwhile does not count.

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use rustix::time::{ClockId, clock_gettime};

/// The benching thread's CPU time.
pub struct CpuTime(WallTime);

impl CpuTime {
    /// The measurement.
    pub fn new() -> Self {
        CpuTime(WallTime)
    }

    fn spent_ns() -> f64 {
        let spent = clock_gettime(ClockId::ThreadCPUTime);
        spent.tv_sec as f64 * 1e9 + spent.tv_nsec as f64
    }
}

impl Measurement for CpuTime {
    type Intermediate = f64;
    type Value = f64;

    fn start(&self) -> f64 {
        Self::spent_ns()
    }

    fn end(&self, start: f64) -> f64 {
        // No sample may be of no time at all.
        (Self::spent_ns() - start).max(1.0)
    }

    fn add(&self, a: &f64, b: &f64) -> f64 {
        a + b
    }

    fn zero(&self) -> f64 {
        0.0
    }

    fn to_f64(&self, value: &f64) -> f64 {
        *value
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self.0.formatter()
    }
}
