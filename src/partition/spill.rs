//! Records that memory does not hold, in a file, by the rounds in which they are judged.

use std::marker::PhantomData;

use rayon::prelude::*;

use super::scatter::{Keyed, bucket};
use crate::error::{Error, Result};
use crate::memory::{Budget, Temporary};

/// Bytes that one write should have, if memory allows; and must have.
const RUN_BYTES: (usize, usize) = (1 << 10, 1 << 16);

/// Runs of records in a file.
pub(super) struct Spill<R: Keyed> {
    file: Temporary,
    /// By stretch of the log and then by round, in the order of rows.
    runs: Vec<Vec<Vec<Run>>>,
    of: PhantomData<R>,
}

/// Records that stand together.
#[derive(Clone, Copy)]
struct Run {
    at: u64,
    records: u32,
}

impl<R: Keyed> Spill<R> {
    /// The records of that many stretches of the log, each in the round that the highest `round_bits`
    /// of its fingerprint say; `fill(stretch, sink)` hands in those of one stretch, in row order.
    ///
    /// # Errors
    /// If the file cannot be made or takes no more.
    ///
    /// Cost: O(records), each written once; memory a quarter of the budget, or a kilobyte a round
    /// and thread.
    pub(super) fn of(
        stretches: usize,
        round_bits: u32,
        budget: Budget,
        fill: impl Fn(usize, &mut Outbox<'_, R>) + Sync,
    ) -> Result<Self> {
        let to = Temporary::create()?;
        let width = size_of::<R::Words>();
        let boxes = rayon::current_num_threads() << round_bits;
        let share = budget.for_records().unwrap_or(u64::MAX) / 2 / boxes as u64;
        let run = share.clamp(RUN_BYTES.0 as u64, RUN_BYTES.1 as u64) as usize / width;
        let stretch = |stretch: usize| {
            let mut outbox = Outbox::new(&to, round_bits, run);
            fill(stretch, &mut outbox);
            outbox.finish()
        };
        let runs = (0..stretches).into_par_iter().map(stretch).collect::<Result<_>>()?;
        Ok(Spill { file: to, runs, of: PhantomData })
    }

    /// Stretches of the log.
    pub(super) fn stretches(&self) -> usize {
        self.runs.len()
    }

    /// The records of a stretch and a round.
    pub(super) fn records(&self, stretch: usize, round: usize) -> usize {
        self.runs[stretch][round].iter().map(|run| run.records as usize).sum()
    }

    /// Calls `each` with the records of a stretch and a round, in row order.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(super) fn read(&self, stretch: usize, round: usize, mut each: impl FnMut(&[R::Words])) -> Result<()> {
        let mut records: Vec<R::Words> = Vec::new();
        for run in &self.runs[stretch][round] {
            records.resize(run.records as usize, R::ZERO.pack());
            self.file.read(run.at, bytemuck::cast_slice_mut(&mut records))?;
            each(&records);
        }
        Ok(())
    }
}

/// Takes the records of one stretch, and writes them out by rounds.
pub(super) struct Outbox<'f, R: Keyed> {
    file: &'f Temporary,
    round_bits: u32,
    /// Records of a round that are written together.
    run: usize,
    /// What is not written yet: `run` places for each round.
    waiting: Vec<R::Words>,
    lens: Vec<usize>,
    runs: Vec<Vec<Run>>,
    failed: Option<Error>,
}

impl<'f, R: Keyed> Outbox<'f, R> {
    fn new(file: &'f Temporary, round_bits: u32, run: usize) -> Self {
        let rounds = 1 << round_bits;
        Outbox {
            file,
            round_bits,
            run,
            waiting: vec![R::ZERO.pack(); rounds * run],
            lens: vec![0; rounds],
            runs: vec![Vec::new(); rounds],
            failed: None,
        }
    }

    /// Takes the records of the keys of these fingerprints: `record(i, rest)` makes the one at place
    /// `i`. What cannot be written is told in the end.
    #[inline]
    pub(super) fn take(&mut self, fingerprints: &[u64], record: impl Fn(usize, u64) -> R) {
        for (i, &f) in fingerprints.iter().enumerate() {
            let round = bucket(f, self.round_bits);
            let len = &mut self.lens[round];
            self.waiting[round * self.run + *len] = record(i, f << self.round_bits).pack();
            *len += 1;
            if *len == self.run {
                self.write(round);
            }
        }
    }

    #[inline(never)]
    fn write(&mut self, round: usize) {
        let len = std::mem::take(&mut self.lens[round]);
        if len == 0 || self.failed.is_some() {
            return;
        }
        let records = &self.waiting[round * self.run..][..len];
        match self.file.append(bytemuck::cast_slice(records)) {
            Ok(at) => self.runs[round].push(Run { at, records: len as u32 }),
            Err(error) => self.failed = Some(error),
        }
    }

    fn finish(mut self) -> Result<Vec<Vec<Run>>> {
        (0..self.lens.len()).for_each(|round| self.write(round));
        self.failed.map_or(Ok(self.runs), Err)
    }
}
