//! Logs of three regions that write at a steady rate, from a fixed seed.
//!
//! Row `i` commits at `i` steps. Its clock errs by less than 0.25 to 0.75 ms and says so: the bound is the
//! reading plus and minus the error, so it holds the true time. There are as many keys as rows, and
//! as many rows in a millisecond as make about one row in a thousand conflict where keys are uniform: these are the
//! logs of `vs_duckdb.py`.

// Each bench draws those that it needs.
#![allow(dead_code)]

pub(crate) mod adversarial;

use std::fs::File;
use std::sync::Arc;

use arrow::array::{Array, TimestampNanosecondArray};
use arrow::array::{ArrayRef, DictionaryArray, Int32Array, RecordBatch, StringArray, UInt64Array};
use arrow::datatypes::Int32Type;
use arrow::ipc::writer::FileWriter;
use fastrand::Rng;
use skewer::models::{Path, Tuning};
use skewer::report::ModelReport;
use skewer::{Log, Model, OpenOptions, VerifyOptions, verify};
use skewer_kernels::Isa;

const BATCH_ROWS: usize = 1 << 16;
const SEED: u64 = 20_240_229;
const REGIONS: [&str; 3] = ["ap", "eu", "us"];

/// How often each key is written.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Keys {
    Uniform,
    /// The `n`-th key in proportion to `1 / n^0.99`.
    Zipf,
}

/// In which order the rows stand.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Order {
    /// By the clocks' readings, so by their bounds nearly.
    Time,
    Shuffled,
}

/// What keys are.
#[derive(Clone, Copy)]
pub(crate) enum KeyType {
    U64,
    /// 17 bytes.
    Text,
}

/// One write, as it was generated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Write {
    pub(crate) key: u64,
    pub(crate) region: usize,
    pub(crate) earliest: i64,
    pub(crate) latest: i64,
}

/// A log and what it was made of.
pub(crate) struct Data {
    pub(crate) writes: Vec<Write>,
    pub(crate) log: Log,
    /// Bytes of the columns that are judged.
    pub(crate) bytes: u64,
    batch: RecordBatch,
}

impl Data {
    pub(crate) fn of(rows: usize, keys: Keys, order: Order, key_type: KeyType) -> Data {
        let mut random = Rng::with_seed(SEED);
        let mut writes = writes(rows, keys, &mut random);
        if order == Order::Shuffled {
            random.shuffle(&mut writes);
        }
        let batch = batch(&writes, key_type);
        let bytes = batch.columns().iter().map(|column| column.to_data().get_slice_memory_size());
        let bytes = bytes.map(|size| size.expect("plain columns") as u64).sum();
        let of_log = vec![("bench.arrow".to_owned(), vec![batch.clone()])];
        let log = Log::from_batches(of_log, &OpenOptions::default());
        Data { writes, log: log.expect("a valid log"), bytes, batch }
    }

    /// Writes the log, 65,536 rows a batch.
    pub(crate) fn write_to(&self, file: &File) {
        let mut writer = FileWriter::try_new_buffered(file, &self.batch.schema()).expect("a schema");
        for first in (0..self.batch.num_rows()).step_by(BATCH_ROWS) {
            let rows = BATCH_ROWS.min(self.batch.num_rows() - first);
            writer.write(&self.batch.slice(first, rows)).expect("a batch is written");
        }
        writer.finish().expect("a footer is written");
    }
}

/// What one model says of a log, with ten findings.
pub(crate) fn judge(log: &Log, model: Model, path: Path, isa: Isa) -> ModelReport {
    let tuning = Tuning { isa: Some(isa), path, ..Tuning::default() };
    let options =
        VerifyOptions { models: Some(vec![model]), findings: Some(10), tuning, ..VerifyOptions::default() };
    let report = verify(log, &options).expect("no option to refuse");
    report.models.into_values().next().expect("the model asked for")
}

/// The middle one of some measurements.
pub(crate) fn median(of: impl IntoIterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = of.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn writes(rows: usize, keys: Keys, random: &mut Rng) -> Vec<Write> {
    // Two bounds touch within a millisecond either way, a key in two of three cases from another region, and a pair
    // is two rows: so many in a millisecond meet a thousandth of their number.
    let in_a_millisecond = (rows * 3 / 4_000).max(64) as i64;
    let step = 1_000_000 / in_a_millisecond;
    let ranks = matches!(keys, Keys::Zipf).then(|| zipf(rows));
    let key = |random: &mut Rng| match &ranks {
        None => random.u64(0..rows as u64),
        Some(ranks) => {
            let drawn = random.f64();
            ranks.partition_point(|&up_to| up_to < drawn) as u64
        }
    };
    let write = |row: i64| {
        let error = random.i64(250_000..=750_000);
        let reading = row * step + random.i64(-error..=error);
        let (earliest, latest) = (reading - error, reading + error);
        (reading, Write { key: key(random), region: random.usize(0..REGIONS.len()), earliest, latest })
    };
    let mut writes: Vec<(i64, Write)> = (0..rows as i64).map(write).collect();
    writes.sort_by_key(|(reading, _)| *reading);
    writes.into_iter().map(|(_, write)| write).collect()
}

/// The share of all writes that go to the first keys, for each number of them.
fn zipf(keys: usize) -> Vec<f64> {
    let mut sum = 0.0;
    let mut shares: Vec<f64> = (1..=keys)
        .map(|rank| {
            sum += (rank as f64).powf(-0.99);
            sum
        })
        .collect();
    shares.iter_mut().for_each(|share| *share /= sum);
    shares
}

fn batch(writes: &[Write], key_type: KeyType) -> RecordBatch {
    let key: ArrayRef = match key_type {
        KeyType::U64 => Arc::new(UInt64Array::from_iter_values(writes.iter().map(|w| w.key))),
        KeyType::Text => {
            let text = writes.iter().map(|w| format!("user{:013}", w.key));
            Arc::new(StringArray::from_iter_values(text))
        }
    };
    let codes = Int32Array::from_iter_values(writes.iter().map(|w| w.region as i32));
    let names = Arc::new(StringArray::from_iter_values(REGIONS));
    let region = DictionaryArray::<Int32Type>::try_new(codes, names).expect("codes of names");
    let times = |of: fn(&Write) -> i64| -> ArrayRef {
        Arc::new(TimestampNanosecondArray::from_iter_values(writes.iter().map(of)))
    };
    let columns = [
        ("key", key),
        ("region", Arc::new(region) as ArrayRef),
        ("commit_earliest", times(|w| w.earliest)),
        ("commit_latest", times(|w| w.latest)),
    ];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}
