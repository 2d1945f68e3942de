//! What the crate promises, one module a subject: one binary, since linking is slow.

#![forbid(unsafe_code)]

mod histories;
mod import;
