//! Every log of up to three transactions, two keys and four ticks, judged by the engine and by the
//! reference.
//!
//! What a log is here: each transaction does one of these to each key, and something to at least one:
//! nothing, a write, a read, a read and then a write. A write's value is its own; a read returns nothing, or
//! what some other transaction wrote to that key. Its start and its commit are, independently and in
//! whatever order, any of the four ticks (*points*: 16 lives) or any bound with both ends among them
//! (*bounds*: 100 lives). Regions are eu, us, eu, and every transaction committed.
//! Own writes read back, values written twice, fates, sessions and assigned timestamps do not
//! depend on so many times at once: `model_worlds` has those.
//!
//! Logs that differ in the names of keys or of transactions alone are taken once (that names mean
//! nothing is a law with a test of its own, in `model_laws`); which transaction's rows come first goes
//! through all orders from log to log. Nothing else is left out:
//!
//! | transactions | keys | times | logs | judged | compared |
//! |---|---|---|---|---|---|
//! | 1, 2 | 2 | bounds | 900 and 1,531,200 | all | findings |
//! | 3 | 1 | points | 118,128 | all | findings |
//! | 3 | 2 | points | 18,171,712 | every 61st | counts |
//! | 3 | 1 | bounds | 28,413,500 | every 61st | counts |
//! | 3 | 1, an operation each | bounds | 3,858,400 | every 13th | findings of `linearizable` |
//!
//! With `SKEWER_WORLDS=1` all of them are judged: that takes about a quarter of an hour of one core.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use rayon::ThreadPoolBuilder;
use skewer::reference::{self, Input};
use skewer::report::{Counts, Finding, Model, ModelReport};
use skewer::txn::{Datum, Op, Row, Status, Times};
use skewer::{BoundedTimestamp, Log, OpenOptions, VerifyOptions, verify};

/// Ticks of a world.
const TICKS: i64 = 4;

/// Worlds in one log: what one of them counts too much no other is likely to count too little.
const PACK: usize = 100;

/// The models that judge every log of reads by bounds; a single other one needs more of it.
const BY_BOUNDS: [Model; 6] = [
    Model::WriteOrder,
    Model::CrossRegionConflicts,
    Model::SnapshotIsolation,
    Model::Serializable,
    Model::StrictSerializable,
    Model::ClockBounds,
];

/// Whether a key was read, and what that returned: nothing, or the value of another transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Read {
    Not,
    Nothing,
    Of(u8),
}

/// What a transaction does to a key: a read comes before a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Does {
    read: Read,
    write: bool,
}

/// What up to three transactions do to two keys.
type Ops = [[Does; 2]; 3];

const NOTHING: Does = Does { read: Read::Not, write: false };

/// When a transaction started and committed.
type Life = [BoundedTimestamp; 2];

#[derive(Clone, Copy)]
struct World {
    txns: usize,
    ops: Ops,
    lives: [Life; 3],
    /// Orders the rows of the transactions.
    number: usize,
}

/// All that transactions can do to one key.
fn of_key(txns: usize) -> Vec<[Does; 3]> {
    let mut all = Vec::new();
    for writers in 0..1_u8 << txns {
        let writes = |txn: usize| writers >> txn & 1 == 1;
        let mut of_writers = vec![[NOTHING; 3]];
        for txn in 0..txns {
            let others = (0..txns).filter(|&other| other != txn && writes(other));
            let values = others.map(|other| Read::Of(other as u8));
            let reads: Vec<Read> = [Read::Not, Read::Nothing].into_iter().chain(values).collect();
            let with = |before: [Does; 3]| {
                let write = writes(txn);
                reads.iter().map(move |&read| {
                    let mut ops = before;
                    ops[txn] = Does { read, write };
                    ops
                })
            };
            of_writers = of_writers.into_iter().flat_map(with).collect();
        }
        all.extend(of_writers);
    }
    all
}

/// All that transactions, each of which does something, can do to so many keys.
fn all_ops(txns: usize, keys: usize) -> Vec<Ops> {
    let (first, none) = (of_key(txns), vec![[NOTHING; 3]]);
    let second = if keys == 2 { &first } else { &none };
    let both = |a: &[Does; 3]| {
        let a = *a;
        second.iter().map(move |b| [0, 1, 2].map(|txn| [a[txn], b[txn]])).collect::<Vec<Ops>>()
    };
    let all = first.iter().flat_map(both);
    all.filter(|ops| ops[..txns].iter().all(|does| *does != [NOTHING; 2])).collect()
}

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// The orders of so many transactions.
fn orders(txns: usize) -> impl Iterator<Item = [usize; 3]> {
    ORDERS.into_iter().filter(move |order| (txns..3).all(|txn| order[txn] == txn))
}

/// The same log, transaction `txn` under the name `order[txn]`, its keys exchanged or not.
fn renamed(ops: &Ops, order: [usize; 3], exchanged: bool) -> Ops {
    let mut renamed = [[NOTHING; 2]; 3];
    for (txn, does) in ops.iter().enumerate() {
        let name = |does: Does| match does.read {
            Read::Of(writer) => Does { read: Read::Of(order[usize::from(writer)] as u8), ..does },
            _ => does,
        };
        let [a, b] = does.map(name);
        renamed[order[txn]] = if exchanged { [b, a] } else { [a, b] };
    }
    renamed
}

/// Operations as no renaming makes them less, with the orders that leave them as they are.
fn representatives(txns: usize, keys: usize) -> Vec<(Ops, Vec<[usize; 3]>)> {
    let exchanges: &[bool] = if keys == 2 { &[false, true] } else { &[false] };
    let representative = |ops: Ops| {
        let mut symmetries = Vec::new();
        for order in orders(txns) {
            for &exchanged in exchanges {
                match renamed(&ops, order, exchanged).cmp(&ops) {
                    std::cmp::Ordering::Less => return None,
                    std::cmp::Ordering::Equal => symmetries.push(order),
                    std::cmp::Ordering::Greater => {}
                }
            }
        }
        Some((ops, symmetries))
    };
    all_ops(txns, keys).into_iter().filter_map(representative).collect()
}

fn points() -> Vec<BoundedTimestamp> {
    (0..TICKS).map(BoundedTimestamp::point).collect()
}

fn bounds() -> Vec<BoundedTimestamp> {
    let from = |first: i64| (first..TICKS).filter_map(move |last| BoundedTimestamp::new(first, last));
    (0..TICKS).flat_map(from).collect()
}

/// A family of worlds.
struct Family {
    txns: usize,
    ops: Vec<(Ops, Vec<[usize; 3]>)>,
    lives: Vec<Life>,
    /// One world in so many is judged.
    stride: usize,
    models: &'static [Model],
    /// Whether findings are compared, and not counts alone.
    findings: bool,
}

impl Family {
    fn new(txns: usize, keys: usize, times: &[BoundedTimestamp]) -> Self {
        let lives = times.iter().flat_map(|s| times.iter().map(|c| [*s, *c])).collect();
        let ops = representatives(txns, keys);
        Family { txns, ops, lives, stride: 1, models: &BY_BOUNDS, findings: true }
    }

    /// Judges one world in `stride`, or what `SKEWER_WORLDS` says.
    fn every(self, stride: usize) -> Self {
        let asked = std::env::var("SKEWER_WORLDS").ok().and_then(|text| text.parse().ok());
        Family { stride: asked.unwrap_or(stride), ..self }
    }

    fn counts(self) -> Self {
        Family { findings: false, ..self }
    }

    /// Calls `visit` with every world whose operations are those at `place`.
    fn each(&self, place: usize, mut visit: impl FnMut(World)) {
        let (ops, symmetries) = &self.ops[place];
        let (count, lives) = (self.lives.len(), &self.lives);
        let mut number = 0;
        for at in 0..count.pow(self.txns as u32) {
            let mut chosen = [at % count, at / count % count, at / count / count];
            chosen[self.txns..].fill(0);
            // Of the ways to give these lives to transactions that are alike the least.
            let least = symmetries.iter().all(|order| {
                let mut other = [0; 3];
                (0..3).for_each(|txn| other[order[txn]] = chosen[txn]);
                chosen <= other
            });
            if least {
                visit(World { txns: self.txns, ops: *ops, lives: chosen.map(|life| lives[life]), number });
                number += 1;
            }
        }
    }

    /// Holds the engine against the reference; how many worlds there are.
    #[track_caller]
    fn agree(&self) -> usize {
        let (next, worlds) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || {
            let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
            pool.install(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    if place >= self.ops.len() {
                        return;
                    }
                    worlds.fetch_add(self.agree_on(place), Ordering::Relaxed);
                }
            });
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
        worlds.into_inner()
    }

    fn agree_on(&self, place: usize) -> usize {
        let (mut pack, mut worlds) = (Vec::with_capacity(PACK), 0);
        self.each(place, |world| {
            worlds += 1;
            if (world.number + place).is_multiple_of(self.stride) {
                pack.push(world);
            }
            if pack.len() == PACK {
                self.judge(&pack);
                pack.clear();
            }
        });
        if !pack.is_empty() {
            self.judge(&pack);
        }
        worlds
    }

    fn judge(&self, pack: &[World]) {
        let mut rows: Vec<Row<'static>> = Vec::new();
        let worlds: Vec<std::ops::Range<usize>> = pack
            .iter()
            .enumerate()
            .map(|(number, world)| {
                let first = rows.len();
                write(world, number as i64, &mut rows);
                first..rows.len()
            })
            .collect();
        let log = opened(&rows);
        let options = VerifyOptions {
            models: Some(self.models.to_vec()),
            findings: if self.findings { None } else { Some(0) },
            ..VerifyOptions::default()
        };
        for (model, said) in verify(&log, &options).unwrap().models {
            let truth = truth(&log, model, worlds.iter().map(|world| &rows[world.clone()]));
            assert_eq!(said.reason, truth.reason, "{}", model.name());
            let found = said.kinds.into_iter().filter(|(_, c)| c.definite + c.possible > 0);
            let found: BTreeMap<&'static str, Counts> = found.collect();
            if found != truth.kinds
                || said.facts != truth.facts
                || said.findings != truth.findings(self.findings)
            {
                tell(pack, model);
            }
        }
    }
}

/// Says which world the engine judges otherwise.
fn tell(pack: &[World], model: Model) {
    for world in pack {
        let mut rows = Vec::new();
        write(world, 0, &mut rows);
        let log = opened(&rows);
        let options = VerifyOptions { models: Some(vec![model]), ..VerifyOptions::default() };
        let said = verify(&log, &options).unwrap().models.remove(&model).unwrap();
        let truth = truth(&log, model, std::iter::once(rows.as_slice()));
        assert_eq!(said.findings, truth.findings(true), "{} {rows:#?}", model.name());
        assert_eq!(said.facts, truth.facts, "{} {rows:#?}", model.name());
    }
    panic!("{}: the worlds of a pack are judged otherwise than one by one", model.name());
}

/// What the reference says of worlds, one by one.
#[derive(Default)]
struct Truth {
    reason: Option<String>,
    kinds: BTreeMap<&'static str, Counts>,
    facts: BTreeMap<String, u64>,
    findings: Vec<Finding>,
}

impl Truth {
    fn add(&mut self, report: ModelReport) {
        self.reason = report.reason;
        for (kind, counts) in report.kinds {
            let sum = self.kinds.entry(kind).or_default();
            (sum.definite, sum.possible) = (sum.definite + counts.definite, sum.possible + counts.possible);
        }
        for (name, count) in report.facts {
            let largest = name.ends_with(".largest");
            let sum = self.facts.entry(name).or_default();
            *sum = if largest { count.max(*sum) } else { count + *sum };
        }
        self.findings.extend(report.findings);
    }

    fn findings(&self, wanted: bool) -> Vec<Finding> {
        let mut findings = if wanted { self.findings.clone() } else { Vec::new() };
        findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
        findings
    }
}

fn truth<'r>(log: &Log, model: Model, worlds: impl Iterator<Item = &'r [Row<'static>]>) -> Truth {
    let mut truth = Truth::default();
    for rows in worlds {
        let (rows, columns, places) = (rows.to_vec(), log.columns(), log.places().clone());
        truth.add(reference::judge(model, &Input { rows, columns, places, visibility_lag: 0 }));
    }
    truth
}

/// The rows of a world.
fn write(world: &World, pack_number: i64, rows: &mut Vec<Row<'static>>) {
    let all: Vec<[usize; 3]> = orders(world.txns).collect();
    let order = all[world.number % all.len()];
    for txn in order.into_iter().take(world.txns) {
        let [start, commit] = world.lives[txn];
        let times = Times { start: Some(start), commit: Some(commit), ..Times::default() };
        for (key, does) in world.ops[txn].iter().enumerate() {
            let mut push = |op: Op, value: Option<u8>| {
                rows.push(Row {
                    row: rows.len() as u64,
                    key: Datum::Integer(i128::from(pack_number) * 2 + key as i128),
                    op,
                    value: value.map(|v| Datum::Integer(v.into())),
                    txn: Some(Datum::Integer(i128::from(pack_number) * 3 + txn as i128)),
                    region: ["eu", "us", "eu"][txn],
                    session: None,
                    status: Status::Committed,
                    times,
                });
            };
            match does.read {
                Read::Not => {}
                Read::Nothing => push(Op::Read, None),
                Read::Of(writer) => push(Op::Read, Some(writer)),
            }
            if does.write {
                push(Op::Write, Some(txn as u8));
            }
        }
    }
}

fn opened(rows: &[Row<'static>]) -> Log {
    let integer = |datum: Option<Datum<'_>>| match datum {
        Some(Datum::Integer(n)) => i64::try_from(n).ok(),
        _ => None,
    };
    let ints = |value: &dyn Fn(&Row<'static>) -> Option<i64>| -> ArrayRef {
        Arc::new(rows.iter().map(value).collect::<Int64Array>())
    };
    let words = |word: &dyn Fn(&Row<'static>) -> &'static str| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(word)))
    };
    let batch = RecordBatch::try_from_iter([
        ("key", ints(&|r| integer(Some(r.key)))),
        ("op", words(&|r| if r.op == Op::Read { "r" } else { "w" })),
        ("value", ints(&|r| integer(r.value))),
        ("txn", ints(&|r| integer(r.txn))),
        ("region", words(&|r| r.region)),
        ("start_earliest", ints(&|r| r.times.start.map(BoundedTimestamp::earliest))),
        ("start_latest", ints(&|r| r.times.start.map(BoundedTimestamp::latest))),
        ("commit_earliest", ints(&|r| r.times.commit.map(BoundedTimestamp::earliest))),
        ("commit_latest", ints(&|r| r.times.commit.map(BoundedTimestamp::latest))),
    ]);
    Log::from_batches(vec![("log.arrow".to_owned(), vec![batch.unwrap()])], &OpenOptions::default()).unwrap()
}

/// Promise: every log of one or two transactions on two keys, in bounds, is judged as the specification
/// says.
#[test]
fn up_to_two_in_bounds() {
    assert_eq!(Family::new(1, 2, &bounds()).agree(), 900);
    assert_eq!(Family::new(2, 2, &bounds()).agree(), 1_531_200);
}

/// Promise: so is every log of three transactions on one key, at points.
#[test]
fn three_on_one_key_at_points() {
    assert_eq!(Family::new(3, 1, &points()).agree(), 118_128);
}

/// Promise: so is every log of three transactions on two keys, at points.
#[test]
fn three_at_points() {
    assert_eq!(Family::new(3, 2, &points()).counts().every(61).agree(), 18_171_712);
}

/// Promise: so is every log of three transactions on one key, in bounds.
#[test]
fn three_on_one_key_in_bounds() {
    assert_eq!(Family::new(3, 1, &bounds()).counts().every(61).agree(), 28_413_500);
}

/// Promise: `linearizable` judges every log of three operations of one key, in bounds, as the
/// specification says.
#[test]
fn three_operations_of_a_register() {
    let mut family = Family { models: &[Model::Linearizable], ..Family::new(3, 1, &bounds()) };
    family.ops.retain(|(ops, _)| ops.iter().flatten().all(|does| does.read == Read::Not || !does.write));
    assert_eq!(family.every(13).agree(), 3_858_400);
}
