//! What fuzzing runs, run over its corpus: no nightly is needed for that.

// Public there, for the fuzz targets; here it is a module of a test.
#[allow(unreachable_pub)]
#[path = "../../fuzz/src/lib.rs"]
pub(crate) mod fuzz;

use std::path::{Path, PathBuf};

use skewer::resolve::script::resolve_vs_model;

/// The files of a target's corpus, sorted by name.
fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

fn over_corpus(target: &str, run: fn(&[u8])) {
    for file in corpus(target) {
        let bytes = std::fs::read(&file).unwrap();
        let outcome = std::panic::catch_unwind(|| run(&bytes));
        assert!(outcome.is_ok(), "{} fails", file.display());
    }
}

/// Promise: any bytes are a log or an error, for all that fuzzing ever kept.
#[test]
fn any_bytes() {
    over_corpus("open_any_bytes", fuzz::open_any_bytes);
}

/// Promise: the fast paths say what the reference says, for all that fuzzing ever kept.
#[test]
fn fast_and_reference() {
    over_corpus("verify_vs_reference", fuzz::verify_vs_reference);
}

/// Promise: any bytes are a segment of ClockBound or an error, for all that fuzzing ever kept.
#[test]
fn any_segment() {
    over_corpus("segment_any_bytes", fuzz::segment_any_bytes);
}

/// Promise: any bytes are a history of bounds or an error, for all that fuzzing ever kept; and the seeds are
/// histories of each of the three forms.
#[test]
fn any_bounds() {
    over_corpus("bounds_any_bytes", fuzz::bounds_any_bytes);
}

/// Promise: a transaction of unknown fate whose write was read counts as committed, also where
/// another file of the log has no values. (Found by fuzzing: the fast path asked whether every
/// file had them.)
#[test]
fn values_in_one_file_only() {
    fuzz::verify_vs_reference(include_bytes!(
        "../../fuzz/corpus/verify_vs_reference/found-values-in-one-file-only"
    ));
}

/// Promise: the answers of a list of transactions, for all that fuzzing ever kept.
#[test]
fn resolver_and_list() {
    over_corpus("resolve_vs_model", resolve_vs_model);
}

/// Promise: what is refused for the sake of a transaction in flight, whose key nobody has written, is explained without a
/// version. (Found by fuzzing: the least of all stamps was subtracted from, which a build with checks of overflow stops at.)
#[test]
fn in_flight_below_all_stamps() {
    resolve_vs_model(include_bytes!("../../fuzz/corpus/resolve_vs_model/found-in-flight-below-all-stamps"));
}
