//! Any bytes are a segment or an error.

#![no_main]
#![forbid(unsafe_code)]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| skewer_fuzz::segment_any_bytes(bytes));
