//! What this machine allows, and how much of it is used.
//!
//! 1. Read bandwidth, of one thread and of all, over memory larger than the caches, in pages as the system gives
//!    them and in huge ones: by a sum of words, and by `extent` on the widest instruction set. The greatest is
//!    the limit.
//! 2. `cross-region-conflicts` of a log in order of time with u64 keys as a share of it: bytes of the columns
//!    key, region, earliest and latest, over the time of `verify`; and over that of the program from its start
//!    to its exit. Limit and scan are measured in turn. The goal is 15 %.
//! 3. What AVX2 and AVX-512 gain over scalar in each kernel, in cache and out of it. A kernel that gains less
//!    than a tenth in both does not pay, and is named.
//!
//! `cargo bench --bench limits` takes about a minute and 2 GiB; `cargo test` runs everything once in small.

#![forbid(unsafe_code)]

mod data;
#[path = "limits/kernels.rs"]
mod kernels;
#[path = "limits/reading.rs"]
mod reading;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use data::{Data, KeyType, Keys, Order, judge, median};
use skewer::Model;
use skewer::models::Path;
use skewer_kernels::Isa;

/// The share of bandwidth that the scan is to reach.
const GOAL: f64 = 0.15;

/// How large, and how often.
#[derive(Clone, Copy)]
struct Plan {
    /// Of each of two columns that are read.
    column_bytes: usize,
    /// Of the log.
    rows: usize,
    /// Of the columns that kernels read out of cache.
    kernel_rows: usize,
    runs: usize,
}

const FULL: Plan = Plan { column_bytes: 512 << 20, rows: 10_000_000, kernel_rows: 1 << 25, runs: 5 };
const SMOKE: Plan = Plan { column_bytes: 1 << 20, rows: 2_000, kernel_rows: 1 << 12, runs: 1 };

fn main() {
    // Cargo says `--bench` only where times are wanted.
    let plan = if std::env::args().any(|arg| arg == "--bench") { FULL } else { SMOKE };
    println!("instruction sets: {:?}; {} threads", Isa::available(), rayon::current_num_threads());
    scan(plan);
    kernels::race(plan.kernel_rows, plan.runs);
}

/// Bandwidth and scan, in turn.
fn scan(plan: Plan) {
    let data = Data::of(plan.rows, Keys::Uniform, Order::Time, KeyType::U64);
    let file = tempfile::Builder::new().suffix(".arrow").tempfile_in(folder()).expect("a file for the log");
    data.write_to(file.as_file());
    let columns = reading::Columns::of(plan.column_bytes);
    let (mut limits, mut library, mut program) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.runs {
        limits.push(columns.all_ways());
        library.push(seconds(|| {
            judge(&data.log, Model::CrossRegionConflicts, Path::Auto, Isa::in_use());
        }));
        program.extend(binary().map(|binary| seconds(|| run(&binary, file.path()))));
    }
    let limit = reading::report(&limits);
    println!("\ncross-region-conflicts, {} rows in order of time, u64 keys: {} bytes", plan.rows, data.bytes);
    let share = |name: &str, times: Vec<f64>| {
        let seconds = median(times);
        let rate = data.bytes as f64 / seconds;
        let share = rate / limit;
        println!(
            "  {name:20}{:9.1} ms{:9.1} M rows/s{:8.2} GB/s  {:5.1} % of the limit ({})",
            seconds * 1e3,
            plan.rows as f64 / seconds / 1e6,
            rate / 1e9,
            share * 100.0,
            if plan.rows < FULL.rows {
                "too few rows to tell"
            } else if share >= GOAL {
                "goal met"
            } else {
                "below the goal"
            }
        );
    };
    share("verify", library);
    if !program.is_empty() {
        share("the whole program", program);
    }
}

/// Where cargo keeps what tests and benches write.
fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// The program, where it was built.
fn binary() -> Option<PathBuf> {
    option_env!("CARGO_BIN_EXE_skewer").map(PathBuf::from)
}

fn run(binary: &std::path::Path, log: &std::path::Path) {
    let mut command = Command::new(binary);
    command.args(["verify", "--model", "cross-region-conflicts", "--quiet"]).arg(log);
    let status = command.stdout(Stdio::null()).status().expect("the program starts");
    assert!(status.code().is_some_and(|code| code < 2), "{} could not judge: {status}", binary.display());
}

/// How long `work` took, in seconds.
fn seconds(work: impl FnOnce()) -> f64 {
    let begin = Instant::now();
    work();
    begin.elapsed().as_secs_f64()
}
