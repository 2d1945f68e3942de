//! Some transactions of a batch, copied to another one.

use std::ops::Range;

use super::{Batch, Cause};

impl Batch {
    /// Appends copies of some transactions of `other`, whose keys fitted there.
    pub(in crate::resolve) fn append_some(&mut self, other: &Batch, txns: Range<usize>) {
        for txn in txns {
            self.begin(other.txns[txn].snapshot);
            for access in other.reads_of(txn) {
                self.adopt(other.keyed(*access), Cause::Read);
            }
            for access in other.writes_of(txn) {
                self.adopt(other.keyed(*access), Cause::Write);
            }
            if other.txns[txn].explain {
                self.explain_last();
            }
        }
    }
}
