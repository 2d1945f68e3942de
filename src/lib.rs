//! Orders transactions by bounded timestamps and judges logs: what do the clocks prove, and what can
//! they not rule out?
//!
//! A [`Log`] is opened from Arrow IPC files (or built, by [`log::build`]), [`verify`] judges it by the
//! [`Model`]s asked for, and the [`Report`] holds verdicts, exact counts and findings. `README.md`
//! shows the whole path in one example; `ARCHITECTURE.md` says why the pieces are cut as they are.
//!
//! The modules stand in the order in which data flows. Nothing here prints, exits or panics on input.

#![forbid(unsafe_code)]

pub mod error;
pub mod time;
pub mod txn;

pub mod output;
pub mod timings;

pub mod clock;

pub mod bounds;

mod bytes;
mod memory;

pub mod log;

#[cfg(feature = "import")]
pub mod import;

mod history;
mod partition;
mod scatter;
mod window;

pub mod models;
pub mod report;

pub mod reference;

pub mod resolve;

pub mod inspect;
pub mod order;

pub use error::{Error, Result};
pub use log::{Log, OpenOptions};
pub use models::{VerifyOptions, verify};
pub use report::{Model, Report};
pub use resolve::Resolver;
pub use time::BoundedTimestamp;

/// README's code is compiled and run with the documentation's tests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
