//! The locks of the parts of a window that threads share.
//!
//! Whoever needs several takes them in ascending order, looks at all, and gives each back when its writes are
//! noted: strict two-phase locking. So the order of versions, taken while all are held, is the order of
//! callers in every part, and nobody waits in a circle.

use std::hint::spin_loop;
use std::thread::yield_now;

use skewer_kernels::{Pass, Taken, Turnstile};

use super::ResolveError;
use super::resolver::Resolver;
use super::routing::PARTS;

/// How often a caller looks at once, and how often it lets others run between two looks, before it joins those
/// who wait.
const LOOKS: usize = 400;
const TURNS: usize = 20_000;

type Part = Option<Box<Resolver>>;

/// On cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Gate(Turnstile<Part>);

/// The parts, each behind a lock; empty while the window is one, or in the hands of one caller.
#[derive(Debug, Default)]
pub(super) struct Gates([Gate; PARTS]);

/// The parts that a caller has.
pub(super) type Hand<'a> = [Option<Pass<'a, Part>>; PARTS];

impl Gates {
    /// No part at all.
    pub(super) const NONE: Hand<'static> = [const { None }; PARTS];

    /// A part, if nobody has it.
    #[inline]
    pub(super) fn try_pass(&self, at: usize) -> Result<Option<Pass<'_, Part>>, ResolveError> {
        match self.0[at].0.take() {
            Taken::Free(pass) => Ok(Some(pass)),
            Taken::Busy => Ok(None),
            Taken::Broken => Err(ResolveError::Poisoned),
        }
    }

    /// A part, as soon as it is free; `None` if that takes too long.
    #[cold]
    pub(super) fn wait(&self, at: usize) -> Result<Option<Pass<'_, Part>>, ResolveError> {
        for look in 0..LOOKS + TURNS {
            if let Some(pass) = self.try_pass(at)? {
                return Ok(Some(pass));
            }
            if look < LOOKS { spin_loop() } else { yield_now() }
        }
        Ok(None)
    }

    /// All parts, however long that takes.
    pub(super) fn pass_all(&self) -> Result<Hand<'_>, ResolveError> {
        let mut hand = Self::NONE;
        for (at, pass) in hand.iter_mut().enumerate() {
            while pass.is_none() {
                *pass = self.wait(at)?;
            }
        }
        Ok(hand)
    }
}
