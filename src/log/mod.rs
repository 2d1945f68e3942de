//! Logs.

pub mod build;
