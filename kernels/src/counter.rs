//! The counter of ticks that the CPU keeps.

/// The CPU's counter: the time stamp counter of x86-64, the virtual count of ARM. `None` on other
/// CPUs.
///
/// It is read after everything before it in the program, and before everything after it: a reading
/// neither drifts up into the work that precedes it nor down into what it is to bound. The fences
/// cost a few nanoseconds each.
#[inline]
pub fn counter() -> Option<u64> {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: SSE2 is part of x86-64.
    return Some(unsafe { time_stamp_counter() });
    #[cfg(target_arch = "aarch64")]
    return Some(virtual_count());
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    None
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sse2")]
#[inline]
fn time_stamp_counter() -> u64 {
    use std::arch::x86_64::{_mm_lfence, _rdtsc};
    _mm_lfence();
    // SAFETY: every x86-64 CPU has the instruction. A system may forbid it to a process, which
    // then gets a signal, but reads nothing that it should not.
    let ticks = unsafe { _rdtsc() };
    _mm_lfence();
    ticks
}

#[cfg(target_arch = "aarch64")]
#[inline]
fn virtual_count() -> u64 {
    let ticks: u64;
    // SAFETY: reads a register into `ticks` and touches neither memory nor stack. Linux lets
    // every process read it.
    unsafe {
        std::arch::asm!("isb", "mrs {}, cntvct_el0", "isb", out(reg) ticks, options(nostack, preserves_flags));
    }
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: the counter does not go back.
    #[test]
    fn goes_forward() {
        let readings: Vec<Option<u64>> = (0..1_000).map(|_| counter()).collect();
        assert!(readings.is_sorted());
    }
}
