//! What the crate promises, one module a subject: one binary, since linking is slow.

#![forbid(unsafe_code)]

#[path = "../../benches/data/adversarial.rs"]
mod adversarial;
mod adversaries;
#[cfg(feature = "cli")]
mod bound_files;
mod bounds;
mod budget;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod clock;
mod collisions;
mod columns;
mod conformance;
mod corpus;
mod every_world;
#[cfg(feature = "import")]
mod histories;
mod hostile;
#[cfg(feature = "import")]
mod import;
#[cfg(feature = "cli")]
mod kv_store;
mod laws;
mod logs;
mod misaligned;
mod model_laws;
mod model_worlds;
mod models;
mod notation;
mod properties;
mod readings;
mod recorded;
mod render;
mod resolve;
mod resolve_fingerprints;
mod resolve_host;
mod resolve_memory;
mod resolve_misuse;
mod resolve_replay;
mod resolve_shared;
#[cfg(feature = "cli")]
mod rules;
mod serial;
mod shapes;
mod speed;
mod strategies;
#[cfg(all(feature = "cli", target_os = "linux"))]
mod temporary;
#[cfg(feature = "cli")]
mod timings;
#[cfg(feature = "cli")]
mod verdicts;
mod worlds;
