//! What a stretch feeds to its ring, and what it meets there.

use std::collections::VecDeque;

use skewer_kernels::prefetch_read;

use super::At;
use super::plan::{BLOCK, Block, Plan};
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
    /// For a slice that is met part by part: its records, and where its parts end.
    memory: (Vec<u64>, Vec<u32>),
    /// The keys of the segment of the next block, and where it begins there.
    ahead: (&'a [u64], usize),
    /// Of slices: the writes' numbers, by their sequence numbers.
    numbers: Vec<u32>,
    /// Of blocks met part by part: the writes' begins, of slices in steps, by their sequence numbers.
    begins: Vec<i64>,
    /// Writes whose begins are so far apart there do not meet.
    apart: u64,
    parts: Vec<Part>,
    /// Writes that begin so many ticks apart do not meet.
    span: u64,
    /// Of parts that may still be reached: the last begin so far (of slices the last tick), and the sequence
    /// number of the first write.
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
        let room = |wanted: bool| if wanted { plan.reach.max(1).next_power_of_two() } else { 0 };
        let span = plan.long.rest_width;
        Feed {
            stream,
            plan,
            warm_up,
            starts: Vec::new(),
            fingerprints: Vec::with_capacity(BLOCK),
            memory: Default::default(),
            ahead: (&[], 0),
            numbers: vec![0; room(plan.slices.is_some())],
            begins: vec![0; room(plan.part_rows.is_some())],
            apart: plan.slices.as_ref().map_or(span, |(slices, _)| slices.steps(span)),
            span,
            parts: Vec::new(),
            recent: VecDeque::new(),
        }
    }

    /// Makes `block`, the next one, the block at hand; its rows are numbered from `first` on.
    pub(super) fn load(&mut self, block: usize, first: u32) {
        self.starts.push(first);
        let at = &self.plan.blocks[block];
        if let Some((slices, _)) = &self.plan.slices {
            if self.plan.part_rows.is_some() {
                return self.load_parts(slices, at.first, first);
            }
            let (mask, numbers) = (self.numbers.len() - 1, &mut self.numbers);
            let mut place = first as usize;
            slices.load(at.first, &mut self.fingerprints, |number| {
                numbers[place & mask] = number;
                place += 1;
            });
            self.whole(block);
            return;
        }
        self.fingerprints.resize(at.len as usize, 0);
        self.stream.fingerprints((at.segment, at.first), &mut self.fingerprints);
        match self.plan.part_rows {
            Some(rows) => self.cut_rows(block, first, rows),
            None => self.whole(block),
        }
        let next = self.plan.blocks.get(block + 1);
        self.ahead =
            next.map_or((&[], 0), |b| (self.stream.writes.key_words(b.segment as usize), b.first as usize));
    }

    /// Makes a slice the block at hand, in the order of its parts.
    fn load_parts(&mut self, slices: &Slices, slice: u32, first: u32) {
        let mut memory = std::mem::take(&mut self.memory);
        let (records, ends) = slices.load_parts(slice, (&mut memory.0, &mut memory.1));
        self.fingerprints.resize(records.len(), 0);
        let start = first as usize & (self.numbers.len() - 1);
        // What does not fit the end of the ring goes to its front.
        let fits = records.len().min(self.numbers.len() - start);
        for (rows, place) in [(0..fits, start), (fits..records.len(), 0)] {
            let places = place..place + rows.len();
            let (numbers, begins) = (&mut self.numbers[places.clone()], &mut self.begins[places]);
            let fingerprints = &mut self.fingerprints[rows.clone()];
            slices.tell(slice, &records[rows], (fingerprints, numbers, begins));
        }
        self.cut(slices, slice, first, ends);
        self.memory = memory;
    }

    /// The first write that those of a block may meet. What a stretch does not judge looks back beyond
    /// its warm-up: that meets nothing.
    fn tail(&self, block: usize) -> u32 {
        let look_back = self.plan.look_back[block] as usize;
        look_back.checked_sub(self.warm_up).map_or(u32::MAX, |back| self.starts[back])
    }

    /// Makes the block at hand one part.
    fn whole(&mut self, block: usize) {
        let tail = self.tail(block);
        self.parts.clear();
        self.parts.push(Part { end: self.fingerprints.len(), tail });
    }

    /// Makes a few rows each, as they stand, the parts of the block at hand. Their begins may go back
    /// from part to part, but not those of whole blocks: what is out of a block's reach is forgotten.
    fn cut_rows(&mut self, block: usize, first: u32, rows: usize) {
        let Block { segment, first: row, len, .. } = self.plan.blocks[block];
        let begins = &self.stream.spans(segment).0[row as usize..(row + len) as usize];
        let farthest = self.tail(block);
        while farthest < u32::MAX && self.recent.front().is_some_and(|part| part.1 < farthest) {
            self.recent.pop_front();
        }
        let mut latest = self.recent.back().map_or(i64::MIN, |part| part.0);
        let mask = self.begins.len() - 1;
        begins.iter().zip(first..).for_each(|(&begin, at)| self.begins[at as usize & mask] = begin);
        self.parts.clear();
        for (part, begins) in begins.chunks(rows).enumerate() {
            let (soonest, last) = begins.iter().fold((i64::MAX, i64::MIN), |(a, b), &t| (a.min(t), b.max(t)));
            let start = first + (part * rows) as u32;
            latest = latest.max(last);
            self.recent.push_back((latest, start));
            let horizon = soonest.saturating_sub_unsigned(self.span);
            // A horizon that saturates rules nothing out.
            let is_met = |part: &&(i64, u32)| horizon == i64::MIN || part.0 > horizon;
            let met = self.recent.iter().rev().take_while(is_met).last();
            let tail = met.map_or(start, |part| part.1.min(start));
            self.parts.push(Part { end: part * rows + begins.len(), tail: tail.max(farthest) });
        }
    }

    /// Makes the parts of a slice those of the block at hand.
    fn cut(&mut self, slices: &Slices, slice: u32, first: u32, ends: &[u32]) {
        self.parts.clear();
        let mut start = 0;
        for (part, &end) in ends.iter().enumerate() {
            if end == start {
                continue;
            }
            let (begin, last) = slices.ends_of_part(slice, part);
            self.recent.push_back((last, first + start));
            let horizon = begin.saturating_sub_unsigned(self.span);
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

    /// Whether two writes may meet, by what is known of them here; those that cannot are most where keys are
    /// hot, and to look them up in the log would cost more than all else.
    #[inline]
    pub(super) fn may_meet(&self, older: u32, newer: u32) -> bool {
        let Some(mask) = self.begins.len().checked_sub(1) else { return true };
        let (older, newer) = (self.begins[older as usize & mask], self.begins[newer as usize & mask]);
        // A span that saturates rules nothing out.
        older.abs_diff(newer) < self.apart || self.span == u64::MAX
    }

    /// Where the write of that sequence number stands.
    pub(super) fn at(&self, sequence: u32) -> At {
        if self.plan.slices.is_some() {
            let number = self.numbers[sequence as usize & (self.numbers.len() - 1)];
            let (segment, at) = self.stream.writes.find(number);
            return (segment as u32, at as u32);
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
