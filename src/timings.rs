//! Where the time goes, phase by phase.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// What was done: `open`, `select`, `scan`, `partition`, `join` or `report`.
    pub name: &'static str,
    /// By wall clock.
    pub elapsed: Duration,
    /// Rows that went through it.
    pub rows: u64,
    /// Bytes of columns that it read.
    pub bytes: u64,
}

/// A stopwatch for the phases of a run. They are noted in the order in which they end.
#[derive(Debug, Default)]
pub struct Timings(Mutex<Vec<Phase>>);

impl Timings {
    /// Notes a phase that took `elapsed` for `rows` rows.
    pub fn note(&self, name: &'static str, elapsed: Duration, rows: u64) {
        self.push(Phase { name, elapsed, rows, bytes: 0 });
    }

    /// A phase that comes in several rounds is noted once, with their sum.
    fn push(&self, phase: Phase) {
        // A phase that panicked noted nothing: the list is whole.
        let mut phases = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match phases.iter_mut().find(|p| p.name == phase.name) {
            None => phases.push(phase),
            Some(known) => {
                known.elapsed += phase.elapsed;
                known.rows = known.rows.max(phase.rows);
                known.bytes = known.bytes.max(phase.bytes);
            }
        }
    }

    /// The phases as lines of text, with rows and bytes a second.
    pub fn table(&self) -> String {
        let line = |p: &Phase| {
            let seconds = p.elapsed.as_secs_f64().max(1e-9);
            let millions = p.rows as f64 / seconds / 1e6;
            let gigabytes = match p.bytes {
                0 => String::new(),
                bytes => format!(" {:8.1} GB/s", bytes as f64 / seconds / 1e9),
            };
            format!("{:10} {:9.2} ms {millions:9.1} M rows/s{gigabytes}\n", p.name, seconds * 1e3)
        };
        self.phases().iter().map(line).collect()
    }

    /// The phases so far.
    pub fn phases(&self) -> Vec<Phase> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Does `work`, noted by `timings` if somebody asked.
pub(crate) fn measure<T>(
    timings: Option<&Timings>,
    name: &'static str,
    (rows, bytes): (u64, u64),
    work: impl FnOnce() -> T,
) -> T {
    match timings {
        None => work(),
        Some(timings) => {
            let begin = Instant::now();
            let done = work();
            timings.push(Phase { name, elapsed: begin.elapsed(), rows, bytes });
            done
        }
    }
}
