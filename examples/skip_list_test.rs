//! FoundationDB's conflict-set benchmark (`skipListTest`), rebuilt with a fixed generator, on one thread.
//!
//! Prints one line: how many transactions committed, a fingerprint of which ones, millions of
//! transactions a second, and the time per batch of 2,500. The time covers copying and normalising the keys,
//! judging, recording and forgetting.
//!
//! `cargo run --release --example skip_list_test [BATCHES]` (500 without an argument, whose answer is known).

#![forbid(unsafe_code)]

use std::ops::Bound;
use std::time::{Duration, Instant};

use skewer::resolve::{Batch, Checked, ResolveError, Resolver, Verdict};

const BATCHES: i64 = 500;
const RANGES: usize = 5_000;
/// How many versions a snapshot is behind its commit.
const AGE: i64 = 50;

struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

fn key(number: u64) -> [u8; 16] {
    let mut key = [b'.'; 16];
    key[12..].copy_from_slice(&(number as u32).to_be_bytes());
    key
}

fn main() -> Result<(), ResolveError> {
    let batches = std::env::args().nth(1).and_then(|a| a.parse().ok()).unwrap_or(BATCHES);
    let mut random = SplitMix(1);
    let mut resolver = Resolver::new(Checked::Serializable);
    let mut batch = Batch::new();
    let mut times = Vec::new();
    let (mut committed, mut hash) = (0u64, 0xCBF2_9CE4_8422_2325u64);
    for number in 0..batches {
        let ranges: Vec<[[u8; 16]; 2]> = (0..RANGES)
            .map(|_| {
                let low = random.next() % 20_000_000;
                [key(low), key(low + 1 + random.next() % 10)]
            })
            .collect();
        let begun = Instant::now();
        batch.clear();
        for pair in ranges.chunks_exact(2) {
            let half_open = |[low, high]: &[[u8; 16]; 2]| (Bound::Included(*low), Bound::Excluded(*high));
            let (read, write) = (half_open(&pair[0]), half_open(&pair[1]));
            batch.begin(number).read_range(0, read.0.as_ref(), read.1.as_ref())?.write_range(
                0,
                write.0.as_ref(),
                write.1.as_ref(),
            )?;
        }
        let verdicts = resolver.resolve(&batch, number + AGE)?;
        for (index, _) in verdicts.iter().enumerate().filter(|(_, v)| matches!(v, Verdict::Commit(_))) {
            committed += 1;
            for byte in ((number as u64) << 32 | index as u64).to_le_bytes() {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
            }
        }
        resolver.forget_before(number)?;
        times.push(begun.elapsed());
    }
    report(committed, hash, times);
    Ok(())
}

fn report(committed: u64, hash: u64, mut times: Vec<Duration>) {
    let total: Duration = times.iter().sum();
    times.sort();
    let at = |per_cent: usize| times[(times.len() - 1) * per_cent / 100].as_secs_f64() * 1e6;
    let txns = (times.len() * RANGES / 2) as f64;
    println!(
        "committed={committed} fnv1a64={hash:016x} mtxn_per_s={:.3} batch_p50_us={:.0} batch_p99_us={:.0}",
        txns / total.as_secs_f64() / 1e6,
        at(50),
        at(99),
    );
}
