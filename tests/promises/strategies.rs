//! Random logs: every type, every optional column, every kind of time, and no rule broken.

use proptest::prelude::*;
use proptest::sample::select;
use skewer::BoundedTimestamp;
use skewer::log::build::{Record, Value};
use skewer::txn::{Op, Status};

use crate::columns::{Form, Look, Plain, TimeForm};
use crate::logs::{File, Sample};

/// Rows of a random log at most.
const ROWS_MAX: usize = 200;

/// Where keys and ids come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pool {
    Small,
    Negative,
    AboveSigned,
    Text,
    Bytes,
}

impl Pool {
    const ALL: [Pool; 5] = [Pool::Small, Pool::Negative, Pool::AboveSigned, Pool::Text, Pool::Bytes];

    fn value(self, n: u16) -> Value {
        match self {
            Pool::Small => Value::Integer(n.into()),
            Pool::Negative => Value::Integer(-1 - i64::from(n)),
            Pool::AboveSigned => Value::Unsigned(u64::MAX - u64::from(n)),
            // The long ones do not fit a view's sixteen bytes.
            Pool::Text if n.is_multiple_of(3) => Value::Text(format!("a name of more than twelve bytes {n}")),
            Pool::Text => Value::Text(format!("w{n}")),
            Pool::Bytes => {
                let [high, low] = n.to_be_bytes();
                Value::Bytes(vec![0xff, 0, high, low])
            }
        }
    }

    fn form(self, raw: u8) -> Form {
        let plain: &[Plain] = match self {
            Pool::Small => &[Plain::Int64, Plain::UInt64],
            Pool::Negative => &[Plain::Int64],
            Pool::AboveSigned => &[Plain::UInt64],
            Pool::Text => &[
                Plain::Utf8,
                Plain::LargeUtf8,
                Plain::Utf8View,
                Plain::Binary,
                Plain::LargeBinary,
                Plain::BinaryView,
            ],
            Pool::Bytes => &[Plain::Fixed, Plain::Binary, Plain::LargeBinary, Plain::BinaryView],
        };
        let dictionary = [None, None, Some(8), Some(16), Some(32)][usize::from(raw / 16) % 5];
        Form { plain: plain[usize::from(raw) % plain.len()], dictionary }
    }
}

/// How transactions are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ids {
    Absent,
    EachRow,
    Adjacent,
    Scattered,
    SomeNull,
}

/// How times are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Clock {
    /// From few ticks: ties and touching ends.
    Few,
    Points,
    /// Along the log.
    Line,
    /// Along the log, a few very long.
    LongOnes,
    /// From the ends of the range, unbounded ones among them.
    Extreme,
}

/// Which of a transaction's times are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Never,
    Sometimes,
    Always,
}

/// The order of rows in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Time,
    NearlyTime,
    Shuffled,
}

/// What the transactions of a log have in common.
#[derive(Clone, Debug)]
struct Style {
    ids: Ids,
    clock: Clock,
    order: Order,
    keys: u16,
    regions: u8,
    files: u8,
    starts: Given,
    bounds: Given,
    assigned: Given,
    reads: bool,
    fates: bool,
    values: bool,
    key_pools: [Pool; 3],
    pools: [Pool; 3],
    looks: [[u8; 8]; 3],
    clock_error: Option<u64>,
}

fn styles() -> impl Strategy<Value = Style> {
    let given = || select(vec![Given::Never, Given::Sometimes, Given::Always, Given::Always]);
    let pools = || {
        prop_oneof![
            3 => select(Pool::ALL.to_vec()).prop_map(|p| [p; 3]),
            1 => prop::array::uniform3(select(Pool::ALL.to_vec())),
        ]
    };
    let shape = (
        select(vec![Ids::Absent, Ids::EachRow, Ids::Adjacent, Ids::Scattered, Ids::SomeNull]),
        select(vec![Clock::Few, Clock::Points, Clock::Line, Clock::LongOnes, Clock::Extreme]),
        select(vec![Order::Time, Order::NearlyTime, Order::Shuffled]),
        select(vec![1_u16, 2, 8, 64]),
        1..=4_u8,
        1..=3_u8,
    );
    let columns = (given(), given(), given(), any::<bool>(), any::<bool>(), prop::bool::weighted(0.8));
    let types = (pools(), pools(), any::<[[u8; 8]; 3]>(), prop_oneof![Just(None), (0..6_u64).prop_map(Some)]);
    (shape, columns, types).prop_map(|(shape, columns, types)| Style {
        ids: shape.0,
        clock: shape.1,
        order: shape.2,
        keys: shape.3,
        regions: shape.4,
        files: shape.5,
        starts: columns.0,
        bounds: columns.1,
        assigned: columns.2,
        reads: columns.3,
        fates: columns.4,
        values: columns.5,
        key_pools: types.0,
        pools: types.1,
        looks: types.2,
        clock_error: types.3,
    })
}

/// A transaction as it was drawn, before a style gives it a meaning.
#[derive(Clone, Debug)]
struct Drawn {
    /// Region, session, status, file.
    place: [u8; 4],
    times: [u16; 8],
    /// Key, operation, value, shuffle.
    ops: Vec<[u16; 4]>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let ops = prop::collection::vec(any::<[u16; 4]>(), 1..5);
    (any::<[u8; 4]>(), any::<[u16; 8]>(), ops).prop_map(|(place, times, ops)| Drawn { place, times, ops })
}

/// Random logs of at most 200 rows.
pub(crate) fn samples() -> impl Strategy<Value = Sample> {
    drawn_samples().prop_map(|(style, txns)| sample(&style, &txns))
}

/// Random logs in which every row names its transaction.
pub(crate) fn identified() -> impl Strategy<Value = Sample> {
    drawn_samples().prop_map(|(mut style, txns)| {
        style.ids = match style.ids {
            Ids::Absent => Ids::EachRow,
            Ids::SomeNull => Ids::Scattered,
            named => named,
        };
        sample(&style, &txns)
    })
}

/// Random logs of which all files have the same types of columns.
pub(crate) fn alike() -> impl Strategy<Value = Sample> {
    drawn_samples().prop_map(|(mut style, txns)| {
        style.key_pools = [style.key_pools[0]; 3];
        style.looks = [style.looks[0]; 3];
        sample(&style, &txns)
    })
}

fn drawn_samples() -> impl Strategy<Value = (Style, Vec<Drawn>)> {
    let txns = prop_oneof![
        prop::collection::vec(drawn(), 0..6),
        prop::collection::vec(drawn(), 6..40),
        prop::collection::vec(drawn(), 40..160),
    ];
    (styles(), txns)
}

fn sample(style: &Style, txns: &[Drawn]) -> Sample {
    let mut files: Vec<Vec<(i128, Record)>> = vec![Vec::new(); style.files.into()];
    let mut rows = 0;
    for (number, txn) in txns.iter().enumerate() {
        let single = matches!(style.ids, Ids::Absent | Ids::EachRow);
        let ops = if single { &txn.ops[..1] } else { &txn.ops[..] };
        rows += ops.len();
        if rows > ROWS_MAX {
            break;
        }
        let file = usize::from(txn.place[3] % style.files);
        let common = common(style, number as u16, txn);
        for op in ops {
            let record = operation(style, file, &common, *op);
            files[file].push((position(style, &record, txn, *op), record));
        }
    }
    let file = |(at, mut records): (usize, Vec<(i128, Record)>)| {
        records.sort_by_key(|(position, _)| *position);
        File {
            name: format!("{}.arrow", ["eu", "us", "ap"][at]),
            records: records.into_iter().map(|(_, record)| record).collect(),
            look: look(style, at),
        }
    };
    let mut files: Vec<File> = files.into_iter().enumerate().map(file).collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Sample { files, clock_error: style.clock_error }
}

/// What the rows of a transaction agree on.
fn common(style: &Style, number: u16, txn: &Drawn) -> Record {
    let status = match txn.place[2] % 8 {
        0 | 1 if style.fates => Status::Unknown,
        2 if style.fates => Status::Aborted,
        _ => Status::Committed,
    };
    let (start, commit) = bounds(style.clock, number, txn.times);
    let given = |given: Given, raw: u16| match given {
        Given::Never => false,
        Given::Sometimes => !raw.is_multiple_of(8),
        Given::Always => true,
    };
    let near = |bound: BoundedTimestamp, raw: u16| bound.midpoint().saturating_add(i64::from(raw % 5) - 2);
    let mut record = Record {
        // Names that do not stand in the order of rows.
        txn: (style.ids != Ids::Absent).then(|| style.pools[0].value(number.wrapping_mul(40_503) % 9_973)),
        region: region(style, txn.place[0]),
        session: (!txn.place[1].is_multiple_of(4)).then(|| style.pools[1].value((txn.place[1] % 4).into())),
        status,
        start: given(style.starts, txn.times[4]).then_some(start),
        commit: given(style.bounds, txn.times[5]).then_some(commit),
        start_ts: given(style.assigned, txn.times[6]).then(|| near(start, txn.times[6])),
        commit_ts: given(style.assigned, txn.times[7]).then(|| near(commit, txn.times[7])),
        ..Record::default()
    };
    if record.commit.is_none() && record.commit_ts.is_none() && status == Status::Committed {
        if txn.times[5] % 16 == 1 {
            record.commit_ts = Some(near(commit, txn.times[7]));
        } else {
            record.commit = Some(commit);
        }
    }
    record
}

/// Some regions follow from their files.
fn region(style: &Style, raw: u8) -> Option<String> {
    let named = style.regions < 4 || raw % 8 > 2;
    named.then(|| ["eu", "us", "ap", "sa"][usize::from(raw % style.regions)].to_owned())
}

/// Start and commit.
fn bounds(clock: Clock, number: u16, raw: [u16; 8]) -> (BoundedTimestamp, BoundedTimestamp) {
    let tick = |raw: u16| i64::from(raw);
    let wide = |first: i64, width: i64| BoundedTimestamp::new(first, first + width).unwrap();
    let along = i64::from(number) * 10;
    let [s, sw, c, cw, ..] = raw;
    match clock {
        Clock::Few => (wide(tick(s % 8), tick(sw % 4)), wide(tick(c % 8), tick(cw % 4))),
        Clock::Points => (wide(tick(s % 16), 0), wide(tick(c % 16), 0)),
        Clock::Line => {
            let commit = wide(along + tick(c % 30), tick(cw % 25));
            (wide(commit.earliest() - tick(s % 60), tick(sw % 25)), commit)
        }
        Clock::LongOnes => {
            let commit = wide(along + tick(c % 30), tick(cw % 5));
            let long = if s % 16 == 0 { 900 } else { 0 };
            (wide(commit.earliest() - tick(s % 10) - long, tick(sw % 3)), commit)
        }
        Clock::Extreme => (extreme(s, sw), extreme(c, cw)),
    }
}

fn extreme(a: u16, b: u16) -> BoundedTimestamp {
    const ENDS: [i64; 9] =
        [i64::MIN, i64::MIN + 1, i64::MIN / 2, -1, 0, 1, i64::MAX / 2, i64::MAX - 1, i64::MAX];
    let [a, b] = [a, b].map(|raw| ENDS[usize::from(raw) % ENDS.len()]);
    BoundedTimestamp::new(a.min(b), a.max(b)).unwrap()
}

fn operation(style: &Style, file: usize, common: &Record, [key, op, value, shuffle]: [u16; 4]) -> Record {
    let mut record = common.clone();
    record.key = style.key_pools[file].value(key % style.keys);
    record.op = if style.reads && op % 3 == 0 { Op::Read } else { Op::Write };
    record.value = (style.values && value % 8 > 0).then(|| style.pools[2].value(value % 6));
    if style.ids == Ids::SomeNull && shuffle % 4 == 0 {
        record.txn = None;
    }
    record
}

/// What rows of a file are sorted by.
fn position(style: &Style, record: &Record, txn: &Drawn, [.., shuffle]: [u16; 4]) -> i128 {
    let begin = record.start.or(record.commit).map_or(record.commit_ts, |b| Some(b.earliest()));
    let base = match style.order {
        Order::Time => begin.unwrap_or(0).into(),
        Order::NearlyTime => i128::from(begin.unwrap_or(0)) + i128::from(txn.times[0] % 40),
        Order::Shuffled => txn.times[0].into(),
    };
    if matches!(style.ids, Ids::Scattered | Ids::SomeNull) { base + i128::from(shuffle % 64) } else { base }
}

fn look(style: &Style, file: usize) -> Look {
    let [key, value, txn, session, words, times, batch, flags] = style.looks[file];
    Look {
        key: style.key_pools[file].form(key),
        value: style.pools[2].form(value),
        txn: style.pools[0].form(txn),
        session: style.pools[1].form(session),
        words: words_form(words),
        times: [TimeForm::Integers, TimeForm::Timestamps, TimeForm::Utc][usize::from(times) % 3],
        batch_rows: [7, 50, 1_000][usize::from(batch) % 3],
        lean: flags % 4 > 0,
        letters: flags % 16 > 7,
    }
}

/// Words are text, and mostly come through a dictionary.
fn words_form(raw: u8) -> Form {
    let plain = [Plain::Utf8, Plain::Utf8, Plain::LargeUtf8, Plain::Utf8View][usize::from(raw) % 4];
    Form { plain, dictionary: [None, Some(8), Some(32)][usize::from(raw / 8) % 3] }
}
