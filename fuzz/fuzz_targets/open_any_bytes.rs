//! Any bytes are a log or an error.

#![no_main]
#![forbid(unsafe_code)]

use libfuzzer_sys::fuzz_target;

fuzz_target!(init: forgive_the_decoder(), |bytes: &[u8]| skewer_fuzz::open_any_bytes(bytes));

/// Lets panics inside Arrow's decoder be: the library catches them at the file's boundary. The hook
/// that is there aborts at every panic, caught or not.
fn forgive_the_decoder() {
    let abort = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let of_arrow = panic.location().is_some_and(|at| at.file().contains("/arrow-"));
        if !of_arrow {
            abort(panic);
        }
    }));
}
