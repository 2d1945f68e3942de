//! Every log of up to three transactions, two keys and four ticks, judged by the engine and by the reference.
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
//! | transactions | keys | times | logs | always judged | `SKEWER_WORLDS=1` |
//! |---|---|---|---|---|---|
//! | 1, 2 | 2 | bounds | 900 and 1,531,200 | all | all |
//! | 3 | 2 | points | 18,171,712 | every 11th | all |
//! | 3 | 2 | bounds of commits, no starts | 4,443,450 | every 5th | all |
//! | 3 | 2, of which one stands alone | bounds | 71,170,200 | every 101st | all |
//! | 3, an operation each: `linearizable` | 2 | bounds | 9,878,400 | every 13th | all |
//! | 3 | 2 | bounds | 4,426,689,000 | 6,145,227: any three of the six bounds | the same |
//!
//! A key *stands alone* if none but transactions that do not write it touch the other, and they write that blindly.
//! *Any four* says that whichever four of the six starts and commits are looked at take all their 10,000 values
//! together, with all operations. That is all that any definition looks at: a conflict at both times of two
//! transactions; a misplaced read at one time of its reader and the commits of two writers; the last writer at
//! three commits; a broken bound at two times. `linearizable` alone looks at all six, and is judged
//! in all. What two keys have to do with each other is, by the definitions, whether a reader wrote elsewhere (which is why
//! the blind writes are there), and that a pair of transactions breaks a bound once: another law in `model_laws`.
//! Without `SKEWER_WORLDS` all takes half a minute of one core, with it some minutes.
//! `SKEWER_BOUNDS` asks for more of the last: any `4` of the bounds, any `5`, or `all` 4,426,689,000 logs, which
//! take a core an hour and a half; with `SKEWER_SLICE=3/40`, or `3-7/40`, slices of these. Operations that follow each
//! other are in different slices, every slice says what it judged, and the slices together are all. They were judged, all
//! of them, on 2026-11-26, and no answer differed (`benches/record/x86_64-avx512/2026-11-26-models.txt`).
//!
//! Each pack of worlds is one log. Numbers are compared (each kind by certainty, and facts), in one
//! world of some hundreds (of all bounds: some thousands) every finding too.

mod answers;
mod operations;
mod pack;
mod questions;
mod slices;
mod times;

use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::ThreadPoolBuilder;
use skewer::BoundedTimestamp;
use skewer::models::Tuning;
use skewer::report::{Kind, Model};

use answers::{Answers, Asked};
use operations::{Does, Ops, Order, about_one_key, cycles, representatives};
use pack::{Pack, World};
use slices::Slices;
use times::{BOUNDS, Life, Six, bounds, covering, lives, points};

/// Worlds in one log: what one of them counts too much no other is likely to count too little.
const PACK: usize = 997;

/// Of so many worlds that are judged one is compared finding by finding.
const LOOKED_AT: usize = 401;

/// The models that judge every log of reads by bounds; a single other one needs more of it.
const BY_BOUNDS: [Model; 6] = [
    Model::WriteOrder,
    Model::CrossRegionConflicts,
    Model::SnapshotIsolation,
    Model::Serializable,
    Model::StrictSerializable,
    Model::ClockBounds,
];

/// A family of worlds.
struct Family {
    txns: usize,
    ops: Vec<(Ops, Vec<Order>)>,
    lives: Vec<Life>,
    /// The choices of starts and commits; `None` for all.
    choices: Option<Vec<Six>>,
    /// One world in so many is judged.
    stride: usize,
    /// One judged world in so many is compared finding by finding.
    looked_at: usize,
    models: &'static [Model],
}

/// How many worlds a family has, how many of them were judged, and how many of these finding by finding.
#[derive(Clone, Copy, Debug, Default)]
struct Judged {
    worlds: usize,
    held: usize,
    looked_at: usize,
}

impl Family {
    fn new(txns: usize, keys: usize, times: &[BoundedTimestamp]) -> Self {
        Family {
            txns,
            ops: representatives(txns, keys),
            lives: lives(times, true),
            choices: None,
            stride: 1,
            looked_at: LOOKED_AT,
            models: &BY_BOUNDS,
        }
    }

    /// Judges one world in `stride`, or what `SKEWER_WORLDS` says.
    fn every(self, stride: usize) -> Self {
        Family { stride: asked().unwrap_or(stride), ..self }
    }

    fn looking_at(self, looked_at: usize) -> Self {
        Family { looked_at, ..self }
    }

    /// How many worlds there are of the operations at `places`: the ways to give lives to transactions, those
    /// that are alike taken together (Burnside's lemma).
    fn count(&self, places: impl Iterator<Item = usize>) -> usize {
        let (lives, choices) = (self.lives.len(), self.choices.as_ref().map(Vec::len));
        let alike = |symmetries: &Vec<Order>| {
            let kept = symmetries.iter().map(|order| lives.pow(cycles(*order) - (3 - self.txns as u32)));
            kept.sum::<usize>() / symmetries.len()
        };
        places.map(|place| choices.unwrap_or_else(|| alike(&self.ops[place].1))).sum()
    }

    /// Calls `visit` with every world whose operations are those at `place`, and its number.
    fn each(&self, place: usize, mut visit: impl FnMut(usize, World)) {
        if let Some(choices) = &self.choices {
            for (number, [s, c, t, d, u, e]) in choices.iter().copied().enumerate() {
                let lives = [s * BOUNDS + c, t * BOUNDS + d, u * BOUNDS + e].map(|life| life as u8);
                visit(number, World { lives });
            }
            return;
        }
        let symmetries = &self.ops[place].1;
        let count = self.lives.len();
        let mut number = 0;
        for at in 0..count.pow(self.txns as u32) {
            let mut lives = [at % count, at / count % count, at / count / count].map(|life| life as u8);
            lives[self.txns..].fill(0);
            // Of the ways to give these lives to transactions that are alike the least.
            let least = symmetries.iter().all(|order| {
                let mut other = [0; 3];
                (0..3).for_each(|txn| other[order[txn]] = lives[txn]);
                lives <= other
            });
            if least {
                visit(number, World { lives });
                number += 1;
            }
        }
    }

    /// Holds the engine against the reference where the operations are those at `places`.
    #[track_caller]
    fn agree(&self, places: &[usize], answers: &Answers<'_>) -> Judged {
        let next = AtomicUsize::new(0);
        let work = || {
            let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
            pool.install(|| {
                let mut sum = Judged::default();
                while let Some(&place) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
                    self.agree_on(place, &answers.about(&self.ops[place].0), &mut sum);
                }
                sum
            })
        };
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let sums: Vec<Judged> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        sums.into_iter().fold(Judged::default(), |a, b| Judged {
            worlds: a.worlds + b.worlds,
            held: a.held + b.held,
            looked_at: a.looked_at + b.looked_at,
        })
    }

    fn agree_on(&self, place: usize, asked: &Asked<'_>, sum: &mut Judged) {
        let none = || Pack::new(&self.ops[place].0, self.txns, place, &self.lives);
        let (mut pack, mut looked_at) = (none(), none());
        self.each(place, |number, world| {
            sum.worlds += 1;
            let number = number + place;
            if !number.is_multiple_of(self.stride) {
                return;
            }
            sum.held += 1;
            if (number / self.stride).is_multiple_of(self.looked_at) {
                sum.looked_at += 1;
                looked_at.worlds.push(world);
            } else {
                pack.worlds.push(world);
            }
            if pack.worlds.len() == PACK {
                pack.compare_numbers(self.models, asked);
                pack.worlds.clear();
            }
            if looked_at.worlds.len() == PACK {
                looked_at.compare_findings(self.models, asked);
                looked_at.worlds.clear();
            }
        });
        if !pack.worlds.is_empty() {
            pack.compare_numbers(self.models, asked);
        }
        if !looked_at.worlds.is_empty() {
            looked_at.compare_findings(self.models, asked);
        }
    }
}

/// One world in how many `SKEWER_WORLDS` asks for.
fn asked() -> Option<usize> {
    std::env::var("SKEWER_WORLDS").ok().and_then(|text| text.parse().ok())
}

/// Judges the family, says how much of it, and makes sure of how many worlds it has.
#[track_caller]
fn agree(name: &str, family: &Family, worlds: usize) {
    agree_in(Slices::WHOLE, name, family, worlds);
}

/// The same in slices.
#[track_caller]
fn agree_in(slices: Slices, name: &str, family: &Family, worlds: usize) {
    let places = |slice| slices.places(slice, family.ops.len());
    let count = |slice| family.count(places(slice).into_iter());
    assert_eq!((1..=slices.of).map(count).sum::<usize>(), worlds, "{name}");
    let answers = Answers::new(&family.lives);
    for slice in slices.first..=slices.last {
        let judged = family.agree(&places(slice), &answers);
        let of = if slices.of == 1 { String::new() } else { format!(", slice {slice} of {}", slices.of) };
        println!(
            "{name}{of}: of {} worlds {} judged, {} finding by finding",
            judged.worlds, judged.held, judged.looked_at
        );
        judged.check(family, count(slice), name);
    }
}

impl Judged {
    /// Makes sure that of `worlds` worlds of the family so many were judged as was asked for.
    #[track_caller]
    fn check(self, family: &Family, worlds: usize, name: &str) {
        assert_eq!(self.worlds, worlds, "{name}");
        // Where symmetries leave out lives a stride meets a few more or fewer.
        let most_of = |some: usize, all: usize| some * 4 >= all * 3;
        assert!(
            self.held == worlds || family.stride > 1 && most_of(self.held * family.stride, worlds),
            "{name}"
        );
        assert!(most_of(self.looked_at * family.looked_at, self.held), "{name}");
    }
}

/// Promise: an engine that forgets reads is noticed wherever a read is stale or from the future.
#[test]
fn forgotten_reads_are_noticed() {
    let (family, tuning) = (Family::new(2, 2, &points()), Tuning { forget_reads: true, ..Tuning::default() });
    let mut noticed = 0;
    let answers = Answers::new(&family.lives);
    for (place, (ops, _)) in family.ops.iter().enumerate() {
        let mut pack = Pack::new(ops, 2, place, &family.lives);
        family.each(place, |_, world| pack.worlds.push(world));
        let (said, expected) = pack.numbers(&BY_BOUNDS, tuning, &answers.about(ops));
        let misread = [Kind::StaleRead, Kind::FutureRead].map(Kind::name);
        let misread = expected.keys().any(|(.., name)| misread.contains(&name.as_ref()));
        if misread {
            noticed += 1;
            assert_ne!(said, expected, "{ops:?}");
        }
    }
    assert!(noticed > 0);
}

/// Promise: every log of one or two transactions on two keys, in bounds, is judged as the specification
/// says.
#[test]
fn up_to_two_in_bounds() {
    agree("one", &Family::new(1, 2, &bounds()).looking_at(1), 900);
    agree("two", &Family::new(2, 2, &bounds()).looking_at(13), 1_531_200);
}

/// Promise: so is every log of three transactions on two keys, at points.
#[test]
fn three_at_points() {
    agree("three at points", &Family::new(3, 2, &points()).every(11), 18_171_712);
}

/// Promise: so is every log of three transactions on two keys whose starts nobody noted, in bounds.
#[test]
fn three_without_starts() {
    let family = Family { lives: lives(&bounds(), false), ..Family::new(3, 2, &bounds()) };
    agree("three without starts", &family.every(5), 4_443_450);
}

/// Promise: so is every log of three transactions on one key, in bounds, whoever of its readers wrote
/// another.
#[test]
fn three_about_one_key_in_bounds() {
    let mut family = Family::new(3, 2, &bounds());
    family.ops.retain(|(ops, _)| about_one_key(ops));
    agree("three about one key", &family.every(101), 71_170_200);
}

/// Promise: so is every log of three transactions on two keys, in bounds of which any three take all values
/// together; any four or five, or all of them, where `SKEWER_BOUNDS` asks for `4`, `5` or `all`: that takes a core
/// two minutes, a quarter of an hour, or an hour and a half.
#[test]
fn three_in_bounds() {
    let family = Family::new(3, 2, &bounds());
    let covered = |strength| Family { choices: Some(covering(strength)), ..Family::new(3, 2, &bounds()) };
    match std::env::var("SKEWER_BOUNDS").as_deref() {
        Ok("all") => {
            let family = family.looking_at(10_007);
            agree_in(Slices::asked(), "three in all bounds", &family, 4_426_689_000);
        }
        Ok("5") => agree("three in any five bounds", &covered(5), 743_572_467),
        Ok("4") => agree("three in any four bounds", &covered(4), 67_597_497),
        Ok(other) => panic!("SKEWER_BOUNDS is {other}, and not 4, 5 or all"),
        Err(_) => agree("three in any three bounds", &covered(3), 6_145_227),
    }
}

/// Promise: `linearizable` judges every log of three operations of two keys, in bounds, as the
/// specification says.
#[test]
fn three_operations_of_registers() {
    let mut family = Family { models: &[Model::Linearizable], ..Family::new(3, 2, &bounds()) };
    let single = |does: &[Does; 2]| does.iter().map(|does| does.operations()).sum::<usize>() == 1;
    family.ops.retain(|(ops, _)| ops.iter().all(single));
    agree("three operations", &family.every(13).looking_at(1), 9_878_400);
}
