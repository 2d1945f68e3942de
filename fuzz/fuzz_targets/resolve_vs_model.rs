//! Any bytes are calls of the resolver, which has to answer as a list of all transactions does.

#![no_main]
#![forbid(unsafe_code)]

use libfuzzer_sys::fuzz_target;
use skewer::resolve::script::resolve_vs_model;

fuzz_target!(|data: &[u8]| resolve_vs_model(data));
