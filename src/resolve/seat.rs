//! Where a caller waits for its verdicts.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::verdict::Verdict;
use super::{ResolveError, Version};

/// Where a caller finds its verdicts.
#[derive(Debug, Default)]
pub(super) struct Seat {
    pub(super) served: AtomicBool,
    pub(super) verdicts: Mutex<Served>,
}

#[derive(Debug, Default)]
pub(super) struct Served {
    pub(super) verdicts: Vec<Verdict>,
    pub(super) version: Version,
    wanted: usize,
    /// Whether the call could not be judged together with others.
    pub(super) is_declined: bool,
    pub(super) error: Option<ResolveError>,
}

impl Seat {
    /// Makes ready for a call of so many transactions.
    pub(super) fn open(&self, wanted: usize) -> Result<(), ResolveError> {
        self.served.store(false, Ordering::Relaxed);
        self.verdicts.lock().map_err(|_| ResolveError::Poisoned)?.wanted = wanted;
        Ok(())
    }

    /// Hands out its verdicts, the first of these, and what `tell` tells of them; the others are left.
    pub(super) fn serve<'v>(
        &self,
        verdicts: &'v [Verdict],
        tell: impl FnOnce(&mut Served),
    ) -> Result<&'v [Verdict], ResolveError> {
        let mut served = self.verdicts.lock().map_err(|_| ResolveError::Poisoned)?;
        let (own, rest) = verdicts.split_at(served.wanted.min(verdicts.len()));
        served.verdicts.clear();
        served.verdicts.extend_from_slice(own);
        tell(&mut served);
        drop(served);
        self.served.store(true, Ordering::Release);
        Ok(rest)
    }
}
