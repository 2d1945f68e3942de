//! Any bytes are a history of a clock's error or an error.

#![no_main]
#![forbid(unsafe_code)]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| skewer_fuzz::bounds_any_bytes(bytes));
