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

use super::answers::{Answers, Numbers, Sums, numbers, take};
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

/// A world among those of its operations.
#[derive(Clone, Copy, Debug)]
pub(super) struct World {
    pub(super) lives: [Life; 3],
    /// Orders the rows of the transactions.
    pub(super) number: usize,
}

/// Worlds of the same operations.
pub(super) struct Pack {
    ops: Ops,
    /// The rows, for every order of the transactions.
    steps: Vec<Vec<Step>>,
    pub(super) worlds: Vec<World>,
}

impl Pack {
    pub(super) fn new(ops: &Ops, txns: usize) -> Self {
        Pack { ops: *ops, steps: orders(txns).map(|order| steps(ops, order)).collect(), worlds: Vec::new() }
    }

    fn steps(&self, world: &World) -> &[Step] {
        &self.steps[world.number % self.steps.len()]
    }

    /// Of every row its world's place, the world, and what the row does.
    fn all(&self) -> impl Iterator<Item = (usize, &World, Step)> {
        let of_world = |(place, world)| self.steps(world).iter().map(move |step| (place, world, *step));
        self.worlds.iter().enumerate().flat_map(of_world)
    }

    fn rows(&self) -> Vec<Row<'static>> {
        let row = |(at, (place, world, step)): (usize, (usize, &World, Step))| {
            row(at, step, place, world.lives[step.txn])
        };
        self.all().enumerate().map(row).collect()
    }

    fn log(&self) -> Log {
        let rows = self.worlds.iter().map(|world| self.steps(world).len()).sum();
        let ints = |value: &dyn Fn(usize, &World, Step) -> i64| -> ArrayRef {
            let mut all = Vec::with_capacity(rows);
            all.extend(self.all().map(|(place, world, step)| value(place, world, step)));
            Arc::new(Int64Array::from(all))
        };
        let words = |words: &[&str], word: &dyn Fn(Step) -> usize| -> ArrayRef {
            let codes = Int8Array::from_iter_values(self.all().map(|(.., step)| word(step) as i8));
            Arc::new(DictionaryArray::<Int8Type>::new(codes, Arc::new(StringArray::from(words.to_vec()))))
        };
        let values: Int64Array = self.all().map(|(.., step)| step.value.map(|v| v as i64)).collect();
        let commit = |world: &World, step: Step| world.lives[step.txn].commit;
        let mut columns = vec![
            ("key", ints(&|place, _, step| (place * APART + step.key) as i64)),
            ("op", words(&["r", "w"], &|step| usize::from(step.op == Op::Write))),
            ("value", Arc::new(values)),
            ("txn", ints(&|place, _, step| (place * APART + step.txn) as i64)),
            ("region", words(&REGIONS, &|step| region(step.txn))),
            ("commit_earliest", ints(&|_, world, step| commit(world, step).earliest())),
            ("commit_latest", ints(&|_, world, step| commit(world, step).latest())),
        ];
        if self.worlds.iter().any(|world| world.lives[0].start.is_some()) {
            let end = |world: &World, step: Step, end: fn(BoundedTimestamp) -> i64| {
                world.lives[step.txn].start.map_or(0, end)
            };
            columns.push(("start_earliest", ints(&|_, w, step| end(w, step, BoundedTimestamp::earliest))));
            columns.push(("start_latest", ints(&|_, w, step| end(w, step, BoundedTimestamp::latest))));
        }
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        Log::from_batches(vec![("log.arrow".to_owned(), vec![batch])], &OpenOptions::default()).unwrap()
    }

    /// The reference's reports of each world as a whole.
    fn truth(&self, model: Model, log: (Columns, &Places)) -> Vec<ModelReport> {
        let (all, mut first) = (self.rows(), 0);
        let worlds = self.worlds.iter().map(|world| {
            let rows = all[first..][..self.steps(world).len()].to_vec();
            first += rows.len();
            Input { rows, columns: log.0, places: log.1.clone(), visibility_lag: 0 }
        });
        worlds.map(|input| reference::judge(model, &input)).collect()
    }

    /// Holds the numbers of the engine's reports against what the reference says.
    ///
    /// # Panics
    /// If they differ; the message names a world in which they do.
    pub(super) fn compare_numbers(&self, models: &[Model], answers: &mut Answers) {
        let (said, expected) = self.numbers(models, Tuning::default(), answers);
        if said != expected {
            self.tell(models, answers);
            panic!("alone each of these worlds is judged rightly, together not: {said:?}, not {expected:?}");
        }
    }

    /// The numbers of the engine's reports, and what they should be.
    pub(super) fn numbers(
        &self,
        models: &[Model],
        tuning: Tuning,
        answers: &mut Answers,
    ) -> (Numbers, Numbers) {
        let (log, mut sums) = (self.log(), Sums::default());
        self.worlds.iter().for_each(|world| answers.add(&self.ops, &world.lives, &mut sums));
        let mut expected = answers.numbers(&sums);
        let mut said = Numbers::new();
        let options = VerifyOptions { findings: Some(0), tuning, ..VerifyOptions::default() };
        for (model, report) in judged(&log, models, options) {
            if report.reason.is_some() {
                assert_eq!(report.reason, self.reason(model, &log), "{}", model.name());
                expected.retain(|(other, _), _| *other != model);
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
    /// [`Answers`] makes of parts of them.
    pub(super) fn compare_findings(&self, models: &[Model], answers: &mut Answers) {
        let log = self.log();
        let (mut whole, mut in_parts) = (Numbers::new(), Vec::new());
        for (model, said) in judged(&log, models, VerifyOptions::default()) {
            let truth = self.truth(model, (log.columns(), log.places()));
            assert_eq!(said.reason, truth[0].reason, "{}", model.name());
            let counted = truth.iter().flat_map(|report| numbers(model, report));
            let mut counts = Numbers::new();
            counted.for_each(|(name, number)| take(&mut counts, name, number));
            assert_eq!(numbers(model, &said), counts, "{} {:?}", model.name(), self.worlds);
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
        let mut sums = Sums::default();
        self.worlds.iter().for_each(|world| answers.add(&self.ops, &world.lives, &mut sums));
        let mut parts = answers.numbers(&sums);
        parts.retain(|(model, _), _| in_parts.contains(model));
        assert_eq!(parts, whole, "the reference says of whole worlds what it says of their parts");
    }

    /// Looks at the worlds one by one.
    fn tell(&self, models: &[Model], answers: &mut Answers) {
        for world in &self.worlds {
            let alone = Pack { ops: self.ops, steps: self.steps.clone(), worlds: vec![*world] };
            alone.compare_findings(models, answers);
        }
    }
}

fn judged(log: &Log, models: &[Model], options: VerifyOptions) -> BTreeMap<Model, ModelReport> {
    verify(log, &VerifyOptions { models: Some(models.to_vec()), ..options }).unwrap().models
}
