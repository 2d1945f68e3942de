//! What the reference counts in a small world, remembered.
//!
//! The reference is asked about parts ([`super::questions`]): what it says of a world is the sum of what it says
//! of each key's writers, of each reader of a key, and of each transaction by itself. And it is asked once for
//! all worlds that differ only in what a model does not look at. Neither is taken on trust: [`super::pack`] also
//! asks it of whole worlds, and compares.
//!
//! Most that is done here is looking up what is known. So an answer is a small number, at a place of a table
//! that two additions find; a pack's answers are counted, and added up in the end.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use skewer::report::{Certainty, Model, ModelReport};

use super::operations::Ops;
use super::pack::World;
use super::questions::{About, Question};
use super::times::Life;

/// What is counted: of a model's findings one kind by certainty, or one of its facts.
pub(super) type Name = (Model, Option<Certainty>, Cow<'static, str>);

/// Numbers of reports; those that are zero are left out.
pub(super) type Numbers = BTreeMap<Name, u64>;

fn is_largest(name: &Name) -> bool {
    name.2.ends_with(".largest")
}

/// Takes over a number: of amounts the largest counts, all else is added.
pub(super) fn take(numbers: &mut Numbers, name: Name, number: u64) {
    let largest = is_largest(&name);
    let sum = numbers.entry(name).or_default();
    *sum = if largest { number.max(*sum) } else { number + *sum };
}

/// The numbers of a report.
pub(super) fn numbers(model: Model, report: &ModelReport) -> Numbers {
    let kinds = report.kinds.iter().flat_map(|(kind, counts)| {
        [(Certainty::Definite, counts.definite), (Certainty::Possible, counts.possible)]
            .map(|(certainty, number)| ((model, Some(certainty), Cow::Borrowed(*kind)), number))
    });
    let facts = report.facts.iter().filter(|(_, number)| **number > 0);
    let facts = facts.map(|(name, number)| ((model, None, Cow::Owned(name.clone())), *number));
    kinds.filter(|(_, number)| *number > 0).chain(facts).collect()
}

/// The answer that was not asked for yet.
const UNKNOWN: u16 = 0;

/// No family has more lives: a power of two, lest every look-up be checked.
const LIVES_MAX: usize = 128;

/// The answers to one question, whenever the transactions lived.
struct Table {
    /// The question, whenever that is.
    question: Question,
    /// Of each transaction the lives that the question tells apart.
    seen: [Vec<Life>; 3],
    /// Of each transaction and life what it adds to the place of an answer.
    steps: [[u32; LIVES_MAX]; 3],
    /// The answers' numbers.
    answers: Vec<AtomicU16>,
}

impl Table {
    fn new(question: Question, ops: &Ops, lives: &[Life]) -> Self {
        let (mut seen, mut steps): ([Vec<Life>; 3], _) = (Default::default(), [[0; LIVES_MAX]; 3]);
        let mut places = 1;
        for txn in 0..3 {
            for (life, step) in lives.iter().zip(&mut steps[txn]) {
                let life = question.about.masked(ops, txn, *life);
                let place = seen[txn].iter().position(|other| *other == life).unwrap_or_else(|| {
                    seen[txn].push(life);
                    seen[txn].len() - 1
                });
                *step = (place * places) as u32;
            }
            places *= seen[txn].len();
        }
        let answers = std::iter::repeat_with(|| AtomicU16::new(UNKNOWN)).take(places).collect();
        Table { question, seen, steps, answers }
    }

    /// The place of the answer about a world.
    fn place(&self, lives: [u8; 3]) -> usize {
        let step = |txn: usize| self.steps[txn][usize::from(lives[txn]) % LIVES_MAX] as usize;
        step(0) + step(1) + step(2)
    }

    /// The question at a place.
    fn question_at(&self, mut place: usize) -> Question {
        let mut question = self.question.clone();
        for (life, seen) in question.lives.iter_mut().zip(&self.seen) {
            *life = seen[place % seen.len()];
            place /= seen.len();
        }
        question
    }
}

/// An answer: which of the names, and how many.
type Answer = Vec<(usize, u64)>;

/// All that the reference ever said.
#[derive(Default)]
struct Said {
    /// The answers, by their numbers less one.
    all: Vec<Answer>,
    places: BTreeMap<Answer, u16>,
    names: Vec<Name>,
}

impl Said {
    /// The number of an answer.
    fn number(&mut self, numbers: Numbers) -> u16 {
        let mut answer = Answer::new();
        for (name, number) in numbers {
            let known = self.names.iter().position(|other| *other == name);
            answer.push((known.unwrap_or(self.names.len()), number));
            if known.is_none() {
                self.names.push(name);
            }
        }
        let next = u16::try_from(self.all.len() + 1).unwrap();
        let number = *self.places.entry(answer.clone()).or_insert(next);
        if number == next {
            self.all.push(answer);
        }
        number
    }
}

/// The memory of what the reference says of worlds with these lives.
pub(super) struct Answers<'a> {
    lives: &'a [Life],
    tables: Mutex<HashMap<u64, Arc<Table>>>,
    said: Mutex<Said>,
}

/// What is asked about worlds of the same operations.
pub(super) struct Asked<'a> {
    answers: &'a Answers<'a>,
    tables: Vec<Arc<Table>>,
}

/// How often each answer was given, by its number.
#[derive(Default)]
struct Heard(Vec<u32>);

impl Heard {
    fn hear(&mut self, number: u16) {
        let place = usize::from(number);
        if place >= self.0.len() {
            self.0.resize(place + 1, 0);
        }
        self.0[place] += 1;
    }
}

impl<'a> Answers<'a> {
    pub(super) fn new(lives: &'a [Life]) -> Self {
        assert!(lives.len() <= LIVES_MAX, "{} lives", lives.len());
        Answers { lives, tables: Mutex::default(), said: Mutex::default() }
    }

    /// Whether the model can be asked about parts of a world.
    pub(super) fn know(model: Model) -> bool {
        !matches!(model, Model::ExternalConsistency | Model::Linearizable)
    }

    /// What is to be asked about worlds of these operations.
    pub(super) fn about(&'a self, ops: &Ops) -> Asked<'a> {
        let starts = self.lives[0].start.is_some();
        let tables = About::all(ops, starts).into_iter().map(|about| self.table(about, ops));
        Asked { answers: self, tables: tables.collect() }
    }

    fn table(&self, about: About, ops: &Ops) -> Arc<Table> {
        let question = Question::of(about, ops);
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let table = || Arc::new(Table::new(question.clone(), ops, self.lives));
        Arc::clone(tables.entry(question.code()).or_insert_with(table))
    }

    fn learn(&self, table: &Table, place: usize) -> u16 {
        let answer = table.question_at(place).answer();
        let number = self.said.lock().unwrap_or_else(PoisonError::into_inner).number(answer);
        table.answers[place].store(number, Ordering::Relaxed);
        number
    }

    /// What was heard, by name.
    fn numbers(&self, heard: &Heard) -> Numbers {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sums = vec![0; said.names.len()];
        let heard = said.all.iter().zip(heard.0.iter().skip(1)).filter(|(_, times)| **times > 0);
        for (answer, times) in heard {
            for &(name, count) in answer {
                let (largest, times) = (is_largest(&said.names[name]), u64::from(*times));
                sums[name] = if largest { count.max(sums[name]) } else { times * count + sums[name] };
            }
        }
        let named = said.names.iter().cloned().zip(sums);
        named.filter(|(_, number)| *number > 0).collect()
    }
}

impl Asked<'_> {
    /// What the reference says of these worlds together.
    pub(super) fn numbers(&self, worlds: &[World]) -> Numbers {
        let mut heard = Heard::default();
        for table in &self.tables {
            for world in worlds {
                let place = table.place(world.lives);
                let known = table.answers[place].load(Ordering::Relaxed);
                let unknown = known == UNKNOWN;
                heard.hear(if unknown { self.answers.learn(table, place) } else { known });
            }
        }
        self.answers.numbers(&heard)
    }
}
