//! The rows of a small node, which lie in columns.

/// The rows of a node: what stands at one place in all columns is a row. `N` is at most 32.
#[derive(Debug)]
pub struct NodeRows<'a, const N: usize> {
    /// A word of each row.
    pub words: &'a mut [u64; N],
    /// A number of each row.
    pub numbers: &'a mut [i32; N],
    /// Another number of each row, if there are any.
    pub others: Option<&'a mut [u32; N]>,
}

/// The places of the bits that are set, in order.
///
/// ```
/// assert!(skewer_kernels::places(0b1001_0010).eq([1, 4, 7]));
/// ```
#[inline]
pub fn places(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (bits != 0).then_some(bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        at
    })
}
