//! Work that whoever waits may take over from whoever has the resolver.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::company::{Promised, Round};
use super::halves::Half;

/// What is to be done in a half: what was promised is noted, if anything was, and then a round is checked.
#[derive(Debug, Clone, Default)]
pub(super) struct Task {
    pub(super) promised: Option<Promised>,
    pub(super) round: Arc<Round>,
}

/// A half of the window, and what is to be done there.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) half: Box<Half>,
    pub(super) which: usize,
    pub(super) task: Task,
}

impl Job {
    /// Does it, for this committer.
    pub(super) fn run(&mut self, committer: u64) {
        self.half.run((self.which, committer), &self.task);
    }
}

const NONE: u8 = 0;
const OFFERED: u8 = 1;
const TAKEN: u8 = 2;
const DONE: u8 = 3;
const LOST: u8 = 4;

/// A place for one job.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Offer {
    state: AtomicU8,
    /// How often somebody helped.
    helped: AtomicU64,
    job: Mutex<Option<Job>>,
}

/// Tells that a job is lost if whoever took it panics.
struct Taken<'o>(&'o Offer);

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if self.0.state.load(Ordering::Relaxed) == TAKEN {
            self.0.state.store(LOST, Ordering::Release);
        }
    }
}

impl Offer {
    /// Offers a job. There is no other.
    pub(super) fn put(&self, job: Job) {
        *self.job.lock().unwrap_or_else(PoisonError::into_inner) = Some(job);
        self.state.store(OFFERED, Ordering::Release);
    }

    /// Whether there seems to be a job for those who wait.
    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.state.load(Ordering::Acquire) == OFFERED
    }

    /// Does the job that is offered, if there is one still.
    pub(super) fn help(&self, committer: u64) {
        let Some(mut job) = self.take() else { return };
        let taken = Taken(self);
        job.run(committer);
        *self.job.lock().unwrap_or_else(PoisonError::into_inner) = Some(job);
        self.helped.fetch_add(1, Ordering::Relaxed);
        self.state.store(DONE, Ordering::Release);
        drop(taken);
    }

    /// The job, done: by whoever took it, or else here. `None` if whoever took it panicked.
    pub(super) fn take_back(&self, committer: u64) -> Option<Job> {
        if let Some(mut job) = self.take() {
            job.run(committer);
            self.state.store(NONE, Ordering::Relaxed);
            return Some(job);
        }
        let mut looks = 0_u32;
        loop {
            match self.state.load(Ordering::Acquire) {
                TAKEN if looks < 10_000 => std::hint::spin_loop(),
                TAKEN => std::thread::yield_now(),
                LOST => return None,
                _ => break,
            }
            looks = looks.saturating_add(1);
        }
        self.state.store(NONE, Ordering::Relaxed);
        self.job.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// How often somebody helped so far.
    pub(super) fn helped(&self) -> u64 {
        self.helped.load(Ordering::Relaxed)
    }

    fn take(&self) -> Option<Job> {
        if !self.is_open() {
            return None;
        }
        let mut job = self.job.lock().unwrap_or_else(PoisonError::into_inner);
        if self.state.compare_exchange(OFFERED, TAKEN, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return None;
        }
        job.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resolve::points::Points;

    fn job() -> Job {
        Job { half: Box::new(Half::of(Points::new())), which: 0, task: Task::default() }
    }

    /// Promise: a job is done once, by whoever takes it or else by whoever offered it, and comes back.
    #[test]
    fn jobs_come_back() {
        let offer = Offer::default();
        offer.help(2);
        offer.put(job());
        assert_eq!(offer.take_back(1).map(|job| job.half.owner), Some(1));
        offer.put(job());
        offer.help(2);
        offer.help(3);
        assert_eq!(offer.take_back(1).map(|job| job.half.owner), Some(2));
        assert_eq!(offer.helped(), 1);
        offer.help(2);
        assert!(!offer.is_open());
    }

    /// Promise: a job that is lost with its thread is missed, and not waited for.
    #[test]
    fn lost_jobs_are_missed() {
        let offer = Offer::default();
        // No such half: to judge there panics.
        offer.put(Job {
            which: 2,
            task: Task {
                round: Arc::new(Round { calls: vec![Arc::default()], ..Round::default() }),
                promised: None,
            },
            ..job()
        });
        let helped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| offer.help(2)));
        assert!(helped.is_err());
        assert!(offer.take_back(1).is_none());
    }
}
