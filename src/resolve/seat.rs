//! Where a caller waits for its verdicts.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::slip::Slip;
use super::verdict::Verdict;
use super::{ResolveError, Version};

/// Where a caller finds its verdicts.
#[derive(Debug, Default)]
pub(super) struct Seat {
    /// Where small calls are left once whoever has the resolver looks there.
    pub(super) slip: Slip,
    pub(super) is_regular: AtomicBool,
    pub(super) served: AtomicBool,
    pub(super) verdicts: Mutex<Served>,
}

/// What a caller is told: all commit but those that are refused. It makes verdicts of that itself, beside those who judge.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// By their places in the call.
    refused: Vec<(u32, Verdict)>,
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

    /// Hands out what was found, the first of these, of which `refusal` tells those that do not commit, and what `tell` tells
    /// of the call; the others are left.
    pub(super) fn serve<'f, F>(
        &self,
        found: &'f [F],
        refusal: impl Fn(&F) -> Option<Verdict>,
        tell: impl FnOnce(&mut Served),
    ) -> Result<&'f [F], ResolveError> {
        let mut served = self.verdicts.lock().map_err(|_| ResolveError::Poisoned)?;
        let (own, rest) = found.split_at(served.wanted.min(found.len()));
        let refused = own.iter().enumerate().filter_map(|(at, found)| Some((at as u32, refusal(found)?)));
        served.refused.clear();
        served.refused.extend(refused);
        tell(&mut served);
        drop(served);
        self.served.store(true, Ordering::Release);
        Ok(rest)
    }

    /// Hands out what was found of a small call that joined a group, or an error.
    pub(super) fn serve_small(
        &self,
        judged: Result<&[Verdict], ResolveError>,
        version: Version,
    ) -> Result<(), ResolveError> {
        let refusal = |verdict: &Verdict| (!verdict.is_commit()).then_some(*verdict);
        let found = judged.unwrap_or_default();
        let tell = |served: &mut Served| (served.version, served.error) = (version, judged.err());
        self.serve(found, refusal, tell).map(|_| ())
    }

    /// The same of a small call that was left here.
    pub(super) fn answer(
        &self,
        judged: Result<&[Verdict], ResolveError>,
        version: Version,
    ) -> Result<(), ResolveError> {
        if let Err(error) = judged {
            let mut served = self.verdicts.lock().map_err(|_| ResolveError::Poisoned)?;
            (served.version, served.error) = (version, Some(error));
        }
        self.slip.answer(judged.ok(), version);
        Ok(())
    }
}

impl Served {
    /// Makes `verdicts` those of the call.
    pub(super) fn tell(&self, verdicts: &mut Vec<Verdict>) {
        verdicts.clear();
        verdicts.resize(self.wanted, Verdict::Commit(self.version));
        self.refused.iter().for_each(|&(at, verdict)| verdicts[at as usize] = verdict);
    }
}
