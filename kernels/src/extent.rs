//! What a pass over a slice of intervals finds out about all of them.

/// The outline of a slice of intervals `[begin, end]`: where they begin, how wide they are, and
/// whether all of them are intervals.
///
/// ```
/// use skewer_kernels::{Extent, Isa, extent};
/// let early = extent(Isa::best(), &[0, 3], &[5, 4]);
/// let late = extent(Isa::best(), &[4], &[9]);
/// assert_eq!(early.merge(late), extent(Isa::best(), &[0, 3, 4], &[5, 4, 9]));
/// assert_eq!(early.merge(Extent::EMPTY), early);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The least begin, in ticks; `i64::MAX` of no intervals.
    pub min_begin: i64,
    /// The greatest begin, in ticks; `i64::MIN` of no intervals.
    pub max_begin: i64,
    /// The greatest `end - begin`, in ticks; an interval with `begin > end` counts as 0 wide.
    pub max_width: u64,
    /// Whether some begin is after its end.
    pub inverted: bool,
}

impl Extent {
    /// The extent of no intervals: the identity of [`merge`](Self::merge), on both sides.
    pub const EMPTY: Self =
        Extent { min_begin: i64::MAX, max_begin: i64::MIN, max_width: 0, inverted: false };

    /// The extent of these intervals and `next`: exact and associative, so that parts of
    /// a slice may be looked at apart.
    #[must_use]
    pub fn merge(self, next: Self) -> Self {
        Extent {
            min_begin: self.min_begin.min(next.min_begin),
            max_begin: self.max_begin.max(next.max_begin),
            max_width: self.max_width.max(next.max_width),
            inverted: self.inverted || next.inverted,
        }
    }
}
