//! A small log read out of any bytes, judged twice.

use arrow::array::RecordBatch;
use skewer::log::build::{LogBuilder, Record, Value};
use skewer::models::{Path, Tuning};
use skewer::time::{Span, Unit};
use skewer::txn::{Op, Status};
use skewer::{BoundedTimestamp, Log, Model, OpenOptions, VerifyOptions, reference};

/// Rows at which a log ends: the reference is cubic.
const ROWS_MAX: usize = 40;

/// Judges the log that the bytes spell, by the path that they spell, and by the reference.
///
/// # Panics
/// If the two differ in anything that they say.
pub fn verify_vs_reference(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let shape = Shape::of(&mut bytes);
    let log = shape.log(&mut bytes);
    let lag = [0, 1, 5, u64::MAX][usize::from(shape.lag)];
    let input = reference::Input {
        rows: log.rows().collect(),
        columns: log.columns(),
        places: log.places().clone(),
        visibility_lag: lag,
    };
    let options = VerifyOptions {
        visibility_lag: Some(Span::Ticks(lag)),
        tuning: shape.tuning,
        ..VerifyOptions::default()
    };
    let report = skewer::verify(&log, &options).expect("no option asks for a unit");
    for model in Model::ALL {
        let mut found = report.models[&model].clone();
        // Kinds without a finding may be listed.
        found.kinds.retain(|_, counts| counts.definite + counts.possible > 0);
        assert_eq!(found, reference::judge(model, &input), "{} by {:?}", model.name(), shape.tuning);
    }
}

/// Bytes that end in zeros.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn flag(&mut self) -> bool {
        self.next() & 1 == 1
    }
}

/// Parts of a log that may be there or not, a bit each.
const STARTS: u8 = 1;
const ASSIGNED: u8 = 2;
const TXNS: u8 = 4;
const VALUES: u8 = 8;
const SESSIONS: u8 = 16;
const FATES: u8 = 32;
const TWO_FILES: u8 = 64;
const TEXT_KEYS: u8 = 128;

/// What columns a log has, what its times are like, and how it is judged.
struct Shape {
    /// Which of the parts below there are.
    parts: u8,
    ticks: u8,
    lag: u8,
    clock_error: Option<u64>,
    batch_rows: usize,
    tuning: Tuning,
}

/// A transaction's share of its rows.
struct Txn {
    record: Record,
    file: usize,
}

impl Shape {
    fn of(bytes: &mut Bytes<'_>) -> Self {
        let (columns, rest, third) = (bytes.next(), bytes.next(), bytes.next());
        Shape {
            parts: columns,
            ticks: rest & 3,
            lag: (rest >> 2) & 3,
            clock_error: (rest & 16 != 0).then_some(u64::from(rest >> 5)),
            batch_rows: 1 + usize::from(third & 15),
            tuning: Tuning {
                path: [Path::Fine, Path::Window, Path::Partitioned, Path::Slices, Path::Parts]
                    [usize::from(third >> 4) % 5],
                fingerprint_bits_dropped: [0, 62, 63, 64][usize::from(third >> 6)],
                ..Tuning::default()
            },
        }
    }

    fn has(&self, part: u8) -> bool {
        self.parts & part != 0
    }

    fn log(&self, bytes: &mut Bytes<'_>) -> Log {
        let count = 1 + bytes.next() % 12;
        let txns: Vec<Txn> = (0..count).map(|n| self.txn(n, bytes)).collect();
        let mut files = [LogBuilder::new(Unit::Nanoseconds), LogBuilder::new(Unit::Nanoseconds)];
        for _ in 0..ROWS_MAX {
            if bytes.0.is_empty() {
                break;
            }
            let txn = &txns[usize::from(bytes.next()) % txns.len()];
            let record = self.operation(&txn.record, bytes);
            files[txn.file].push(record).expect("the rows of a transaction agree");
        }
        let names = ["eu.arrow", "us.arrow"].into_iter().take(1 + usize::from(self.has(TWO_FILES)));
        let files = names.zip(&files).map(|(name, file)| (name.to_owned(), self.batches(file))).collect();
        let options =
            OpenOptions { clock_error: self.clock_error.map(Span::Ticks), ..OpenOptions::default() };
        Log::from_batches(files, &options).expect("a built log keeps every rule")
    }

    fn txn(&self, n: u8, bytes: &mut Bytes<'_>) -> Txn {
        let who = bytes.next();
        let region = ["ap", "eu", "us", ""][usize::from(who & 3)];
        let session = (who >> 2) & 3;
        let status = match who >> 4 {
            0 if self.has(FATES) => Status::Aborted,
            1 if self.has(FATES) => Status::Unknown,
            _ => Status::Committed,
        };
        let commit = self.bound(bytes);
        let start = if self.has(STARTS) { self.bound(bytes) } else { None };
        let mut point =
            || if self.has(ASSIGNED) && bytes.flag() { Some(self.tick(bytes.next())) } else { None };
        let (start_ts, commit_ts) = (point(), point());
        let timeless = commit.is_none() && commit_ts.is_none();
        let commit = if timeless { Some(BoundedTimestamp::point(0)) } else { commit };
        let record = Record {
            txn: self.has(TXNS).then(|| i64::from(n).into()),
            region: (!region.is_empty()).then(|| region.to_owned()),
            session: (self.has(SESSIONS) && session > 0).then(|| i64::from(session).into()),
            status,
            start,
            commit,
            start_ts,
            commit_ts,
            ..Record::default()
        };
        Txn { record, file: usize::from(self.has(TWO_FILES) && n % 2 == 1) }
    }

    fn operation(&self, txn: &Record, bytes: &mut Bytes<'_>) -> Record {
        let (what, value) = (bytes.next(), bytes.next());
        let key = i64::from(what >> 1) % 3;
        let read = what & 1 == 1 && self.has(VALUES);
        Record {
            key: if self.has(TEXT_KEYS) { Value::Text(format!("key {key}")) } else { Value::Integer(key) },
            op: if read { Op::Read } else { Op::Write },
            value: (self.has(VALUES) && value % 16 != 0).then(|| i64::from(value % 16).into()),
            ..txn.clone()
        }
    }

    /// A bound, rarely none.
    fn bound(&self, bytes: &mut Bytes<'_>) -> Option<BoundedTimestamp> {
        let (at, width) = (self.tick(bytes.next()), bytes.next());
        let width = if self.ticks == 2 { i64::from(width & 3) << 61 } else { i64::from(width & 15) };
        (at % 13 != 12).then(|| BoundedTimestamp::new(at, at.saturating_add(width)))?
    }

    fn tick(&self, byte: u8) -> i64 {
        match self.ticks {
            0 => i64::from(byte & 31),
            1 => i64::from(byte) * 5 - 300,
            2 => {
                let ends =
                    [i64::MIN, i64::MIN + 1, i64::MIN / 2, -1, 0, i64::MAX / 2, i64::MAX - 1, i64::MAX];
                ends[usize::from(byte & 7)]
            }
            // Only ties and touching ends.
            _ => i64::from(byte & 3),
        }
    }

    fn batches(&self, file: &LogBuilder) -> Vec<RecordBatch> {
        let whole = file.finish().expect("so few rows fit a batch");
        let rows = whole.num_rows();
        if rows == 0 {
            return vec![whole];
        }
        let starts = (0..rows).step_by(self.batch_rows);
        starts.map(|at| whole.slice(at, self.batch_rows.min(rows - at))).collect()
    }
}
