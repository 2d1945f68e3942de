//! Logs that defeat a shortcut each; `datasets/adversarial/README.md` says which.
//!
//! A write is a function of its row, so a log of any size is made without a state, and what is to be
//! found in it is counted by a formula wherever one is given. Row `i` commits at `i` steps; where
//! nothing else is said its clock is off by at most [`ERROR`], and regions take turns.

use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray};
use arrow::array::{TimestampNanosecondArray, UInt64Array};
use arrow::datatypes::Int32Type;
use skewer::{Log, OpenOptions};
use skewer_kernels::mix_one;

/// Names of regions, by their numbers in [`Write`].
pub(crate) const REGIONS: [&str; 3] = ["ap", "eu", "us"];
/// Half the width of most bounds, in ns.
const ERROR: i64 = 500_000;
/// How often each key is written where the bounds of all its writes overlap.
const TURNS: usize = 4;
/// Rows among which two of one key stand, where keys collide in their low bits.
const TWINS: usize = 1_000;
/// The exponent of Zipf's law.
const SKEW: f64 = 0.99;

/// One write: what a row says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    pub(crate) key: u64,
    pub(crate) region: usize,
    /// Earliest and latest start, in ns.
    pub(crate) start: Option<(i64, i64)>,
    /// Earliest and latest commit, in ns.
    pub(crate) commit: (i64, i64),
}

/// What is to be found in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Truth {
    /// Conflicts across regions.
    pub(crate) definite: u64,
    pub(crate) possible: u64,
    /// Pairs of writes of a key, in order of write.
    pub(crate) ordered: u64,
    pub(crate) ambiguous: u64,
}

/// A log that defeats a shortcut. The first is the one to compare with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adversary {
    Uniform,
    Shuffled,
    Zipf,
    HotKey,
    AllOverlapping,
    Nested,
    EqualTimes,
    LongTransaction,
    WideLast,
    OneRegion,
    OneStranger,
    LowBits,
}

/// How many rows there are, and ns from one to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    /// A multiple of four, above 160.
    pub(crate) rows: usize,
    /// Above 0.
    pub(crate) step: i64,
}

impl Adversary {
    pub(crate) const ALL: [Adversary; 12] = [
        Adversary::Uniform,
        Adversary::Shuffled,
        Adversary::Zipf,
        Adversary::HotKey,
        Adversary::AllOverlapping,
        Adversary::Nested,
        Adversary::EqualTimes,
        Adversary::LongTransaction,
        Adversary::WideLast,
        Adversary::OneRegion,
        Adversary::OneStranger,
        Adversary::LowBits,
    ];

    /// The name in `datasets/adversarial/README.md`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Adversary::Uniform => "uniform",
            Adversary::Shuffled => "shuffled",
            Adversary::Zipf => "zipf",
            Adversary::HotKey => "hot-key",
            Adversary::AllOverlapping => "all-overlapping",
            Adversary::Nested => "nested",
            Adversary::EqualTimes => "equal-times",
            Adversary::LongTransaction => "long-transaction",
            Adversary::WideLast => "wide-last",
            Adversary::OneRegion => "one-region",
            Adversary::OneStranger => "one-stranger",
            Adversary::LowBits => "low-bits",
        }
    }

    /// The log's writes, in the order of its rows.
    pub(crate) fn writes(self, size: Size) -> Vec<Write> {
        let mut writes: Vec<Write> = (0..size.rows).map(|row| self.write(size, row)).collect();
        if self == Adversary::Shuffled {
            fastrand::Rng::with_seed(20_240_229).shuffle(&mut writes);
        }
        writes
    }

    fn write(self, size: Size, row: usize) -> Write {
        let Size { rows, step } = size;
        let at = row as i64 * step;
        let in_turns = Write {
            key: mix_one((row % turns(rows)) as u64),
            region: row / turns(rows) % REGIONS.len(),
            start: None,
            commit: (at - ERROR, at + ERROR),
        };
        let last = row + 1 == rows;
        match self {
            Adversary::Uniform | Adversary::Shuffled => drawn(size, row, |n, _| n % rows as u64),
            Adversary::Zipf => drawn(size, row, |_, share| zipf(rows, share)),
            Adversary::HotKey => Write { key: 7, region: row % REGIONS.len(), ..in_turns },
            Adversary::AllOverlapping => Write { commit: (at, at + rows as i64 * step), ..in_turns },
            Adversary::Nested => Write { commit: (at, 2 * rows as i64 * step - at), ..in_turns },
            Adversary::EqualTimes => Write { commit: (-ERROR, ERROR), ..in_turns },
            Adversary::LongTransaction => {
                let short = (Some((at - 300, at - 200)), (at, at + 20));
                let long = (Some((-2_000, -1_900)), (at + 1_000, at + 1_100));
                let (start, commit) = if last { long } else { short };
                Write { start, commit, ..if last { stranger(in_turns) } else { in_turns } }
            }
            Adversary::WideLast if last => Write { commit: (0, at + 100), ..stranger(in_turns) },
            Adversary::WideLast => Write { commit: (at, at + 20), ..in_turns },
            Adversary::OneRegion | Adversary::OneStranger => {
                let elsewhere = self == Adversary::OneStranger && row == rows / 2;
                Write { key: mix_one((row % few(rows)) as u64), region: usize::from(elsewhere), ..in_turns }
            }
            Adversary::LowBits => {
                let twin = row % TWINS == TWINS - 1;
                let key = ((row - usize::from(twin)) as u64) << 36;
                Write { key, region: row % REGIONS.len(), ..in_turns }
            }
        }
    }

    /// What is to be found, by formula; `None` of logs that are drawn by chance.
    pub(crate) fn truth(self, size: Size) -> Option<Truth> {
        let Size { rows, step } = size;
        let (n, keys) = (rows as u64, turns(rows) as u64);
        // Pairs at each distance, and the distances at which bounds touch, or overlap by more than an end.
        let at = |distance: u64| n - distance;
        let touching = (2 * ERROR / step) as u64;
        let inside = ((2 * ERROR - 1) / step) as u64;
        let up_to = |most: u64| (1..=most.min(n - 1)).map(at).sum::<u64>();
        let none = Truth { definite: 0, possible: 0, ordered: 0, ambiguous: 0 };
        // Regions take turns in a key of four writes: five of its six pairs are of two.
        let all_overlap = Truth { possible: 5 * keys, ambiguous: 6 * keys, ..none };
        // The last row is not of its own key but of the first one, and in a region of one of its other four
        // writes; and of each other key the writes stand apart.
        let rivals_of_last = 3;
        let pairs_around_last = 6 * (keys - 2) + 3 + 10;
        match self {
            Adversary::Uniform | Adversary::Shuffled | Adversary::Zipf => None,
            Adversary::HotKey => {
                let elsewhere = |d: &u64| !d.is_multiple_of(REGIONS.len() as u64);
                let possible = (1..=inside.min(n - 1)).filter(elsewhere).map(at).sum();
                let ambiguous = up_to(touching);
                Some(Truth { possible, ambiguous, ordered: n * (n - 1) / 2 - ambiguous, ..none })
            }
            Adversary::AllOverlapping | Adversary::Nested | Adversary::EqualTimes => Some(all_overlap),
            Adversary::LongTransaction => {
                Some(Truth { definite: rivals_of_last, ordered: pairs_around_last, ..none })
            }
            Adversary::WideLast => {
                let (possible, ambiguous) = (rivals_of_last, 4);
                Some(Truth { possible, ambiguous, ordered: pairs_around_last - ambiguous, ..none })
            }
            Adversary::OneRegion | Adversary::OneStranger => {
                let every = few(rows);
                let pairs = |most: u64| (1..=most.min(n - 1)).filter(move |d| d % every as u64 == 0);
                let ambiguous = pairs(touching).map(at).sum();
                let ordered = pairs(n - 1).map(at).sum::<u64>() - ambiguous;
                let beside = |side: u64| inside.min(side) / every as u64;
                let stranger = beside(n / 2) + beside(n - 1 - n / 2);
                let possible = if self == Adversary::OneStranger { stranger } else { 0 };
                Some(Truth { possible, ordered, ambiguous, ..none })
            }
            Adversary::LowBits => {
                let twins = n / TWINS as u64;
                Some(Truth { possible: twins, ambiguous: twins, ..none })
            }
        }
    }

    /// The log, with native columns.
    pub(crate) fn log(self, size: Size) -> Log {
        let batch = batch(&self.writes(size));
        let log = Log::from_batches(vec![(self.name().to_owned(), vec![batch])], &OpenOptions::default());
        log.expect("a valid log")
    }
}

/// How many keys take turns.
fn turns(rows: usize) -> usize {
    rows / TURNS
}

/// How many keys are written all the time.
fn few(rows: usize) -> usize {
    (rows / 80).min(1_000)
}

/// A row of the first key, in a region that writes it once.
fn stranger(write: Write) -> Write {
    Write { key: mix_one(0), region: 1, ..write }
}

/// A row whose key is chosen by a number and by a share of one, whose region and whose error are by chance.
fn drawn(size: Size, row: usize, key: impl Fn(u64, f64) -> u64) -> Write {
    let chance = |of: u64| mix_one(row as u64 * 4 + of + 1);
    let error = ERROR / 2 + (chance(0) % ERROR as u64) as i64;
    let reading = row as i64 * size.step + (chance(1) % (2 * error as u64 + 1)) as i64 - error;
    let share = (chance(2) >> 11) as f64 / (1_u64 << 53) as f64;
    Write {
        key: key(chance(2), share),
        region: (chance(3) % REGIONS.len() as u64) as usize,
        start: None,
        commit: (reading - error, reading + error),
    }
}

/// The key at `share` of all writes, where the `n`-th is written in proportion to `1 / n^0.99`: by the
/// inverse of that law's integral.
fn zipf(keys: usize, share: f64) -> u64 {
    let flat = 1.0 - SKEW;
    let rank = (share * ((keys as f64).powf(flat) - 1.0) + 1.0).powf(1.0 / flat);
    mix_one(rank as u64)
}

fn batch(writes: &[Write]) -> RecordBatch {
    let codes = Int32Array::from_iter_values(writes.iter().map(|w| w.region as i32));
    let names = Arc::new(StringArray::from_iter_values(REGIONS));
    let region = DictionaryArray::<Int32Type>::try_new(codes, names).expect("codes of names");
    let times = |of: &dyn Fn(&Write) -> i64| -> ArrayRef {
        Arc::new(TimestampNanosecondArray::from_iter_values(writes.iter().map(of)))
    };
    let key = UInt64Array::from_iter_values(writes.iter().map(|w| w.key));
    let mut columns = vec![
        ("key", Arc::new(key) as ArrayRef),
        ("region", Arc::new(region) as ArrayRef),
        ("commit_earliest", times(&|w| w.commit.0)),
        ("commit_latest", times(&|w| w.commit.1)),
    ];
    if writes.iter().all(|w| w.start.is_some()) {
        columns.push(("start_earliest", times(&|w| w.start.map_or(0, |s| s.0))));
        columns.push(("start_latest", times(&|w| w.start.map_or(0, |s| s.1))));
    }
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}
