//! Verdicts against their meaning: all realisations, all serial orders.

use super::*;
use crate::report::{Certainty, Kind};

/// Every bound within the ticks 0 to 3.
fn bounds() -> Vec<(i64, i64)> {
    (0..4).flat_map(|earliest| (earliest..4).map(move |latest| (earliest, latest))).collect()
}

/// What `violated` says over all choices of one time in each bound.
fn meant(bounds: [(i64, i64); 3], violated: impl Fn(i64, i64, i64) -> bool) -> Option<Certainty> {
    let (mut some, mut all) = (false, true);
    for a in bounds[0].0..=bounds[0].1 {
        for b in bounds[1].0..=bounds[1].1 {
            for c in bounds[2].0..=bounds[2].1 {
                some |= violated(a, b, c);
                all &= violated(a, b, c);
            }
        }
    }
    if all { Some(Certainty::Definite) } else { some.then_some(Certainty::Possible) }
}

fn certainty(text: &str, model: Model, kind: Kind) -> Option<Certainty> {
    judged(model, text).findings.iter().find(|f| f.kind == kind).map(|f| f.certainty)
}

/// Promise: with one overwriter, a definite stale or future read is one in every realisation, a
/// possible one is one in some: every log of three transactions and four ticks.
#[test]
fn reads_against_all_realisations() {
    for w in bounds() {
        for v in bounds() {
            for r in bounds() {
                let spelled = |(earliest, latest)| format!("[{earliest},{latest}]");
                let writes = format!("w eu 0..{} : w x 1\n v eu 0..{} : w x 2\n", spelled(w), spelled(v));
                let snapshot = format!("{writes} r eu {}.. : r x 1", spelled(r));
                let commit = format!("{writes} r eu ..{} : r x 1, w y 1", spelled(r));
                let three = [w, v, r];
                let model = Model::SnapshotIsolation;
                let stale = certainty(&snapshot, model, Kind::StaleRead);
                assert_eq!(stale, meant(three, |w, v, s| w < v && v <= s), "{snapshot}");
                let future = certainty(&snapshot, model, Kind::FutureRead);
                assert_eq!(future, meant(three, |w, _, s| s < w), "{snapshot}");
                let model = Model::Serializable;
                let stale = certainty(&commit, model, Kind::StaleRead);
                assert_eq!(stale, meant(three, |w, v, c| w < v && v < c), "{commit}");
                // Two commits at one time may stand either way: never proved, never ruled out.
                let surely = meant(three, |w, _, c| c < w);
                let perhaps = meant(three, |w, _, c| c <= w);
                let expected = surely.filter(|c| *c == Certainty::Definite);
                let expected = expected.or(perhaps.map(|_| Certainty::Possible));
                assert_eq!(certainty(&commit, model, Kind::FutureRead), expected, "{commit}");
            }
        }
    }
}

/// Promise: two writers are each blind to the other in all, some or no realisations.
#[test]
fn conflicts_against_all_realisations() {
    let starts = [(0, 0), (0, 1), (1, 2), (0, 3), (2, 3)];
    for s_a in starts {
        for s_b in starts {
            for c_a in bounds() {
                for c_b in bounds() {
                    let (mut some, mut all) = (false, true);
                    for start in s_a.0..=s_a.1 {
                        let blind = meant([s_b, c_a, c_b], |b, c, d| start < d && b < c);
                        some |= blind.is_some();
                        all &= blind == Some(Certainty::Definite);
                    }
                    let expected =
                        if all { Some(Certainty::Definite) } else { some.then_some(Certainty::Possible) };
                    let text = format!(
                        "a eu [{},{}]..[{},{}] : w x 1\n b us [{},{}]..[{},{}] : w x 2",
                        s_a.0, s_a.1, c_a.0, c_a.1, s_b.0, s_b.1, c_b.0, c_b.1
                    );
                    let found = certainty(&text, Model::CrossRegionConflicts, Kind::WriteWrite);
                    assert_eq!(found, expected, "{text}");
                }
            }
        }
    }
}

/// An operation on a register: its begin, its end, the value, and whether it writes it.
type Operation = (i64, i64, u64, bool);

/// Whether some serial order respects real time and gives every read the last write's value.
fn linearizable(left: &[Operation], value: u64) -> bool {
    left.is_empty()
        || (0..left.len()).any(|i| {
            let (begin, _, next, write) = left[i];
            let first = left.iter().all(|other| other.1 >= begin);
            let rest: Vec<Operation> = [&left[..i], &left[i + 1..]].concat();
            first && (write || next == value) && linearizable(&rest, next)
        })
}

/// The operations as a log, each a transaction.
fn spelled(operations: &[Operation]) -> String {
    let line = |(i, (begin, end, value, write)): (usize, &Operation)| {
        let operation = if *write { "w" } else { "r" };
        let value = if *value == 0 { "nil".to_owned() } else { value.to_string() };
        format!("t{i} eu {begin}..{end} : {operation} x {value}")
    };
    operations.iter().enumerate().map(line).collect::<Vec<String>>().join("\n")
}

/// Promise: with exact times, the zones decide linearizability as trying all orders does.
#[test]
fn zones_against_all_orders() {
    let mut state = 1_u64;
    let mut below = |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let mut violated = 0;
    for _ in 0..20_000 {
        let writes = below(4);
        let operations: Vec<Operation> = (0..writes + 1 + below(3))
            .map(|i| {
                let begin = i64::try_from(below(8)).unwrap();
                let end = begin + i64::try_from(below(4)).unwrap();
                let write = i < writes;
                (begin, end, if write { i + 1 } else { below(writes + 1) }, write)
            })
            .collect();
        let text = spelled(&operations);
        let holds = judged(Model::Linearizable, &text).verdict == Verdict::Holds;
        assert_eq!(holds, linearizable(&operations, 0), "{text}");
        violated += u32::from(!holds);
    }
    assert!((4_000..16_000).contains(&violated), "{violated} of 20000 violate: the logs tell little");
}
