//! The VMClock device, by which a hypervisor tells that it disturbed a machine's clock.
//!
//! Of its 104 bytes, little-endian, two words matter here: 0 u32 magic "VCLK", 4 u32 size, and
//! 16 u64 disruption marker, which changes whenever the machine was moved, restored or paused.

use std::fs::File;
use std::path::Path;

use skewer_kernels::SharedMemory;

use super::error::ClockError;

const MAGIC: u32 = 0x4B4C_4356;
/// Words up to and with the marker.
const WORDS: usize = 3;
const MARKER: usize = 2;

/// The device, mapped.
#[derive(Debug)]
pub(super) struct VmClock {
    memory: SharedMemory,
}

impl VmClock {
    pub(super) fn open(path: &Path) -> Result<Self, ClockError> {
        let fails = |reason: String| ClockError::VmClock { path: path.to_owned(), reason };
        let map = File::open(path).and_then(|file| SharedMemory::map(&file, WORDS));
        let memory = map.map_err(|e| {
            fails(format!("the daemon watches this device for disruptions, but it cannot be read: {e}"))
        })?;
        let first = u64::from_le(memory.word(0));
        // The low half of a little-endian word.
        if first as u32 == MAGIC {
            Ok(VmClock { memory })
        } else {
            Err(fails("does not start like a vmclock".to_owned()))
        }
    }

    /// The marker now. It is one word, which the device writes at once: no generation is needed
    /// to read it whole.
    pub(super) fn marker(&self) -> u64 {
        u64::from_le(self.memory.word(MARKER))
    }
}
