//! Which words of a column have some value in their highest bits.

/// The value of a word's highest bits: of those from `shift` on.
#[derive(Clone, Copy, Debug)]
pub struct High {
    /// How many lower bits are not looked at: less than 64.
    pub shift: u32,
    /// What the others must be as a number.
    pub value: u64,
}

impl High {
    /// Whether a word's highest bits have the value.
    #[inline]
    pub(crate) fn is_of(self, word: u64) -> bool {
        word >> self.shift == self.value
    }
}

/// So many places more than there are words a kernel may write before it knows how many count.
pub(crate) const SLACK: usize = 4;
