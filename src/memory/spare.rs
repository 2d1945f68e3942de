//! Memory that one pass used and the next one uses again.

use std::sync::{Arc, Mutex, PoisonError};

use memmap2::{MmapMut, MmapOptions};

use super::Budget;

/// Bytes of a huge page on x86-64, and on ARM with small pages of 4 KiB.
const HUGE_PAGE: usize = 2 << 20;

/// Maps of memory that are not in use: a pass that takes one spares the system finding fresh pages and clearing
/// them, which costs more than filling them. Clones share them; with the last they are given back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spare {
    maps: Arc<Mutex<Vec<MmapMut>>>,
    /// Whether maps are given back at once.
    keeps_none: bool,
}

impl Spare {
    /// None so far. Where there is a limit to what may be held none is kept: it is in no account.
    pub(crate) fn within(budget: Budget) -> Self {
        Spare { keeps_none: budget.for_records().is_some(), ..Spare::default() }
    }

    /// A map of at least `bytes` bytes, in huge pages where the system gives them, that holds anything; `None` if
    /// there is none to be had. If none fits, those that are too small are given back first.
    pub(crate) fn take(&self, bytes: usize) -> Option<MmapMut> {
        let mut spare = self.maps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = spare.iter().position(|map| map.len() >= bytes) {
            return Some(spare.swap_remove(at));
        }
        spare.clear();
        drop(spare);
        // Whole huge pages are laid where no small ones are needed at the ends.
        let map =
            MmapOptions::new().len(bytes.next_multiple_of(HUGE_PAGE)).no_reserve_swap().map_anon().ok()?;
        // Without huge pages it is slower and nothing else.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Some(map)
    }

    /// Keeps a map for the next pass.
    pub(crate) fn keep(&self, map: MmapMut) {
        if !self.keeps_none {
            self.maps.lock().unwrap_or_else(PoisonError::into_inner).push(map);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: what was kept is taken again if it is large enough, and nothing is kept that was too small.
    #[test]
    fn memory_is_used_again() {
        let spare = Spare::default();
        let mut map = spare.take(5_000_000).unwrap();
        map[4_999_999] = 7;
        spare.keep(map);
        let map = spare.clone().take(4_000_000).unwrap();
        assert_eq!(map[4_999_999], 7);
        spare.keep(map);
        assert!(spare.take(9_000_000).unwrap().len() >= 9_000_000);
        assert_eq!(spare.maps.lock().unwrap().len(), 0);
        let spare = Spare::within(Budget::of(Some(1 << 40)));
        spare.keep(spare.take(5_000_000).unwrap());
        assert_eq!(spare.maps.lock().unwrap().len(), 0);
    }
}
