//! The resolver against its meaning.

use proptest::prelude::*;

use super::script::{resolve_vs_model, resolve_vs_model_without_reads};

/// A script of a few thousand calls' bytes.
fn script(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..4_000 + seed % 3_000).map(|_| byte()).collect()
}

/// Promise: verdicts, causes and explanations are those of the list of transactions, whatever is called.
#[test]
fn equals_the_model_on_long_scripts() {
    let rounds = if cfg!(debug_assertions) { 300 } else { 3_000 };
    (0..rounds).for_each(|seed| resolve_vs_model(&script(seed)));
}

/// Promise: the tests above notice a resolver that ignores the read set.
#[test]
fn a_dropped_read_set_is_noticed() {
    let noticed = (0..40)
        .filter(|seed| std::panic::catch_unwind(|| resolve_vs_model_without_reads(&script(*seed))).is_err());
    // Under snapshot isolation reads do not count: about one script in four.
    assert!(noticed.count() > 20);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Promise: as above, with inputs that shrink to what is wrong.
    #[test]
    fn equals_the_model(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        resolve_vs_model(&bytes);
    }
}
