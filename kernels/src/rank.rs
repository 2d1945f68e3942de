//! How many words of a node are less than one.

/// How many of the lowest bits are ones, before the first zero.
#[inline]
pub(crate) fn ones_first(bits: u64) -> usize {
    bits.trailing_ones() as usize
}
