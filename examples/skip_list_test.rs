//! FoundationDB's conflict-set benchmark (`skipListTest`), rebuilt with a fixed generator, on one thread.
//!
//! Prints one line: how many transactions committed, a fingerprint of which ones, millions of
//! transactions a second, and the time per batch of 2,500. The time covers copying and normalising the keys,
//! judging, recording and forgetting. The resolver is told how long its window will be.
//!
//! `cargo run --release --example skip_list_test [BATCHES]` (500 without an argument, whose answer is known).

#![forbid(unsafe_code)]

use std::ops::Bound;
use std::time::{Duration, Instant};

use skewer::resolve::{Batch, Checked, ResolveError, Resolver, Verdict, Version};

const BATCHES: Version = 500;
const RANGES: usize = 5_000;
/// How many versions a snapshot is behind its commit.
const AGE: Version = 50;

struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// A half-open range of keys.
type Range = [[u8; 16]; 2];

fn key(number: u64) -> [u8; 16] {
    let mut key = [b'.'; 16];
    key[12..].copy_from_slice(&(number as u32).to_be_bytes());
    key
}

fn range(random: &mut SplitMix) -> Range {
    let low = random.next() % 20_000_000;
    [key(low), key(low + 1 + random.next() % 10)]
}

fn main() -> Result<(), ResolveError> {
    let batches = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(BATCHES);
    println!("{}", Run::of(batches)?.line());
    Ok(())
}

/// What came of it: which transactions committed, and how long each batch took.
struct Run {
    committed: u64,
    fnv1a64: u64,
    times: Vec<Duration>,
}

impl Run {
    fn of(batches: Version) -> Result<Self, ResolveError> {
        let mut run = Self { committed: 0, fnv1a64: 0xCBF2_9CE4_8422_2325, times: Vec::new() };
        let mut random = SplitMix(1);
        let window = AGE as usize * RANGES / 2;
        let mut resolver = Resolver::new(Checked::Serializable).with_room_for(window).expecting_ranges();
        let mut batch = Batch::new();
        for number in 0..batches {
            let ranges: Vec<Range> = (0..RANGES).map(|_| range(&mut random)).collect();
            let begun = Instant::now();
            fill(&mut batch, &ranges, number)?;
            run.note(number, resolver.resolve(&batch, number + AGE)?);
            resolver.forget_before(number)?;
            run.times.push(begun.elapsed());
        }
        Ok(run)
    }

    fn note(&mut self, batch: Version, verdicts: &[Verdict]) {
        for (index, _) in verdicts.iter().enumerate().filter(|(_, v)| v.is_commit()) {
            self.committed += 1;
            for byte in ((batch as u64) << 32 | index as u64).to_le_bytes() {
                self.fnv1a64 = (self.fnv1a64 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
            }
        }
    }

    fn line(mut self) -> String {
        let total: Duration = self.times.iter().sum();
        self.times.sort();
        let at = |per_cent: usize| {
            let last = self.times.len().saturating_sub(1);
            self.times.get(last * per_cent / 100).map_or(0.0, |time| time.as_secs_f64() * 1e6)
        };
        let txns = (self.times.len() * RANGES / 2) as f64;
        format!(
            "committed={} fnv1a64={:016x} mtxn_per_s={:.3} batch_p50_us={:.0} batch_p99_us={:.0}",
            self.committed,
            self.fnv1a64,
            txns / total.as_secs_f64().max(f64::MIN_POSITIVE) / 1e6,
            at(50),
            at(99),
        )
    }
}

/// Each transaction reads one range and writes the next.
fn fill(batch: &mut Batch, ranges: &[Range], snapshot: Version) -> Result<(), ResolveError> {
    batch.clear();
    for pair in ranges.chunks_exact(2) {
        let [read, write] = [&pair[0], &pair[1]];
        let half_open = |[low, high]: &Range| (Bound::Included(*low), Bound::Excluded(*high));
        let (read, write) = (half_open(read), half_open(write));
        batch.begin(snapshot).read_range(0, read.0.as_ref(), read.1.as_ref())?.write_range(
            0,
            write.0.as_ref(),
            write.1.as_ref(),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: one line, whose fields are in their order, with the known answer of the first ten batches.
    #[test]
    fn prints_one_line() {
        let line = Run::of(10).unwrap().line();
        let names: Vec<&str> = line.split(' ').filter_map(|field| Some(field.split_once('=')?.0)).collect();
        assert_eq!(names, ["committed", "fnv1a64", "mtxn_per_s", "batch_p50_us", "batch_p99_us"]);
        assert!(line.starts_with("committed=24835 fnv1a64="), "{line}");
        assert!(!line.contains('\n'));
    }

    /// Promise: the whole run has its known answer.
    #[test]
    fn whole_run_has_its_answer() {
        let line = Run::of(BATCHES).unwrap().line();
        assert!(line.starts_with("committed=1182514 fnv1a64=8218401cd40d6edb "), "{line}");
    }
}
