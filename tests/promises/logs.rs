//! Logs to be: owned records in files, opened by the engine and laid before the reference.

use std::sync::OnceLock;

use rayon::{ThreadPool, ThreadPoolBuilder};
use skewer::log::build::{Record, Value};
use skewer::models::{Path, Tuning};
use skewer::reference::{self, Input};
use skewer::report::{Model, ModelReport};
use skewer::time::Span;
use skewer::txn::{Columns, Op, Places, Row, Times};
use skewer::{BoundedTimestamp, Log, OpenOptions, Report, VerifyOptions, verify};
use skewer_kernels::Isa;

use crate::columns::{self, Look};

/// The models whose fast engines are held against the reference.
pub(crate) const MODELS: [Model; 2] = [Model::WriteOrder, Model::CrossRegionConflicts];

/// One file of a log to be.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) records: Vec<Record>,
    pub(crate) look: Look,
}

/// A log to be, its files in the order of their names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) files: Vec<File>,
    /// `--clock-error`, in ticks.
    pub(crate) clock_error: Option<u64>,
}

impl Sample {
    /// A log of one file with plain columns and integer ids.
    pub(crate) fn of(records: Vec<Record>) -> Self {
        Sample::in_files(vec![records])
    }

    /// The same in several files.
    pub(crate) fn in_files(files: Vec<Vec<Record>>) -> Self {
        let name = |at: usize| format!("{}.arrow", char::from(b'a' + at as u8));
        let file = |(at, records)| File { name: name(at), records, look: Look::default() };
        Sample { files: files.into_iter().enumerate().map(file).collect(), clock_error: None }
    }

    pub(crate) fn rows(&self) -> usize {
        self.files.iter().map(|f| f.records.len()).sum()
    }

    /// The log, opened.
    pub(crate) fn open(&self) -> Log {
        self.open_within(None)
    }

    /// The same with so many bytes for what is held beside it.
    pub(crate) fn open_within(&self, memory: Option<u64>) -> Log {
        let files = self.files.iter().map(|f| (f.name.clone(), columns::batches(&f.records, &f.look)));
        let clock_error = self.clock_error.map(Span::Ticks);
        let options = OpenOptions { clock_error, memory, ..OpenOptions::default() };
        // The order in which files are given means nothing.
        Log::from_batches(files.rev().collect(), &options).unwrap()
    }

    /// The log as the specification sees it, without a detour over Arrow.
    pub(crate) fn input(&self, visibility_lag: u64) -> Input<'_> {
        let mut rows = Vec::with_capacity(self.rows());
        let several = self.files.len() > 1;
        for file in &self.files {
            let stem = if several { file.name.trim_end_matches(".arrow") } else { "-" };
            for record in &file.records {
                rows.push(row(record, rows.len() as u64, stem, self.clock_error));
            }
        }
        let has = |name: &'static str| move |f: &File| columns::has_column(&f.records, &f.look, name);
        let columns = Columns {
            value: self.files.iter().all(has("value")),
            session: self.files.iter().any(has("session")),
            reads: rows.iter().any(|r| r.op == Op::Read),
        };
        let files = self.files.iter().map(|f| (f.name.clone(), f.records.len() as u64)).collect();
        Input { rows, columns, places: Places { files }, visibility_lag }
    }
}

fn row<'a>(record: &'a Record, row: u64, default_region: &'a str, clock_error: Option<u64>) -> Row<'a> {
    let made = |ts: Option<i64>| Some(BoundedTimestamp::reading(ts?, clock_error?));
    let made_start = if record.start.is_none() { made(record.start_ts) } else { None };
    let made_commit = if record.commit.is_none() { made(record.commit_ts) } else { None };
    Row {
        row,
        key: record.key.as_datum(),
        op: record.op,
        value: record.value.as_ref().map(Value::as_datum),
        txn: record.txn.as_ref().map(Value::as_datum),
        region: record.region.as_deref().unwrap_or(default_region),
        session: record.session.as_ref().map(Value::as_datum),
        status: record.status,
        times: Times {
            start: record.start.or(made_start),
            commit: record.commit.or(made_commit),
            start_ts: record.start_ts,
            commit_ts: record.commit_ts,
            assumed: made_start.is_some() || made_commit.is_some(),
        },
    }
}

/// What is asked of a verification.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) visibility_lag: u64,
    /// How many findings are told; `None` for all.
    pub(crate) findings: Option<usize>,
}

impl Asked {
    pub(crate) fn options(self, tuning: Tuning) -> VerifyOptions {
        VerifyOptions {
            models: Some(MODELS.to_vec()),
            visibility_lag: Some(Span::Ticks(self.visibility_lag)),
            findings: self.findings,
            count_keys: true,
            tuning,
            ..VerifyOptions::default()
        }
    }
}

/// A way to compute a verdict, none of which may change it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    pub(crate) tuning: Tuning,
    pub(crate) threads: usize,
}

/// Every path.
const PATHS: [Path; 7] =
    [Path::Auto, Path::Window, Path::Fine, Path::Slices, Path::Parts, Path::Stretches, Path::Partitioned];

impl How {
    /// Every instruction set of this machine, every path, and 1, 2 and 3 threads.
    pub(crate) fn all() -> Vec<How> {
        let mut all = Vec::new();
        for isa in Isa::available() {
            for path in PATHS {
                for threads in 1..=3 {
                    all.push(How { tuning: Tuning { isa: Some(isa), path, ..Tuning::default() }, threads });
                }
            }
        }
        all
    }

    /// Each path alone, on two threads.
    pub(crate) fn paths() -> Vec<How> {
        let tuning = |path| Tuning { path, ..Tuning::default() };
        PATHS.map(|p| How { tuning: tuning(p), threads: 2 }).to_vec()
    }

    pub(crate) fn verify(&self, log: &Log, asked: Asked) -> Report {
        let options = asked.options(self.tuning);
        pools()[self.threads - 1].install(|| verify(log, &options)).unwrap()
    }
}

/// Pools of 1, 2 and 3 threads, made once.
pub(crate) fn pools() -> &'static [ThreadPool; 3] {
    static POOLS: OnceLock<[ThreadPool; 3]> = OnceLock::new();
    POOLS.get_or_init(|| [1, 2, 3].map(|n| ThreadPoolBuilder::new().num_threads(n).build().unwrap()))
}

/// What is compared of a model's report: all, but for kinds without findings.
pub(crate) fn comparable(mut report: ModelReport) -> ModelReport {
    report.kinds.retain(|_, counts| counts.definite + counts.possible > 0);
    report
}

/// What the reference says of a sample, model by model.
pub(crate) fn truth(sample: &Sample, asked: Asked) -> Vec<ModelReport> {
    let input = sample.input(asked.visibility_lag);
    let of = |model| {
        let mut report = reference::judge(model, &input);
        report.findings.truncate(asked.findings.unwrap_or(usize::MAX));
        comparable(report)
    };
    MODELS.into_iter().map(of).collect()
}

/// What the engine says of a log, model by model.
pub(crate) fn said(log: &Log, asked: Asked, how: How) -> Vec<ModelReport> {
    how.verify(log, asked).models.into_values().map(comparable).collect()
}

/// Holds the engine against the reference, computed in each of these ways.
pub(crate) fn agree(sample: &Sample, asked: Asked, ways: &[How]) {
    let (log, truth) = (sample.open(), truth(sample, asked));
    for &how in ways {
        assert_eq!(said(&log, asked, how), truth, "{how:?} {asked:?}");
    }
}
