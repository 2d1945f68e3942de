//! What the crate promises, one module a subject: one binary, since linking is slow.

#![forbid(unsafe_code)]

#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "import")]
mod histories;
#[cfg(feature = "import")]
mod import;
mod render;
mod resolve;
mod resolve;
#[cfg(feature = "cli")]
mod verdicts;
