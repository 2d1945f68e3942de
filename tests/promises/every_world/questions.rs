//! Parts of small worlds that the reference is asked about.

use skewer::BoundedTimestamp;
use skewer::reference::{self, Input};
use skewer::report::{Kind, Model};
use skewer::txn::{Columns, Places, Row};

use super::answers::{Numbers, numbers};
use super::operations::{Does, NOTHING, Ops, Read};
use super::pack::{Step, row, steps};
use super::times::Life;

/// What the reference is asked about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
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

/// What a question about the key (or, about one transaction itself, the transaction) at `at` sees of a
/// transaction's life.
pub(super) fn masked(about: About, (ops, at): (&Ops, usize), txn: usize, life: Life) -> Life {
    match about {
        About::Itself => return if txn == at { life } else { NEVER },
        About::Clocks => return of_clocks(&ops[txn], life),
        _ => {}
    }
    let (here, there) = (seen(about, ops[txn][at]), ops[txn][1 - at]);
    let wrote = ops[txn][at].write || there.write;
    if here == NOTHING {
        NEVER
    } else if about == About::Order || about == About::Serial && wrote {
        Life { start: None, ..life }
    } else if matches!(about, About::Serial | About::Snapshots) && !here.write && life.start.is_some() {
        Life { commit: ANY, ..life }
    } else {
        life
    }
}

/// What a question about clocks sees of the life of a transaction that does that.
fn of_clocks(does: &[Does; 2], life: Life) -> Life {
    match life.start {
        _ if *does == [NOTHING; 2] => NEVER,
        Some(start) => Life {
            start: Some(BoundedTimestamp::point(start.earliest())),
            commit: BoundedTimestamp::point(life.commit.latest()),
        },
        None => life,
    }
}

/// What a question sees of what is done to its key.
fn seen(about: About, does: Does) -> Does {
    match about {
        About::Order | About::Conflicts => Does { write: does.write, ..NOTHING },
        _ => does,
    }
}

impl Question {
    /// What is asked about the key, or the transaction, at `at`, whenever transactions lived.
    pub(super) fn of(about: About, ops: &Ops, at: usize) -> Self {
        let does = match about {
            About::Itself => {
                let mut does = [[NOTHING; 3]; 3];
                does[at][0] = WRITE;
                does
            }
            About::Clocks => Self::about_clocks(ops),
            _ => ops.map(|does| {
                let (here, there) = (seen(about, does[at]), does[1 - at]);
                let wrote = about == About::Serial && here != NOTHING && !here.write && there.write;
                [here, Does { write: wrote, ..NOTHING }, NOTHING]
            }),
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
        all.fold(self.about as u64, |code, does| code << 4 | does.code())
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
        for &model in self.about.models() {
            let report = reference::judge(model, &input);
            assert_eq!(report.reason, None, "{}", model.name());
            answer
                .extend(numbers(model, &report).into_iter().filter(|((_, name), _)| self.about.counts(name)));
        }
        answer
    }
}
