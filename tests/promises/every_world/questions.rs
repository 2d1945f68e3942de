//! Parts of small worlds that the reference is asked about.

use skewer::BoundedTimestamp;
use skewer::reference::{self, Input};
use skewer::report::{Kind, Model};
use skewer::txn::{Columns, Places, Row};

use super::answers::{Name, Numbers, numbers};
use super::operations::{Does, NOTHING, Ops, Read};
use super::pack::{Step, row, steps};
use super::times::Life;

/// What the reference is asked about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// The writers of that key: `write-order` looks at their commits.
    Order(usize),
    /// The writers of that key: `cross-region-conflicts` and, for lost updates and ties,
    /// `snapshot-isolation` look at their starts and commits.
    Conflicts(usize),
    /// That key, and what this one of the transactions read there: `snapshot-isolation` looks at the
    /// reader's start, and at the commits of the others' writes.
    Snapshot(usize, usize),
    /// That key: `serializable` and `strict-serializable` look at the commits of those who wrote anything,
    /// and at the starts of the others.
    Serial(usize),
    /// That transaction: whether it committed before it started.
    Itself(usize),
    /// Who read from whom: `clock-bounds` looks at where starts begin and where commits end, and counts a pair
    /// once, whatever the keys.
    Clocks,
}

impl About {
    /// All that there is to ask about worlds of these operations, with or without starts.
    pub(super) fn all(ops: &Ops, starts: bool) -> Vec<Self> {
        let mut all = vec![About::Clocks];
        for key in 0..2 {
            if ops.iter().any(|does| does[key].write) {
                all.extend([About::Order(key), About::Conflicts(key)]);
            }
            if ops.iter().any(|does| does[key] != NOTHING) {
                all.push(About::Serial(key));
            }
            let readers = (0..3).filter(|&txn| starts && ops[txn][key].read != Read::Not);
            all.extend(readers.map(|txn| About::Snapshot(key, txn)));
        }
        let txns = (0..3).filter(|&txn| starts && ops[txn] != [NOTHING; 2]);
        all.extend(txns.map(About::Itself));
        all
    }

    /// A number for what is the same of every key.
    fn number(self) -> u64 {
        match self {
            About::Order(_) => 0,
            About::Conflicts(_) => 1,
            About::Snapshot(..) => 2,
            About::Serial(_) => 3,
            About::Itself(_) => 4,
            About::Clocks => 5,
        }
    }

    fn models(self, starts: bool) -> &'static [Model] {
        match self {
            About::Order(_) => &[Model::WriteOrder],
            About::Conflicts(_) if starts => &[Model::CrossRegionConflicts, Model::SnapshotIsolation],
            About::Conflicts(_) => &[Model::CrossRegionConflicts],
            About::Snapshot(..) | About::Itself(_) => &[Model::SnapshotIsolation],
            About::Serial(_) => &[Model::Serializable, Model::StrictSerializable],
            About::Clocks => &[Model::ClockBounds],
        }
    }

    /// Whether a number of a model is part of the answer.
    fn counts(self, (model, _, name): &Name) -> bool {
        let is = |kinds: &[Kind]| kinds.iter().any(|kind| name == kind.name());
        let (of_itself, of_writers) =
            (is(&[Kind::CommitBeforeStart]), is(&[Kind::LostUpdate, Kind::CommitTie]));
        match (model, self) {
            (Model::SnapshotIsolation, About::Conflicts(_)) => of_writers,
            (Model::SnapshotIsolation, About::Itself(_)) => of_itself,
            (Model::SnapshotIsolation, _) => !of_itself && !of_writers,
            _ => true,
        }
    }

    /// What is seen of what that transaction does to the key.
    fn seen(self, txn: usize, does: Does) -> Does {
        match self {
            About::Snapshot(_, reader) if txn == reader => Does { write: false, ..does },
            About::Order(_) | About::Conflicts(_) | About::Snapshot(..) => {
                Does { write: does.write, ..NOTHING }
            }
            _ => does,
        }
    }

    /// What is seen of the life of that transaction.
    pub(super) fn masked(self, ops: &Ops, txn: usize, life: Life) -> Life {
        let (key, does) = match self {
            About::Itself(of) => return if txn == of { life } else { NEVER },
            About::Clocks => return of_clocks(ops[txn], life),
            About::Order(key) | About::Conflicts(key) | About::Snapshot(key, _) | About::Serial(key) => {
                (key, ops[txn][key])
            }
        };
        if self.seen(txn, does) == NOTHING {
            return NEVER;
        }
        let wrote = does.write || ops[txn][1 - key].write;
        let any = life.start.map(|_| ANY);
        match self {
            About::Order(_) => Life { start: None, ..life },
            About::Serial(_) if wrote => Life { start: None, ..life },
            About::Snapshot(_, reader) if txn != reader => Life { start: any, ..life },
            About::Snapshot(..) | About::Serial(_) if life.start.is_some() => Life { commit: ANY, ..life },
            _ => life,
        }
    }
}

/// A log that is less than the worlds it stands for: what three transactions do to a key, and each to
/// keys of its own; or, about clocks, what they do to a key that the first wrote, the second, the third.
#[derive(Clone)]
pub(super) struct Question {
    pub(super) about: About,
    does: [[Does; 3]; 3],
    pub(super) lives: [Life; 3],
}

/// What a bound is where nobody looks at it.
const ANY: BoundedTimestamp = BoundedTimestamp::point(0);

/// When somebody lived of whom nothing is asked.
const NEVER: Life = Life { start: None, commit: ANY };

const WRITE: Does = Does { read: Read::Not, write: true };

/// What a question about clocks sees of the life of a transaction that does that.
fn of_clocks(does: [Does; 2], life: Life) -> Life {
    match life.start {
        _ if does == [NOTHING; 2] => NEVER,
        Some(start) => Life {
            start: Some(BoundedTimestamp::point(start.earliest())),
            commit: BoundedTimestamp::point(life.commit.latest()),
        },
        None => life,
    }
}

impl Question {
    /// What is asked, whenever transactions lived.
    pub(super) fn of(about: About, ops: &Ops) -> Self {
        let does = match about {
            About::Itself(txn) => {
                let mut does = [[NOTHING; 3]; 3];
                does[txn][0] = WRITE;
                does
            }
            About::Clocks => Self::about_clocks(ops),
            About::Order(key) | About::Conflicts(key) | About::Snapshot(key, _) | About::Serial(key) => {
                std::array::from_fn(|txn| {
                    let (here, there) = (about.seen(txn, ops[txn][key]), ops[txn][1 - key]);
                    let serial = matches!(about, About::Serial(_));
                    let wrote = serial && here != NOTHING && !here.write && there.write;
                    [here, Does { write: wrote, ..NOTHING }, NOTHING]
                })
            }
        };
        Question { about, does, lives: [NEVER; 3] }
    }

    fn about_clocks(ops: &Ops) -> [[Does; 3]; 3] {
        let mut all = [[NOTHING; 3]; 3];
        for (txn, does) in ops.iter().enumerate().filter(|(_, does)| **does != [NOTHING; 2]) {
            all[txn][txn] = WRITE;
            for does in does {
                if let Read::Of(writer) = does.read {
                    all[txn][usize::from(writer)].read = does.read;
                }
            }
        }
        all
    }

    /// A number of its own, whenever transactions lived.
    pub(super) fn code(&self) -> u64 {
        let all = self.does.iter().flatten();
        all.fold(self.about.number(), |code, does| code << 4 | does.code())
    }

    /// The question as a log.
    fn rows(&self) -> Vec<Row<'static>> {
        let apart = self.about != About::Clocks;
        let own = |step: Step| if apart && step.key == 1 { 10 + step.txn } else { step.key };
        let all = steps(&self.does, [0, 1, 2]).into_iter().enumerate();
        all.map(|(at, step)| row(at, Step { key: own(step), ..step }, 0, self.lives[step.txn])).collect()
    }

    /// What the reference says.
    pub(super) fn answer(&self) -> Numbers {
        let (rows, mut answer) = (self.rows(), Numbers::new());
        let places = Places { files: vec![("log.arrow".to_owned(), rows.len() as u64)] };
        let columns = Columns { value: true, session: false, reads: true };
        let input = Input { rows, columns, places, visibility_lag: 0 };
        let starts = self.lives.iter().any(|life| life.start.is_some());
        for &model in self.about.models(starts) {
            let report = reference::judge(model, &input);
            assert_eq!(report.reason, None, "{}", model.name());
            answer.extend(numbers(model, &report).into_iter().filter(|(name, _)| self.about.counts(name)));
        }
        answer
    }
}
