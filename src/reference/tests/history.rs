//! Fates, and what a transaction without writes takes for its commit.

use super::*;
use Model::{SnapshotIsolation, WriteOrder};

/// Promise: a transaction of unknown fate counts as committed iff another one read what it wrote
/// last.
#[test]
fn unknown_fates() {
    let read = "u eu 0..5 unknown : w x 1
                r eu 9.. : r x 1";
    fact(WriteOrder, read, "winners_justified", 1);
    let unread = "u eu 0..5 unknown : w x 1
                  r eu 9.. : r x nil";
    fact(WriteOrder, unread, "winners_justified", 0);
    let read_by_itself = "u eu 0..5 unknown : w x 1, r x 1
                          r eu 9.. : r x nil";
    fact(WriteOrder, read_by_itself, "winners_justified", 0);
    let by_the_aborted = "u eu 0..5 unknown : w x 1
                          r eu 9.. aborted : r x 1";
    fact(WriteOrder, by_the_aborted, "winners_justified", 1);
    let another_key = "u eu 0..5 unknown : w x 1
                       r eu 9.. : r y 1";
    fact(WriteOrder, another_key, "winners_justified", 0);
}

/// Promise: only the last write of a key shows that its transaction committed.
#[test]
fn an_intermediate_read_shows_no_commit() {
    let text = "u eu 0..5 unknown : w x 1, w x 2
                r eu 9.. : r x 1";
    fact(WriteOrder, text, "winners_justified", 0);
    finds(SnapshotIsolation, text, &["definite intermediate-read x: r u"]);
}

/// Promise: a read of null shows nothing about a delete of unknown fate.
#[test]
fn null_names_no_writer() {
    let text = "u eu 0..5 unknown : d x
                r eu 9.. : r x nil";
    fact(WriteOrder, text, "winners_justified", 0);
    fact(SnapshotIsolation, text, "ambiguous_reads", 0);
    finds(SnapshotIsolation, text, &[]);
}

/// Promise: a chain of unknown fates: a reader of unknown fate proves its writer.
#[test]
fn an_unknown_reader_proves_its_writer() {
    let text = "u eu 0..5 unknown : w x 1
                v eu 6..8 unknown : r x 1, w y 1";
    fact(WriteOrder, text, "winners_justified", 1);
}

/// Promise: a transaction that wrote nothing takes its start for its commit.
#[test]
fn read_only_transactions_commit_at_their_start() {
    let text = "w eu 0..5 : w x 1
                r eu 9.. ts=9.. : r x 1";
    let report = judged(SnapshotIsolation, text);
    assert_eq!(report.verdict, Verdict::Holds);
    let broken = "w eu 20..25 ts=20..25 : w x 1
                  r eu 9.. ts=9.. : r x 1";
    let report = judged(SnapshotIsolation, broken);
    let times = report.findings[0].parties[0].times;
    assert_eq!((times.commit, times.commit_ts), (Some(bound("9")), Some(9)));
    // A writer does not.
    let writer = log("w eu 0..5 : w x 1\n v eu 9.. : w x 2");
    let reason = "1 of 2 committed writers has no commit bound; the first is row 1 of log.arrow";
    lacks(SnapshotIsolation, &writer, reason);
}

/// Promise: rows without an id are transactions of their own, named by file and row.
#[test]
fn names_of_rows() {
    let mut input = log("- eu ..[0,5] : w x 1
                         - us ..[0,5] : w x 2");
    input.places.files = vec![("eu.arrow".into(), 1), ("us.arrow".into(), 1)];
    assert_eq!(
        line(&judge(WriteOrder, &input).findings[0]),
        "possible contested-winner x: us.arrow#0 eu.arrow#0"
    );
}

/// Promise: the order in which rows are handed over changes nothing.
#[test]
fn rows_in_any_order() {
    let text = "a eu 0..9 : r x 1, w x 2, w x 3, r x 2
                b us 5..7 : w x 1, r x 1, d y";
    for model in Model::ALL {
        let (forwards, mut backwards) = (log(text), log(text));
        backwards.rows.reverse();
        assert_eq!(judge(model, &forwards), judge(model, &backwards), "{}", model.name());
    }
}
