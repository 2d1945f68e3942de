//! The locks of the parts of a window that threads share.
//!
//! Whoever needs several takes them in ascending order, looks at all, and gives each back when its writes are
//! noted: strict two-phase locking. So the order of versions, taken while all are held, is the order of
//! callers in every part, and nobody waits in a circle.

use std::hint::spin_loop;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, TryLockError};
use std::thread::yield_now;

use super::ResolveError;
use super::resolver::Resolver;
use super::routing::PARTS;

/// How often a caller looks at once, and how often it lets others run between two looks, before it joins those
/// who wait.
const LOOKS: usize = 400;
const TURNS: usize = 2_000;

/// On cache lines of its own. `held` is looked at before the lock is tried, which would cost its holder a cache miss.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Gate {
    part: Mutex<Option<Box<Resolver>>>,
    held: AtomicBool,
}

/// The parts, each behind a lock; empty while the window is one, or in the hands of one caller.
#[derive(Debug, Default)]
pub(super) struct Gates([Gate; PARTS]);

/// A part in the hands of a caller.
pub(super) struct Passed<'a> {
    part: MutexGuard<'a, Option<Box<Resolver>>>,
    held: &'a AtomicBool,
}

/// The parts that a caller has.
pub(super) type Hand<'a> = [Option<Passed<'a>>; PARTS];

impl Gate {
    fn passed<'a>(&'a self, part: MutexGuard<'a, Option<Box<Resolver>>>) -> Passed<'a> {
        self.held.store(true, Ordering::Relaxed);
        Passed { part, held: &self.held }
    }

    #[inline]
    fn try_pass(&self) -> Result<Option<Passed<'_>>, ResolveError> {
        if self.held.load(Ordering::Relaxed) {
            return Ok(None);
        }
        match self.part.try_lock() {
            Ok(part) => Ok(Some(self.passed(part))),
            Err(TryLockError::Poisoned(_)) => Err(ResolveError::Poisoned),
            Err(TryLockError::WouldBlock) => Ok(None),
        }
    }
}

impl Gates {
    /// No part at all.
    pub(super) const NONE: Hand<'static> = [const { None }; PARTS];

    /// A part, if nobody has it.
    #[inline]
    pub(super) fn try_pass(&self, at: usize) -> Result<Option<Passed<'_>>, ResolveError> {
        self.0[at].try_pass()
    }

    /// A part, as soon as it is free; `None` if that takes too long, or if it is not worth waiting for.
    #[cold]
    pub(super) fn wait(
        &self,
        at: usize,
        is_vain: impl Fn() -> bool,
    ) -> Result<Option<Passed<'_>>, ResolveError> {
        for look in 0..LOOKS + TURNS {
            if let Some(passed) = self.try_pass(at)? {
                return Ok(Some(passed));
            }
            if look < LOOKS {
                spin_loop();
            } else if is_vain() {
                return Ok(None);
            } else {
                yield_now();
            }
        }
        Ok(None)
    }

    /// All parts.
    pub(super) fn pass_all(&self) -> Result<Hand<'_>, ResolveError> {
        let mut hand = Self::NONE;
        for (gate, passed) in self.0.iter().zip(&mut hand) {
            let part = gate.part.lock().map_err(|_| ResolveError::Poisoned)?;
            *passed = Some(gate.passed(part));
        }
        Ok(hand)
    }
}

impl Deref for Passed<'_> {
    type Target = Option<Box<Resolver>>;

    fn deref(&self) -> &Self::Target {
        &self.part
    }
}

impl DerefMut for Passed<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.part
    }
}

impl Drop for Passed<'_> {
    fn drop(&mut self) {
        self.held.store(false, Ordering::Relaxed);
    }
}
