//! What a run may hold beside the log, and where the rest goes: to files without a name.
//!
//! Such a file is removed by the system when the process ends, however it ends. What is read once and in
//! order is written in runs and read back ([`Temporary`]); what is looked up at random is a column, whose
//! file is mapped: its pages are the system's to drop, as those of the log are.

mod budget;
mod column;
mod huge;
mod spare;
mod temporary;

pub(crate) use budget::Budget;
pub(crate) use column::{ColumnWriter, column_of};
pub(crate) use huge::reserve;
pub(crate) use spare::Spare;
pub(crate) use temporary::Temporary;
