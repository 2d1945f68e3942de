//! Where the time goes, phase by phase.
//!
//! | phase | what is done | rows and bytes |
//! |---|---|---|
//! | `open` | files are mapped and all rules of a log checked | of the log's files |
//! | `fates` | which transactions committed | of the log |
//! | `select` | the committed writes that count, and their times | of the log |
//! | `scan` | outlines of blocks: how far apart two rivals can stand | the writes, their bounds |
//! | `slice` | writes in no order of time are brought into slices of it | the writes, their bounds |
//! | `join` | the window join of fingerprints | the writes, their fingerprints |
//! | `partition` | writes or operations are scattered by their keys | their records |
//! | `group`, `keys` | each key is judged: by the models of writes, by all others | their records |
//! | `times`, `sessions` | times of transactions, neighbours of a session | of the log |
//! | `report` | findings and the report are rendered and written | of the log; bytes written |
//!
//! A run has those that its models and its log need.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// What was done; the table above has all names.
    pub name: &'static str,
    /// By wall clock.
    pub elapsed: Duration,
    /// Rows that went through it.
    pub rows: u64,
    /// Bytes that it read, or wrote in `report`; 0 where they are not counted.
    pub bytes: u64,
}

/// A stopwatch for the phases of a run. They are noted in the order in which they end.
#[derive(Debug, Default)]
pub struct Timings(Mutex<Vec<Phase>>);

impl Timings {
    /// Notes a phase. One that comes in several rounds is noted once, with the sum of their times.
    pub fn note(&self, phase: Phase) {
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

    /// The phases as lines of text, with rows and bytes a second; `-` for bytes not counted.
    pub fn table(&self) -> String {
        let line = |p: &Phase| {
            let seconds = p.elapsed.as_secs_f64().max(1e-9);
            let millions = p.rows as f64 / seconds / 1e6;
            let gigabytes = match p.bytes {
                0 => "-".to_owned(),
                bytes => format!("{:.1}", bytes as f64 / seconds / 1e9),
            };
            format!("{:10} {:9.2} ms {millions:9.1} M rows/s {gigabytes:>8} GB/s\n", p.name, seconds * 1e3)
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
            timings.note(Phase { name, elapsed: begin.elapsed(), rows, bytes });
            done
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a phase of several rounds is one line, with their time in sum, and each line has both rates.
    #[test]
    fn rounds_are_one_phase() {
        let timings = Timings::default();
        let phase =
            |name, ms, bytes| Phase { name, elapsed: Duration::from_millis(ms), rows: 4_000_000, bytes };
        timings.note(phase("open", 2, 0));
        timings.note(phase("group", 15, 100_000_000));
        timings.note(phase("group", 5, 100_000_000));
        let table = timings.table();
        let words: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[0], ["open", "2.00", "ms", "2000.0", "M", "rows/s", "-", "GB/s"]);
        assert_eq!(words[1], ["group", "20.00", "ms", "200.0", "M", "rows/s", "5.0", "GB/s"]);
    }
}
