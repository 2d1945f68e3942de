//! Stands in for the parts of the library that do not exist yet: each is an error when called.

#![allow(dead_code, clippy::unnecessary_wraps, clippy::unused_self)]

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use skewer::error::Result;
use skewer::inspect::Inspection;
use skewer::report::LogSummary;
use skewer::time::Span;
use skewer::txn::Places;
use skewer::{Error, Model, Report};

#[derive(Default)]
pub(crate) struct OpenOptions {
    pub(crate) no_mmap: bool,
    pub(crate) clock_error: Option<Span>,
}

pub(crate) struct Log {
    summary: LogSummary,
    places: Places,
}

impl Log {
    pub(crate) fn open(paths: &[PathBuf], _options: &OpenOptions) -> Result<Self> {
        for path in paths {
            std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
        }
        missing("reading logs")
    }

    pub(crate) fn summary(&self, _count_keys: bool) -> LogSummary {
        self.summary.clone()
    }

    pub(crate) fn places(&self) -> &Places {
        &self.places
    }
}

pub(crate) struct VerifyOptions {
    pub(crate) models: Option<Vec<Model>>,
    pub(crate) visibility_lag: Option<Span>,
    /// Per model; `None`: all.
    pub(crate) findings: Option<usize>,
    pub(crate) threads: Option<NonZeroUsize>,
    pub(crate) memory: Option<u64>,
    /// Rows judged so far, for whoever watches.
    pub(crate) progress: Option<Arc<AtomicU64>>,
}

pub(crate) fn verify(_log: &Log, _options: &VerifyOptions) -> Result<Report> {
    missing("verify")
}

pub(crate) fn order(_log: &Log, _out: &Path) -> Result<()> {
    missing("order")
}

pub(crate) fn inspect(_log: &Log) -> Result<Inspection> {
    missing("inspect")
}

fn missing<T>(what: &str) -> Result<T> {
    Err(Error::Log(format!("{what} is not there yet")))
}
