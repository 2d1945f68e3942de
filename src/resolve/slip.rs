//! A small call on its way to whoever has the resolver, and the answer on its way back.
//!
//! A line that another core wrote last comes from there, which takes about as long as judging a transaction. So a
//! call of a caller that comes again and again is left in that one's own lines, as few as can be, and its answer in one
//! or two more; each is written on one side only, and the second one of a call is asked for while the first comes.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicI64, AtomicU64};

use skewer_kernels::prefetch_read;

use super::Version;
use super::batch::Batch;
use super::parts::Place;
use super::verdict::Verdict;

/// Words of a call: some twenty transactions of two keys.
const WORDS: usize = 222;
/// Transactions of a call, at most.
pub(super) const MOST: usize = 28;
/// Stands for the number of refusals where an error is to be told instead.
const FAILED: u64 = u64::MAX;

/// A call and its answer.
#[derive(Debug)]
pub(super) struct Slip {
    call: Call,
    answer: Answer,
}

/// What the caller writes.
#[derive(Debug)]
#[repr(align(128))]
struct Call {
    /// How many calls were left here.
    left: AtomicU64,
    /// When, in nanoseconds.
    came: AtomicU64,
    words: [AtomicU64; WORDS],
}

/// What whoever has the resolver writes.
#[derive(Debug)]
#[repr(align(128))]
struct Answer {
    /// How many calls were answered.
    answered: AtomicU64,
    version: AtomicI64,
    count: AtomicU64,
    /// Refused transactions, by their places in the call, and what of them was refused.
    refused: [AtomicU64; MOST],
}

impl Default for Slip {
    fn default() -> Self {
        let (left, came, answered, version, count) = Default::default();
        let call = Call { left, came, words: [const { AtomicU64::new(0) }; WORDS] };
        let answer = Answer { answered, version, count, refused: [const { AtomicU64::new(0) }; MOST] };
        Slip { call, answer }
    }
}

impl Slip {
    /// Leaves a call that came at so many nanoseconds, unless it is too large; whether it did. The one before has been
    /// answered.
    pub(super) fn leave(&self, batch: &Batch, came: u64) -> bool {
        let is_left = batch.len() <= MOST && batch.write_to(&self.call.words);
        if is_left {
            self.call.came.store(came, Relaxed);
            self.call.left.store(self.answer.answered.load(Relaxed) + 1, Release);
        }
        is_left
    }

    /// Whether the last call was answered.
    #[inline]
    pub(super) fn is_answered(&self) -> bool {
        self.answer.answered.load(Acquire) == self.call.left.load(Relaxed)
    }

    /// Fetches the second line of a call, if one was left, while the first comes.
    #[inline]
    pub(super) fn foresee(&self) {
        prefetch_read(&self.call.words, 7);
    }

    /// When the call came that was left, if there is one.
    #[inline]
    pub(super) fn came(&self) -> Option<u64> {
        let is_any = self.call.left.load(Acquire) != self.answer.answered.load(Relaxed);
        is_any.then(|| self.call.came.load(Relaxed))
    }

    /// Appends the transactions of the call that was left to a group; how many, if they fit.
    #[inline]
    pub(super) fn take(&self, group: &mut Batch) -> Option<usize> {
        group.append_from(&self.call.words)
    }

    /// Answers the call that was left: with verdicts at a version, or that there is an error to be told.
    pub(super) fn answer(&self, verdicts: Option<&[Verdict]>, version: Version) {
        let Answer { answered, version: at, count, refused } = &self.answer;
        let mut places = 0;
        for (txn, verdict) in verdicts.unwrap_or_default().iter().enumerate() {
            if let Some(place) = Place::of_refusal(*verdict) {
                refused[places].store((txn as u64) << 32 | u64::from(place.number()), Relaxed);
                places += 1;
            }
        }
        at.store(version, Relaxed);
        count.store(if verdicts.is_some() { places as u64 } else { FAILED }, Relaxed);
        answered.store(self.call.left.load(Relaxed), Release);
    }

    /// Makes `verdicts` those of the last call, which had so many transactions, and returns its version; `None` if there is an
    /// error to be told instead.
    pub(super) fn tell(&self, wanted: usize, verdicts: &mut Vec<Verdict>) -> Option<Version> {
        let count = self.answer.count.load(Relaxed);
        if count == FAILED {
            return None;
        }
        let version = self.answer.version.load(Relaxed);
        verdicts.clear();
        verdicts.resize(wanted, Verdict::Commit(version));
        for refused in &self.answer.refused[..count as usize] {
            let refused = refused.load(Relaxed);
            verdicts[(refused >> 32) as usize] = Place::of_number(refused as u32).verdict(version);
        }
        Some(version)
    }
}

#[cfg(test)]
mod tests {
    use super::super::verdict::Cause;
    use super::*;

    /// Promise: calls that are left are taken once, and their answers are those given; what is too large is not left.
    #[test]
    fn calls_are_answered() {
        let (slip, mut batch, mut group, mut verdicts) =
            (Slip::default(), Batch::new(), Batch::new(), Vec::new());
        assert_eq!((slip.is_answered(), slip.came()), (true, None));
        let refusal = |range_index| Verdict::Conflict { cause: Cause::Write, range_index };
        for version in 1..40 {
            batch.begin(version).write(0, b"key").unwrap();
            if !slip.leave(&batch, 7) {
                assert_eq!((batch.len(), slip.is_answered()), (MOST + 1, true));
                return;
            }
            assert_eq!((slip.is_answered(), slip.came()), (false, Some(7)));
            assert_eq!(slip.take(&mut group), Some(batch.len()));
            let given: Vec<Verdict> = (0..batch.len() as u32)
                .map(|at| match at % 3 {
                    0 => Verdict::Commit(version),
                    1 => refusal(at << 20),
                    _ => Verdict::TooOld,
                })
                .collect();
            let is_error = version == 20;
            slip.answer((!is_error).then_some(&given), version);
            assert_eq!((slip.is_answered(), slip.came()), (true, None));
            let told = slip.tell(batch.len(), &mut verdicts);
            assert!(if is_error { told.is_none() } else { told == Some(version) && verdicts == given });
        }
        unreachable!("forty transactions do not fit");
    }
}
