//! Many small worlds of the same operations in one log, judged by the engine at once and by the reference one
//! by one.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int8Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int8Type;
use skewer::models::Tuning;
use skewer::reference::{self, Input};
use skewer::report::{Finding, Model, ModelReport};
use skewer::txn::{Columns, Datum, Op, Places, Row, Status, Times};
use skewer::{BoundedTimestamp, Log, OpenOptions, VerifyOptions, verify};

use super::answers::{Answers, Asked, Numbers, numbers, take};
use super::operations::{Does, Ops, Order, Read, orders};
use super::times::Life;

/// One row of a world.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) txn: usize,
    pub(super) key: usize,
    pub(super) op: Op,
    pub(super) value: Option<usize>,
}

/// The rows of a world, transactions in that order.
pub(super) fn steps<const KEYS: usize>(ops: &[[Does; KEYS]; 3], order: Order) -> Vec<Step> {
    let mut steps = Vec::new();
    for txn in order {
        for (key, does) in ops[txn].iter().enumerate() {
            match does.read {
                Read::Not => {}
                Read::Nothing => steps.push(Step { txn, key, op: Op::Read, value: None }),
                Read::Of(writer) => {
                    steps.push(Step { txn, key, op: Op::Read, value: Some(usize::from(writer)) });
                }
            }
            if does.write {
                steps.push(Step { txn, key, op: Op::Write, value: Some(txn) });
            }
        }
    }
    steps
}

/// Keys and transactions of a world are told from those of others by its place.
const APART: usize = 4;

const REGIONS: [&str; 2] = ["eu", "us"];

/// Where a transaction ran, as a place in [`REGIONS`].
fn region(txn: usize) -> usize {
    txn % 2
}

/// The row that stands at `at`, of the world at `place`.
pub(super) fn row(at: usize, step: Step, place: usize, life: Life) -> Row<'static> {
    let integer = |number: usize| Datum::Integer(number as i128);
    Row {
        row: at as u64,
        key: integer(place * APART + step.key),
        op: step.op,
        value: step.value.map(integer),
        txn: Some(integer(place * APART + step.txn)),
        region: REGIONS[region(step.txn)],
        session: None,
        status: Status::Committed,
        times: Times { start: life.start, commit: Some(life.commit), ..Times::default() },
    }
}

/// A world among those of its operations: by its place among all lives, when each transaction lived.
#[derive(Clone, Copy, Debug)]
pub(super) struct World {
    pub(super) lives: [u8; 3],
}

/// Worlds of the same operations.
///
/// Which transaction's rows come first goes through all orders from world to world. So packs of the same
/// operations differ in their times alone, and all other columns are made once.
pub(super) struct Pack<'a> {
    ops: Ops,
    lives: &'a [Life],
    /// The rows, for every order of the transactions.
    steps: Vec<Vec<Step>>,
    /// The order of the first world's transactions.
    turn: usize,
    pub(super) worlds: Vec<World>,
    /// Columns without times, of as many worlds as there were at most.
    timeless: Vec<(&'static str, ArrayRef)>,
}

impl<'a> Pack<'a> {
    /// No worlds yet of these operations by so many transactions.
    pub(super) fn new(ops: &Ops, txns: usize, turn: usize, lives: &'a [Life]) -> Self {
        let steps: Vec<_> = orders(txns).map(|order| steps(ops, order)).collect();
        Pack { ops: *ops, lives, turn: turn % steps.len(), steps, worlds: Vec::new(), timeless: Vec::new() }
    }

    /// The world at `place`, by itself.
    fn alone(&self, place: usize) -> Self {
        let mut alone = Pack::new(&self.ops, 1, 0, self.lives);
        alone.steps = vec![self.steps(place).to_vec()];
        alone.worlds.push(self.worlds[place]);
        alone
    }

    /// The rows of the world at `place`.
    fn steps(&self, place: usize) -> &[Step] {
        &self.steps[(self.turn + place) % self.steps.len()]
    }

    fn lives(&self, world: World) -> [Life; 3] {
        world.lives.map(|life| self.lives[usize::from(life)])
    }

    /// Of every row its world's place, and what the row does.
    fn all(&self) -> impl Iterator<Item = (usize, Step)> {
        let of_world = |place| self.steps(place).iter().map(move |step| (place, *step));
        (0..self.worlds.len()).flat_map(of_world)
    }

    fn rows(&self) -> Vec<Row<'static>> {
        let row = |(at, (place, step)): (usize, (usize, Step))| {
            row(at, step, place, self.lives(self.worlds[place])[step.txn])
        };
        self.all().enumerate().map(row).collect()
    }

    /// The columns that depend on no world's times.
    fn timeless(&self) -> Vec<(&'static str, ArrayRef)> {
        let ints = |value: &dyn Fn(usize, Step) -> Option<usize>| -> ArrayRef {
            let value = |(place, step)| value(place, step).map(|number| number as i64);
            Arc::new(self.all().map(value).collect::<Int64Array>())
        };
        let words = |words: &[&str], word: &dyn Fn(Step) -> usize| -> ArrayRef {
            let codes = Int8Array::from_iter_values(self.all().map(|(_, step)| word(step) as i8));
            Arc::new(DictionaryArray::<Int8Type>::new(codes, Arc::new(StringArray::from(words.to_vec()))))
        };
        vec![
            ("key", ints(&|place, step| Some(place * APART + step.key))),
            ("op", words(&["r", "w"], &|step| usize::from(step.op == Op::Write))),
            ("value", ints(&|_, step| step.value)),
            ("txn", ints(&|place, step| Some(place * APART + step.txn))),
            ("region", words(&REGIONS, &|step| region(step.txn))),
        ]
    }

    /// A column of times.
    fn times(&self, time: impl Fn(&Life) -> i64) -> ArrayRef {
        let (rows, times) = (self.steps[0].len(), self.lives.iter().map(time).collect::<Vec<i64>>());
        let mut all = vec![0; self.worlds.len() * rows];
        for ((place, world), rows) in self.worlds.iter().enumerate().zip(all.chunks_exact_mut(rows)) {
            let of_txns = world.lives.map(|life| times[usize::from(life)]);
            rows.iter_mut().zip(self.steps(place)).for_each(|(time, step)| *time = of_txns[step.txn]);
        }
        Arc::new(Int64Array::from(all))
    }

    fn log(&mut self) -> Log {
        let rows = self.worlds.len() * self.steps[0].len();
        if self.timeless.first().is_none_or(|(_, column)| column.len() < rows) {
            self.timeless = self.timeless();
        }
        let sliced = |(name, column): &(&'static str, ArrayRef)| (*name, column.slice(0, rows));
        let mut columns: Vec<_> = self.timeless.iter().map(sliced).collect();
        columns.push(("commit_earliest", self.times(|life| life.commit.earliest())));
        columns.push(("commit_latest", self.times(|life| life.commit.latest())));
        if self.lives[0].start.is_some() {
            let start = |end: fn(BoundedTimestamp) -> i64| move |life: &Life| life.start.map_or(0, end);
            columns.push(("start_earliest", self.times(start(BoundedTimestamp::earliest))));
            columns.push(("start_latest", self.times(start(BoundedTimestamp::latest))));
        }
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        Log::from_batches(vec![("log.arrow".to_owned(), vec![batch])], &OpenOptions::default()).unwrap()
    }

    /// The reference's reports of each world as a whole.
    fn truth(&self, model: Model, log: (Columns, &Places)) -> Vec<ModelReport> {
        let (all, mut first) = (self.rows(), 0);
        let worlds = (0..self.worlds.len()).map(|place| {
            let rows = all[first..][..self.steps(place).len()].to_vec();
            first += rows.len();
            Input { rows, columns: log.0, places: log.1.clone(), visibility_lag: 0 }
        });
        worlds.map(|input| reference::judge(model, &input)).collect()
    }

    /// Holds the numbers of the engine's reports against what the reference says.
    ///
    /// # Panics
    /// If they differ; the message names a world in which they do.
    pub(super) fn compare_numbers(&mut self, models: &[Model], asked: &Asked<'_>) {
        let (said, expected) = self.numbers(models, Tuning::default(), asked);
        if said != expected {
            self.tell(models, asked);
            panic!("alone each of these worlds is judged rightly, together not: {said:?}, not {expected:?}");
        }
    }

    /// The numbers of the engine's reports, and what they should be.
    pub(super) fn numbers(
        &mut self,
        models: &[Model],
        tuning: Tuning,
        asked: &Asked<'_>,
    ) -> (Numbers, Numbers) {
        let (log, mut expected) = (self.log(), asked.numbers(&self.worlds));
        let mut said = Numbers::new();
        let options = VerifyOptions { findings: Some(0), tuning, ..VerifyOptions::default() };
        for (model, report) in judged(&log, models, options) {
            if report.reason.is_some() {
                assert_eq!(report.reason, self.reason(model, &log), "{}", model.name());
                expected.retain(|(other, ..), _| *other != model);
            }
            said.extend(numbers(model, &report));
        }
        (said, expected)
    }

    /// Why the reference does not judge such logs, if so.
    fn reason(&self, model: Model, log: &Log) -> Option<String> {
        self.truth(model, (log.columns(), log.places())).pop().and_then(|report| report.reason)
    }

    /// Holds all findings of the engine against the reference's of whole worlds, and these against what
    /// it says of parts of them.
    pub(super) fn compare_findings(&mut self, models: &[Model], asked: &Asked<'_>) {
        let log = self.log();
        let (mut whole, mut in_parts) = (Numbers::new(), Vec::new());
        for (model, said) in judged(&log, models, VerifyOptions::default()) {
            let truth = self.truth(model, (log.columns(), log.places()));
            assert_eq!(said.reason, truth[0].reason, "{}", model.name());
            let counted = truth.iter().flat_map(|report| numbers(model, report));
            let mut counts = Numbers::new();
            counted.for_each(|(name, number)| take(&mut counts, name, number));
            assert_eq!(numbers(model, &said), counts, "{} {:?}", model.name(), self.lived());
            let mut findings: Vec<Finding> = truth.into_iter().flat_map(|report| report.findings).collect();
            findings.sort_by(|a, b| a.sort_key().cmp(&b.sort_key()));
            let first = said.findings.iter().zip(&findings).find(|(a, b)| a != b);
            assert_eq!(first, None, "{}", model.name());
            assert_eq!(said.findings.len(), findings.len(), "{}", model.name());
            if said.reason.is_none() && Answers::know(model) {
                whole.extend(counts);
                in_parts.push(model);
            }
        }
        let mut parts = asked.numbers(&self.worlds);
        parts.retain(|(model, ..), _| in_parts.contains(model));
        assert_eq!(parts, whole, "the reference says of whole worlds what it says of their parts");
    }

    /// What is done in these worlds, and when.
    fn lived(&self) -> (Ops, Vec<[Life; 3]>) {
        (self.ops, self.worlds.iter().map(|world| self.lives(*world)).collect())
    }

    /// Looks at the worlds one by one.
    fn tell(&self, models: &[Model], asked: &Asked<'_>) {
        (0..self.worlds.len()).for_each(|place| self.alone(place).compare_findings(models, asked));
    }
}

fn judged(log: &Log, models: &[Model], options: VerifyOptions) -> BTreeMap<Model, ModelReport> {
    verify(log, &VerifyOptions { models: Some(models.to_vec()), ..options }).unwrap().models
}
