//! Random logs of reads that mostly return what somebody wrote.

use proptest::prelude::*;
use proptest::sample::select;
use skewer::log::build::{LogBuilder, Record, Value};
use skewer::reference::{self, Input};
use skewer::report::{Model, ModelReport};
use skewer::time::{Span, Unit};
use skewer::txn::{Op, Status};
use skewer::{BoundedTimestamp, Log, OpenOptions};

/// The models of transactions.
pub(crate) const MODELS: [Model; 6] = [
    Model::SnapshotIsolation,
    Model::Serializable,
    Model::StrictSerializable,
    Model::ExternalConsistency,
    Model::Linearizable,
    Model::ClockBounds,
];

/// A log to be: its files in the order of their names, and `--clock-error`.
#[derive(Clone, Debug)]
pub(crate) struct Readings {
    pub(crate) files: Vec<Vec<Record>>,
    pub(crate) clock_error: Option<u64>,
}

impl Readings {
    /// The log of one file.
    pub(crate) fn of(records: Vec<Record>) -> Self {
        Readings { files: vec![records], clock_error: None }
    }

    /// The log, opened; its files are given in the wrong order.
    pub(crate) fn open(&self) -> Log {
        self.open_within(None)
    }

    /// The same with so many bytes for what is held beside it.
    pub(crate) fn open_within(&self, memory: Option<u64>) -> Log {
        let file = |(at, records): (usize, &Vec<Record>)| {
            let mut log = LogBuilder::new(Unit::None);
            records.iter().for_each(|r| log.push(r.clone()).unwrap());
            let batch = log.finish().unwrap();
            // Small batches: what crosses their borders is what breaks.
            let rows = batch.num_rows();
            let step = if rows < 1_000 { 7 } else { rows };
            let cut = (0..rows.max(1)).step_by(step);
            let batches = cut.map(|first| batch.slice(first, step.min(rows - first))).collect();
            (format!("{at}.arrow"), batches)
        };
        let files = self.files.iter().enumerate().rev().map(file).collect();
        let clock_error = self.clock_error.map(Span::Ticks);
        let options = OpenOptions { clock_error, memory, ..OpenOptions::default() };
        Log::from_batches(files, &options).unwrap()
    }
}

/// What the reference says of a log; its first findings.
pub(crate) fn truth(log: &Log, model: Model, findings: Option<usize>) -> ModelReport {
    let input = Input {
        rows: log.rows().collect(),
        columns: log.columns(),
        places: log.places().clone(),
        visibility_lag: 0,
    };
    let mut report = reference::judge(model, &input);
    report.findings.truncate(findings.unwrap_or(usize::MAX));
    report
}

/// What is compared of a report: all, but for kinds without findings.
pub(crate) fn comparable(mut report: ModelReport) -> ModelReport {
    report.kinds.retain(|_, counts| counts.definite + counts.possible > 0);
    report
}

/// How a log is drawn.
#[derive(Clone, Debug)]
// Each is drawn by itself.
#[allow(clippy::struct_excessive_bools)]
struct Style {
    keys: u16,
    ticks: u16,
    widest: u16,
    /// Times drawn along the log and not anywhere.
    in_time: bool,
    starts: Given,
    bounds: Given,
    assigned: Given,
    /// One operation a transaction.
    single: bool,
    /// Every write has a value of its own.
    unique: bool,
    /// Reads return what the transaction before wrote.
    calm: bool,
    fates: bool,
    deletes: bool,
    sessions: bool,
    ids: Ids,
    text: bool,
    files: usize,
    clock_error: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Never,
    Sometimes,
    Always,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ids {
    Absent,
    Adjacent,
    Scattered,
    SomeNull,
}

fn styles() -> impl Strategy<Value = Style> {
    let given = || select(vec![Given::Never, Given::Sometimes, Given::Always, Given::Always, Given::Always]);
    let often = || prop::bool::weighted(0.7);
    let rarely = || prop::bool::weighted(0.3);
    let times = (1..=4_u16, select(vec![3_u16, 8, 40, 400]), 0..5_u16, often(), given(), given(), given());
    let shape = (any::<bool>(), often(), any::<bool>(), rarely(), any::<bool>(), any::<bool>());
    let names = (
        select(vec![Ids::Absent, Ids::Adjacent, Ids::Adjacent, Ids::Scattered, Ids::SomeNull]),
        rarely(),
        1..=3_usize,
        prop_oneof![3 => Just(None), 1 => (0..4_u64).prop_map(Some)],
    );
    (times, shape, names).prop_map(|(times, shape, names)| Style {
        keys: times.0,
        ticks: times.1,
        widest: times.2,
        in_time: times.3,
        starts: times.4,
        bounds: times.5,
        assigned: times.6,
        single: shape.0,
        unique: shape.1,
        fates: shape.2,
        deletes: shape.3,
        sessions: shape.4,
        calm: shape.5,
        ids: names.0,
        text: names.1,
        files: names.2,
        clock_error: names.3,
    })
}

/// A transaction before its style gives it a meaning.
#[derive(Clone, Debug)]
struct Drawn {
    /// Region, session, status, file.
    place: [u8; 4],
    times: [u16; 8],
    /// Key, operation, value, shuffle.
    ops: Vec<[u16; 4]>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    (any::<[u8; 4]>(), any::<[u16; 8]>(), prop::collection::vec(any::<[u16; 4]>(), 1..6))
        .prop_map(|(place, times, ops)| Drawn { place, times, ops })
}

/// Random logs of some hundred rows at most.
pub(crate) fn readings() -> impl Strategy<Value = Readings> {
    let txns = prop_oneof![
        2 => prop::collection::vec(drawn(), 0..8),
        3 => prop::collection::vec(drawn(), 8..40),
        1 => prop::collection::vec(drawn(), 60..100),
    ];
    (styles(), txns).prop_map(|(style, txns)| log(&style, &txns))
}

fn log(style: &Style, txns: &[Drawn]) -> Readings {
    let mut rows: Vec<(usize, u16, Record)> = Vec::new();
    for (number, txn) in txns.iter().enumerate() {
        let file = usize::from(txn.place[3]) % style.files;
        let ops = if style.single || style.ids == Ids::Absent { 1 } else { txn.ops.len() };
        for (at, op) in txn.ops[..ops].iter().enumerate() {
            rows.push((file, op[3], record(style, txns, (number, txn), (at, *op))));
        }
    }
    if style.ids == Ids::Scattered {
        rows.sort_by_key(|(_, shuffle, _)| *shuffle);
    }
    let mut files = vec![Vec::new(); style.files];
    rows.into_iter().for_each(|(file, _, record)| files[file].push(record));
    Readings { files, clock_error: style.clock_error }
}

fn record(
    style: &Style,
    txns: &[Drawn],
    (number, txn): (usize, &Drawn),
    (at, op): (usize, [u16; 4]),
) -> Record {
    let key = op[0] % style.keys;
    let read = op[1] % 2 == 0;
    let value = match read {
        true if style.calm => last_value(style, txns, key, number, at),
        true => value_read(style, txns, key, number, op),
        false => value_written(style, number, at, op),
    };
    let lone = style.ids == Ids::SomeNull && txn.ops.len() == 1;
    let status = match txn.place[2] % 8 {
        0 if style.fates => Status::Aborted,
        1 | 2 if style.fates => Status::Unknown,
        _ => Status::Committed,
    };
    let mut record = Record {
        key: name(style, key.into()),
        op: if read { Op::Read } else { Op::Write },
        value: value.map(|v| name(style, v)),
        txn: (style.ids != Ids::Absent && !lone).then(|| name(style, number as i64)),
        region: Some(["eu", "us", "ap"][usize::from(txn.place[0]) % 3].to_owned()),
        session: (style.sessions && txn.place[1] % 4 > 0).then(|| name(style, i64::from(txn.place[1] % 4))),
        status,
        ..Record::default()
    };
    times(style, number, txn, &mut record);
    record
}

fn times(style: &Style, number: usize, txn: &Drawn, record: &mut Record) {
    let base = if style.in_time { number as i64 * 2 } else { 0 };
    let tick = |raw: u16| base + i64::from(raw % style.ticks);
    let bound = |raw: u16, width: u16| {
        let earliest = tick(raw);
        BoundedTimestamp::new(earliest, earliest + i64::from(width % (style.widest + 1)))
    };
    let has = |given: Given, raw: u8| match given {
        Given::Never => false,
        Given::Sometimes => !raw.is_multiple_of(8),
        Given::Always => true,
    };
    let [early, late, first_ts, last_ts, start_width, commit_width, odd, _] = txn.times;
    let ordered = |a: u16, b: u16| {
        let (a, b) = (a % style.ticks, b % style.ticks);
        (a.min(b), a.max(b))
    };
    let ((begin, end), (first, last)) = (ordered(early, late), ordered(first_ts, last_ts));
    // Most transactions end after they began.
    let early_by = if style.calm || odd % 8 > 0 { 0 } else { style.widest };
    let start = bound(begin, start_width);
    let commit = bound(end, commit_width).map(|c| c.earlier_by(early_by.into()));
    record.start = start.filter(|_| has(style.starts, txn.place[0] / 4));
    record.commit = commit.filter(|_| has(style.bounds, txn.place[1] / 4));
    record.start_ts = Some(tick(first)).filter(|_| has(style.assigned, txn.place[2] / 8));
    record.commit_ts = Some(tick(last)).filter(|_| has(style.assigned, txn.place[3] / 8));
    // A committed writer has one of both.
    if record.commit.is_none() && record.commit_ts.is_none() {
        if style.bounds == Given::Never {
            record.commit_ts = Some(tick(last));
        } else {
            record.commit = commit;
        }
    }
    // Readers may go without.
    let reader = txn.ops.iter().all(|op| op[1] % 2 == 0) && odd % 3 == 0;
    if reader {
        (record.commit, record.commit_ts) = (None, None);
    }
}

fn value_written(style: &Style, number: usize, at: usize, op: [u16; 4]) -> Option<i64> {
    if style.deletes && op[2].is_multiple_of(8) {
        None
    } else if style.unique {
        Some(number as i64 * 8 + at as i64)
    } else {
        Some(i64::from(op[2] % 6))
    }
}

/// What was last written to the key before that operation, in the order of transactions.
fn last_value(style: &Style, txns: &[Drawn], key: u16, number: usize, before: usize) -> Option<i64> {
    let writes = txns[..=number].iter().enumerate().flat_map(|(other, txn)| {
        let ops = if style.single || style.ids == Ids::Absent { 1 } else { txn.ops.len() };
        let ops = if other == number { before } else { ops };
        let aborted = style.fates && txn.place[2] % 8 == 0 && other != number;
        let ops = txn.ops[..ops].iter().enumerate().filter(move |_| !aborted);
        let writes = ops.filter(|(_, o)| o[1] % 2 == 1 && o[0] % style.keys == key);
        writes.map(move |(at, o)| value_written(style, other, at, *o)).collect::<Vec<_>>()
    });
    writes.last().flatten()
}

/// Mostly a value that somebody wrote to the key, and of those mostly one of nearby.
fn value_read(style: &Style, txns: &[Drawn], key: u16, number: usize, op: [u16; 4]) -> Option<i64> {
    let near = |other: &usize| other.abs_diff(number) < 6 || op[2].is_multiple_of(5);
    let writes: Vec<Option<i64>> = (0..txns.len())
        .filter(near)
        .flat_map(|other| {
            let ops = txns[other].ops.iter().enumerate();
            let writes = ops.filter(|(_, o)| o[1] % 2 == 1 && o[0] % style.keys == key);
            writes.map(move |(at, o)| value_written(style, other, at, *o)).collect::<Vec<_>>()
        })
        .collect();
    match op[2] % 16 {
        0 => None,
        1 => Some(-7),
        _ if writes.is_empty() => None,
        pick => writes[usize::from(op[2] / 16 + pick) % writes.len()],
    }
}

fn name(style: &Style, n: i64) -> Value {
    if style.text { Value::Text(format!("a name of more than twelve bytes {n}")) } else { Value::Integer(n) }
}
