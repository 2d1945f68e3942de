//! Logs that defeat shortcuts, beside the uniform one, and ten times larger.
//!
//! For each adversary (`datasets/adversarial/README.md`) and model: the time of ten million rows, that time as a
//! multiple of the uniform log's, whose runs stand between the adversary's, and as a multiple of the
//! adversary's own time for a million rows. Counts are asserted: by formula, or one path against the other.
//! Findings are asked for as the program does, ten a model.
//!
//! `cargo bench --bench adversaries [NAME]` takes about three minutes on two cores; `cargo test` runs it on few rows.

#![forbid(unsafe_code)]

mod data;

use std::time::Instant;

use data::adversarial::{Adversary, Size, Truth};
use data::{judge, median};
use skewer::models::Path;
use skewer::report::Kind;
use skewer::{Log, Model};
use skewer_kernels::Isa;

/// As many times the uniform log's time are within bounds.
const GOAL: f64 = 10.0;
/// As many times the time of a tenth of the rows.
const GROWTH_GOAL: f64 = 12.0;
/// Fifteen thousand rows within a millisecond: what `uniform` has at ten million rows.
const STEP: i64 = 66;

const MODELS: [Model; 2] = [Model::CrossRegionConflicts, Model::WriteOrder];

/// How large, and how often.
struct Plan {
    /// Whether times are wanted, and goals are held against them.
    full: bool,
    rows: usize,
    runs: usize,
    only: Option<String>,
}

impl Plan {
    /// Cargo says `--bench` only where times are wanted.
    fn of_arguments() -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let full = arguments.iter().any(|argument| argument == "--bench");
        let only = arguments.into_iter().find(|argument| full && !argument.starts_with('-'));
        let (rows, runs) = if full { (10_000_000, 3) } else { (4_000, 1) };
        Plan { full, rows, runs, only }
    }
}

/// Judges by one model and says how long it took.
fn timed(log: &Log, model: Model) -> f64 {
    let begin = Instant::now();
    let report = judge(log, model, Path::Auto, Isa::in_use());
    assert!(report.findings.len() <= 10, "more findings than were asked for");
    begin.elapsed().as_secs_f64()
}

fn counted(log: &Log, path: Path) -> Truth {
    let conflicts = judge(log, Model::CrossRegionConflicts, path, Isa::in_use());
    let order = judge(log, Model::WriteOrder, path, Isa::in_use());
    let counts = conflicts.kinds.get(Kind::WriteWrite.name()).copied().unwrap_or_default();
    Truth {
        definite: counts.definite,
        possible: counts.possible,
        ordered: order.facts["pairs_ordered"],
        ambiguous: order.facts["pairs_ambiguous"],
    }
}

fn check(adversary: Adversary, size: Size, log: &Log) {
    let expected = adversary.truth(size).unwrap_or_else(|| counted(log, Path::Partitioned));
    assert_eq!(counted(log, Path::Auto), expected, "{} of {} rows", adversary.name(), size.rows);
}

/// What one adversary takes by one model.
struct Line {
    seconds: f64,
    /// Of the uniform log's time.
    times: f64,
    /// Of the time for a tenth of the rows.
    growth: f64,
}

fn measure(adversary: Adversary, plan: &Plan, uniform: &Log) -> [Line; 2] {
    let tenth = Size { rows: plan.rows / 10, step: STEP };
    let small = adversary.log(tenth);
    check(adversary, tenth, &small);
    let of_small = MODELS.map(|model| median((0..plan.runs).map(|_| timed(&small, model))));
    drop(small);
    let size = Size { rows: plan.rows, step: STEP };
    let log = adversary.log(size);
    check(adversary, size, &log);
    let mut lines = MODELS.into_iter().zip(of_small).map(|(model, of_small)| {
        let in_turn = |_| (timed(uniform, model), timed(&log, model));
        let runs: Vec<(f64, f64)> = (0..plan.runs).map(in_turn).collect();
        let seconds = median(runs.iter().map(|(_, ours)| *ours));
        let times = median(runs.iter().map(|(uniform, ours)| ours / uniform));
        Line { seconds, times, growth: seconds / of_small }
    });
    [lines.next(), lines.next()].map(|line| line.expect("two models"))
}

fn main() {
    let plan = Plan::of_arguments();
    let uniform = Adversary::Uniform.log(Size { rows: plan.rows, step: STEP });
    let tenth = plan.rows / 10;
    println!("{} rows, and {tenth}; {} threads", plan.rows, rayon::current_num_threads());
    println!(
        "{:18}{:24}{:>10}{:>12}{:>12}{:>12}",
        "log", "model", "ms", "M rows/s", "x uniform", "x a tenth"
    );
    let mut beyond = Vec::new();
    for adversary in Adversary::ALL {
        if plan.only.as_ref().is_some_and(|only| only != adversary.name()) {
            continue;
        }
        for (model, line) in MODELS.into_iter().zip(measure(adversary, &plan, &uniform)) {
            let (name, model) = (adversary.name(), model.name());
            let (ms, rate) = (line.seconds * 1e3, plan.rows as f64 / line.seconds / 1e6);
            println!("{name:18}{model:24}{ms:10.1}{rate:12.1}{:12.2}{:12.2}", line.times, line.growth);
            if line.times > GOAL || line.growth > GROWTH_GOAL {
                beyond.push(format!("{name} by {model}"));
            }
        }
    }
    if !plan.full {
        println!("all counts are right; goals are for `cargo bench`");
    } else if beyond.is_empty() {
        println!("all within {GOAL} times uniform and {GROWTH_GOAL} times a tenth of the rows");
    } else {
        println!("beyond {GOAL} times uniform, or {GROWTH_GOAL} times a tenth: {}", beyond.join(", "));
    }
}
