//! Segments of ClockBound's layout 3, written as its daemon writes them: no public crate does.

#![forbid(unsafe_code)]

use std::fs::File;
use std::io;
use std::path::Path;

use bytemuck::must_cast;

/// Nanoseconds in a second.
pub const NS: i64 = 1_000_000_000;
/// The counter's frequency that segments claim, whatever the machine's is.
pub const HERTZ: u64 = 2_500_000_000;

/// What a daemon of ClockBound 3 publishes. Times are nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// The counter at `as_of`.
    pub counter: u64,
    /// When the bound was true.
    pub as_of: i64,
    /// When it is void.
    pub void_after: i64,
    /// The bound, in nanoseconds.
    pub bound: i64,
    /// The disruption marker.
    pub marker: u64,
    /// Parts of 1,000,000,000 by which the bound grows.
    pub drift: u32,
    /// The period's error as a fraction of 2^64.
    pub period_error: u64,
    /// Status code.
    pub status: u32,
    /// Whether the marker means anything.
    pub support: bool,
}

impl Published {
    /// A synchronised clock whose bound was made `age` nanoseconds ago.
    ///
    /// # Panics
    /// On a machine without a counter or a clock.
    pub fn aged(age: i64) -> Self {
        let ticks = i128::from(age) * i128::from(HERTZ) / i128::from(NS);
        let counter = i128::from(skewer_kernels::counter().expect("a counter"));
        let now = skewer_kernels::system_clock_ns(skewer_kernels::SystemClock::Realtime).expect("a clock");
        Published {
            counter: u64::try_from(counter - ticks).expect("a counter that runs for longer"),
            as_of: now - age,
            void_after: now - age + 1_000 * NS,
            bound: 25_000,
            marker: 7,
            drift: 15_000,
            period_error: 0,
            status: 1,
            support: false,
        }
    }

    /// The words behind the header.
    fn body(&self) -> [u64; 11] {
        let time = |ns: i64| [ns.div_euclid(NS).cast_unsigned(), ns.rem_euclid(NS).cast_unsigned()];
        let shift = HERTZ.ilog2();
        let period = (1_u128 << (64 + shift)) / u128::from(HERTZ);
        let [as_of, as_of_ns] = time(self.as_of);
        let [void, void_ns] = time(self.void_after);
        [
            self.counter,
            as_of,
            as_of_ns,
            void,
            void_ns,
            u64::try_from(period).expect("a period below a second"),
            self.period_error,
            self.bound.cast_unsigned(),
            self.marker,
            must_cast::<[u32; 2], u64>([self.drift, self.status]),
            must_cast::<[u8; 8], u64>([u8::from(self.support), shift as u8, 0, 0, 0, 0, 0, 0]),
        ]
    }
}

/// A segment of layout 3 that is written again and again.
#[derive(Debug)]
pub struct Segment {
    file: File,
    generation: u16,
}

impl Segment {
    /// Makes the file and writes the first bound, as generation 2.
    ///
    /// # Errors
    /// Those of the system.
    pub fn create(path: &Path, first: &Published) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
        let mut segment = Segment { file, generation: 0 };
        segment.put(0, &[must_cast::<[u32; 2], u64>([0x414D_5A4E, 0x4342_0200])])?;
        segment.header(0x0303, 0)?;
        segment.write(first)?;
        Ok(segment)
    }

    /// Publishes an update as the daemon does: an odd generation, the body, an even one, never 0.
    ///
    /// # Errors
    /// Those of the system.
    pub fn write(&mut self, published: &Published) -> io::Result<()> {
        self.header(0x0303, self.generation | 1)?;
        self.put(16, &published.body())?;
        self.generation = if self.generation >= 65_534 { 2 } else { (self.generation | 1) + 1 };
        self.header(0x0303, self.generation)
    }

    /// Writes the header's version and generation.
    ///
    /// # Errors
    /// Those of the system.
    pub fn header(&mut self, version: u16, generation: u16) -> io::Result<()> {
        self.generation = generation;
        self.put(8, &[must_cast::<[u16; 4], u64>([104, 0, version, generation])])
    }

    /// Overwrites the body and leaves the header alone: what no daemon does.
    ///
    /// # Errors
    /// Those of the system.
    pub fn write_body_alone(&mut self, published: &Published) -> io::Result<()> {
        self.put(16, &published.body())
    }

    fn put(&self, at: u64, words: &[u64]) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(&self.file, bytemuck::cast_slice(words), at)
    }
}
