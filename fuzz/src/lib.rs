//! What fuzzing runs, and plain tests run again over the corpus.
//!
//! Each function takes any bytes and returns; what it finds, it panics with.

#![forbid(unsafe_code)]

mod any_bytes;
mod bounds;
pub mod seeds;
mod segment;
mod small_log;

pub use any_bytes::open_any_bytes;
pub use bounds::bounds_any_bytes;
pub use segment::segment_any_bytes;
pub use small_log::verify_vs_reference;
