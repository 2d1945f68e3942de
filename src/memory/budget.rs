//! How a budget is shared out.

/// Bytes that a run may hold beside the log; without a limit it holds what it needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Budget(Option<u64>);

/// A column may take one in so many bytes. No model looks at more than eight at a time: they take no
/// more than the half of the budget that records leave.
const COLUMN_SHARE: u64 = 16;

impl Budget {
    /// That many bytes; `None` for no limit.
    pub(crate) fn of(bytes: Option<u64>) -> Self {
        Budget(bytes)
    }

    /// Whether so many bytes may be held at a time.
    pub(crate) fn holds(self, bytes: u64) -> bool {
        self.0.is_none_or(|budget| bytes <= budget)
    }

    /// Whether a column of so many bytes may be held.
    pub(crate) fn holds_column(self, bytes: u64) -> bool {
        self.holds(bytes.saturating_mul(COLUMN_SHARE))
    }

    /// The bytes that records and their copies may take at a time, if there is a limit.
    pub(crate) fn for_records(self) -> Option<u64> {
        self.0.map(|budget| budget / 2)
    }
}
