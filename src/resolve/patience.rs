//! How to wait for another thread that will soon be through.

use std::time::{Duration, Instant};

/// So often one looks again at once: about as long as a group of calls takes.
const LOOKS: usize = 2_000;
/// So long one lets others run between two looks. Whoever sleeps instead may be woken on the core of whoever woke it, and then
/// both take turns there until the system notices.
const YIELDS: Duration = Duration::from_millis(2);

/// One wait, from its first look on.
#[derive(Debug, Default)]
pub(super) struct Patience {
    looks: usize,
    yields_since: Option<Instant>,
}

impl Patience {
    /// How often one looked.
    pub(super) fn looks(&self) -> usize {
        self.looks
    }

    /// Waits a little before the next look; false when it is time to sleep.
    #[inline]
    pub(super) fn lasts(&mut self) -> bool {
        self.looks += 1;
        if self.looks <= LOOKS {
            std::hint::spin_loop();
            return true;
        }
        std::thread::yield_now();
        self.yields_since.get_or_insert_with(Instant::now).elapsed() < YIELDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: patience ends.
    #[test]
    fn patience_ends() {
        let (begun, mut patience) = (Instant::now(), Patience::default());
        while patience.lasts() {}
        assert!(patience.looks() > LOOKS);
        assert!(begun.elapsed() >= YIELDS);
    }
}
