//! What users may rely on, checked from outside: one binary, since linking is slow.

#![forbid(unsafe_code)]

mod cli;
mod render;
