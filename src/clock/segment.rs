//! ClockBound's shared memory: what its bytes mean, and the bound that follows from them.
//!
//! Integers are in the machine's own byte order. Offsets in bytes:
//!
//! ```text
//! header        0 u32 magic 414D5A4E   4 u32 magic 43420200   8 u32 size   12 u16 version   14 u16 generation
//! layout 2     16 as_of        32 void_after   48 i64 bound   56 u64 marker   64 u32 drift   68 i32 status   72 u8 marker used
//! (80 bytes)      (s, ns of CLOCK_MONOTONIC_COARSE)
//! layout 3     16 u64 counter  24 as_of        40 void_after  56 u64 period   64 u64 period error
//! (104 bytes)  72 i64 bound    80 u64 marker   88 u32 drift   92 i32 status   96 u8 marker used
//!              97 u8 period shift   98 u8 period error shift  (as_of: s, ns of UTC)
//! ```
//!
//! A version's low byte is the newest layout that its readers may be of, the high byte the oldest.
//! The generation is odd while the daemon writes, and 0 before it ever wrote.

use bytemuck::must_cast;

use super::{ClockStatus, drift};
use crate::time::BoundedTimestamp;

/// The first word of every segment.
const MAGIC: [u32; 2] = [0x414D_5A4E, 0x4342_0200];
const NS: i64 = 1_000_000_000;
/// Words of the longest layout.
pub(super) const MOST_WORDS: usize = 13;
/// The coarse clock may lag behind the daemon's by as much.
const CAUSALITY_BLUR_NS: i64 = 1_000;

/// A segment's layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// Of ClockBound 2, and the compatible file of ClockBound 3.
    V2,
    /// Of ClockBound 3.
    V3,
}

impl Layout {
    /// Words of 64 bits, header and all.
    pub(super) const fn words(self) -> usize {
        match self {
            Layout::V2 => 10,
            Layout::V3 => MOST_WORDS,
        }
    }

    /// Up to this age, in nanoseconds, the status published is believed: the daemon may just be restarting.
    pub(super) const fn grace_ns(self) -> i64 {
        match self {
            Layout::V2 => 5 * NS,
            Layout::V3 => 60 * NS,
        }
    }
}

/// Why bytes are no bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// Fewer bytes than the layout has.
    #[error("{found} bytes, but a segment has {needed}")]
    TooShort {
        /// Bytes there are.
        found: u64,
        /// Bytes there should be.
        needed: u64,
    },
    /// The first eight bytes are others.
    #[error("does not start like a segment of clockbound")]
    Magic,
    /// A layout that is not read.
    #[error("is of layouts {oldest} to {newest}; layouts 2 and 3 are read")]
    Version {
        /// The oldest layout that the writer claims.
        oldest: u16,
        /// The newest.
        newest: u16,
    },
    /// The daemon has not written yet, or is just restarting.
    #[error("the daemon has not written a bound yet")]
    NeverWritten,
    /// The daemon kept writing, or died while it wrote.
    #[error("the daemon was writing whenever it was read")]
    Busy,
    /// A field has a value that it cannot have.
    #[error("{field} is {value}")]
    Malformed {
        /// Which field.
        field: &'static str,
        /// Its value.
        value: i64,
    },
    /// The bound is of a later time than now.
    #[error("the bound is of {ahead_ns} ns later than now")]
    Causality {
        /// By how much.
        ahead_ns: i64,
    },
}

/// The header's fields that readers look at again and again: its second word.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Header {
    pub(super) size: u32,
    pub(super) version: u16,
    pub(super) generation: u16,
}

impl Header {
    pub(super) fn of(word: u64) -> Self {
        let [size, _] = must_cast::<u64, [u32; 2]>(word);
        let [_, _, version, generation] = must_cast::<u64, [u16; 4]>(word);
        Header { size, version, generation }
    }

    /// The layout, if the sizes fit it.
    pub(super) fn layout(self) -> Result<Layout, SegmentError> {
        let (oldest, newest) = (self.version >> 8, self.version & 0xff);
        let layout = match (oldest, newest) {
            (0, 2) => Layout::V2,
            (3, 3) => Layout::V3,
            (0, 0) => return Err(SegmentError::NeverWritten),
            _ => return Err(SegmentError::Version { oldest, newest }),
        };
        let needed = layout.words() as u64 * 8;
        if u64::from(self.size) < needed {
            return Err(SegmentError::TooShort { found: self.size.into(), needed });
        }
        Ok(layout)
    }
}

/// What the daemon published, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The layout it came in.
    pub layout: Layout,
    /// Which update it is; it wraps.
    pub generation: u16,
    /// When the bound was true: for layout 3 in nanoseconds since 1970, for layout 2 on the
    /// system's coarse monotonic clock.
    pub as_of_ns: i64,
    /// When it ceases to be of use, on the same clock.
    pub void_after_ns: i64,
    /// The bound as of then, in nanoseconds.
    pub bound_ns: u64,
    /// How much it grows, in parts of 1,000,000,000.
    pub max_drift_ppb: u32,
    /// The status published.
    pub status: ClockStatus,
    /// The machine's disruption marker that the daemon saw.
    pub disruption_marker: u64,
    /// Whether the marker means anything.
    pub disruption_support: bool,
    counter: Counter,
}

/// Layout 3's clock: a counter and how fast it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
struct Counter {
    as_of: u64,
    period: Fraction,
    period_error: Fraction,
}

/// `fraction / 2^(64 + shift)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
struct Fraction {
    fraction: u64,
    shift: u8,
}

impl Fraction {
    /// `count` of these, in parts of `1 / scale`, rounded down. `scale` is at most 2^30.
    fn times(self, count: u64, scale: u32) -> u128 {
        let product = u128::from(count) * u128::from(self.fraction);
        let (whole, part) = (product >> 64, product & u128::from(u64::MAX));
        let scaled = whole * u128::from(scale) + ((part * u128::from(scale)) >> 64);
        scaled.checked_shr(self.shift.into()).unwrap_or(0)
    }
}

/// An interval and a status that follow from a snapshot, before anything is distrusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Where the true time is, if the status is to be trusted.
    pub bound: BoundedTimestamp,
    /// The status published, aged.
    pub status: ClockStatus,
    /// How old the bound is that the daemon published, in nanoseconds.
    pub age_ns: u64,
}

impl Window {
    /// Whether a daemon of that layout was silent for longer than a restart takes.
    pub(super) const fn is_aged(&self, layout: Layout) -> bool {
        self.age_ns >= layout.grace_ns().unsigned_abs()
    }
}

impl Snapshot {
    /// What a segment's bytes publish, as a file read at rest has them.
    ///
    /// # Errors
    /// Says which field cannot be; [`SegmentError::Busy`] for an odd generation.
    pub fn parse(bytes: &[u8]) -> Result<Self, SegmentError> {
        let mut words = [0; MOST_WORDS];
        let known = bytes.len().min(MOST_WORDS * 8);
        bytemuck::cast_slice_mut::<u64, u8>(&mut words)[..known].copy_from_slice(&bytes[..known]);
        let too_short =
            |needed: usize| SegmentError::TooShort { found: bytes.len() as u64, needed: needed as u64 };
        if bytes.len() < 16 {
            return Err(too_short(16));
        }
        check_magic(words[0])?;
        let header = Header::of(words[1]);
        let layout = header.layout()?;
        if bytes.len() < layout.words() * 8 {
            return Err(too_short(layout.words() * 8));
        }
        match header.generation {
            0 => Err(SegmentError::NeverWritten),
            odd if !odd.is_multiple_of(2) => Err(SegmentError::Busy),
            _ => Self::decode(layout, &words),
        }
    }

    /// The snapshot that consistently read words hold.
    pub(super) fn decode(layout: Layout, words: &[u64; MOST_WORDS]) -> Result<Self, SegmentError> {
        let body = &words[2..];
        let (times, tail, counter) = match layout {
            Layout::V2 => (&body[0..], &body[4..], Counter::default()),
            Layout::V3 => (&body[1..], &body[7..], Counter::of(body)),
        };
        let [bound, marker, drift_and_status] = [tail[0], tail[1], tail[2]];
        let [max_drift_ppb, status] = must_cast::<u64, [u32; 2]>(drift_and_status);
        let [support, ..] = must_cast::<u64, [u8; 8]>(tail[3]);
        if max_drift_ppb >= NS as u32 {
            return Err(malformed("max_drift_ppb", max_drift_ppb.into()));
        }
        let bound_ns = u64::try_from(bound as i64).map_err(|_| malformed("bound_nsec", bound as i64))?;
        Ok(Snapshot {
            layout,
            generation: Header::of(words[1]).generation,
            as_of_ns: time("as_of", times[0], times[1])?,
            void_after_ns: time("void_after", times[2], times[3])?,
            bound_ns,
            max_drift_ppb,
            status: status_of(status as i32)?,
            disruption_marker: marker,
            disruption_support: support != 0,
            counter,
        })
    }

    /// Where the true time is when the CPU's counter stands at `counter`: layout 3.
    ///
    /// It runs from `as_of` with the counter; the bound grows by the drift and by the error of the
    /// counter's period. All is rounded outwards.
    ///
    /// # Errors
    /// [`SegmentError::Malformed`] if the time does not fit 64 bits of nanoseconds.
    #[inline]
    pub fn at_counter(&self, counter: u64) -> Result<Window, SegmentError> {
        let ticks = counter.saturating_sub(self.counter.as_of);
        let far = || malformed("period", self.counter.period.fraction as i64);
        let elapsed = u64::try_from(self.counter.period.times(ticks, NS as u32)).map_err(|_| far())?;
        let now = self.as_of_ns.checked_add_unsigned(elapsed).ok_or_else(far)?;
        // The period's error is of the elapsed time, its fraction cut off; both round up.
        let of_period = self.counter.period_error.times(elapsed.saturating_add(1), 1) as u64;
        let error = self
            .bound_ns
            .saturating_add(drift(elapsed, self.max_drift_ppb))
            .saturating_add(of_period)
            .saturating_add(2);
        let status = match self.status {
            published if !published.is_trusted() => published,
            _ if now > self.void_after_ns => ClockStatus::Unknown,
            _ if now > self.as_of_ns.saturating_add(self.layout.grace_ns()) => ClockStatus::FreeRunning,
            published => published,
        };
        Ok(Window { bound: BoundedTimestamp::reading(now, error), status, age_ns: elapsed })
    }

    /// Where the true time is when the system's clock says `realtime_ns` and then its coarse
    /// monotonic clock `monotonic_ns`: layout 2.
    ///
    /// # Errors
    /// [`SegmentError::Causality`] if the bound was made more than a microsecond later.
    pub fn at_clocks(&self, realtime_ns: i64, monotonic_ns: i64) -> Result<Window, SegmentError> {
        let age = monotonic_ns.saturating_sub(self.as_of_ns);
        if age <= -CAUSALITY_BLUR_NS {
            return Err(SegmentError::Causality { ahead_ns: age.saturating_neg() });
        }
        let age_ns = age.max(0) as u64;
        let error = self.bound_ns.saturating_add(drift(age_ns, self.max_drift_ppb));
        let status = match self.status {
            published if !published.is_trusted() => published,
            _ if monotonic_ns >= self.void_after_ns => ClockStatus::Unknown,
            _ if age >= self.layout.grace_ns() => ClockStatus::FreeRunning,
            published => published,
        };
        Ok(Window { bound: BoundedTimestamp::reading(realtime_ns, error), status, age_ns })
    }
}

impl Counter {
    fn of(body: &[u64]) -> Self {
        let [_, shift, error_shift, ..] = must_cast::<u64, [u8; 8]>(body[10]);
        Counter {
            as_of: body[0],
            period: Fraction { fraction: body[5], shift },
            period_error: Fraction { fraction: body[6], shift: error_shift },
        }
    }
}

pub(super) fn check_magic(word: u64) -> Result<(), SegmentError> {
    if must_cast::<u64, [u32; 2]>(word) == MAGIC { Ok(()) } else { Err(SegmentError::Magic) }
}

fn malformed(field: &'static str, value: i64) -> SegmentError {
    SegmentError::Malformed { field, value }
}

fn time(field: &'static str, seconds: u64, nanoseconds: u64) -> Result<i64, SegmentError> {
    let (seconds, nanoseconds) = (seconds as i64, nanoseconds as i64);
    if !(0..NS).contains(&nanoseconds) {
        return Err(malformed(field, nanoseconds));
    }
    let whole = seconds.checked_mul(NS).and_then(|ns| ns.checked_add(nanoseconds));
    whole.ok_or_else(|| malformed(field, seconds))
}

fn status_of(code: i32) -> Result<ClockStatus, SegmentError> {
    match code {
        0 => Ok(ClockStatus::Unknown),
        1 => Ok(ClockStatus::Synchronized),
        2 => Ok(ClockStatus::FreeRunning),
        3 => Ok(ClockStatus::Disrupted),
        _ => Err(malformed("clock_status", code.into())),
    }
}
