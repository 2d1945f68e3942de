//! Who has the resolver that many share.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{MutexGuard, TryLockError};

use super::ResolveError;
use super::patience::Patience;
use super::shared::{Core, Inner};

/// Whether somebody has the resolver. On cache lines of its own: others look at it all the time.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(super) struct Busy(AtomicBool);

/// The resolver, as long as one caller uses it.
pub(super) struct Held<'a> {
    core: MutexGuard<'a, Core>,
    busy: &'a AtomicBool,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.busy.store(false, Ordering::Relaxed);
    }
}

impl Deref for Held<'_> {
    type Target = Core;

    fn deref(&self) -> &Core {
        &self.core
    }
}

impl DerefMut for Held<'_> {
    fn deref_mut(&mut self) -> &mut Core {
        &mut self.core
    }
}

impl Inner {
    #[inline]
    fn held<'a>(&'a self, core: MutexGuard<'a, Core>) -> Result<Held<'a>, ResolveError> {
        if core.ledger.together.is_broken {
            return Err(ResolveError::Poisoned);
        }
        self.busy.0.store(true, Ordering::Relaxed);
        Ok(Held { core, busy: &self.busy.0 })
    }

    pub(super) fn is_busy(&self) -> bool {
        self.busy.0.load(Ordering::Relaxed)
    }

    /// The resolver, if nobody uses it.
    #[inline]
    pub(super) fn try_core(&self) -> Result<Option<Held<'_>>, ResolveError> {
        if self.is_busy() {
            return Ok(None);
        }
        match self.core.try_lock() {
            Ok(core) => self.held(core).map(Some),
            Err(TryLockError::Poisoned(_)) => Err(ResolveError::Poisoned),
            Err(TryLockError::WouldBlock) => Ok(None),
        }
    }

    /// The resolver, once nobody uses it, if that is soon.
    pub(super) fn find_core(&self) -> Result<Option<Held<'_>>, ResolveError> {
        let mut patience = Patience::default();
        loop {
            let found = self.try_core()?;
            if found.is_some() || !patience.lasts() {
                return Ok(found);
            }
        }
    }

    /// The resolver, once nobody uses it; who has it is expected to be through soon.
    pub(super) fn wait_for_core(&self) -> Result<Held<'_>, ResolveError> {
        self.find_core()?.map_or_else(|| self.lock_core(), Ok)
    }

    /// The same, of who waited before: it sleeps until then.
    pub(super) fn lock_core(&self) -> Result<Held<'_>, ResolveError> {
        self.held(self.core.lock().map_err(|_| ResolveError::Poisoned)?)
    }
}
