//! Models 5 and 8.

use super::*;
use Model::{ClockBounds, ExternalConsistency as External};

/// Promise: a transaction that began after another's acknowledgement has a larger timestamp.
#[test]
fn timestamp_inversion() {
    let text = |stamp: i64| {
        format!("a eu [0,1]..[12,14] ts=..9 : w x 1\n b us [15,16]..[17,18] ts=..{stamp} : w y 1")
    };
    finds(External, &text(8), &["definite timestamp-inversion: a b"]);
    finds(External, &text(9), &["definite timestamp-inversion: a b"]);
    finds(External, &text(10), &[]);
    let touching = "a eu [0,1]..[12,15] ts=..9 : w x 1
                    b us [15,16]..[17,18] ts=..8 : w y 1";
    finds(External, touching, &[]);
}

/// Promise: an inversion counts once per later transaction; the witness has the largest
/// timestamp, of several the largest region.
#[test]
fn which_witness() {
    let text = "a eu 0..21 ts=..9 : w x 1
                b eu 0..21 ts=..11 : w x 2
                c us 0..21 ts=..11 : w x 3
                d ap 0..21 ts=..11 : w x 4
                z us 22..23 ts=..5 : w y 1
                y us 24..25 ts=..4 : w y 2";
    finds(External, text, &["definite timestamp-inversion: c y", "definite timestamp-inversion: c z"]);
}

/// Promise: a transaction is not inverted against itself, however broken its clocks.
#[test]
fn no_inversion_with_oneself() {
    finds(External, "a eu 9..5 ts=..4 : w x 1", &[]);
}

/// Promise: the acknowledgement comes after the commit timestamp.
#[test]
fn commit_wait() {
    let text = |stamp: &str| format!("a eu 0..[10,12] ts=..{stamp} : w x 1");
    finds(External, &text("13"), &["definite commit-wait: a"]);
    finds(External, &text("12"), &["possible commit-wait: a"]);
    finds(External, &text("10"), &["possible commit-wait: a"]);
    finds(External, &text("9"), &[]);
    finds(External, "a eu 0..max ts=..max : w x 1", &["possible commit-wait: a"]);
}

/// Promise: external consistency needs timestamps and bounds that were recorded.
#[test]
fn external_needs() {
    lacks(External, &log("a eu 0..1 : w x 1"), "the log has no commit timestamps");
    lacks(External, &log("a eu ..1 ts=..1 : w x 1"), "the log has no recorded start bounds");
    lacks(External, &log("a eu 0..1 ts=..1 assumed : w x 1"), "the log has no recorded start bounds");
    let some = log("a eu 0..1 ts=..1 : w x 1\n b eu 0..1 : w x 2");
    let reason = "1 of 2 committed transactions has no commit timestamp; the first is row 1 of log.arrow";
    lacks(External, &some, reason);
    lacks(External, &log("a eu 0.. ts=..1 : w x 1"), "the log has no recorded commit bounds");
}

/// Promise: a commit that ends before its own start begins proves a bound untrue.
#[test]
fn own_commit_before_start() {
    let text = "a eu [10,12]..[5,7] : w x 1";
    finds(ClockBounds, text, &["definite broken-bound: a a"]);
    fact(ClockBounds, text, "broken.eu->eu.count", 1);
    fact(ClockBounds, text, "broken.eu->eu.largest", 3);
    finds(ClockBounds, "a eu [10,12]..[5,10] : w x 1", &[]);
}

/// Promise: what was read began before its reader committed.
#[test]
fn reads_prove_an_order() {
    let text = "w eu [10,12]..[14,15] : w x 1, w y 1
                r us [0,1]..[5,7] : r x 1, r y 1, w z 1";
    finds(ClockBounds, text, &["definite broken-bound: w r"]);
    fact(ClockBounds, text, "broken.eu->us.count", 1);
    fact(ClockBounds, text, "broken.eu->us.largest", 3);
    let touching = "w eu [10,12]..[14,15] : w x 1
                    r us [0,1]..[5,10] : r x 1, w z 1";
    finds(ClockBounds, touching, &[]);
}

/// Promise: without starts the writer's commit came first.
#[test]
fn reads_without_starts() {
    let text = "w eu ..[10,12] : w x 1
                r us ..[5,7] : r x 1, w z 1";
    finds(ClockBounds, text, &["definite broken-bound: w r"]);
}

/// Promise: ambiguous, intermediate, initial and own reads prove no order.
#[test]
fn reads_that_prove_nothing() {
    let text = "a eu ..[10,12] : w x 1, w y 1, w y 2
                b eu ..[10,12] : w x 1
                r us ..[5,7] : r x 1, r y 1, r z nil, w z 1, r z 1";
    finds(ClockBounds, text, &[]);
}

/// Promise: a session's transactions came one after the other.
#[test]
fn sessions_prove_an_order() {
    let text = "a eu@s ..[10,12] : w x 1
                b us@s ..[5,7] : w y 1
                c ap@s ..[6,9] : w z 1";
    finds(ClockBounds, text, &["definite broken-bound: a b"]);
    let with_starts = "a eu@s [3,4]..[10,12] : w x 1
                       b us@s [4,4]..[5,7] : w y 1";
    finds(ClockBounds, with_starts, &[]);
}

/// Promise: a pair that both a read and a session order counts once.
#[test]
fn a_pair_counts_once() {
    let text = "a eu@s ..[10,12] : w x 1
                b us@s ..[5,7] : r x 1, w y 1";
    finds(ClockBounds, text, &["definite broken-bound: a b"]);
    fact(ClockBounds, text, "broken.eu->us.count", 1);
}

/// Promise: regions are counted in both directions, with the largest amount of each.
#[test]
fn three_regions() {
    let text = "a eu ..100 : w x 1
                b us ..90 : r x 1, w y 1
                c ap ..70 : r y 1, r x 1, w z 1
                d us ..80 : r x 1, w u 1
                e eu ..60 : r u 1, w v 1";
    fact(ClockBounds, text, "broken.eu->us.count", 2);
    fact(ClockBounds, text, "broken.eu->us.largest", 20);
    fact(ClockBounds, text, "broken.us->ap.largest", 20);
    fact(ClockBounds, text, "broken.eu->ap.largest", 30);
    fact(ClockBounds, text, "broken.us->eu.count", 1);
    assert_eq!(judged(ClockBounds, text).facts.len(), 8);
}

/// Promise: the amount is exact over the whole range, and unbounded clocks prove nothing.
#[test]
fn extremes() {
    let text = "a eu max..min : w x 1";
    fact(ClockBounds, text, "broken.eu->eu.largest", u64::MAX);
    finds(ClockBounds, "a eu [min,max]..[min,max] : w x 1", &[]);
}

/// Promise: clock-bounds needs commit bounds, and something that says what came first.
#[test]
fn clock_bounds_needs() {
    lacks(ClockBounds, &log("a eu ts=..1 : w x 1"), "the log has no commit bounds");
    let nothing =
        "the log has no sessions, no start bounds and no reads with values: nothing says what came first";
    lacks(ClockBounds, &log("a eu ..1 : w x 1"), nothing);
    let mut unvalued = log("a eu ..1 : w x 1, r x 1");
    unvalued.columns.value = false;
    lacks(ClockBounds, &unvalued, nothing);
}

/// Promise: bounds made of timestamps are judged like recorded ones.
#[test]
fn assumed_bounds() {
    finds(ClockBounds, "a eu 9..5 ts=9..5 assumed : w x 1", &["definite broken-bound: a a"]);
}
