//! What reads return, whatever the clocks say: the same in models 3 and 4.

use super::*;
use Model::{Serializable, SnapshotIsolation};

/// The transactions stand far apart, so that no time matters.
#[track_caller]
fn both_find(text: &str, expected: &[&str]) {
    finds(SnapshotIsolation, text, expected);
    finds(Serializable, text, expected);
}

#[track_caller]
fn ambiguous(text: &str, expected: u64) {
    fact(SnapshotIsolation, text, "ambiguous_reads", expected);
    fact(Serializable, text, "ambiguous_reads", expected);
}

/// Promise: a transaction sees its own last write.
#[test]
fn own_writes() {
    both_find("a eu 0..5 : w x 1, r x 1", &[]);
    both_find("a eu 0..5 : w x 1, w x 2, r x 1", &["definite own-write-missed x: a"]);
    both_find("a eu 0..5 : w x 1, r x nil", &["definite own-write-missed x: a"]);
    both_find("a eu 0..5 : w x 1, d x, r x nil", &[]);
    both_find("a eu 0..5 : d x, r x 1", &["definite own-write-missed x: a"]);
    both_find("a eu 0..5 : w x 1, r y nil", &[]);
}

/// Promise: each read that misses an own write is a finding; what it returned is not judged
/// otherwise.
#[test]
fn own_write_missed_each_time() {
    both_find(
        "a eu 0..5 : w x 1, r x 9, r x 9",
        &["definite own-write-missed x: a", "definite own-write-missed x: a"],
    );
    // The initial version would be stale for a reader of another transaction's write.
    both_find(
        "b eu 0..1 : w x 7
         a eu 3..5 : w x 1, r x nil",
        &["definite own-write-missed x: a"],
    );
}

/// Promise: reads with no own write between return one version.
#[test]
fn repeated_reads() {
    let versions = "a eu 0..1 : w x 1
                    r eu 5.. : r x 1, r x 1";
    both_find(versions, &[]);
    let differ = "a eu 0..1 : w x 1
                  r eu 5.. : r x 1, r y nil, r x nil";
    both_find(differ, &["definite non-repeatable-read x: r"]);
    let written = "a eu 0..1 : w x 1
                   r eu 5..6 : r x 1, w x 2, r x 2";
    both_find(written, &[]);
    let back = "a eu 0..1 : w x 1
                r eu 5.. : r x 1, r x nil, r x 1";
    both_find(back, &["definite non-repeatable-read x: r", "definite non-repeatable-read x: r"]);
}

/// Promise: after an own write both rules of a transaction's own view apply.
#[test]
fn own_write_missed_and_not_repeated() {
    both_find(
        "b eu 0..1 : w x 7
         a eu 3..5 : w x 1, r x 1, r x 7",
        &["definite non-repeatable-read x: a", "definite own-write-missed x: a"],
    );
}

/// Promise: a later read of another version is judged by the own view alone.
#[test]
fn only_the_first_read_is_placed() {
    let second_is_future = "a eu 0..1 : w x 1
                            b eu 8..9 : w x 2
                            r eu 5.. : r x 1, r x 2";
    both_find(second_is_future, &["definite non-repeatable-read x: r"]);
}

/// Promise: reads of aborted, overwritten and unwritten values are findings, once per value.
#[test]
fn reads_of_no_version() {
    both_find(
        "a eu 0..1 aborted : w x 1
         r eu 5.. : r x 1, r x 1",
        &["definite aborted-read x: r a"],
    );
    both_find(
        "a eu 0..1 : w x 1, w x 2
         r eu 5.. : r x 1",
        &["definite intermediate-read x: r a"],
    );
    both_find(
        "r eu 5.. : r x 1, r x 2, r x 1",
        &[
            "definite non-repeatable-read x: r",
            "definite non-repeatable-read x: r",
            "definite unknown-version x: r",
            "definite unknown-version x: r",
        ],
    );
}

/// Promise: a deleted intermediate value is an intermediate read; the deletion itself is not.
#[test]
fn intermediate_before_a_delete() {
    let text = "a eu 0..1 : w x 1, d x
                r eu 5.. : r x 1";
    both_find(text, &["definite intermediate-read x: r a"]);
}

/// Promise: only committed readers are judged.
#[test]
fn readers_that_are_not_judged() {
    both_find(
        "a eu 0..1 : w x 1
         r eu 5..6 aborted : r x 9, w x 2, r x 3
         u eu 5..6 unknown : r x 9",
        &[],
    );
}

/// Promise: of an aborted and a committed writer of one value, the committed one was read.
#[test]
fn committed_before_aborted() {
    both_find(
        "a eu 0..1 aborted : w x 1
         b eu 2..3 : w x 1
         r eu 5.. : r x 1",
        &[],
    );
}

/// Promise: an aborted writer is named before one of unknown fate, the first by row.
#[test]
fn which_uncommitted_writer() {
    both_find(
        "u eu 0..1 unknown : w x 1, w x 2
         b eu 0..1 aborted : w x 1, w x 3
         a eu 2..3 aborted : w x 1
         r eu 5.. : r x 1",
        &["definite aborted-read x: r b"],
    );
}

/// Promise: a value that only the reader itself writes later was written by nobody it could see.
#[test]
fn a_value_from_the_own_future() {
    both_find("a eu 0..5 : r x 1, w x 1", &["definite unknown-version x: a"]);
    both_find(
        "b eu 0..1 aborted : w x 1
         a eu 3..5 : r x 1, w x 1",
        &["definite aborted-read x: a b"],
    );
}

/// Promise: a value that two committed writes carry names no version, and is counted.
#[test]
fn ambiguous_values() {
    let text = "a eu 0..1 : w x 1
                b us 8..9 : w x 1
                r eu 5.. : r x 1, r x 1";
    both_find(text, &[]);
    ambiguous(text, 1);
    // Two writes of one transaction are two writes; intermediate ones count.
    ambiguous("a eu 0..1 : w x 1, w x 1\n r eu 5.. : r x 1", 1);
    ambiguous("a eu 0..1 : w x 1, w x 2\n b eu 2..3 : w x 1\n r eu 5.. : r x 1", 1);
    // One key's values say nothing of another's.
    ambiguous("a eu 0..1 : w x 1, w y 1\n r eu 5.. : r x 1", 0);
}

/// Promise: ambiguous reads support the findings of a transaction's own view.
#[test]
fn ambiguous_values_in_the_own_view() {
    let text = "a eu 0..1 : w x 1
                b us 0..1 : w x 1
                r eu 5..6 : r x 1, r x nil, w x 2, r x 1";
    let ties = ["possible commit-tie x: a b"];
    let own = ["definite non-repeatable-read x: r", "definite own-write-missed x: r"];
    let lost = ["definite lost-update x: a b"];
    finds(SnapshotIsolation, text, &[&lost[..], &own[..], &ties[..]].concat());
    finds(Serializable, text, &[&own[..], &ties[..]].concat());
    ambiguous(text, 1);
}

/// Promise: null is the initial version unless a committed transaction deleted the key.
#[test]
fn null_after_a_delete() {
    let deleted = "a eu 0..1 : w x 1
                   b eu 2..3 : d x
                   r eu 5.. : r x nil";
    both_find(deleted, &[]);
    ambiguous(deleted, 1);
    let aborted = "a eu 0..1 : w x 1
                   b eu 2..3 aborted : d x
                   r eu 5.. : r x nil";
    both_find(aborted, &["definite stale-read x: r a"]);
    ambiguous(aborted, 0);
}

/// Promise: the models of reads say what column is missing.
#[test]
fn needs() {
    let mut input = log("a eu 0..1 : w x 1, r x 1");
    input.columns.value = false;
    for model in [SnapshotIsolation, Serializable, Model::StrictSerializable, Model::Linearizable] {
        lacks(model, &input, "the log has no value column");
    }
    let unread = log("a eu 0..1 : w x 1");
    for model in [Serializable, Model::StrictSerializable, Model::Linearizable] {
        lacks(model, &unread, "the log has no reads");
    }
    assert_eq!(judge(SnapshotIsolation, &unread).verdict, Verdict::Holds);
}
