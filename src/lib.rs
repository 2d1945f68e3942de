//! Orders writes by bounded timestamps and finds what the clocks prove about them.
//!
//! The modules stand in the order in which data flows.

#![forbid(unsafe_code)]

pub mod error;
pub mod time;
pub mod txn;

#[cfg(feature = "import")]
pub mod import;
pub mod inspect;
pub mod log;
pub mod models;
pub mod output;
pub mod reference;
pub mod report;

pub use error::{Error, Result};
pub use report::{Model, Report};
pub use time::BoundedTimestamp;
