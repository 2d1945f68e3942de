//! A hint that memory is large and will be read all over.

/// The least size for which the hint is given: one huge page of x86-64.
#[cfg(target_os = "linux")]
const HUGE: usize = 2 << 20;

/// Asks the system to back `slice` by huge pages where it can: fewer look-ups of addresses. Changes no
/// content, only how fast it is reached.
///
/// Best called before the memory is first touched: of `Vec::spare_capacity_mut`, say. Does nothing for
/// slices below 2 MiB, where the system has no such call, or where it declines.
pub fn advise_huge<T>(slice: &[T]) {
    #[cfg(target_os = "linux")]
    {
        let first = slice.as_ptr().addr().next_multiple_of(HUGE);
        let end = (slice.as_ptr().addr() + size_of_val(slice)) / HUGE * HUGE;
        if first < end {
            let at = slice.as_ptr().with_addr(first).cast_mut().cast();
            // SAFETY: the range lies inside the slice, on page boundaries; this advice changes neither
            // content nor access rights, and its failure means nothing.
            unsafe { libc::madvise(at, end - first, libc::MADV_HUGEPAGE) };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = slice;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: advice changes no content, whatever the size.
    #[test]
    fn content_stays() {
        for len in [0, 1, 100_000, 1_000_000] {
            let slice: Vec<u64> = (0..len).collect();
            advise_huge(&slice);
            assert!(slice.iter().copied().eq(0..len));
        }
        advise_huge(&[(); 3]);
    }
}
