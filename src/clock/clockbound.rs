//! The clock of a ClockBound daemon.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use skewer_kernels::{SystemClock, counter, system_clock_ns};

use super::error::ClockError;
use super::memory::{Access, Words, read_words};
use super::segment::{Header, Layout, MOST_WORDS, SegmentError, Snapshot, Window, check_magic};
use super::seqlock::{Look, look};
use super::vmclock::VmClock;
use super::{BoundedClock, ClockStatus, Reading, Source};

/// Where ClockBound 2 publishes, and ClockBound 3 for readers of layout 2.
pub const CLOCKBOUND_V2: &str = "/var/run/clockbound/shm0";
/// Where ClockBound 3 publishes.
pub const CLOCKBOUND_V3: &str = "/var/run/clockbound/shm1";
/// Where Linux shows the hypervisor's clock.
pub const VMCLOCK: &str = "/dev/vmclock0";

/// Looks before a segment counts as busy; an update takes well under a microsecond.
const LOOKS: u32 = 10_000;
/// A segment that went stale is opened again no more often.
const BETWEEN_OPENINGS: Duration = Duration::from_secs(1);

/// A reader of ClockBound's shared memory, of layout 2 or 3: the segment says which.
///
/// A reading copies the segment between two looks at its generation, so that it is of one update;
/// while the daemon writes or restarts, the last one serves, as old as it is. The bound grows with
/// its age; when it is void, or the daemon is silent about its machine's disruption, the reading
/// says so and orders nothing. A segment that was not renewed for as long as a daemon takes to restart, or
/// that changed its layout, is opened anew once a second: the daemon may have put another file in its place.
#[derive(Debug)]
pub struct ClockBound {
    path: PathBuf,
    vmclock_path: PathBuf,
    access: Access,
    layout: Layout,
    words: Words,
    vmclock: Option<VmClock>,
    last: Option<Last>,
    opened: Instant,
}

/// The last whole update, and the words by which it is known again: the header with its generation, and
/// when it was made, which differs even where the generation wrapped to the same number.
#[derive(Clone, Copy, Debug)]
struct Last {
    snapshot: Snapshot,
    known_by: [u64; 3],
}

/// All that one look at ClockBound's segment shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observation {
    /// The interval as computed, and the status; the interval means nothing unless the status is
    /// to be trusted.
    pub window: Window,
    /// What the daemon had published.
    pub snapshot: Snapshot,
}

impl Observation {
    /// Whether the daemon was silent for longer than a restart takes.
    fn is_aged(&self) -> bool {
        self.window.is_aged(self.snapshot.layout)
    }
}

impl ClockBound {
    /// Opens the segment at `path`, and `vmclock` if the daemon watches it.
    ///
    /// # Errors
    /// If the segment is not there, is of no known layout, or is unusable; if the daemon
    /// watches a `vmclock` that this process cannot open.
    pub fn open(path: &Path, vmclock: &Path, access: Access) -> Result<Self, ClockError> {
        let io = |e| ClockError::io(path.display().to_string(), e);
        let file = File::open(path).map_err(io)?;
        let found = file.metadata().map_err(io)?.len();
        let wrong = |e| ClockError::segment(path, e);
        if found < 16 {
            return Err(wrong(SegmentError::TooShort { found, needed: 16 }));
        }
        let mut head = [0; 2];
        read_words(&file, 0, &mut head).map_err(io)?;
        check_magic(head[0]).map_err(wrong)?;
        let header = Header::of(head[1]);
        let layout = header.layout().map_err(wrong)?;
        if header.generation == 0 {
            return Err(wrong(SegmentError::NeverWritten));
        }
        let needed = layout.words() as u64 * 8;
        if found < needed {
            return Err(wrong(SegmentError::TooShort { found, needed }));
        }
        let words = Words::open(file, layout.words(), access).map_err(io)?;
        let mut clock = ClockBound {
            path: path.to_owned(),
            vmclock_path: vmclock.to_owned(),
            access,
            layout,
            words,
            vmclock: None,
            last: None,
            opened: Instant::now(),
        };
        match clock.snapshot() {
            Ok(snapshot) => clock.watch(snapshot.disruption_support)?,
            // A daemon that is just writing, or died writing: readings will tell.
            Err(ClockError::Segment { source: SegmentError::Busy, .. }) => {}
            Err(unusable) => return Err(unusable),
        }
        Ok(clock)
    }

    /// The layout of the segment.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The bound now, and what it was made of.
    ///
    /// # Errors
    /// Says why there is none: the segment was never written or is malformed, or the
    /// disruption marker cannot be read.
    pub fn observe(&mut self) -> Result<Observation, ClockError> {
        let seen = self.observe_segment();
        let aged = seen.as_ref().is_ok_and(Observation::is_aged);
        if (aged || seen.is_err()) && self.opened.elapsed() >= BETWEEN_OPENINGS {
            self.opened = Instant::now();
            let anew = ClockBound::open(&self.path, &self.vmclock_path, self.access);
            // An old bound is better than none: a file that is just being written is left alone.
            if let Ok(anew) = anew
                && (seen.is_err() || anew.last.is_some())
            {
                *self = anew;
                return self.observe_segment();
            }
        }
        seen
    }

    /// The window of the last update, if the segment still holds it and all is as it was: the common
    /// case, in which nothing is copied.
    fn unchanged_window(&self) -> Option<Window> {
        let last = self.last.as_ref().filter(|_| self.is_unchanged())?;
        // An error that names no file costs nothing to drop.
        let window = match self.layout {
            Layout::V3 => last.snapshot.at_counter(counter()?).ok()?,
            Layout::V2 => self.window(&last.snapshot).ok()?,
        };
        let disrupted = match &self.vmclock {
            Some(vmclock) => vmclock.marker() != last.snapshot.disruption_marker,
            None => false,
        };
        let as_it_was = last.snapshot.disruption_support == self.vmclock.is_some();
        let is_fresh = window.status.is_trusted() && !window.is_aged(self.layout);
        (as_it_was && !disrupted && is_fresh).then_some(window)
    }

    fn observe_segment(&mut self) -> Result<Observation, ClockError> {
        let snapshot = self.snapshot()?;
        let mut window = self.window(&snapshot)?;
        self.watch(snapshot.disruption_support)?;
        // Looked at last: a disruption before or during the reading is not missed.
        if let Some(vmclock) = &self.vmclock
            && vmclock.marker() != snapshot.disruption_marker
        {
            window.status = ClockStatus::Disrupted;
        }
        Ok(Observation { window, snapshot })
    }

    /// The last whole update.
    fn snapshot(&mut self) -> Result<Snapshot, ClockError> {
        let mut words = [0; MOST_WORDS];
        for _ in 0..LOOKS {
            if self.is_unchanged() {
                break;
            }
            let found = look(&self.words, self.layout.words(), &mut words);
            let found = found.map_err(|e| ClockError::io(self.path.display().to_string(), e))?;
            match (found, self.last) {
                (Look::Whole, _) => return self.decode(&words),
                (Look::Torn, _) => {}
                (_, Some(last)) => return Ok(last.snapshot),
                (Look::Updating, None) => std::hint::spin_loop(),
                (Look::Restarting | Look::NeverWritten, None) => {
                    return Err(ClockError::segment(&self.path, SegmentError::NeverWritten));
                }
            }
        }
        let last = self.last.map(|last| last.snapshot);
        last.ok_or_else(|| ClockError::segment(&self.path, SegmentError::Busy))
    }

    /// Whether the segment still holds the last update, which then need not be copied. Mapped memory
    /// only: a file's words cost a call each.
    #[inline]
    fn is_unchanged(&self) -> bool {
        let Words::Map(memory) = &self.words else { return false };
        self.last.as_ref().is_some_and(|last| {
            // In this order: what is equal now was whole when the header was read.
            last.known_by == [memory.word(1), memory.word(2), memory.word(3)]
        })
    }

    fn decode(&mut self, words: &[u64; MOST_WORDS]) -> Result<Snapshot, ClockError> {
        let snapshot = check_magic(words[0]).and_then(|()| {
            let layout = Header::of(words[1]).layout()?;
            if layout != self.layout {
                let version = Header::of(words[1]).version;
                return Err(SegmentError::Version { oldest: version >> 8, newest: version & 0xff });
            }
            Snapshot::decode(layout, words)
        });
        let snapshot = snapshot.map_err(|e| ClockError::segment(&self.path, e))?;
        self.last = Some(Last { snapshot, known_by: [words[1], words[2], words[3]] });
        Ok(snapshot)
    }

    fn window(&self, snapshot: &Snapshot) -> Result<Window, ClockError> {
        let window = match self.layout {
            Layout::V3 => snapshot.at_counter(counter().ok_or(ClockError::NoCounter)?),
            Layout::V2 => {
                let read = |clock| system_clock_ns(clock).map_err(|e| ClockError::io("clock_gettime", e));
                let realtime = read(SystemClock::Realtime)?;
                snapshot.at_clocks(realtime, read(SystemClock::MonotonicCoarse)?)
            }
        };
        window.map_err(|e| ClockError::segment(&self.path, e))
    }

    /// Follows the daemon in whether the machine's marker is compared.
    fn watch(&mut self, supported: bool) -> Result<(), ClockError> {
        match (supported, &self.vmclock) {
            (true, None) => self.vmclock = Some(VmClock::open(&self.vmclock_path)?),
            (false, Some(_)) => {
                return Err(ClockError::VmClock {
                    path: self.vmclock_path.clone(),
                    reason: "the daemon watched this device for disruptions, and does no longer".to_owned(),
                });
            }
            _ => {}
        }
        Ok(())
    }

    fn source(&self) -> Source {
        match self.layout {
            Layout::V2 => Source::ClockBoundV2,
            Layout::V3 => Source::ClockBoundV3,
        }
    }
}

impl BoundedClock for ClockBound {
    fn now(&mut self) -> Reading {
        if let Some(window) = self.unchanged_window() {
            return Reading::new(window.bound, window.status, self.source());
        }
        match self.observe() {
            Ok(Observation { window, .. }) => Reading::new(window.bound, window.status, self.source()),
            Err(_) => Reading::unknown(self.source()),
        }
    }
}
