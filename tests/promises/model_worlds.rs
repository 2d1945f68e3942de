//! All small worlds: every log of a few transactions over few keys and ticks. Thousands of worlds
//! make up one log, each with keys, transactions and a time of its own, so that the engine judges
//! them at once; the reference judges each by itself.

use rayon::prelude::*;
use skewer::log::build::{Record, Value};
use skewer::models::Tuning;
use skewer::reference::{self, Input};
use skewer::report::{Finding, Model};
use skewer::txn::{Op, Row, Status};
use skewer::{BoundedTimestamp, Log, VerifyOptions, verify};

use crate::readings::{MODELS, Readings};

/// Ticks of a world; the next one begins after a gap.
const TICKS: i64 = 4;

/// Worlds in one log.
const PACK: usize = 8_000;

/// What an operation does: to a key, 0 or 1; a read returns the value of a slot, or null.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Write(u8),
    Read(u8, Option<u8>),
}

/// A transaction: operation `i` of transaction `t` writes the value of slot `2 t + i`.
#[derive(Clone, Debug)]
struct Txn {
    ops: Vec<Does>,
    start: (i64, i64),
    commit: (i64, i64),
    commit_ts: Option<i64>,
    status: Status,
}

type World = Vec<Txn>;

fn records(world: &World, number: usize) -> Vec<Record> {
    let number = number as i64;
    let base = number * 3 * TICKS;
    let bound = |(earliest, latest): (i64, i64)| BoundedTimestamp::new(base + earliest, base + latest);
    let mut records = Vec::new();
    for (t, txn) in world.iter().enumerate() {
        for (i, does) in txn.ops.iter().enumerate() {
            let (key, op, slot) = match *does {
                Does::Write(key) => (key, Op::Write, Some((2 * t + i) as u8)),
                Does::Read(key, slot) => (key, Op::Read, slot),
            };
            records.push(Record {
                key: Value::Integer(number * 2 + i64::from(key)),
                op,
                value: slot.map(|slot| Value::Integer(i64::from(slot))),
                txn: Some(Value::Integer(number * 4 + t as i64)),
                region: Some(["eu", "us", "eu"][t].to_owned()),
                status: txn.status,
                start: bound(txn.start),
                commit: bound(txn.commit),
                commit_ts: txn.commit_ts.map(|ts| base + ts),
                ..Record::default()
            });
        }
    }
    records
}

/// The findings and the ambiguous reads of every world by itself.
fn truth(log: &Log, model: Model, worlds: &[Vec<Row<'_>>]) -> (Vec<Finding>, u64) {
    let judged = worlds.par_iter().map(|rows| {
        let input = Input {
            rows: rows.clone(),
            columns: log.columns(),
            places: log.places().clone(),
            visibility_lag: 0,
        };
        let report = reference::judge(model, &input);
        assert_eq!(report.reason, None, "every world is judged");
        (report.findings, report.facts.get("ambiguous_reads").copied().unwrap_or_default())
    });
    let (findings, ambiguous): (Vec<_>, Vec<_>) = judged.unzip();
    let mut findings: Vec<Finding> = findings.into_iter().flatten().collect();
    findings.par_sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    (findings, ambiguous.into_iter().sum())
}

/// Holds the engine against the reference in every one of these worlds.
fn agree(worlds: &[World], models: &[Model]) {
    for pack in worlds.chunks(PACK) {
        let records: Vec<Vec<Record>> = pack.iter().enumerate().map(|(n, w)| records(w, n)).collect();
        let sizes: Vec<usize> = records.iter().map(Vec::len).collect();
        let log = Readings::of(records.into_iter().flatten().collect()).open();
        let mut rows = log.rows();
        let by_world: Vec<Vec<Row<'_>>> =
            sizes.into_iter().map(|size| rows.by_ref().take(size).collect()).collect();
        let options = VerifyOptions {
            models: Some(models.to_vec()),
            findings: None,
            tuning: Tuning::default(),
            ..VerifyOptions::default()
        };
        let report = verify(&log, &options).unwrap();
        for (model, judged) in report.models {
            assert_eq!(judged.reason, None, "{}", model.name());
            let (findings, ambiguous) = truth(&log, model, &by_world);
            let first = judged.findings.iter().zip(&findings).find(|(a, b)| a != b);
            assert_eq!(first, None, "{}", model.name());
            assert_eq!(judged.findings.len(), findings.len(), "{}", model.name());
            assert_eq!(judged.facts.get("ambiguous_reads").copied().unwrap_or_default(), ambiguous);
            let total = judged.total();
            assert_eq!(total.definite + total.possible, findings.len() as u64);
        }
    }
}

fn txn(ops: &[Does], start: (i64, i64), commit: (i64, i64)) -> Txn {
    Txn { ops: ops.to_vec(), start, commit, commit_ts: None, status: Status::Committed }
}

/// Every bound within the ticks.
fn bounds() -> Vec<(i64, i64)> {
    (0..TICKS).flat_map(|a| (a..TICKS).map(move |b| (a, b))).collect()
}

/// Every start with every commit at or after it, as points.
fn lives() -> Vec<((i64, i64), (i64, i64))> {
    bounds().into_iter().map(|(start, commit)| ((start, start), (commit, commit))).collect()
}

/// The writes of some keys and the reads of some slots, or of null.
fn operations(keys: &[u8], slots: &[u8]) -> Vec<Does> {
    let values: Vec<Option<u8>> = std::iter::once(None).chain(slots.iter().copied().map(Some)).collect();
    let of_key = |&key: &u8| {
        let reads = values.iter().map(move |value| Does::Read(key, *value));
        std::iter::once(Does::Write(key)).chain(reads).collect::<Vec<_>>()
    };
    keys.iter().flat_map(of_key).collect()
}

/// The models that judge any log of reads by bounds. (Nobody assigned a timestamp here.)
const BY_BOUNDS: [Model; 4] =
    [Model::SnapshotIsolation, Model::Serializable, Model::StrictSerializable, Model::ClockBounds];

/// Promise: all worlds of three transactions of one operation on two keys at points of four ticks are
/// judged as the reference judges them.
#[test]
fn three_transactions_at_points() {
    let all = operations(&[0, 1], &[0, 2, 4]);
    let lives = lives();
    let mut worlds: Vec<World> = Vec::new();
    // The keys are alike: the first operates on key 0. So are the transactions: they stand in the
    // order of their times.
    for first in operations(&[0], &[2, 4]) {
        for second in &all {
            for third in &all {
                for (i, a) in lives.iter().enumerate() {
                    for (j, b) in lives.iter().enumerate().skip(i) {
                        for c in lives.iter().skip(j) {
                            worlds.push(vec![
                                txn(&[first], a.0, a.1),
                                txn(&[*second], b.0, b.1),
                                txn(&[*third], c.0, c.1),
                            ]);
                        }
                    }
                }
            }
        }
    }
    let models = [BY_BOUNDS.as_slice(), &[Model::Linearizable]].concat();
    agree(&worlds, &models);
}

/// Promise: all worlds of two transactions of two operations on two keys at points are judged as
/// the reference judges them: own writes, repeated reads, intermediate versions.
#[test]
fn two_long_transactions() {
    let all = operations(&[0, 1], &[0, 3]);
    let one_key = operations(&[0], &[0, 1, 2, 3]);
    let times = [((0, 0), (1, 1)), ((0, 0), (3, 3)), ((2, 2), (3, 3)), ((1, 1), (1, 1))];
    let mut worlds: Vec<World> = Vec::new();
    for ops in [all, one_key] {
        for (a, b) in ops.iter().flat_map(|a| ops.iter().map(move |b| (*a, *b))) {
            for (c, d) in ops.iter().flat_map(|c| ops.iter().map(move |d| (*c, *d))) {
                for other in times {
                    worlds.push(vec![txn(&[a, b], (0, 0), (2, 2)), txn(&[c, d], other.0, other.1)]);
                }
            }
        }
    }
    agree(&worlds, &BY_BOUNDS);
}

/// Promise: all fates of two writers and a reader of one key are judged as the reference judges them.
#[test]
fn fates() {
    let statuses = [Status::Committed, Status::Aborted, Status::Unknown];
    let mut worlds: Vec<World> = Vec::new();
    let ops = operations(&[0], &[0, 1, 2, 3]);
    for (a, b) in ops.iter().flat_map(|a| ops.iter().map(move |b| (*a, *b))) {
        for (c, read) in ops.iter().flat_map(|c| ops.iter().map(move |d| (*c, *d))) {
            for (first, second) in statuses.iter().flat_map(|f| statuses.iter().map(move |s| (*f, *s))) {
                let mut world = vec![
                    txn(&[a, b], (0, 0), (1, 1)),
                    txn(&[c], (1, 1), (2, 2)),
                    txn(&[read], (2, 2), (3, 3)),
                ];
                (world[0].status, world[1].status) = (first, second);
                worlds.push(world);
            }
        }
    }
    agree(&worlds, &BY_BOUNDS);
}

/// Promise: all bounds of two transactions on one key are judged as the reference judges them.
#[test]
fn two_transactions_in_bounds() {
    use Does::{Read, Write};
    let shapes: [(&[Does], &[Does]); 5] = [
        (&[Write(0)], &[Write(0)]),
        (&[Write(0)], &[Read(0, Some(0))]),
        (&[Write(0)], &[Read(0, None)]),
        (&[Write(0)], &[Read(0, None), Write(0)]),
        (&[Write(0)], &[Read(0, Some(0)), Write(1)]),
    ];
    let bounds = bounds();
    let lives: Vec<_> = bounds.iter().flat_map(|s| bounds.iter().map(move |c| (*s, *c))).collect();
    let mut worlds: Vec<World> = Vec::new();
    for a in &lives {
        for b in &lives {
            worlds.extend(shapes.map(|(first, second)| vec![txn(first, a.0, a.1), txn(second, b.0, b.1)]));
        }
    }
    agree(&worlds, &BY_BOUNDS);
    let single = |world: &World| world.iter().all(|t| t.ops.len() == 1);
    agree(&worlds.into_iter().filter(single).collect::<Vec<_>>(), &[Model::Linearizable]);
}

/// Promise: a read between two writers, all three committed somewhere within bounds, is judged as the
/// reference judges it.
#[test]
fn a_read_between_two_writers() {
    let bounds = bounds();
    let mut worlds: Vec<World> = Vec::new();
    for a in &bounds {
        for b in &bounds {
            for start in &bounds {
                for slot in [None, Some(0)] {
                    for commit in [(0, 3), (3, 3), (1, 2)] {
                        let read = [Does::Read(0, slot), Does::Write(1)];
                        worlds.push(vec![
                            txn(&[Does::Write(0)], (0, 0), *a),
                            txn(&[Does::Write(0)], (0, 1), *b),
                            txn(&read, *start, commit),
                        ]);
                        worlds.push(vec![
                            txn(&[Does::Write(0)], (0, 0), *a),
                            txn(&[Does::Write(0)], (0, 1), *b),
                            txn(&read[..1], *start, commit),
                        ]);
                    }
                }
            }
        }
    }
    agree(&worlds, &BY_BOUNDS);
}

/// Promise: all assigned timestamps of two transactions, whatever their bounds, are judged as the
/// reference judges them.
#[test]
fn timestamps_and_bounds() {
    let bounds = bounds();
    let mut worlds: Vec<World> = Vec::new();
    for start in &bounds {
        for commit in &bounds {
            for other in &bounds {
                for (a, b) in (0..TICKS).flat_map(|a| (0..TICKS).map(move |b| (a, b))) {
                    let mut world = vec![
                        txn(&[Does::Write(0)], (0, 0), *other),
                        txn(&[Does::Read(0, Some(0))], *start, *commit),
                    ];
                    (world[0].commit_ts, world[1].commit_ts) = (Some(a), Some(b));
                    worlds.push(world);
                }
            }
        }
    }
    agree(&worlds, &MODELS);
}
