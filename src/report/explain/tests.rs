//! Every kind's sentence, to the letter.

use super::*;
use crate::report::Model;
use crate::txn::Times;
use Certainty::{Definite, Possible};

fn bound(earliest: i64, latest: i64) -> BoundedTimestamp {
    BoundedTimestamp::new(earliest, latest).unwrap()
}

fn party(txn: &str, region: &str, start: (i64, i64), commit: (i64, i64)) -> Party {
    let times = Times {
        start: Some(bound(start.0, start.1)),
        commit: Some(bound(commit.0, commit.1)),
        ..Times::default()
    };
    Party { txn: txn.to_owned(), region: region.to_owned(), row: 0, times }
}

fn t1() -> Party {
    party("t1", "eu", (1, 2), (5, 7))
}

fn t2() -> Party {
    party("t2", "us", (3, 4), (6, 8))
}

fn found(kind: Kind, certainty: Certainty, parties: Vec<Party>) -> Finding {
    Finding {
        model: Model::SnapshotIsolation,
        kind,
        certainty,
        key: Some("x".to_owned()),
        value: Some(Some("4".to_owned())),
        parties,
        detail: Detail::None,
    }
}

#[track_caller]
fn says(finding: &Finding, sentence: &str) {
    assert_eq!(explain(finding, Unit::None), sentence);
}

/// Promise: the sentence on call reads has transactions, regions, key, value and exact times.
#[test]
fn stale_read_in_milliseconds() {
    let ms = 1_000_000;
    let mut stale = found(
        Kind::StaleRead,
        Definite,
        vec![
            party("t7", "eu", (13 * ms, 13_800_000), (20 * ms, 20 * ms)),
            party("t1", "eu", (0, 0), (10_200_000, 11 * ms)),
            party("t9", "us", (0, 0), (12_100_000, 12_900_000)),
        ],
    );
    stale.detail = Detail::AtSnapshot;
    assert_eq!(
        explain(&stale, Unit::Nanoseconds),
        "t7 (eu) read x = 4, which t1 (eu) committed at [10.2 ms, 11 ms]; t9 (us) had overwritten it at \
         [12.1 ms, 12.9 ms], before t7's snapshot at [13 ms, 13.8 ms]: no clock error within the bounds explains it"
    );
    stale.parties.remove(1);
    stale.value = Some(None);
    stale.certainty = Possible;
    stale.detail = Detail::None;
    assert_eq!(
        explain(&stale, Unit::Nanoseconds),
        "t7 (eu) found no x, its initial version; t9 (us) may have overwritten it at [12.1 ms, 12.9 ms], before \
         t7's commit at 20 ms: the clocks cannot rule it out"
    );
}

/// Promise: winners and lost writes name stamps and bounds.
#[test]
fn write_order() {
    says(
        &found(Kind::ContestedWinner, Possible, vec![t2(), t1()]),
        "the last write of x is t2 (us)'s by its stamp 7, committed at [6, 8]; t1 (eu), committed at [5, 7], may \
         have come after it: the clocks cannot rule it out",
    );
    says(
        &found(Kind::LostWrite, Definite, vec![t1(), t2()]),
        "the write of x that wins is t1 (eu)'s by its stamp 6, committed at [5, 7]; t2 (us) committed at [6, 8], \
         after it, and its write is lost: no clock error within the bounds explains it",
    );
}

/// Promise: blind writes say who started before whose commit.
#[test]
fn blind_writes() {
    let definite = "t1 (eu) and t2 (us) both wrote x, each blind to the other: t1 started at [1, 2], before t2 \
                    committed at [6, 8], and t2 started at [3, 4], before t1 committed at [5, 7]: no clock error \
                    within the bounds explains it";
    says(&found(Kind::WriteWrite, Definite, vec![t1(), t2()]), definite);
    says(&found(Kind::LostUpdate, Definite, vec![t1(), t2()]), definite);
    says(
        &found(Kind::WriteWrite, Possible, vec![t1(), t2()]),
        "t1 (eu) and t2 (us) both wrote x, perhaps each blind to the other: t1 ran from [1, 2] to [5, 7], t2 from \
         [3, 4] to [6, 8]: the clocks cannot rule it out",
    );
}

/// Promise: a read from the future says where its reader stands.
#[test]
fn future_read() {
    let mut future = found(Kind::FutureRead, Definite, vec![t1(), t2()]);
    future.detail = Detail::AtSnapshot;
    says(
        &future,
        "t1 (eu) read x = 4, which t2 (us) committed at [6, 8], only after t1's snapshot at [1, 2]: no clock error \
         within the bounds explains it",
    );
    says(
        &found(Kind::FutureRead, Possible, vec![t1(), t2()]),
        "t1 (eu) read x = 4, which t2 (us) committed at [6, 8], perhaps only after t1's commit at [5, 7]: the \
         clocks cannot rule it out",
    );
}

/// Promise: findings of a transaction's own view say both values, and deletes are words.
#[test]
fn own_view() {
    let mut own = found(Kind::OwnWriteMissed, Definite, vec![t1()]);
    own.detail = Detail::Instead(Some("5".to_owned()));
    says(&own, &format!("t1 (eu) wrote x = 5, then read x = 4: it missed its own write{TIMELESS}"));
    own.detail = Detail::Instead(None);
    says(&own, &format!("t1 (eu) deleted x, then read x = 4: it missed its own write{TIMELESS}"));
    let mut twice = found(Kind::NonRepeatableRead, Definite, vec![t1()]);
    twice.detail = Detail::Instead(None);
    says(
        &twice,
        &format!("t1 (eu) found no x, then read x = 4, without a write of its own in between{TIMELESS}"),
    );
}

/// Promise: reads of no version say whose value it was.
#[test]
fn reads_of_no_version() {
    let tell = |kind| explain(&found(kind, Definite, vec![t1(), t2()]), Unit::None);
    let said = |what: &str| format!("t1 (eu) read x = 4, which {what}{TIMELESS}");
    assert_eq!(tell(Kind::AbortedRead), said("t2 (us) wrote and aborted"));
    assert_eq!(tell(Kind::IntermediateRead), said("t2 (us) wrote but overwrote itself"));
    assert_eq!(tell(Kind::UnknownVersion), said("no other transaction of the log wrote"));
    let mut nowhere = found(Kind::UnknownVersion, Definite, vec![t1()]);
    nowhere.parties[0].times = Times::default();
    says(
        &nowhere,
        "t1 (eu) read x = 4, which no other transaction of the log wrote (no clock has a say in it)",
    );
}

/// How what is true whatever the clocks say is told of t1.
const TIMELESS: &str = " (t1 committed at [5, 7]; no clock has a say in it)";

/// Promise: sessions, ties and a transaction's own times are told with their bounds.
#[test]
fn orders() {
    says(
        &found(Kind::SessionOrder, Definite, vec![t1(), t2()]),
        "t2 (us) comes after t1 (eu) in a session, but its snapshot at [3, 4] was taken before t1 committed at \
         [5, 7]: no clock error within the bounds explains it",
    );
    says(
        &found(Kind::CommitTie, Possible, vec![t1(), t2()]),
        "t1 (eu) and t2 (us) both wrote x and committed at [5, 7]: nothing says which came first",
    );
    says(
        &found(Kind::CommitBeforeStart, Definite, vec![party("t3", "eu", (9, 9), (1, 2))]),
        "t3 (eu) committed at [1, 2], before its own snapshot at 9",
    );
}

/// Promise: external consistency compares assigned timestamps with real time.
#[test]
fn timestamps() {
    let (mut a, mut b) = (t1(), t2());
    (a.times.commit_ts, b.times.commit_ts) = (Some(9), Some(8));
    says(
        &found(Kind::TimestampInversion, Definite, vec![a.clone(), b]),
        "t1 (eu) committed at [5, 7], before t2 (us) started at [3, 4], yet its commit timestamp 9 is not below \
         t2's 8: no clock error within the bounds explains it",
    );
    says(
        &found(Kind::CommitWait, Definite, vec![a.clone()]),
        "t1 (eu) was acknowledged at [5, 7], before its commit timestamp 9 had passed: no clock error within the \
         bounds explains it",
    );
    says(
        &found(Kind::CommitWait, Possible, vec![a]),
        "t1 (eu) was acknowledged at [5, 7], perhaps before its commit timestamp 9 had passed: the clocks cannot \
         rule it out",
    );
}

/// Promise: a clash of zones says what the register must have held, and when.
#[test]
fn zones() {
    let zone = |forward, from, to| Zone { forward, from, to };
    let mut clash = found(Kind::NotLinearizable, Definite, vec![t1(), t2()]);
    clash.detail = Detail::Zones(zone(true, Some(1), 4), zone(true, Some(3), 6));
    says(
        &clash,
        "x must have held the version of t1 (eu) from 1 to 4 and at the same time the version of t2 (us) from 3 to \
         6: no clock error within the bounds explains it",
    );
    clash.detail = Detail::Zones(zone(true, None, 6), zone(false, Some(3), 4));
    clash.certainty = Possible;
    says(
        &clash,
        "x may have held the initial version, which t1 (eu) read, until 6, yet the version of t2 (us) from 3 to 4 \
         came in between: the clocks cannot rule it out",
    );
}

/// Promise: reads that no write explains are told as such.
#[test]
fn reads_without_a_write() {
    says(
        &found(Kind::NotLinearizable, Definite, vec![t1(), t2()]),
        "t1 (eu) read x = 4 and ended at [5, 7], before t2 (us) began to write it at [3, 4]: no clock error within \
         the bounds explains it",
    );
    says(
        &found(Kind::NotLinearizable, Definite, vec![t1()]),
        "t1 (eu) read x = 4 at [1, 2] to [5, 7], which no committed transaction wrote",
    );
}

/// Promise: a broken bound says which two times contradict each other and by how much.
#[test]
fn broken_bounds() {
    let own = party("t3", "eu", (10, 12), (5, 7));
    says(
        &found(Kind::BrokenBound, Definite, vec![own.clone(), own.clone()]),
        "t3 (eu) started at [10, 12] but committed at [5, 7], before that: a bound is untrue by at least 3 ticks",
    );
    let other = party("t4", "us", (0, 0), (5, 9));
    says(
        &found(Kind::BrokenBound, Definite, vec![own.clone(), other.clone()]),
        "t3 (eu) must have started before t4 (us) committed, yet its bound is [10, 12] and t4's [5, 9]: one of them \
         is untrue by at least 1 tick",
    );
    let mut unstarted = own;
    (unstarted.times.start, unstarted.times.commit) = (None, Some(bound(11, 12)));
    says(
        &found(Kind::BrokenBound, Definite, vec![unstarted, other]),
        "t3 (eu) must have committed before t4 (us) committed, yet its bound is [11, 12] and t4's [5, 9]: one of \
         them is untrue by at least 2 ticks",
    );
}

/// Promise: a finding that lacks parties or times is told without a panic.
#[test]
fn nothing_panics() {
    let nobody = Party { times: Times::default(), ..t1() };
    let kinds = [
        Kind::ContestedWinner,
        Kind::WriteWrite,
        Kind::FutureRead,
        Kind::StaleRead,
        Kind::CommitWait,
        Kind::NotLinearizable,
        Kind::BrokenBound,
    ];
    for kind in kinds {
        for parties in [vec![], vec![nobody.clone()], vec![nobody.clone(), nobody.clone()]] {
            assert!(!explain(&found(kind, Definite, parties), Unit::Seconds).is_empty());
        }
    }
}
