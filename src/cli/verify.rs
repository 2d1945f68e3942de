//! `skewer verify`.

use std::fs;
use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use skewer::report::{Certainty, Verdict, html, human, json, junit, sarif, table};
use skewer::timings::{Phase, Timings};
use skewer::{Error, Log, Model, Report, VerifyOptions, output};

use super::args::{Color, FailOn, ReportFormat, VerifyArgs};
use super::progress::Progress;
use super::{FAILED, complain, destination, open};

/// Judges, writes the files asked for, prints, and returns the exit status.
pub(crate) fn run(args: &VerifyArgs) -> anyhow::Result<u8> {
    let outputs = [("--findings-to", &args.findings_to), ("--report", &args.report)];
    let outputs: Vec<_> =
        outputs.into_iter().filter_map(|(option, path)| Some((option, path.as_deref()?))).collect();
    destination::keep_apart(&outputs, &args.source.logs)?;
    let timings = args.timings.then(|| Arc::new(Timings::default()));
    let done = on_threads(args.threads, || judge(args, timings.as_ref()))?;
    // Standard output comes last: if a file cannot be written, nothing is printed.
    let printed = print(args, &done.log, &done.report)?;
    if let Some(timings) = &timings {
        let files = args.findings_to.iter().chain(&args.report);
        let bytes = printed as u64 + bytes_of(files);
        timings.note(Phase { name: "report", elapsed: done.at.elapsed(), rows: done.log.len(), bytes });
        eprint!("{}", timings.table());
    }
    Ok(exit_status(args, &done.report))
}

/// What was judged, and when the report of it began.
struct Judged {
    log: Log,
    report: Report,
    at: Instant,
}

fn judge(args: &VerifyArgs, timings: Option<&Arc<Timings>>) -> anyhow::Result<Judged> {
    let _progress = Progress::start("judging", args.quiet);
    let begin = Instant::now();
    let log = open(&args.source, false, args.quiet, args.memory)?;
    if let Some(timings) = timings {
        let (elapsed, bytes) = (begin.elapsed(), bytes_of(&args.source.logs));
        timings.note(Phase { name: "open", elapsed, rows: log.len(), bytes });
    }
    let options = VerifyOptions {
        models: (!args.models.is_empty()).then(|| distinct(&args.models)),
        visibility_lag: args.visibility_lag,
        findings: if args.findings_to.is_some() { None } else { Some(args.findings) },
        count_keys: args.format == ReportFormat::Json,
        memory: args.memory,
        timings: timings.cloned(),
        ..VerifyOptions::default()
    };
    let mut report = skewer::verify(&log, &options)?;
    let at = Instant::now();
    log.check_unchanged()?;
    if let Some(path) = &args.findings_to {
        table::write(&report, path)?;
    }
    report.truncate(args.findings);
    if let Some(path) = &args.report {
        write_page(&report, path)?;
    }
    log.release_pages();
    Ok(Judged { log, report, at })
}

/// Bytes of files, and of the logs in folders: what a phase that reads or writes all of them moves.
/// What has no size, as a pipe, counts for nothing.
fn bytes_of<'a>(paths: impl IntoIterator<Item = &'a PathBuf>) -> u64 {
    let is_log = |path: &PathBuf| path.extension().is_some_and(|e| e == "arrow" || e == "feather");
    let size = |path: &PathBuf| match fs::metadata(path) {
        Ok(found) if found.is_file() => found.len(),
        Ok(found) if found.is_dir() => {
            let inside = fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
            let logs: Vec<PathBuf> = inside.filter(|p| is_log(p) && p.is_file()).collect();
            bytes_of(&logs)
        }
        _ => 0,
    };
    paths.into_iter().map(size).sum()
}

/// Runs `work` on that many threads, or on as many as there are cores.
fn on_threads<T: Send>(
    threads: Option<NonZeroUsize>,
    work: impl FnOnce() -> anyhow::Result<T> + Send,
) -> anyhow::Result<T> {
    match threads {
        None => work(),
        Some(threads) => rayon::ThreadPoolBuilder::new().num_threads(threads.get()).build()?.install(work),
    }
}

fn distinct(models: &[Model]) -> Vec<Model> {
    let mut models = models.to_owned();
    models.sort_unstable();
    models.dedup();
    models
}

fn write_page(report: &Report, path: &Path) -> skewer::error::Result<()> {
    let page = html::render(report);
    output::replace(path, |to| to.write_all(page.as_bytes()).map_err(|e| Error::io(path, e)))
}

/// Prints the report and returns how many bytes it has.
fn print(args: &VerifyArgs, log: &Log, report: &Report) -> anyhow::Result<usize> {
    let text = match args.format {
        ReportFormat::Human if args.quiet => return Ok(0),
        ReportFormat::Human => human::render(report, in_colour(args.color)),
        ReportFormat::Json => json::render(report),
        ReportFormat::Junit => junit::render(report, certainty(args.fail_on)),
        ReportFormat::Sarif => sarif::render(report, log.places()),
    };
    destination::print(&text)?;
    Ok(text.len())
}

fn in_colour(color: Color) -> bool {
    let wanted = || {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        io::stdout().is_terminal() && !refused && !dumb
    };
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => wanted(),
    }
}

fn certainty(fail_on: FailOn) -> Certainty {
    match fail_on {
        FailOn::Definite => Certainty::Definite,
        FailOn::Possible => Certainty::Possible,
    }
}

fn exit_status(args: &VerifyArgs, report: &Report) -> u8 {
    let unchecked: Vec<String> = report
        .models
        .iter()
        .filter(|(model, judged)| judged.verdict == Verdict::NotChecked && args.models.contains(model))
        .map(|(model, judged)| format!("{}: {}", model.name(), judged.reason.as_deref().unwrap_or_default()))
        .collect();
    if !unchecked.is_empty() {
        complain(&format!("not checked: {}", unchecked.join("; ")));
        return FAILED;
    }
    let fails = |verdict| match args.fail_on {
        FailOn::Definite => verdict == Verdict::Violated,
        FailOn::Possible => matches!(verdict, Verdict::Violated | Verdict::Undecided),
    };
    u8::from(report.models.values().any(|judged| fails(judged.verdict)))
}
