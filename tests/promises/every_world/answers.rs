//! What the reference counts in a small world, remembered.
//!
//! The reference is asked key by key: what it says of a world is the sum of what it says of each key, and of
//! each transaction by itself. And it is asked once for all worlds that differ only in what a model does not
//! look at. Neither is taken on trust: [`super::pack`] also asks it of whole worlds, and compares.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use skewer::BoundedTimestamp;
use skewer::reference::{self, Input};
use skewer::report::{Kind, Model, ModelReport};
use skewer::txn::{Columns, Places, Row};

use super::operations::{Does, NOTHING, Ops, Read};
use super::pack::{Step, row, steps};
use super::times::Life;

/// Numbers of reports, by model and name; those that are zero are left out.
pub(super) type Numbers = BTreeMap<(Model, String), u64>;

fn is_largest(name: &str) -> bool {
    name.ends_with(".largest")
}

/// Takes over a number: of amounts the largest counts, all else is added.
pub(super) fn take(numbers: &mut Numbers, name: (Model, String), number: u64) {
    let largest = is_largest(&name.1);
    let sum = numbers.entry(name).or_default();
    *sum = if largest { number.max(*sum) } else { number + *sum };
}

/// The numbers of a report.
pub(super) fn numbers(model: Model, report: &ModelReport) -> Numbers {
    let kinds = report.kinds.iter().flat_map(|(kind, counts)| {
        [("definite", counts.definite), ("possible", counts.possible)]
            .map(|(certainty, number)| (format!("{certainty} {kind}"), number))
    });
    let facts = report.facts.iter().map(|(name, number)| (name.clone(), *number));
    let all = kinds.chain(facts).filter(|(_, number)| *number > 0);
    all.map(|(name, number)| ((model, name), number)).collect()
}

/// What the reference is asked about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// The writers of a key: `write-order` looks at their commits.
    Order,
    /// The writers of a key: `cross-region-conflicts` looks at their starts and commits.
    Conflicts,
    /// A key: `snapshot-isolation` looks at its readers' starts, and at both times of its writers.
    Snapshots,
    /// A key: `serializable` and `strict-serializable` look at the commits of those who wrote anything,
    /// and at the starts of the others.
    Serial,
    /// One transaction: whether it committed before it started.
    Itself,
    /// Who read from whom: `clock-bounds` looks at where starts begin and where commits end, and counts a pair
    /// once, whatever the keys.
    Clocks,
}

impl About {
    fn models(self) -> &'static [Model] {
        match self {
            About::Order => &[Model::WriteOrder],
            About::Conflicts => &[Model::CrossRegionConflicts],
            About::Snapshots | About::Itself => &[Model::SnapshotIsolation],
            About::Serial => &[Model::Serializable, Model::StrictSerializable],
            About::Clocks => &[Model::ClockBounds],
        }
    }

    /// Whether a number is part of the answer.
    fn counts(self, name: &str) -> bool {
        let of_itself = name.ends_with(Kind::CommitBeforeStart.name());
        match self {
            About::Snapshots => !of_itself,
            About::Itself => of_itself,
            _ => true,
        }
    }
}

/// A log that is less than the worlds it stands for: what three transactions do to a key, and each to
/// keys of its own; or, about clocks, what they do to a key that the first wrote, the second, the third.
struct Question {
    about: About,
    does: [[Does; 3]; 3],
    lives: [Life; 3],
}

/// What a bound is where nobody looks at it.
const ANY: BoundedTimestamp = BoundedTimestamp::point(0);

const WRITE: Does = Does { read: Read::Not, write: true };

impl Question {
    /// Asks about one of the keys.
    fn of_key(about: About, ops: &Ops, key: usize, lives: &[Life; 3]) -> Self {
        let mut asked = Question { about, does: [[NOTHING; 3]; 3], lives: *lives };
        for (txn, does) in ops.iter().enumerate() {
            let (here, there, life) = (does[key], does[1 - key], &mut asked.lives[txn]);
            let seen = match about {
                About::Order | About::Conflicts => Does { write: here.write, ..NOTHING },
                _ => here,
            };
            let wrote = about == About::Serial && seen != NOTHING && !here.write && there.write;
            asked.does[txn] = [seen, Does { write: wrote, ..NOTHING }, NOTHING];
            if seen == NOTHING {
                *life = Life { start: None, commit: ANY };
            } else if about == About::Order || about == About::Serial && (here.write || there.write) {
                life.start = None;
            } else if matches!(about, About::Serial | About::Snapshots) && !here.write && life.start.is_some()
            {
                life.commit = ANY;
            }
        }
        asked
    }

    /// Asks about a transaction.
    fn of_txn(life: Life) -> Self {
        let mut asked = Question { about: About::Itself, does: [[NOTHING; 3]; 3], lives: [life; 3] };
        asked.does[0][0] = WRITE;
        asked
    }

    /// Asks about the clocks of a world.
    fn of_clocks(ops: &Ops, lives: &[Life; 3]) -> Self {
        let mut asked = Question { about: About::Clocks, does: [[NOTHING; 3]; 3], lives: *lives };
        for (txn, does) in ops.iter().enumerate() {
            let life = &mut asked.lives[txn];
            if *does == [NOTHING; 2] {
                *life = Life { start: None, commit: ANY };
                continue;
            }
            asked.does[txn][txn] = WRITE;
            for does in does {
                if let Read::Of(writer) = does.read {
                    asked.does[txn][usize::from(writer)].read = does.read;
                }
            }
            if let Some(start) = life.start {
                life.start = Some(BoundedTimestamp::point(start.earliest()));
                life.commit = BoundedTimestamp::point(life.commit.latest());
            }
        }
        asked
    }

    /// A number of its own.
    fn code(&self) -> u64 {
        let bound = |b: BoundedTimestamp| (b.earliest() * 4 + b.latest()) as u64;
        // No bound begins at 1 and ends at 0.
        let code = |txn: usize| {
            let (life, [a, b, c]) = (self.lives[txn], self.does[txn]);
            let times = life.start.map_or(4, bound) << 4 | bound(life.commit);
            a.code() << 16 | b.code() << 12 | c.code() << 8 | times
        };
        (self.about as u64) << 60 | code(0) << 40 | code(1) << 20 | code(2)
    }

    /// The question as a log.
    fn rows(&self) -> Vec<Row<'static>> {
        let apart = self.about != About::Clocks;
        let own = |step: Step| if apart && step.key == 1 { 10 + step.txn } else { step.key };
        let all = steps(&self.does, [0, 1, 2]).into_iter().enumerate();
        all.map(|(at, step)| row(at, Step { key: own(step), ..step }, 0, self.lives[step.txn])).collect()
    }

    fn answer(&self) -> Numbers {
        let (rows, mut answer) = (self.rows(), Numbers::new());
        let places = Places { files: vec![("log.arrow".to_owned(), rows.len() as u64)] };
        let columns = Columns { value: true, session: false, reads: true };
        let input = Input { rows, columns, places, visibility_lag: 0 };
        for &model in self.about.models() {
            let report = reference::judge(model, &input);
            assert_eq!(report.reason, None, "{}", model.name());
            answer
                .extend(numbers(model, &report).into_iter().filter(|((_, name), _)| self.about.counts(name)));
        }
        answer
    }
}

/// Numbers that are not worth a better hash.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, _: &[u8]) {
        unreachable!("only numbers are hashed");
    }

    fn write_u64(&mut self, number: u64) {
        let mixed = (number ^ number >> 29).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ mixed >> 32;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Answers that are remembered; then all are forgotten.
const ANSWERS_MAX: usize = 4_000_000;

/// An answer: which of the names, and how many.
type Answer = Vec<(usize, u64)>;

/// The memory.
#[derive(Default)]
pub(super) struct Answers {
    known: HashMap<u64, u32, BuildHasherDefault<Mix>>,
    all: Vec<Answer>,
    places: BTreeMap<Answer, u32>,
    names: Vec<(Model, String)>,
    /// Which of the names are of amounts.
    largest: Vec<bool>,
}

/// Numbers by the places of their names.
#[derive(Clone, Default)]
pub(super) struct Sums(Vec<u64>);

impl Answers {
    /// Whether the model can be asked about parts of a world.
    pub(super) fn know(model: Model) -> bool {
        !matches!(model, Model::ExternalConsistency | Model::Linearizable)
    }

    /// Adds what the reference says of a world to what it said of others.
    pub(super) fn add(&mut self, ops: &Ops, lives: &[Life; 3], sums: &mut Sums) {
        let starts = lives[0].start.is_some();
        for key in 0..2 {
            if ops.iter().any(|does| does[key].write) {
                self.ask(&Question::of_key(About::Order, ops, key, lives), sums);
                self.ask(&Question::of_key(About::Conflicts, ops, key, lives), sums);
            }
            if ops.iter().any(|does| does[key] != NOTHING) {
                self.ask(&Question::of_key(About::Serial, ops, key, lives), sums);
                if starts {
                    self.ask(&Question::of_key(About::Snapshots, ops, key, lives), sums);
                }
            }
        }
        for (txn, life) in lives.iter().enumerate() {
            if starts && ops[txn] != [NOTHING; 2] {
                self.ask(&Question::of_txn(*life), sums);
            }
        }
        self.ask(&Question::of_clocks(ops, lives), sums);
    }

    fn ask(&mut self, question: &Question, sums: &mut Sums) {
        let code = question.code();
        let place = match self.known.get(&code) {
            Some(place) => *place,
            None => self.learn(code, &question.answer()),
        };
        sums.0.resize(self.names.len(), 0);
        for &(name, number) in &self.all[place as usize] {
            sums.0[name] = if self.largest[name] { number.max(sums.0[name]) } else { number + sums.0[name] };
        }
    }

    fn learn(&mut self, code: u64, numbers: &Numbers) -> u32 {
        if self.known.len() >= ANSWERS_MAX {
            self.known.clear();
        }
        let mut answer = Answer::new();
        for (name, number) in numbers {
            let known = self.names.iter().position(|other| other == name);
            answer.push((known.unwrap_or(self.names.len()), *number));
            if known.is_none() {
                self.largest.push(is_largest(&name.1));
                self.names.push(name.clone());
            }
        }
        let place = *self.places.entry(answer.clone()).or_insert(self.all.len() as u32);
        if place as usize == self.all.len() {
            self.all.push(answer);
        }
        self.known.insert(code, place);
        place
    }

    /// The sums by name.
    pub(super) fn numbers(&self, sums: &Sums) -> Numbers {
        let named = self.names.iter().cloned().zip(sums.0.iter().copied());
        named.filter(|(_, number)| *number > 0).collect()
    }
}
