//! The fast paths and the reference say the same of any log.

#![no_main]
#![forbid(unsafe_code)]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| skewer_fuzz::verify_vs_reference(bytes));
