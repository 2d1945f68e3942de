//! Reading memory as fast as it goes.

use std::hint::black_box;

use memmap2::{Advice, MmapMut};
use rayon::prelude::*;
use skewer_kernels::{Isa, extent};

use crate::data::median;
use crate::seconds;

/// Words of a task on all threads.
const TASK: usize = 1 << 20;
/// Words that are added side by side: no addition waits for the last one.
const LANES: usize = 32;

const WAYS: [&str; 8] = [
    "sum, one thread",
    "sum, all threads",
    "extent, one thread",
    "extent, all threads",
    "sum, one thread, huge pages",
    "sum, all threads, huge pages",
    "extent, one thread, huge pages",
    "extent, all threads, huge pages",
];

/// Two columns, once in pages of each size.
pub(crate) struct Columns([Pair; 2]);

struct Pair {
    memory: MmapMut,
    words: usize,
}

impl Pair {
    fn of(bytes: usize, advice: Advice) -> Self {
        let mut memory = MmapMut::map_anon(2 * bytes).expect("memory for two columns");
        // A system without huge pages gives others, and the two then measure the same.
        let _ = memory.advise(advice);
        let words: &mut [i64] = bytemuck::cast_slice_mut(&mut memory);
        words.par_iter_mut().enumerate().for_each(|(at, word)| *word = at as i64);
        Pair { memory, words: bytes / size_of::<i64>() }
    }

    fn columns(&self) -> (&[i64], &[i64]) {
        let words: &[i64] = bytemuck::cast_slice(&self.memory);
        words.split_at(self.words)
    }
}

impl Columns {
    /// Two columns of `bytes` each.
    pub(crate) fn of(bytes: usize) -> Self {
        Columns([Pair::of(bytes, Advice::NoHugePage), Pair::of(bytes, Advice::HugePage)])
    }

    /// Bytes a second of each way, in the order of `WAYS`.
    pub(crate) fn all_ways(&self) -> [f64; 8] {
        let isa = Isa::best();
        let rates = self.0.iter().flat_map(|pair| {
            let (begins, ends) = pair.columns();
            let both = [begins, ends];
            let rate = |work: &dyn Fn()| (2 * size_of_val(begins)) as f64 / seconds(work);
            [
                rate(&|| both.iter().for_each(|c| _ = black_box(sum(c)))),
                rate(&|| both.iter().for_each(|c| c.par_chunks(TASK).for_each(|c| _ = black_box(sum(c))))),
                rate(&|| _ = black_box(extent(isa, begins, ends))),
                rate(&|| {
                    let tasks = begins.par_chunks(TASK).zip(ends.par_chunks(TASK));
                    tasks.for_each(|(b, e)| _ = black_box(extent(isa, b, e)));
                }),
            ]
        });
        let mut all = [0.0; 8];
        all.iter_mut().zip(rates).for_each(|(to, rate)| *to = rate);
        all
    }
}

/// The sum of words, by the widest vectors that the compiler may use for this target.
fn sum(words: &[i64]) -> i64 {
    let mut lanes = [0_i64; LANES];
    let (chunks, rest) = words.as_chunks::<LANES>();
    for chunk in chunks {
        lanes.iter_mut().zip(chunk).for_each(|(lane, word)| *lane = lane.wrapping_add(*word));
    }
    lanes.iter().chain(rest).fold(0, |sum, word| sum.wrapping_add(*word))
}

/// Prints what was measured and returns the limit: the greatest median, in bytes a second.
pub(crate) fn report(runs: &[[f64; 8]]) -> f64 {
    println!("\nread bandwidth");
    let mut limit: f64 = 0.0;
    for (at, way) in WAYS.iter().enumerate() {
        let rate = median(runs.iter().map(|run| run[at]));
        println!("  {way:34}{:8.2} GB/s", rate / 1e9);
        limit = limit.max(rate);
    }
    println!("  {:34}{:8.2} GB/s", "the limit", limit / 1e9);
    limit
}
