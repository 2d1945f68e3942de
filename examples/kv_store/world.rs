//! The simulated world: regions, their clocks, and the network between them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use skewer::BoundedTimestamp;
use skewer::clock::{BoundedClock, ClockStatus, Reading, Source};

/// How far every clock admits to be off. Wide, so that commit wait is longer than the network's delays: else
/// those would hide that it is missing.
pub(crate) const CLOCK_ERROR: Duration = Duration::from_millis(4);

/// A region: how far its clocks are off, and how long a message to or from the leader takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    pub(crate) name: &'static str,
    pub(crate) clock_offset_ns: i64,
    pub(crate) delay: Duration,
}

/// The leader is in the first one, whose clocks are the fastest: the rest wait for its timestamps.
pub(crate) const REGIONS: [Region; 3] = [
    Region { name: "eu", clock_offset_ns: 3_000_000, delay: Duration::from_micros(100) },
    Region { name: "us", clock_offset_ns: -3_000_000, delay: Duration::from_micros(400) },
    Region { name: "ap", clock_offset_ns: -1_000_000, delay: Duration::from_micros(700) },
];

/// The true time: nobody in the simulation can read it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Truth {
    began: Instant,
    /// What the system's clock said then. Setting that clock later does not disturb the run.
    began_ns: i64,
}

impl Truth {
    pub(crate) fn begin() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Truth { began: Instant::now(), began_ns: i64::try_from(since_1970.as_nanos()).unwrap_or(i64::MAX) }
    }

    fn now_ns(self) -> i64 {
        self.began_ns.saturating_add(i64::try_from(self.began.elapsed().as_nanos()).unwrap_or(i64::MAX))
    }
}

/// The clock of a region: always off, never by more than it admits, unless it is made to jump. Clones are
/// the same clock.
#[derive(Clone, Debug)]
pub(crate) struct RegionClock {
    truth: Truth,
    offset_ns: i64,
    jump_ns: Arc<AtomicI64>,
}

impl RegionClock {
    pub(crate) fn new(truth: Truth, region: &Region) -> Self {
        RegionClock { truth, offset_ns: region.clock_offset_ns, jump_ns: Arc::default() }
    }

    /// Moves the clock ahead by that much, without its knowing. Zero sets it right again.
    pub(crate) fn jump(&self, by: Duration) {
        self.jump_ns.store(i64::try_from(by.as_nanos()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}

impl BoundedClock for RegionClock {
    fn now(&mut self) -> Reading {
        let shown = self.truth.now_ns() + self.offset_ns + self.jump_ns.load(Ordering::Relaxed);
        let error = u64::try_from(CLOCK_ERROR.as_nanos()).unwrap_or(u64::MAX);
        Reading::new(BoundedTimestamp::reading(shown, error), ClockStatus::Synchronized, Source::Simulated)
    }
}

/// A message on its way: half to one and a half times the region's delay.
pub(crate) fn travel(region: &Region, random: &mut fastrand::Rng) {
    std::thread::sleep(region.delay.mul_f64(0.5 + random.f64()));
}
