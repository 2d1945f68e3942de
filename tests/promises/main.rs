//! What the crate promises, one module a subject: one binary, since linking is slow.

#![forbid(unsafe_code)]

#[cfg(feature = "cli")]
mod cli;
mod corpus;
mod collisions;
mod columns;
#[cfg(feature = "import")]
mod histories;
mod hostile;
#[cfg(feature = "import")]
mod import;
mod recorded;
mod laws;
mod logs;
mod properties;
mod render;
mod serial;
mod shapes;
mod strategies;
#[cfg(feature = "cli")]
mod rules;
#[cfg(feature = "cli")]
mod verdicts;
mod worlds;
