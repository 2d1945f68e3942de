//! The resolver against its meaning.

use proptest::prelude::*;

use super::script::resolve_vs_model;

/// Promise: verdicts, causes and explanations are those of the list of transactions, whatever is called.
#[test]
fn equals_the_model_on_long_scripts() {
    let rounds = if cfg!(debug_assertions) { 300 } else { 3_000 };
    for seed in 0..rounds {
        let mut state = seed as u64;
        let bytes: Vec<u8> = (0..4_000 + seed % 3_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                (state >> 56) as u8
            })
            .collect();
        resolve_vs_model(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Promise: as above, with inputs that shrink to what is wrong.
    #[test]
    fn equals_the_model(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        resolve_vs_model(&bytes);
    }
}
