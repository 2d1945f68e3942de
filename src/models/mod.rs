//! One room per model, all of one shape: the committed transactions in, a [`ModelReport`] out.

pub mod catalog;
mod clock_bounds;
mod counting;
mod cross_region;
mod external_consistency;
mod least;
mod linearizable;
mod names;
mod needs;
mod reads;
mod rivals;
mod rooms;
mod serializable;
mod shortlist;
mod snapshot_isolation;
mod strict_serializable;
mod tally;
mod write_order;
mod writers;

use std::collections::BTreeMap;
use std::sync::Arc;

use skewer_kernels::Isa;

use crate::error::Result;
use crate::history::{Fates, Lacking, Writes};
use crate::inspect;
use crate::log::{Log, span_in};
use crate::memory::Budget;
use crate::report::{Model, ModelReport, Report, Verdict};
use crate::time::Span;
use crate::timings::{Timings, measure};
use crate::window::Force;

/// What to judge, and how much to tell.
#[derive(Clone, Debug, Default)]
pub struct VerifyOptions {
    /// The models; `None` for all that the log's columns allow.
    pub models: Option<Vec<Model>>,
    /// How long before its commit a write without a start bound may have taken its snapshot.
    pub visibility_lag: Option<Span>,
    /// How many findings of each model are told; `None` for all. Counts are exact either way.
    pub findings: Option<usize>,
    /// Whether to count distinct keys, which may cost more than the verdict.
    pub count_keys: bool,
    /// Bytes that may be held beside the log; `None` for what is needed. What they do not hold is kept in
    /// unnamed files in the folder for temporary files ([`std::env::temp_dir`]), which the system removes
    /// however the process ends. Give [`OpenOptions::memory`](crate::OpenOptions::memory) the same.
    ///
    /// Not counted are what one key alone has, findings, and what the judges take whatever the log's size:
    /// less than 64 MiB.
    pub memory: Option<u64>,
    /// How it is computed.
    pub tuning: Tuning,
    /// Notes how long each phase took.
    pub timings: Option<Arc<Timings>>,
}

/// How a verdict is computed. No result depends on it, but for `forget_reads`: it is here for
/// tests and benches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tuning {
    /// The instruction set; `None` for `SKEWER_ISA`, or else the best there is.
    pub isa: Option<Isa>,
    /// How conflicts are found.
    pub path: Path,
    /// Fingerprints of keys keep only their highest bits, 64 less that many: tests make keys
    /// collide by it.
    pub fingerprint_bits_dropped: u32,
    /// Judges as if nobody had read anything: wrong, and so a test of the tests.
    pub forget_reads: bool,
}

/// How conflicts are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Path {
    /// By what the log looks like.
    #[default]
    Auto,
    /// By the window join, however unfit the log is for it.
    Window,
    /// The same in fine blocks, as where keys are hot.
    Fine,
    /// By the window join over slices of time, however few the rows.
    Slices,
    /// The same in the order of each slice's parts, as where keys are hot.
    Parts,
    /// By keys within stretches of the log, as where keys are hot.
    Stretches,
    /// By keys.
    Partitioned,
}

impl Path {
    /// What is insisted on of the window join.
    fn force(self) -> Option<Force> {
        match self {
            Path::Window => Some(Force::Rows),
            Path::Fine => Some(Force::Fine),
            Path::Slices => Some(Force::Slices),
            Path::Parts => Some(Force::Parts),
            Path::Auto | Path::Stretches | Path::Partitioned => None,
        }
    }
}

impl Tuning {
    /// The instruction set to use.
    pub(crate) fn isa(self) -> Isa {
        self.isa.unwrap_or_else(Isa::in_use)
    }

    fn fingerprint_mask(self) -> u64 {
        u64::MAX.checked_shl(self.fingerprint_bits_dropped).unwrap_or(0)
    }
}

/// The verdicts over `log`. Work is spread over the threads of the caller's rayon pool.
///
/// # Errors
/// If an option does not fit the log, or temporary files that a budget asks for fail.
///
/// Cost: where few writes of a key share a window, `cross-region-conflicts` takes O(rows + pairs that do),
/// memory O(rows in a window), and 8 bytes a row where the log is in no order of time; `write-order` takes O(rows), and
/// 16 or 24 bytes a write. Otherwise both take O(rows log rows of the largest key), with 24 to 48 bytes a
/// write of memory. The other models together, and these beside them,
/// take O(rows log rows of the largest key), with 24 bytes a row, 33 to 71 a transaction, and about a
/// hundred an operation of the largest keys.
pub fn verify(log: &Log, options: &VerifyOptions) -> Result<Report> {
    let lag = options.visibility_lag.map(|s| span_in(s, log.unit(), "--visibility-lag")).transpose()?;
    let judging = Judging { log, options, lag: lag.unwrap_or(0) };
    let asked = options.models.clone().unwrap_or_else(|| Model::ALL.to_vec());
    let summary = inspect::summary(log, options.count_keys, options.memory)?;
    Ok(Report { log: summary, models: judging.all(&asked)? })
}

struct Judging<'a> {
    log: &'a Log,
    options: &'a VerifyOptions,
    lag: u64,
}

impl Judging<'_> {
    fn all(&self, asked: &[Model]) -> Result<BTreeMap<Model, ModelReport>> {
        let timings = self.options.timings.as_deref();
        let fates = measure(timings, "fates", (self.log.len(), 0), || Fates::of(self.log));
        let of_writes = |m: &&Model| matches!(m, Model::WriteOrder | Model::CrossRegionConflicts);
        let mut reports = BTreeMap::new();
        if !asked.iter().all(|m| of_writes(&m)) {
            reports.extend(rooms::judge(self.log, &fates, (self.options, self.lag), asked)?);
        }
        let left: Vec<Model> = asked.iter().copied().filter(|m| !reports.contains_key(m)).collect();
        if !left.is_empty() {
            self.writes(&fates, &left, &mut reports)?;
        }
        Ok(reports)
    }

    /// Judges models of writes alone, where no other model needs what was read.
    fn writes(
        &self,
        fates: &Fates,
        asked: &[Model],
        reports: &mut BTreeMap<Model, ModelReport>,
    ) -> Result<()> {
        let timings = self.options.timings.as_deref();
        let mask = self.options.tuning.fingerprint_mask();
        let writes = measure(timings, "select", (self.log.len(), 0), || {
            Writes::of(self.log, fates, self.lag, mask, Budget::of(self.options.memory))
        })?;
        let writes = writes.map(|writes| writes.timed(timings));
        for &model in asked {
            let report = match &writes {
                Ok(writes) if model == Model::WriteOrder => write_order::judge(writes, self.options)?,
                Ok(writes) => cross_region::judge(writes, self.options)?,
                Err(lacking) => ModelReport::not_checked(self.lacking(*lacking)),
            };
            reports.insert(model, report);
        }
        Ok(())
    }

    fn lacking(&self, lacking: Lacking) -> String {
        if lacking.count == lacking.total {
            return "the log has no commit bounds".to_owned();
        }
        crate::report::lacking(
            "committed writers have no commit bound",
            lacking.count,
            lacking.total,
            u64::from(lacking.first_row),
            self.log.places(),
        )
    }
}

impl Report {
    /// Whether some model has a definite finding.
    pub fn violated(&self) -> bool {
        self.models.values().any(|m| m.verdict == Verdict::Violated)
    }
}
