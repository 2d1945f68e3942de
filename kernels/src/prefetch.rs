//! A hint that memory will be read soon.

/// Bytes in a page, at whose end most CPUs stop reading ahead.
pub(crate) const PAGE: usize = 4096;

/// Asks the CPU to bring the cache line of `slice[index]` closer. Changes no answer, only when
/// it comes.
///
/// Does nothing if `index` is out of range (no address beyond the slice is touched, so that
/// loops may look past their end) or where the architecture's hint is not known here: all but
/// x86-64. Of an item that spans several lines, the first is fetched.
#[inline]
pub fn prefetch_read<T>(slice: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(item) = slice.get(index) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE, which has this instruction, is part of x86-64; it neither faults nor
        // writes, and the address is that of a live item.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slice, index);
}

/// Asks the CPU to bring the cache line of an address closer, whatever lies there by now: for who knows where
/// something lay of late and cannot look at it, since others write it. Changes no answer, touches nothing, and
/// asks for nothing where the address is of no memory.
///
/// Does nothing where the architecture's hint is not known here: all but x86-64.
#[inline]
pub fn prefetch_address(address: usize) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE, which has this instruction, is part of x86-64; of any address whatever it neither
        // faults, nor reads what the program could see, nor writes.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::without_provenance(address)) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}

/// Asks for the items of `slice` from `first` on, `count` of them, one hint a cache line; what lies
/// beyond the slice is left alone.
#[inline]
pub fn prefetch_range<T>(slice: &[T], first: usize, count: usize) {
    let per_line = (64 / size_of::<T>().max(1)).max(1);
    let end = slice.len().min(first.saturating_add(count));
    (first..end).step_by(per_line).for_each(|index| prefetch_read(slice, index));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: no index is out of bounds for a hint.
    #[test]
    fn any_index_will_do() {
        let items = [1u64, 2, 3];
        for index in [0, 2, 3, usize::MAX] {
            prefetch_read(&items, index);
        }
        prefetch_range(&items, 1, usize::MAX);
        prefetch_range(&items, usize::MAX, 2);
        prefetch_read::<u64>(&[], 0);
        prefetch_read(&[(); 4], 1);
    }

    /// Promise: nor does it matter what lies at an address, or whether anything does.
    #[test]
    fn any_address_will_do() {
        for address in [0, 1, usize::MAX, usize::MAX / 2, std::ptr::from_ref(&7u64).addr()] {
            prefetch_address(address);
        }
    }
}
