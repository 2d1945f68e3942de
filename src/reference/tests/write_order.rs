//! Models 1 and 2.

use super::*;
use Model::{CrossRegionConflicts as Conflicts, WriteOrder};

/// Promise: nothing is read from a disk: a log is rows, and an empty one holds.
#[test]
fn an_empty_log_holds() {
    let empty = Input { places: Places::default(), ..log("") };
    let report = judge(WriteOrder, &empty);
    assert_eq!(report.verdict, Verdict::Holds);
    assert!(report.facts.values().all(|n| *n == 0) && report.facts.len() == 5);
    assert_eq!(judge(Conflicts, &empty).verdict, Verdict::Holds);
}

/// Promise: a pair of writes is ordered iff one bound ends strictly before the other begins.
#[test]
fn touching_ends_are_ambiguous() {
    let touching = "a eu ..[0,5] : w x 1
                    b us ..[5,9] : w x 2";
    fact(WriteOrder, touching, "pairs_ambiguous", 1);
    fact(WriteOrder, touching, "pairs_ordered", 0);
    fact(WriteOrder, touching, "cross_region_pairs_ambiguous", 1);
    finds(WriteOrder, touching, &["possible contested-winner x: b a"]);
    let apart = "a eu ..[0,5] : w x 1
                 b us ..[6,9] : w x 2";
    fact(WriteOrder, apart, "pairs_ordered", 1);
    fact(WriteOrder, apart, "cross_region_pairs_ordered", 1);
    fact(WriteOrder, apart, "winners_justified", 1);
    finds(WriteOrder, apart, &[]);
}

/// Promise: pairs across regions are counted among all pairs; keys apart.
#[test]
fn pairs_by_region_and_key() {
    let three = "a eu ..[0,2] : w x 1
                 b eu ..[1,3] : w x 2
                 c us ..[9,9] : w x 3, w y 1
                 d ap ..[9,9] : w y 2";
    fact(WriteOrder, three, "pairs_ordered", 2);
    fact(WriteOrder, three, "pairs_ambiguous", 2);
    fact(WriteOrder, three, "cross_region_pairs_ordered", 2);
    fact(WriteOrder, three, "cross_region_pairs_ambiguous", 1);
    fact(WriteOrder, three, "winners_justified", 1);
    // Equal stamps: the larger region name wins.
    finds(WriteOrder, three, &["possible contested-winner y: c d"]);
}

/// Promise: several writes of a key by one transaction are one version.
#[test]
fn a_transaction_is_no_pair_with_itself() {
    let twice = "a eu ..[0,5] : w x 1, w x 2";
    fact(WriteOrder, twice, "pairs_ambiguous", 0);
    fact(WriteOrder, twice, "winners_justified", 1);
    finds(WriteOrder, twice, &[]);
}

/// Promise: the rows of one transaction need not be adjacent.
#[test]
fn rows_of_a_transaction_may_be_apart() {
    let apart = "a eu ..[0,5] : w x 1
                 b eu ..[3,4] : w y 1
                 a eu ..[0,5] : w x 2";
    fact(WriteOrder, apart, "pairs_ambiguous", 0);
    fact(WriteOrder, apart, "winners_justified", 2);
}

/// Promise: a winner that is certainly older than another write is a lost write.
#[test]
fn lost_write() {
    let lost = "a eu ..[0,5] ts=..9 : w x 1
                b us ..[6,9] ts=..7 : w x 2
                c us ..[6,8] ts=..3 : w x 3";
    finds(WriteOrder, lost, &["definite lost-write x: a b"]);
    fact(WriteOrder, lost, "winners_justified", 0);
    // Its bound touches the newest: it may be the last.
    let touching = "a eu ..[0,6] ts=..9 : w x 1
                    b us ..[6,9] ts=..7 : w x 2";
    finds(WriteOrder, touching, &["possible contested-winner x: a b"]);
}

/// Promise: stamps are midpoints, rounded down, where no commit timestamp is assigned; ties go
/// to the larger region, then id, then row.
#[test]
fn winners_and_ties() {
    let midpoint = "b eu ..[0,9] : w x 1
                    a eu ..[3,5] : w x 2";
    // 4 and 4: the id decides.
    finds(WriteOrder, midpoint, &["possible contested-winner x: b a"]);
    let region = "b eu ..[3,5] : w x 1
                  a us ..[3,5] : w x 2";
    finds(WriteOrder, region, &["possible contested-winner x: a b"]);
    let row = "- eu ..4 : w x 1
               - eu ..4 : w x 2";
    finds(WriteOrder, row, &["possible contested-winner x: #1 #0"]);
    let rival = "a eu ..[0,9] ts=..9 : w x 1
                 b eu ..[1,8] ts=..5 : w x 2
                 c eu ..[1,8] ts=..6 : w x 3
                 d eu ..[0,1] ts=..8 : w x 4";
    finds(WriteOrder, rival, &["possible contested-winner x: a d"]);
}

/// Promise: transaction ids that are integers compare by value.
#[test]
fn integer_ids_compare_by_value() {
    let mut input = log("- eu ..4 : w x 1
                         - eu ..4 : w x 2");
    input.rows[0].txn = Some(Datum::Integer(10));
    input.rows[1].txn = Some(Datum::Integer(9));
    assert_eq!(line(&judge(WriteOrder, &input).findings[0]), "possible contested-winner x: 10 9");
}

/// Promise: an unbounded commit orders nothing, and the range's ends overflow nowhere.
#[test]
fn unbounded_writes() {
    let unbounded = "a eu ..[min,max] : w x 1
                     b us ..max : w x 2
                     c ap ..min : w x 3";
    fact(WriteOrder, unbounded, "pairs_ambiguous", 2);
    fact(WriteOrder, unbounded, "pairs_ordered", 1);
    finds(WriteOrder, unbounded, &["possible contested-winner x: b a"]);
}

/// Promise: deletes are writes; reads are not; aborted transactions and those of unknown fate
/// that nobody read install nothing.
#[test]
fn who_counts_as_a_writer() {
    let some = "a eu ..[0,5] : w x 1
                b us ..[3,9] : d x
                c ap ..[3,9] aborted : w x 3
                d ap ..[3,9] unknown : w x 4
                e ap ..[3,9] : r x 1";
    fact(WriteOrder, some, "pairs_ambiguous", 1);
    finds(WriteOrder, some, &["possible contested-winner x: b a"]);
}

/// Promise: write-order names the writers without a commit bound, by count and first row.
#[test]
fn write_order_needs_commits() {
    let one = log("a eu ..[0,5] : w x 1
                   r eu 3.. : r x 1
                   b us ts=..7 : w y 1, w x 2");
    let reason = "1 of 2 committed writers has no commit bound; the first is row 2 of log.arrow";
    lacks(WriteOrder, &one, reason);
    lacks(Conflicts, &one, reason);
    lacks(WriteOrder, &log("a eu ts=..5 : w x 1"), "the log has no commit bounds");
}

/// Promise: two writers are in conflict for certain iff each started before the other committed.
#[test]
fn conflicts_with_starts() {
    let definite = "a eu [0,4]..[10,12] : w x 1
                    b us [5,9]..[11,13] : w x 2";
    finds(Conflicts, definite, &["definite write-write x: a b"]);
    let touching = "a eu [0,4]..[10,12] : w x 1
                    b us [5,10]..[11,13] : w x 2";
    finds(Conflicts, touching, &["possible write-write x: a b"]);
    let perhaps = "a eu [0,4]..[10,12] : w x 1
                   b us [11,14]..[15,16] : w x 2";
    finds(Conflicts, perhaps, &["possible write-write x: a b"]);
    // A commit at the very tick of the snapshot is visible.
    let seen = "a eu [0,4]..[10,12] : w x 1
                b us [12,14]..[15,16] : w x 2";
    finds(Conflicts, seen, &[]);
}

/// Promise: writers of one region are not in a cross-region conflict.
#[test]
fn conflicts_are_across_regions() {
    let three = "a eu [0,4]..[10,12] : w x 1
                 b eu [0,4]..[10,12] : w x 2
                 c us [0,4]..[10,12] : w x 3
                 d ap [0,4]..[10,12] : w x 4";
    let pairs = ["a c", "a d", "b c", "b d", "c d"].map(|p| format!("definite write-write x: {p}"));
    finds(Conflicts, three, &pairs.each_ref().map(String::as_str));
}

/// Promise: a pair counts once per key, whatever the number of writes.
#[test]
fn a_conflict_counts_once_per_key() {
    let twice = "a eu 0..10 : w x 1, w x 2, w y 1
                 b us 0..11 : w y 2, w x 3";
    finds(Conflicts, twice, &["definite write-write x: a b", "definite write-write y: a b"]);
    let rows: Vec<u64> = judged(Conflicts, twice).findings[0].parties.iter().map(|p| p.row).collect();
    assert_eq!(rows, [1, 4], "the last write of the key");
}

/// Promise: without starts, a snapshot lies the visibility lag before the commit.
#[test]
fn conflicts_without_starts() {
    let text = "a eu ..[10,12] : w x 1
                b us ..[12,20] : w x 2";
    finds(Conflicts, text, &[]);
    let overlapping = "a eu ..[10,13] : w x 1
                       b us ..[12,20] : w x 2";
    finds(Conflicts, overlapping, &["possible write-write x: a b"]);
    let apart = "a eu ..10 : w x 1
                 b us ..12 : w x 2";
    let with_lag = |lag| judge(Conflicts, &Input { visibility_lag: lag, ..log(apart) });
    assert_eq!(with_lag(0).verdict, Verdict::Holds);
    assert_eq!(with_lag(2).verdict, Verdict::Holds);
    assert_eq!(with_lag(3).verdict, Verdict::Violated);
    assert_eq!(with_lag(u64::MAX).findings[0].parties[0].times.start, Some(bound("min")));
    // Points that tie: each is visible to the other.
    finds(Conflicts, "a eu ..5 : w x 1\n b us ..5 : w x 2", &[]);
}

/// Promise: starts are taken transaction by transaction.
#[test]
fn some_starts() {
    let one = "a eu [0,1]..[10,12] : w x 1
               b us ..[5,6] : w x 2";
    finds(Conflicts, one, &["definite write-write x: a b"]);
}

/// Promise: saturated bounds make no false proof.
#[test]
fn conflicts_of_unbounded_writers() {
    let text = "a eu [min,max]..[min,max] : w x 1
                b us 5..6 : w x 2";
    finds(Conflicts, text, &["possible write-write x: a b"]);
}
