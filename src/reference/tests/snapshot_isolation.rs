//! Model 3.

use super::*;
use Model::SnapshotIsolation as Snapshots;

/// Promise: the first committer wins, in one region as across.
#[test]
fn lost_update() {
    let definite = "a eu [0,4]..[10,12] : w x 1
                    b eu [5,9]..[11,13] : w x 2";
    finds(Snapshots, definite, &["definite lost-update x: a b"]);
    let possible = "a eu [0,4]..[10,12] : w x 1
                    b eu [11,14]..[15,16] : w x 2";
    finds(Snapshots, possible, &["possible lost-update x: a b"]);
    let after = "a eu [0,4]..[10,12] : w x 1
                 b eu [12,14]..[15,16] : w x 2";
    finds(Snapshots, after, &[]);
    let other_key = "a eu [0,4]..[10,12] : w x 1
                     b eu [5,9]..[11,13] : w y 2";
    finds(Snapshots, other_key, &[]);
}

/// Promise: a read of what was certainly committed after the snapshot is definite.
#[test]
fn future_read() {
    let text = |snapshot: &str| format!("w eu 0..[10,12] : w x 1\n r us {snapshot}.. : r x 1");
    finds(Snapshots, &text("[5,9]"), &["definite future-read x: r w"]);
    finds(Snapshots, &text("[5,10]"), &["possible future-read x: r w"]);
    finds(Snapshots, &text("[11,20]"), &["possible future-read x: r w"]);
    finds(Snapshots, &text("[12,20]"), &[]);
    finds(Snapshots, &text("12"), &[]);
    finds(Snapshots, &text("[min,max]"), &["possible future-read x: r w"]);
}

/// Promise: an overwriter that is certainly newer and certainly visible makes a read stale.
#[test]
fn stale_read() {
    let text =
        |second: &str| format!("v eu 0..[1,3] : w x 1\n w eu 4..{second} : w x 2\n r us [20,22].. : r x 1");
    finds(Snapshots, &text("[10,20]"), &["definite stale-read x: r v w"]);
    finds(Snapshots, &text("[10,21]"), &["possible stale-read x: r v w"]);
    finds(Snapshots, &text("[22,23]"), &["possible stale-read x: r v w"]);
    finds(Snapshots, &text("[23,24]"), &[]);
}

/// Promise: an overwriter that may be older makes a read possibly stale only.
#[test]
fn stale_read_of_concurrent_versions() {
    let text =
        |second: &str| format!("v eu [0,0]..[5,9] : w x 1\n w eu 10..{second} : w x 2\n r us 30.. : r x 1");
    let stale = |certainty: &str| format!("{certainty} stale-read x: r v w");
    let early = judged(Snapshots, &text("[9,12]"));
    assert!(early.findings.iter().any(|f| line(f) == stale("possible")));
    let touching = judged(Snapshots, &text("[10,12]"));
    assert!(touching.findings.iter().any(|f| line(f) == stale("definite")));
    // No tick of the other commit lies after the earliest of the one read.
    let before = judged(Snapshots, &text("[1,5]"));
    assert!(before.findings.iter().all(|f| f.kind.name() != "stale-read"));
    let one_tick = judged(Snapshots, &text("[1,6]"));
    assert!(one_tick.findings.iter().any(|f| line(f) == stale("possible")));
}

/// Promise: the initial version precedes everything, also a write at the range's begin.
#[test]
fn stale_reads_of_the_initial_version() {
    finds(Snapshots, "w eu min..min : w x 1\n r us min.. : r x nil", &["definite stale-read x: r w"]);
    finds(Snapshots, "w eu 0..[5,9] : w x 1\n r us [9,12].. : r x nil", &["definite stale-read x: r w"]);
    finds(Snapshots, "w eu 0..[5,9] : w x 1\n r us [1,5].. : r x nil", &["possible stale-read x: r w"]);
    finds(Snapshots, "w eu 0..[5,9] : w x 1\n r us [1,4].. : r x nil", &[]);
}

/// Promise: own writes never make a read stale, nor do other keys' or uncommitted ones.
#[test]
fn what_does_not_overwrite() {
    let own = "v eu 0..1 : w x 1
               r eu 20..[2,25] : r x 1, w x 2";
    finds(Snapshots, own, &[]);
    let others = "v eu 0..1 : w x 1
                  w eu 4..5 : w y 2
                  a eu 4..5 aborted : w x 3
                  u eu 4..5 unknown : w x 4
                  r us 9.. : r x 1";
    finds(Snapshots, others, &[]);
}

/// Promise: of several overwriters a definite finding names the largest by earliest end, a
/// possible one the largest by latest end.
#[test]
fn which_overwriter() {
    let definite = "v eu 0..1 : w x 1
                    a eu 2..[3,5] : w x 2
                    b eu 6..[7,8] : w x 3
                    c eu 9..[10,30] : w x 4
                    r us 20.. : r x 1";
    finds(Snapshots, definite, &["definite stale-read x: r v b"]);
    let possible = "v eu 0..1 : w x 1
                    a eu 2..[3,35] : w x 2
                    b eu 36..[4,36] : w x 3
                    r us 20.. : r x 1";
    let report = judged(Snapshots, possible);
    assert!(report.findings.iter().any(|f| line(f) == "possible stale-read x: r v b"));
}

/// Promise: a definite future read is not also stale; a possible one may be.
#[test]
fn future_and_stale() {
    let both = "w eu 0..[10,12] : w x 1
                v eu 13..[13,14] : w x 2
                r us [11,13].. : r x 1";
    finds(Snapshots, both, &["possible future-read x: r w", "possible stale-read x: r w v"]);
}

/// Promise: a session's next transaction sees the one before it.
#[test]
fn session_order() {
    let broken = "a eu@s 0..[10,12] : w x 1
                  b us@s [5,9].. : r y nil";
    finds(Snapshots, broken, &["definite session-order: a b"]);
    let touching = "a eu@s 0..[10,12] : w x 1
                    b us@s [5,10].. : r y nil";
    finds(Snapshots, touching, &[]);
    let others = "a eu@s 0..[10,12] : w x 1
                  b us@t [5,9].. : r y nil
                  c us [5,9].. : r y nil";
    finds(Snapshots, others, &[]);
}

/// Promise: only consecutive committed transactions of a session are compared, in row order of
/// their first rows.
#[test]
fn sessions_compare_neighbours() {
    let between = "a eu@s 0..20 : w x 1
                   b eu@s 20..21 : w y 1
                   c eu@s 3.. : r z nil";
    finds(Snapshots, between, &["definite session-order: b c"]);
    let aborted_between = "a eu@s 0..20 : w x 1
                           b eu@s 20..21 aborted : w y 1
                           u eu@s 20..21 unknown : w z 1
                           c eu@s 3.. : r z nil";
    finds(Snapshots, aborted_between, &["definite session-order: a c"]);
    let interleaved = "a eu@s 0..20 : w x 1
                       b eu@s 21..22 : w y 1
                       a eu@s 0..20 : w z 1";
    finds(Snapshots, interleaved, &[]);
}

/// Promise: one commit point of two writers of a key is a tie, and only possible.
#[test]
fn commit_ties() {
    let tie = "a eu 0..5 : w x 1
               b us 5..5 : w x 2";
    finds(Snapshots, tie, &["possible commit-tie x: a b"]);
    finds(Snapshots, "a eu 0..5 : w x 1\n b us 5..5 : w y 2", &[]);
    // Equal bounds that are no points are concurrent, no tie.
    let bounds = "a eu 0..[5,6] : w x 1
                  b us 6..[5,6] : w x 2";
    finds(Snapshots, bounds, &[]);
}

/// Promise: a commit certainly before the own start is definite.
#[test]
fn commit_before_start() {
    finds(Snapshots, "a eu [5,9]..[1,4] : w x 1", &["definite commit-before-start: a"]);
    finds(Snapshots, "a eu [5,9]..[1,5] : w x 1", &[]);
    finds(Snapshots, "a eu [5,9].. : r x nil", &[]);
}

/// Promise: where every committed transaction has assigned timestamps, they judge, not bounds.
#[test]
fn assigned_points_judge() {
    // By the bounds r would be a definite future read.
    let text = "w eu 0..[10,12] ts=0..3 : w x 1
                r us [5,9].. ts=4.. : r x 1";
    finds(Snapshots, text, &[]);
    let future = "w eu 0..2 ts=0..5 : w x 1
                  r us 9.. ts=4.. : r x 1";
    finds(Snapshots, future, &["definite future-read x: r w"]);
    let party = &judged(Snapshots, future).findings[0].parties[1];
    assert_eq!((party.times.start, party.times.commit), (Some(bound("0")), Some(bound("5"))));
    // One without: the bounds judge.
    let mixed = "w eu 0..[10,12] ts=..3 : w x 1
                  r us [5,9].. ts=4.. : r x 1";
    finds(Snapshots, mixed, &["definite future-read x: r w"]);
    // No bounds at all are needed then; the aborted need no timestamps.
    finds(Snapshots, "w eu ts=0..3 : w x 1\n a eu aborted : w x 2\n r us ts=3.. : r x 1", &[]);
}

/// Promise: points prove everything but ties.
#[test]
fn points_and_ties() {
    let text = "a eu ts=1..5 : w x 1
                b us ts=1..5 : w x 2";
    finds(Snapshots, text, &["definite lost-update x: a b", "possible commit-tie x: a b"]);
}

/// Promise: missing starts are named, by count and first row.
#[test]
fn needs_starts() {
    lacks(Snapshots, &log("a eu ..5 : w x 1"), "the log has no start bounds");
    let some = log("a eu 0..5 : w x 1
                    b eu ..5 : w x 2
                    c eu ..5 : w x 3
                    d eu ..5 aborted : w x 3");
    let reason = "2 of 3 committed transactions have no start bound; the first is row 1 of log.arrow";
    lacks(Snapshots, &some, reason);
}

/// Promise: parties are shown at the row that tells: the read, and the last write of the key.
#[test]
fn rows_of_parties() {
    let text = "w eu 0..[10,12] : w y 1, w x 0, w x 1, w z 1
                r us 5.. : r y 1, r x 1";
    let report = judged(Snapshots, text);
    let rows: Vec<(u64, u64)> =
        report.findings.iter().map(|f| (f.parties[0].row, f.parties[1].row)).collect();
    assert_eq!(rows, [(5, 2), (4, 0)]);
    assert_eq!(report.findings[0].value, Some(Some("1".to_owned())));
}
