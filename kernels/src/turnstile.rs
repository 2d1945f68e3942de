//! A lock for what is held for less than a microsecond.
//!
//! The standard library's mutex has to look for sleepers when it is given back: one more atomic exchange, which also
//! waits until all that was written has left the core. Nobody sleeps here, so that giving back is one plain
//! store: whoever holds it goes on at once. Whoever finds it taken looks again, and decides for himself for how long.

use std::cell::UnsafeCell;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU8, Ordering};

const FREE: u8 = 0;
const TAKEN: u8 = 1;
/// Somebody panicked inside.
const BROKEN: u8 = 2;

/// A value that one thread at a time may use.
///
/// ```
/// use skewer_kernels::{Taken, Turnstile};
/// let turnstile = Turnstile::new(1);
/// let Taken::Free(mut pass) = turnstile.take() else { panic!() };
/// *pass += 1;
/// assert!(matches!(turnstile.take(), Taken::Busy));
/// drop(pass);
/// assert!(matches!(turnstile.take(), Taken::Free(pass) if *pass == 2));
/// ```
#[derive(Default)]
pub struct Turnstile<T> {
    state: AtomicU8,
    value: UnsafeCell<T>,
}

/// What became of an attempt.
#[derive(Debug)]
pub enum Taken<'a, T> {
    /// The value, until the pass is dropped.
    Free(Pass<'a, T>),
    /// Another thread has it.
    Busy,
    /// A thread panicked while it had it.
    Broken,
}

/// The right to use the value.
pub struct Pass<'a, T>(&'a Turnstile<T>);

// SAFETY: the value is reached through a pass alone, and there is one pass at a time, so threads share it as
// they would hand it on to each other.
unsafe impl<T: Send> Sync for Turnstile<T> {}

impl<T> Turnstile<T> {
    /// A turnstile that nobody has passed.
    pub const fn new(value: T) -> Self {
        Self { state: AtomicU8::new(FREE), value: UnsafeCell::new(value) }
    }

    /// The value, if nobody has it. Does not wait.
    #[inline]
    pub fn take(&self) -> Taken<'_, T> {
        // A look costs the holder nothing where an exchange would take the cache line from him.
        match self.state.load(Ordering::Relaxed) {
            FREE => {}
            TAKEN => return Taken::Busy,
            _ => return Taken::Broken,
        }
        match self.state.compare_exchange(FREE, TAKEN, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => Taken::Free(Pass(self)),
            Err(TAKEN) => Taken::Busy,
            Err(_) => Taken::Broken,
        }
    }
}

impl<T> Deref for Pass<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: this is the one pass, and it is borrowed: nobody changes the value meanwhile.
        unsafe { &*self.0.value.get() }
    }
}

impl<T> DerefMut for Pass<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: this is the one pass, and it is borrowed for good: nobody else sees the value meanwhile.
        unsafe { &mut *self.0.value.get() }
    }
}

impl<T> Drop for Pass<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let state = if std::thread::panicking() { BROKEN } else { FREE };
        self.0.state.store(state, Ordering::Release);
    }
}

impl<T> fmt::Debug for Turnstile<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turnstile").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Pass<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pass").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: one thread at a time, and each sees what the one before wrote.
    #[test]
    fn nothing_is_lost() {
        let turnstile = Turnstile::new((0u64, 0u64));
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let mut left = 20_000;
                    while left > 0 {
                        match turnstile.take() {
                            Taken::Free(mut pass) => {
                                assert_eq!(pass.0, pass.1);
                                pass.0 += 1;
                                pass.1 += 1;
                                left -= 1;
                            }
                            Taken::Busy => std::thread::yield_now(),
                            Taken::Broken => panic!(),
                        }
                    }
                });
            }
        });
        assert!(matches!(turnstile.take(), Taken::Free(pass) if *pass == (60_000, 60_000)));
    }

    /// Promise: whoever panics inside leaves it broken.
    #[test]
    fn a_panic_breaks_it() {
        let turnstile = Turnstile::new(0);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _pass = turnstile.take();
            panic!("inside");
        }));
        assert!(panicked.is_err());
        assert!(matches!(turnstile.take(), Taken::Broken));
    }
}
