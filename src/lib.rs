//! Orders writes by bounded timestamps and finds what the clocks prove about them.
//!
//! The modules stand in the order in which data flows.

#![forbid(unsafe_code)]

pub mod error;
pub mod time;
pub mod txn;

mod bytes;

#[cfg(feature = "import")]
pub mod import;
pub mod log;

mod history;
mod partition;
mod window;

pub mod models;
pub mod reference;

pub mod resolve;

pub mod inspect;
pub mod order;
pub mod output;
pub mod report;

pub use error::{Error, Result};
pub use log::{Log, OpenOptions};
pub use models::{VerifyOptions, verify};
pub use report::{Model, Report};
pub use resolve::Resolver;
pub use time::BoundedTimestamp;
