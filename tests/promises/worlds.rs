//! All small worlds: every log of a few transactions, keys and ticks, none left out.
//!
//! A transaction writes a non-empty subset of two keys (or the one key) in one of two regions;
//! its bounds end at one of 4 ticks. Worlds are told apart up to the order of their
//! transactions, and each is judged with ids that go up and that go down along it, since ids
//! decide ties. What is enumerated (`k` kinds of transactions give `C(k + n - 1, n)` worlds of
//! `n`):
//!
//! | transactions | keys | starts | commits | kinds | worlds |
//! |---|---|---|---|---|---|
//! | 1 to 3 | 2 | none | bounds | 60 | 39,710 |
//! | 4 | 2 | none | points | 24 | 17,550 |
//! | 4 | 1 | none | bounds | 20 | 8,855 |
//! | 1 to 2 | 2 | points or none | points | 120 | 7,380 |
//! | 1 to 2 | 1 | bounds | bounds | 200 | 20,300 |
//! | 3 | 1 | points or none | points | 40 | 11,480 |
//! | 4 | 1 | points | points | 32 | 52,360 |
//!
//! Starts may lie after their commits. Worlds share nothing but the log: thousands, each with
//! keys of its own, are judged in one call, and by the reference one by one.

use rayon::prelude::*;
use skewer::BoundedTimestamp;
use skewer::log::build::{Record, Value};
use skewer::reference::{self, Input};
use skewer::report::{Counts, ModelReport};
use skewer::txn::Row;

use crate::logs::{Asked, How, MODELS, Sample, said};

/// Ticks of a world.
const TICKS: i64 = 4;

/// Worlds judged in one call.
const TOGETHER: usize = 4_000;

type Bound = BoundedTimestamp;

/// What a transaction may be, but for its name.
#[derive(Clone, Copy, Debug)]
struct Txn {
    /// Bit `i`: it writes key `i`.
    keys: u8,
    region: &'static str,
    start: Option<Bound>,
    commit: Bound,
}

fn points() -> Vec<Bound> {
    (0..TICKS).map(Bound::point).collect()
}

fn bounds() -> Vec<Bound> {
    (0..TICKS).flat_map(|first| (first..TICKS).filter_map(move |last| Bound::new(first, last))).collect()
}

fn starts(of: Vec<Bound>) -> Vec<Option<Bound>> {
    of.into_iter().map(Some).collect()
}

fn or_none(mut starts: Vec<Option<Bound>>) -> Vec<Option<Bound>> {
    starts.push(None);
    starts
}

fn txns(keys: u8, starts: &[Option<Bound>], commits: &[Bound]) -> Vec<Txn> {
    let mut all = Vec::new();
    for keys in 1..1 << keys {
        for region in ["eu", "us"] {
            for &start in starts {
                all.extend(commits.iter().map(|&commit| Txn { keys, region, start, commit }));
            }
        }
    }
    all
}

/// All multisets of `n` numbers below `kinds`, each in ascending order.
fn multisets(kinds: usize, n: usize) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for _ in 0..n {
        let longer = |set: &Vec<usize>| {
            let set = set.clone();
            let from = set.last().copied().unwrap_or(0);
            (from..kinds).map(move |next| [set.as_slice(), &[next]].concat()).collect::<Vec<_>>()
        };
        all = all.iter().flat_map(longer).collect();
    }
    all
}

/// The rows of a world, whose keys and ids begin with its number.
fn records(number: i64, world: &[Txn], down: bool) -> Vec<Record> {
    let mut records = Vec::new();
    for (at, txn) in world.iter().enumerate() {
        let id = if down { world.len() - at } else { at };
        for key in (0..2).filter(|key| txn.keys & 1 << key != 0) {
            records.push(Record {
                key: Value::Integer(number * 2 + key),
                txn: Some(Value::Integer(number * 8 + id as i64)),
                region: Some(txn.region.to_owned()),
                start: txn.start,
                commit: Some(txn.commit),
                ..Record::default()
            });
        }
    }
    records
}

/// What the reference says of all worlds together: it judges each alone.
fn one_by_one(sample: &Sample, worlds: &[usize], lag: u64) -> Vec<ModelReport> {
    let whole = sample.input(lag);
    let mut sums: Vec<ModelReport> =
        MODELS.map(|_| ModelReport::judged([].into(), [].into(), Vec::new())).into();
    let mut rest: &[Row<'_>] = &whole.rows;
    for rows in worlds {
        let (rows, others) = rest.split_at(*rows);
        rest = others;
        let world = alone(&whole, rows);
        for (sum, model) in sums.iter_mut().zip(MODELS) {
            let judged = reference::judge(model, &world);
            judged.facts.into_iter().for_each(|(name, n)| *sum.facts.entry(name).or_default() += n);
            for (name, counts) in judged.kinds {
                let total: &mut Counts = sum.kinds.entry(name).or_default();
                total.definite += counts.definite;
                total.possible += counts.possible;
            }
            sum.findings.extend(judged.findings);
        }
    }
    sums.into_iter().map(sorted).collect()
}

/// Some rows of a log as a log of their own, with the row numbers that they had.
fn alone<'a>(whole: &Input<'a>, rows: &[Row<'a>]) -> Input<'a> {
    Input {
        rows: rows.to_vec(),
        columns: whole.columns,
        places: whole.places.clone(),
        visibility_lag: whole.visibility_lag,
    }
}

/// The report with its findings sorted and its verdict told by its counts.
fn sorted(report: ModelReport) -> ModelReport {
    let mut report = ModelReport::judged(report.facts, report.kinds, report.findings);
    report.findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
    report
}

/// Judges every world of `sizes` transactions of these kinds, with each lag; how many there were.
fn judge_all(kinds: &[Txn], sizes: std::ops::RangeInclusive<usize>, lags: &[u64]) -> usize {
    let worlds: Vec<Vec<usize>> = sizes.flat_map(|n| multisets(kinds.len(), n)).collect();
    worlds.par_chunks(TOGETHER).for_each(|worlds| {
        for down in [false, true] {
            let worlds = worlds.iter().enumerate().map(|(number, world)| {
                let world: Vec<Txn> = world.iter().map(|&kind| kinds[kind]).collect();
                records(number as i64, &world, down)
            });
            let worlds: Vec<Vec<Record>> = worlds.collect();
            let sizes: Vec<usize> = worlds.iter().map(Vec::len).collect();
            let sample = Sample::of(worlds.concat());
            let log = sample.open();
            for &visibility_lag in lags {
                let asked = Asked { visibility_lag, findings: None };
                let truth = one_by_one(&sample, &sizes, visibility_lag);
                for how in How::paths() {
                    assert!(
                        said(&log, asked, how) == truth,
                        "{}",
                        difference(&said(&log, asked, how), &truth)
                    );
                }
            }
        }
    });
    worlds.len()
}

/// The first finding that differs, since thousands of reports cannot be read.
fn difference(said: &[ModelReport], truth: &[ModelReport]) -> String {
    for (said, truth) in said.iter().zip(truth) {
        let differs = said.findings.iter().zip(&truth.findings).find(|(a, b)| a != b);
        if let Some((said, truth)) = differs {
            return format!("said {said:#?}, but the reference {truth:#?}");
        }
    }
    let numbers = |r: &ModelReport| format!("{:?} {:?}", r.facts, r.kinds);
    format!(
        "said {:?}, but the reference {:?}",
        said.iter().map(numbers).collect::<Vec<_>>(),
        truth.iter().map(numbers).collect::<Vec<_>>()
    )
}

/// Promise: of up to three transactions with commit bounds on two keys, every world is judged as
/// the reference does.
#[test]
fn commit_bounds() {
    assert_eq!(judge_all(&txns(2, &[None], &bounds()), 1..=3, &[0, 1]), 39_710);
}

/// Promise: so is every world of four transactions with commit points on two keys, and with
/// commit bounds on one.
#[test]
fn four_transactions() {
    assert_eq!(judge_all(&txns(2, &[None], &points()), 4..=4, &[0, 2]), 17_550);
    assert_eq!(judge_all(&txns(1, &[None], &bounds()), 4..=4, &[1]), 8_855);
}

/// Promise: so is every world of two transactions with starts.
#[test]
fn two_transactions_with_starts() {
    let (some, bounded) = (or_none(starts(points())), starts(bounds()));
    assert_eq!(judge_all(&txns(2, &some, &points()), 1..=2, &[0, 1]), 7_380);
    assert_eq!(judge_all(&txns(1, &bounded, &bounds()), 1..=2, &[0]), 20_300);
}

/// Promise: so is every world of three and four transactions with starts at points on one key.
#[test]
fn more_transactions_with_starts() {
    assert_eq!(judge_all(&txns(1, &or_none(starts(points())), &points()), 3..=3, &[1]), 11_480);
    assert_eq!(judge_all(&txns(1, &starts(points()), &points()), 4..=4, &[0]), 52_360);
}
