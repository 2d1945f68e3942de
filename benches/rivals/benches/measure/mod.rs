//! Time that a thread spent on a CPU: what a busy machine does meanwhile does not count.

use criterion::measurement::{Measurement, ValueFormatter, WallTime};

/// The benching thread's CPU time, of the kernel's account of it (a few milliseconds coarse); where there is none, an
/// error that says so.
pub struct CpuTime(WallTime);

impl CpuTime {
    /// The measurement.
    pub fn new() -> Self {
        CpuTime(WallTime)
    }

    fn spent_ns() -> f64 {
        let account = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let spent = account.split(' ').next().and_then(|ns| ns.parse().ok());
        spent.expect("Linux keeps account in /proc/thread-self/schedstat")
    }
}

impl Measurement for CpuTime {
    type Intermediate = f64;
    type Value = f64;

    fn start(&self) -> f64 {
        Self::spent_ns()
    }

    fn end(&self, start: f64) -> f64 {
        // Coarse: a sample that saw no tick took some time all the same.
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
