//! Larger logs of every awkward shape: against the reference where it can follow, and the paths
//! against each other beyond that.

use fastrand::Rng;
use skewer::BoundedTimestamp;
use skewer::log::build::{Record, Value};
use skewer::models::{Path, Tuning};

use crate::columns::{Form, Plain};
use crate::logs::{Asked, How, Sample, agree, said};

/// What a generated log looks like.
#[derive(Clone, Copy, Debug)]
struct Shape {
    rows: i64,
    keys: i64,
    regions: usize,
    files: usize,
    /// Ticks between two rows.
    step: i64,
    /// Commit bounds are up to that wide.
    width: i64,
    /// Lifetimes begin up to that long before; 0 for no starts.
    lifetime: i64,
    /// One in so many lifetimes is a hundred times as long; 0 for none.
    long_every: i64,
    /// Rows are out of order by up to that many ticks.
    disorder: i64,
    /// Runs, one after the other, that each begin at tick 0.
    runs: i64,
}

/// A log along time, as most are.
const LINE: Shape = Shape {
    rows: 600,
    keys: 40,
    regions: 3,
    files: 1,
    step: 10,
    width: 30,
    lifetime: 0,
    long_every: 0,
    disorder: 0,
    runs: 1,
};

fn sample(shape: Shape, seed: u64) -> Sample {
    let mut random = Rng::with_seed(seed);
    let mut files = vec![Vec::new(); shape.files];
    for n in 0..shape.rows {
        let at = n % (shape.rows / shape.runs).max(1) * shape.step;
        let at = at + if shape.disorder > 0 { random.i64(0..shape.disorder) } else { 0 };
        let commit = BoundedTimestamp::new(at, at + random.i64(0..=shape.width));
        let stretch = if shape.long_every > 0 && n % shape.long_every == 0 { 100 } else { 1 };
        let begin = at - random.i64(0..=shape.lifetime) * stretch;
        let start = BoundedTimestamp::new(begin, begin + random.i64(0..=shape.width));
        let region = random.usize(0..shape.regions);
        files[if shape.files == shape.regions { region } else { random.usize(0..shape.files) }].push(
            Record {
                key: random.i64(0..shape.keys).into(),
                txn: Some((n * 7_919 % 1_000_003).into()),
                region: Some(format!("r{region}")),
                start: start.filter(|_| shape.lifetime > 0),
                commit,
                ..Record::default()
            },
        );
    }
    Sample::in_files(files)
}

/// Holds a log against the reference, and asked for few findings too.
fn judge(sample: &Sample) {
    for (visibility_lag, findings) in [(0, None), (25, None), (0, Some(5)), (25, Some(40))] {
        agree(sample, Asked { visibility_lag, findings }, &How::paths());
    }
}

/// Promise: logs of a few hundred rows are judged as the reference does: ordered, disordered, with
/// lifetimes, with few very long ones, in runs one after the other, in three files.
#[test]
fn hundreds_of_rows() {
    let shapes = [
        LINE,
        Shape { disorder: 200, ..LINE },
        Shape { lifetime: 50, ..LINE },
        Shape { lifetime: 20, long_every: 50, keys: 8, ..LINE },
        Shape { runs: 3, ..LINE },
        Shape { runs: 3, files: 3, lifetime: 30, disorder: 50, ..LINE },
        Shape { width: 0, step: 1, lifetime: 5, ..LINE },
        Shape { disorder: 6_000, rows: 300, ..LINE },
    ];
    for (seed, shape) in (1..).zip(shapes) {
        judge(&sample(shape, seed));
    }
}

/// Promise: so are keys with far more writes than are judged pair by pair.
#[test]
fn hot_keys() {
    for (seed, keys) in [(11, 1), (12, 2), (13, 5)] {
        judge(&sample(Shape { keys, rows: 400, ..LINE }, seed));
        judge(&sample(Shape { keys, rows: 300, lifetime: 60, long_every: 40, ..LINE }, seed));
        judge(&sample(Shape { keys, rows: 300, step: 0, width: 3, lifetime: 4, ..LINE }, seed));
    }
}

/// Promise: so are bounds each inside the one before, all in conflict with all.
#[test]
fn nested_bounds() {
    let nested = |n: i64| Record {
        key: 1.into(),
        txn: Some(n.into()),
        region: Some(if n % 2 == 0 { "eu" } else { "us" }.to_owned()),
        commit: BoundedTimestamp::new(n, 400 - n),
        ..Record::default()
    };
    judge(&Sample::of((0..120).map(nested).collect()));
    judge(&Sample::of((0..120).rev().map(nested).collect()));
}

/// Promise: so is a transaction as long as the log, wherever it stands.
#[test]
fn one_as_long_as_the_log() {
    for at in [0, 300, 599] {
        let mut sample = sample(Shape { lifetime: 30, keys: 10, ..LINE }, 21);
        let record = &mut sample.files[0].records[at];
        record.start = BoundedTimestamp::new(-10, -5);
        record.commit = BoundedTimestamp::new(9_000, 9_005);
        judge(&sample);
    }
}

/// Promise: so is a log in which everything happens at once.
#[test]
fn all_at_one_time() {
    judge(&sample(Shape { rows: 150, keys: 3, step: 0, width: 0, ..LINE }, 31));
    judge(&sample(Shape { rows: 150, keys: 3, step: 0, width: 0, lifetime: 1, ..LINE }, 32));
}

/// All bounds between two of these ticks.
fn bounds_of(ticks: &[i64]) -> Vec<BoundedTimestamp> {
    ticks
        .iter()
        .flat_map(|&first| ticks.iter().filter_map(move |&last| BoundedTimestamp::new(first, last)))
        .collect()
}

/// Promise: so are two and three writes of a key, wherever their bounds lie between the first and the last tick of all
/// time, and two with any lifetimes there.
#[test]
fn ends_of_time() {
    let write = |n: usize, start, commit| Record {
        key: 1.into(),
        txn: Some((n as i64).into()),
        region: Some(if n == 0 { "eu" } else { "us" }.to_owned()),
        start,
        commit: Some(commit),
        ..Record::default()
    };
    let bounds = bounds_of(&[i64::MIN, i64::MIN + 1, 0, i64::MAX - 1, i64::MAX]);
    let ways = How::paths();
    for &a in &bounds {
        for (at, &b) in bounds.iter().enumerate() {
            let two = [write(0, None, a), write(1, None, b)];
            agree(&Sample::of(two.to_vec()), Asked::default(), &ways);
            for &c in &bounds[at..] {
                let [first, second] = two.clone();
                agree(&Sample::of(vec![first, second, write(2, None, c)]), Asked::default(), &ways);
            }
        }
    }
    let bounds = bounds_of(&[i64::MIN, 0, i64::MAX]);
    let starts: Vec<_> = bounds.iter().map(|&start| Some(start)).chain([None]).collect();
    let lives: Vec<_> =
        bounds.iter().flat_map(|&commit| starts.iter().map(move |&start| (start, commit))).collect();
    for &a in &lives {
        for &b in &lives {
            let two = vec![write(0, a.0, a.1), write(1, b.0, b.1)];
            agree(&Sample::of(two), Asked { visibility_lag: 1, findings: None }, &ways);
        }
    }
}

/// The shapes of thousands of rows: several blocks, several stretches of the window join.
fn large() -> Vec<(u64, Shape)> {
    let line = Shape { rows: 20_000, keys: 3_000, width: 300, ..LINE };
    let shapes = [
        line,
        Shape { disorder: 5_000, ..line },
        Shape { lifetime: 400, long_every: 1_000, ..line },
        Shape { lifetime: 40, long_every: 30, rows: 10_000, ..line },
        Shape { files: 3, ..line },
        Shape { files: 2, lifetime: 100, disorder: 900, ..line },
        Shape { runs: 4, rows: 12_000, ..line },
        Shape { disorder: 200_000, rows: 6_000, ..line },
        Shape { keys: 4, width: 60, rows: 5_000, ..line },
        Shape { step: 0, width: 5, rows: 2_000, ..line },
    ];
    (41..).zip(shapes).collect()
}

/// Promise: on logs of thousands of rows the window join and the partitioned path find the same,
/// on any number of threads.
#[test]
fn paths_agree_on_thousands_of_rows() {
    for (seed, shape) in large() {
        let log = sample(shape, seed).open();
        for asked in [Asked { visibility_lag: 150, findings: Some(50) }, Asked::default()] {
            let by_key = How { tuning: Tuning { path: Path::Partitioned, ..Tuning::default() }, threads: 1 };
            let expected = said(&log, asked, by_key);
            assert!(expected[1].kinds.contains_key("write-write"), "{shape:?} has no conflict");
            for how in How::all() {
                assert!(said(&log, asked, how) == expected, "{shape:?} {how:?} {asked:?}");
            }
        }
    }
}

/// Ways to name a key: of these some fit two words and some do not, and some are mixed.
const NAMES: [fn(i128) -> String; 8] = [
    |n| format!("k{n}"),
    |n| format!("fifteen{n:08x}"),
    |n| format!("sixteen.{n:08x}"),
    |n| format!("k{n:016x}"),
    |n| format!("{n:08x}-9e37-79b9-7f4a-7c15{:012x}", n * 7),
    |n| format!("{n:032x} and what differs comes first"),
    |n| "of many lengths".repeat((n % 4) as usize) + &n.to_string(),
    |n| format!("{n}{}", "\0".repeat((n % 3) as usize)),
];

/// Promise: whatever the type of the keys and however they are named, the same thousands of rows are judged alike.
#[test]
fn key_types_agree_on_thousands_of_rows() {
    let integers = sample(Shape { rows: 6_000, keys: 500, width: 300, ..LINE }, 51);
    let asked = Asked { visibility_lag: 20, findings: Some(100) };
    let facts = |sample: &Sample, how| {
        let reports = said(&sample.open(), asked, how);
        reports.into_iter().map(|r| (r.facts, r.kinds)).collect::<Vec<_>>()
    };
    let how = How { tuning: Tuning::default(), threads: 2 };
    let expected = facts(&integers, how);
    let keys = |sample: &Sample| how.verify(&sample.open(), asked).log.keys;
    assert_eq!(keys(&integers), Some(500));
    for plain in [Plain::Utf8, Plain::LargeUtf8, Plain::Utf8View, Plain::Binary, Plain::BinaryView] {
        for (dictionary, name) in [None, Some(16)].into_iter().flat_map(|d| NAMES.map(|name| (d, name))) {
            let mut texts = integers.clone();
            let file = &mut texts.files[0];
            file.look.key = Form { plain, dictionary };
            file.look.batch_rows = 1_000;
            for record in &mut file.records {
                let Value::Integer(n) = record.key else { unreachable!("keys were integers") };
                record.key = Value::Text(name(n.into()));
            }
            assert_eq!(keys(&texts), Some(500), "{plain:?} {dictionary:?} {}", name(7));
            for how in How::paths() {
                assert_eq!(facts(&texts, how), expected, "{plain:?} {dictionary:?} {} {how:?}", name(7));
            }
        }
    }
}
