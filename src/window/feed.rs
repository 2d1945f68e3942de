//! What a stretch feeds to its ring, and what it meets there.

use std::collections::VecDeque;

use skewer_kernels::prefetch_read;

use super::At;
use super::plan::{BLOCK, Plan};
use super::slices::Slices;
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
    parts: Vec<Part>,
    /// Of parts that may still be reached: the last tick, and the sequence number of the first write.
    recent: VecDeque<(i64, u32)>,
}

/// Some writes of a block, and how far back they meet others.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Where it ends in the block.
    pub(super) end: usize,
    /// The sequence number of the first write that they may meet.
    pub(super) tail: u32,
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
            parts: Vec::new(),
            recent: VecDeque::new(),
        }
    }

    /// Makes `block`, the next one, the block at hand; its rows are numbered from `first` on.
    pub(super) fn load(&mut self, block: usize, first: u32) {
        self.starts.push(first);
        let at = &self.plan.blocks[block];
        if let Some((slices, _)) = &self.plan.slices {
            let (numbers, mask) = (&mut self.numbers, self.plan.reach.max(1).next_power_of_two() - 1);
            let mut note = |place: usize, number| numbers[(first as usize + place) & mask] = number;
            if self.plan.by_parts {
                let ends = slices.load_parts(at.first, &mut self.fingerprints, note);
                self.cut(slices, at.first, first, &ends);
                return;
            }
            let mut place = 0;
            slices.load(at.first, &mut self.fingerprints, |number| {
                note(place, number);
                place += 1;
            });
            self.whole(block);
            return;
        }
        self.fingerprints.resize(at.len as usize, 0);
        self.stream.fingerprints((at.segment, at.first), &mut self.fingerprints);
        self.whole(block);
        let next = self.plan.blocks.get(block + 1);
        self.ahead =
            next.map_or((&[], 0), |b| (self.stream.writes.key_words(b.segment as usize), b.first as usize));
    }

    /// Makes the block at hand one part.
    fn whole(&mut self, block: usize) {
        let look_back = self.plan.look_back[block] as usize;
        // What a stretch does not judge looks back beyond its warm-up.
        let tail = look_back.checked_sub(self.warm_up).map_or(u32::MAX, |back| self.starts[back]);
        self.parts.clear();
        self.parts.push(Part { end: self.fingerprints.len(), tail });
    }

    /// Makes the parts of a slice those of the block at hand.
    fn cut(&mut self, slices: &Slices, slice: u32, first: u32, ends: &[u32]) {
        let span = self.stream.reach(self.plan.long.rest_width);
        self.parts.clear();
        let mut start = 0;
        for (part, &end) in ends.iter().enumerate() {
            if end == start {
                continue;
            }
            let (begin, last) = slices.ends_of_part(slice, part);
            self.recent.push_back((last, first + start));
            let horizon = begin.saturating_sub_unsigned(span);
            // A horizon that saturates rules nothing out.
            while horizon > i64::MIN && self.recent.front().is_some_and(|part| part.0 <= horizon) {
                self.recent.pop_front();
            }
            let tail = self.recent.front().map_or(first + start, |part| part.1);
            self.parts.push(Part { end: end as usize, tail });
            start = end;
        }
    }

    /// The parts of the block at hand, one after the other.
    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
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
