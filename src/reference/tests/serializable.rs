//! Models 4 and 6.

use super::*;
use Model::{Serializable, StrictSerializable as Strict};

/// Promise: a transaction that wrote stands at its commit.
#[test]
fn future_read_at_the_commit() {
    let text = |commit: &str| format!("w eu 0..[10,12] : w x 1\n r us 0..{commit} : r x 1, w y 1");
    finds(Serializable, &text("[5,9]"), &["definite future-read x: r w"]);
    finds(Serializable, &text("[5,10]"), &["possible future-read x: r w"]);
    finds(Serializable, &text("[12,20]"), &["possible future-read x: r w"]);
    finds(Serializable, &text("[13,20]"), &[]);
}

/// Promise: write skew's stale reads are judged at the commit, strictly before it.
#[test]
fn stale_read_at_the_commit() {
    let text = |commit: &str| {
        format!("v eu ..[1,2] : w x 1\n w eu ..[10,12] : w x 2\n r us 0..{commit} : r x 1, w y 1")
    };
    finds(Serializable, &text("[13,20]"), &["definite stale-read x: r v w"]);
    finds(Serializable, &text("[12,20]"), &["possible stale-read x: r v w"]);
    finds(Serializable, &text("[5,11]"), &["possible stale-read x: r v w"]);
    finds(Serializable, &text("[5,10]"), &[]);
}

/// Promise: a stale initial version, up to the ends of the range.
#[test]
fn stale_initial_version_at_the_commit() {
    finds(
        Serializable,
        "w eu ..min : w x 1\n r us ..[min,max] : r x nil, w y 1",
        &["possible stale-read x: r w"],
    );
    finds(Serializable, "w eu ..min : w x 1\n r us ..min : r x nil, w y 1", &[]);
    finds(Serializable, "w eu ..5 : w x 1\n r us ..6 : r x nil, w y 1", &["definite stale-read x: r w"]);
}

/// Promise: two commits at one point may stand either way.
#[test]
fn equal_points() {
    finds(Serializable, "w eu ..5 : w x 1\n r us ..5 : r x 1, w y 1", &["possible future-read x: r w"]);
    finds(Serializable, "w eu ..5 : w x 1\n r us ..5 : r x nil, w y 1", &[]);
}

/// Promise: write skew is serializable's finding and not snapshot isolation's.
#[test]
fn write_skew() {
    let text = "a eu 0..10 : r x nil, w y 1
                b us 0..11 : r y nil, w x 1";
    finds(Model::SnapshotIsolation, text, &[]);
    finds(Serializable, text, &["definite stale-read y: b a"]);
}

/// Promise: a transaction that wrote nothing stands at its snapshot if it has one.
#[test]
fn read_only_transactions_stand_at_their_snapshot() {
    let text = "v eu ..[1,2] : w x 1
                w eu ..[10,12] : w x 2
                r us [5,6]..[20,22] : r x 1";
    finds(Serializable, text, &[]);
    let visible = "w eu ..[10,12] : w x 2\n r us [12,13].. : r x 2";
    finds(Serializable, visible, &[]);
    let without = "v eu ..[1,2] : w x 1
                   w eu ..[10,12] : w x 2
                   r us ..[20,22] : r x 1";
    finds(Serializable, without, &["definite stale-read x: r v w"]);
}

/// Promise: an own write is no overwriter; a read-modify-write in a row holds.
#[test]
fn read_modify_write() {
    let text = "a eu ..1 : r x nil, w x 1
                b us ..2 : r x 1, w x 2
                c ap ..3 : r x 2, w x 3";
    finds(Serializable, text, &[]);
    let lost = "a eu ..1 : r x nil, w x 1
                b us ..2 : r x 1, w x 2
                c ap ..3 : r x 1, w x 3";
    finds(Serializable, lost, &["definite stale-read x: c a b"]);
}

/// Promise: sessions and ties are judged here too, commit-before-start and lost updates are not.
#[test]
fn kinds_taken_over() {
    let session = "a eu@s 0..[10,12] : w x 1
                   b us@s [5,9].. : r y nil";
    finds(Serializable, session, &["definite session-order: a b"]);
    let no_start = "a eu@s ..[10,12] : w x 1
                    b us@s ..[5,9] : r y nil";
    finds(Serializable, no_start, &[]);
    let tie = "a eu 0..5 : w x 1\n b us 0..5 : w x 2, r y nil";
    finds(Serializable, tie, &["possible commit-tie x: a b"]);
    finds(Serializable, "a eu 9..5 : w x 1, r y nil", &[]);
}

/// Promise: assigned points judge where all have them.
#[test]
fn assigned_points_judge() {
    let text = "w eu ..[10,12] ts=0..3 : w x 1
                r us ..[5,9] ts=0..4 : r x 1, w y 1";
    finds(Serializable, text, &[]);
    let future = "w eu ts=0..4 : w x 1\n r us ts=0..3 : r x 1, w y 1";
    finds(Serializable, future, &["definite future-read x: r w"]);
}

/// Promise: missing commits are named.
#[test]
fn needs_commits() {
    let some = log("w eu ..5 : w x 1\n v eu ts=..5 : w x 2\n r us 3.. : r x 1");
    let reason = "1 of 3 committed transactions has no commit bound; the first is row 1 of log.arrow";
    lacks(Serializable, &some, reason);
    lacks(Serializable, &log("w eu ts=..5 : w x 1, r x 1"), "the log has no commit bounds");
}

/// Promise: without assigned timestamps strict serializability is serializability by bounds.
#[test]
fn strict_without_assigned() {
    let text = "w eu 0..[10,12] : w x 1
                r us 0..[5,9] : r x 1, w y 1";
    finds(Strict, text, &["definite future-read x: r w"]);
    assert!(judged(Strict, text).findings.iter().all(|f| f.model == Strict));
    finds(Strict, "w eu ..[10,12] : w x 1\n r us ..[13,14] : r x 1, w y 1", &[]);
}

/// Promise: with assigned timestamps, one that contradicts real time is a finding.
#[test]
fn strict_with_assigned() {
    let text = "a eu [0,1]..[2,3] ts=1..9 : w x 1
                b us [4,5]..[6,7] ts=5..8 : w y 1, r z nil";
    finds(Serializable, text, &[]);
    finds(Strict, text, &["definite timestamp-inversion: a b"]);
    // Commit waits are external consistency's alone.
    let waits = "a eu 0..2 ts=1..9 : w x 1, r z nil";
    finds(Strict, waits, &[]);
}

/// Promise: judged by points, but with no recorded bounds, nothing is known of real time.
#[test]
fn strict_without_real_time() {
    lacks(Strict, &log("a eu ts=1..2 : w x 1, r y nil"), "the log has no recorded start bounds");
    let assumed = log("a eu 1..2 ts=1..2 assumed : w x 1, r y nil");
    lacks(Strict, &assumed, "the log has no recorded start bounds");
    // Some commit timestamps judge nothing: the bounds do.
    finds(Strict, "a eu 0..2 ts=..2 : w x 1, r y nil", &[]);
}
