//! What the crate promises, one module a subject: one binary, since linking is slow.

#![forbid(unsafe_code)]

#[cfg(feature = "cli")]
mod cli;
mod corpus;
#[cfg(feature = "import")]
mod histories;
mod hostile;
#[cfg(feature = "import")]
mod import;
mod recorded;
mod render;
#[cfg(feature = "cli")]
mod rules;
#[cfg(feature = "cli")]
mod verdicts;
