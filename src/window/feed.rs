//! What a stretch feeds to its ring, and what it meets there.

use skewer_kernels::prefetch_read;

use super::At;
use super::plan::{BLOCK, Plan};
use super::stream::Stream;

/// The blocks of a stretch, one after the other, and where their writes stand.
pub(super) struct Feed<'a> {
    stream: Stream<'a>,
    plan: &'a Plan,
    warm_up: usize,
    /// The sequence number of the first row of each block so far.
    starts: Vec<u32>,
    fingerprints: Vec<u64>,
    /// The keys of the segment of the next block, and where it begins there.
    ahead: (&'a [u64], usize),
    /// Of slices: the writes' numbers, by their sequence numbers.
    numbers: Vec<u32>,
}

impl<'a> Feed<'a> {
    /// The blocks of `plan` from `warm_up` on.
    pub(super) fn of(stream: Stream<'a>, plan: &'a Plan, warm_up: usize) -> Self {
        let numbers = if plan.slices.is_some() { plan.reach.max(1).next_power_of_two() } else { 0 };
        Feed {
            stream,
            plan,
            warm_up,
            starts: Vec::new(),
            fingerprints: Vec::with_capacity(BLOCK),
            ahead: (&[], 0),
            numbers: vec![0; numbers],
        }
    }

    /// Makes `block`, the next one, the block at hand; its rows are numbered from `first` on.
    pub(super) fn load(&mut self, block: usize, first: u32) {
        self.starts.push(first);
        let at = &self.plan.blocks[block];
        if let Some((slices, _)) = &self.plan.slices {
            let (numbers, mask, mut sequence) =
                (&mut self.numbers, self.plan.reach.max(1).next_power_of_two() - 1, first);
            slices.load(at.first, &mut self.fingerprints, |number| {
                numbers[sequence as usize & mask] = number;
                sequence += 1;
            });
            return;
        }
        self.fingerprints.resize(at.len as usize, 0);
        self.stream.fingerprints((at.segment, at.first), &mut self.fingerprints);
        let next = self.plan.blocks.get(block + 1);
        self.ahead =
            next.map_or((&[], 0), |b| (self.stream.writes.key_words(b.segment as usize), b.first as usize));
    }

    /// The fingerprints of the block at hand.
    pub(super) fn fingerprints(&self) -> &[u64] {
        &self.fingerprints
    }

    /// Asks for the key of the next block at `place` to be brought closer: a little with every few rows
    /// of the block at hand, so that memory is never waited for.
    #[inline]
    pub(super) fn prefetch(&self, place: usize) {
        prefetch_read(self.ahead.0, self.ahead.1 + place);
    }

    /// The sequence number of the first row of `block`.
    pub(super) fn first_of(&self, block: usize) -> u32 {
        self.starts[block - self.warm_up]
    }

    /// Where the write of that sequence number stands.
    pub(super) fn at(&self, sequence: u32) -> At {
        if let Some((slices, _)) = &self.plan.slices {
            return slices.at(self.numbers[sequence as usize & (self.numbers.len() - 1)]);
        }
        let block = self.starts.partition_point(|&start| start <= sequence) - 1;
        let of = &self.plan.blocks[self.warm_up + block];
        (of.segment, of.first + (sequence - self.starts[block]))
    }
}

/// Pairs that wait for their times to come from memory.
pub(super) struct Pairs<'a> {
    stream: Stream<'a>,
    waiting: Vec<(At, At)>,
}

/// As many as a core fetches at a time, and some.
const WAITING: usize = 32;

impl<'a> Pairs<'a> {
    /// None so far.
    pub(super) fn new(stream: Stream<'a>) -> Self {
        Pairs { stream, waiting: Vec::with_capacity(WAITING) }
    }

    /// Adds a pair; `meet` is given those that have waited long enough.
    #[inline(never)]
    pub(super) fn add(&mut self, a: At, b: At, meet: impl FnMut(At, At)) {
        for (segment, row) in [a, b] {
            let (begins, ends) = self.stream.spans(segment);
            prefetch_read(begins, row as usize);
            prefetch_read(ends, row as usize);
        }
        self.waiting.push((a, b));
        if self.waiting.len() == WAITING {
            self.judge(meet);
        }
    }

    /// Hands over all that wait.
    pub(super) fn judge(&mut self, mut meet: impl FnMut(At, At)) {
        self.waiting.drain(..).for_each(|(a, b)| meet(a, b));
    }
}
