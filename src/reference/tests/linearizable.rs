//! Model 7.

use super::*;
use Model::Linearizable;

/// Promise: operations one after another on a register hold.
#[test]
fn a_register() {
    let text = "a eu 0..1 : r x nil
                b eu 2..3 : w x 1
                c us 4..5 : r x 1
                d us 6..7 : w x 2
                e eu 8..9 : r x 2";
    finds(Linearizable, text, &[]);
}

/// Promise: a read that ended before its write began is a violation; touching is not.
#[test]
fn read_before_its_write() {
    let text = |read: &str| format!("w eu [10,12]..[20,22] : w x 1\n r us {read} : r x 1");
    finds(Linearizable, &text("[0,1]..[8,9]"), &["definite not-linearizable x: r w"]);
    finds(Linearizable, &text("[0,1]..[8,10]"), &["possible not-linearizable x: r w"]);
    finds(Linearizable, &text("[0,1]..[12,13]"), &[]);
}

/// Promise: two forward zones that overlap are a violation: the register held both at once.
#[test]
fn forward_zones_overlap() {
    let text = "a eu 0..1 : w x 1
                b eu 2..3 : w x 2
                c us 4..5 : r x 1
                d us 6..7 : r x 2";
    // [1, 4] and [3, 6]
    finds(Linearizable, text, &["definite not-linearizable x: a b"]);
    let touching = "a eu 0..1 : w x 1
                    b eu 2..4 : w x 2
                    c us 4..5 : r x 1
                    d us 6..7 : r x 2";
    finds(Linearizable, touching, &[]);
}

/// Promise: a backward zone strictly inside a forward one is a violation.
#[test]
fn backward_zone_inside() {
    let text = |write: &str| format!("a eu 0..1 : w x 1\n b eu {write} : w x 2\n c us 6..7 : r x 1");
    finds(Linearizable, &text("2..5"), &["definite not-linearizable x: a b"]);
    finds(Linearizable, &text("1..5"), &[]);
    finds(Linearizable, &text("2..6"), &[]);
    finds(Linearizable, &text("3..3"), &["definite not-linearizable x: a b"]);
    finds(Linearizable, &text("[2,3]..[5,7]"), &["possible not-linearizable x: a b"]);
    finds(Linearizable, &text("[2,5]..[3,7]"), &["possible not-linearizable x: a b"]);
}

/// Promise: a stale read of the initial version is a violation, named by the reader.
#[test]
fn initial_version() {
    let text = |read: &str| format!("w eu [1,2]..[3,4] : w x 1\n r us {read} : r x nil");
    finds(Linearizable, &text("[5,6]..[8,9]"), &["definite not-linearizable x: r w"]);
    finds(Linearizable, &text("[4,4]..[8,9]"), &["possible not-linearizable x: r w"]);
    finds(Linearizable, &text("[2,3]..[8,9]"), &[]);
    let report = judged(Linearizable, &text("[5,6]..[8,9]"));
    let zones = format!("{:?}", report.findings[0].detail);
    assert!(zones.contains("from: None, to: 5"), "{zones}");
    // A write at the begin of the range still comes after the initial version.
    finds(Linearizable, "w eu min..0 : w x 1\n r us 5..6 : r x nil", &["definite not-linearizable x: r w"]);
}

/// Promise: of the initial version's readers the one that began last is named.
#[test]
fn which_reader_of_the_initial_version() {
    let text = "w eu 1..2 : w x 1
                r us 3..9 : r x nil
                s us 4..9 : r x nil
                t us 4..9 : r x nil";
    finds(Linearizable, text, &["definite not-linearizable x: s w"]);
}

/// Promise: shrunk to nothing, an operation is its midpoint.
#[test]
fn shrunk_to_a_point() {
    // w shrinks to 5, r to [8, 9].
    let text = "w eu [0,6]..[5,9] : w x 1\n r us [7,8]..[9,9] : r x nil";
    finds(Linearizable, text, &["possible not-linearizable x: r w"]);
    // A read without a commit lasts for its snapshot.
    finds(Linearizable, "w eu 0..1 : w x 1\n r us 5.. : r x 1", &[]);
}

/// Promise: one finding per key; the first clash by zones is its witness.
#[test]
fn one_finding_per_key() {
    let text = "a eu 0..1 : w x 1
                b eu 2..3 : w x 2
                c eu 2..3 : w x 3
                d us 6..7 : r x 1
                e eu 0..1 : w y 1
                f us 2..3 : r y nil";
    finds(Linearizable, text, &["definite not-linearizable x: a b", "definite not-linearizable y: f e"]);
}

/// Promise: a read that nobody's write explains is a violation: its write never began.
#[test]
fn reads_of_nothing_committed() {
    finds(Linearizable, "r us 2..3 : r x 7", &["definite not-linearizable x: r"]);
    let aborted = "a eu 0..1 aborted : w x 7\n r us 2..3 : r x 7";
    finds(Linearizable, aborted, &["definite not-linearizable x: r"]);
}

/// Promise: a write of unknown fate constrains nothing unless it was read.
#[test]
fn unknown_writes() {
    let text = |read: &str| format!("a eu 0..1 : w x 1\n u eu 2..5 unknown : w x 2\n c us 6..7 : r x {read}");
    finds(Linearizable, &text("1"), &[]);
    finds(Linearizable, &text("2"), &[]);
    let both = "a eu 0..1 : w x 1
                u eu 2..5 unknown : w x 2
                c us 6..7 : r x 1
                d us 8..9 : r x 2";
    finds(Linearizable, both, &["definite not-linearizable x: a u"]);
}

/// Promise: reads of null after a delete are counted, not judged; the delete itself is a write.
#[test]
fn deletes() {
    let text = "a eu 0..1 : w x 1
                b eu 2..3 : d x
                c us 4..5 : r x nil";
    finds(Linearizable, text, &[]);
    fact(Linearizable, text, "ambiguous_reads", 1);
    let inside = "a eu 0..1 : w x 1
                  b eu 2..3 : d x
                  c us 4..5 : r x 1";
    finds(Linearizable, inside, &["definite not-linearizable x: a b"]);
    finds(Linearizable, "a eu 0..1 : d x\n b eu 2..3 : d x\n c us 4..5 : r x nil", &[]);
}

/// Promise: what the model needs is named with count and first row.
#[test]
fn needs() {
    let longer = log("a eu 0..1 : w x 1\n b eu 2..3 : w x 2, r x 2\n c eu 2..3 : r x 2");
    let reason = "1 of 3 committed transactions has more than one operation; the first is row 1 of log.arrow";
    lacks(Linearizable, &longer, reason);
    let shared = log("a eu 0..1 : w x 1\n b eu 2..3 : w x 2\n c eu 4..5 : w x 2\n d eu 9.. : r x 1");
    let reason = "2 of 3 committed writes have a value that another write of their key has too; \
                  the first is row 1 of log.arrow";
    lacks(Linearizable, &shared, reason);
    lacks(Linearizable, &log("a eu ..1 : w x 1\n b eu ..3 : r x 1"), "the log has no start bounds");
    // Other keys' values, and aborted transactions' operations, do not matter.
    finds(Linearizable, "a eu 0..1 : w x 1\n b eu 2..3 : w y 1\n c eu 4..5 aborted : r x 1, r y 1", &[]);
}

/// Promise: assigned timestamps do not judge real time.
#[test]
fn bounds_judge() {
    let text = "w eu 10..20 ts=1..2 : w x 1\n r us 0..5 ts=3..3 : r x 1";
    finds(Linearizable, text, &["definite not-linearizable x: r w"]);
}
