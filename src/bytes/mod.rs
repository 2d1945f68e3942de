//! From a file's bytes to Arrow record batches, without copying and without trust.
//!
//! A native log is used in place: the file is mapped, the map becomes an Arrow buffer, and each
//! column is a slice of it. Nothing in a file is believed before it was checked: see
//! [`guard`](self) for what is looked at before Arrow's own readers see a byte.

mod decode;
mod foreign;
mod guard;
mod ipc;
mod source;

pub(crate) use ipc::{IpcFile, IpcOptions};
pub(crate) use source::{Looks, Map, Source};
