//! What the command line may say.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};
use skewer::Model;
use skewer::bounds::BoundsFile;
use skewer::import::Format;
use skewer::time::{Span, Unit};

use super::size;

/// Orders transactions by bounded timestamps and judges logs.
#[derive(Debug, Parser)]
#[command(name = "skewer", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge a log: what do its clocks prove, and what can they not rule out?
    ///
    /// Exit status: 0 no definite finding; 1 there is one (with `--fail-on possible`: any);
    /// 2 it could not judge, or a model named with `--model` was not checked.
    Verify(Box<VerifyArgs>),
    /// Write a log in bounded-timestamp order.
    ///
    /// All columns are kept; `position` counts the operations, `frontier` is true where every
    /// earlier row certainly precedes and no later row comes before.
    Order(OrderArgs),
    /// Show what is in a log: columns, counts, regions, clock errors.
    Inspect(InspectArgs),
    /// Turn a foreign log into one that skewer reads.
    Import(ImportArgs),
    /// Say what a model promises, which findings break it, and where it comes from.
    Explain(ExplainArgs),
    /// Show this host's bounded time, from every source found, and which one is best.
    ///
    /// Exit status: 0 a clock is synchronised, 2 none is: no timestamp of this host orders anything.
    Clock(ClockArgs),
    /// Print the completions of a shell.
    Completions {
        /// The shell to complete for.
        shell: clap_complete::Shell,
    },
    /// Print the manual page, of one command if it is named.
    Man {
        /// A command, such as `verify`.
        command: Option<String>,
    },
}

/// A log to read.
#[derive(Debug, clap::Args)]
pub(crate) struct Source {
    /// The log: Arrow IPC files, or folders of them; together they are one log.
    #[arg(value_name = "LOG", required = true)]
    pub(crate) logs: Vec<PathBuf>,
    /// Bound assigned timestamps by this clock error, in logs that recorded no bounds: a number
    /// with ns, us, ms or s, or of ticks.
    #[arg(long, value_name = "DUR", value_parser = Span::parse)]
    pub(crate) clock_error: Option<Span>,
    /// Join the clock errors that FILE recorded to timestamps without bounds; may be repeated.
    ///
    /// FILE is a synchronization.log of ClockBound, a tracking.log of chrony, or a CSV of time and error.
    /// `region=NAME:FILE` and `host=NAME:FILE` say whose clock it is of; `drift=PPM` and `hold=DUR`, with
    /// commas, how fast its error grows between samples [default: 15] and how long a sample holds
    /// [default: 1000s; for chrony 2100s].
    #[arg(long, value_name = "[KEY=VALUE,...:]FILE", value_parser = BoundsFile::parse)]
    pub(crate) bounds: Vec<BoundsFile>,
    /// Read files into memory instead of mapping them: for files that others may cut short.
    #[arg(long)]
    pub(crate) no_mmap: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) source: Source,
    /// The models to judge, separated by commas [default: all that the columns allow].
    #[arg(long = "model", value_name = "MODEL,...", value_delimiter = ',', value_parser = model())]
    pub(crate) models: Vec<Model>,
    /// How old a snapshot may be in logs without starts.
    #[arg(long, value_name = "DUR", value_parser = Span::parse)]
    pub(crate) visibility_lag: Option<Span>,
    /// The least certain finding that makes the exit status 1.
    #[arg(long, value_name = "CERTAINTY", default_value = "definite")]
    pub(crate) fail_on: FailOn,
    /// The form of the report on standard output.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: ReportFormat,
    /// Findings printed per model; counts are always exact.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) findings: usize,
    /// Write all findings to this Arrow file, as a table.
    #[arg(long, value_name = "F.arrow")]
    pub(crate) findings_to: Option<PathBuf>,
    /// Write the report to this HTML file.
    #[arg(long, value_name = "F.html")]
    pub(crate) report: Option<PathBuf>,
    /// Threads to use [default: all].
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Memory beside the log: 512MiB, 2GiB, 1GB or bytes [default: what it takes].
    ///
    /// What does not fit goes to unnamed files in TMPDIR or the system's folder for temporary files, which
    /// may grow to the size of the log, and is judged in partitions; the report is the same. Not counted are
    /// up to 64 MiB that any run takes, a few bytes a transaction and a row of text columns, all that happened
    /// to one single key, and the findings that are kept. A compressed log, or one read with --no-mmap, is held
    /// besides.
    #[arg(long, value_name = "SIZE", value_parser = size::parse)]
    pub(crate) memory: Option<u64>,
    /// Print where the time went, phase by phase, to standard error.
    ///
    /// Each with rows and bytes a second. All runs have open and report. Models of writes: fates, select; then
    /// scan, slice and join (cross-region-conflicts, in windows of time) or partition and group (by keys). Other
    /// models: times, sessions, partition and keys. A phase of several rounds is told once.
    #[arg(long)]
    pub(crate) timings: bool,
    /// Print no report for people and no progress; the exit status tells.
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// Whether to colour the report.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
}

#[derive(Debug, clap::Args)]
pub(crate) struct OrderArgs {
    #[command(flatten)]
    pub(crate) source: Source,
    /// The file to write.
    #[arg(long, short, value_name = "OUT.arrow")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    pub(crate) source: Source,
    /// The form of the answer.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: InspectFormat,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    /// The format of the inputs.
    #[arg(long, value_name = "FORMAT", value_parser = format())]
    pub(crate) from: Format,
    /// The files to import; together they are one log.
    #[arg(value_name = "IN", required = true)]
    pub(crate) inputs: Vec<PathBuf>,
    /// The file to write.
    #[arg(long, short, value_name = "LOG.arrow")]
    pub(crate) output: PathBuf,
    /// Read a log column from a field of another name (`--map key=doc.id`); may be repeated.
    #[arg(long, value_name = "COLUMN=FIELD", value_delimiter = ',', value_parser = pair)]
    pub(crate) map: Vec<(String, String)>,
    /// What a tick of integer times lasts.
    #[arg(long, value_name = "UNIT", value_parser = unit())]
    pub(crate) unit: Option<Unit>,
    /// Join the clock errors that FILE recorded to timestamps without bounds; may be repeated.
    ///
    /// FILE is a synchronization.log of ClockBound, a tracking.log of chrony, or a CSV of time and error.
    /// `region=NAME:FILE` and `host=NAME:FILE` say whose clock it is of; `drift=PPM` and `hold=DUR`, with
    /// commas, how fast its error grows between samples [default: 15] and how long a sample holds
    /// [default: 1000s; for chrony 2100s].
    #[arg(long, value_name = "[KEY=VALUE,...:]FILE", value_parser = BoundsFile::parse)]
    pub(crate) bounds: Vec<BoundsFile>,
    /// Take the client's times of a Jepsen history as bounds.
    #[arg(long)]
    pub(crate) client_times: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// The models to explain.
    #[arg(value_name = "MODEL", required = true, value_parser = model())]
    pub(crate) models: Vec<Model>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ClockArgs {
    /// Look again and again, each second or as often as given, until interrupted.
    #[arg(long, value_name = "DUR", num_args = 0..=1, require_equals = true, default_missing_value = "1s",
          value_parser = Span::parse)]
    pub(crate) watch: Option<Span>,
    /// The form of the answer on standard output; with `--watch`, one JSON object a line.
    #[arg(long, value_name = "FORMAT", default_value = "human")]
    pub(crate) format: InspectFormat,
    /// A ClockBound segment to look at in place of the usual two; may be repeated, most trusted first.
    #[arg(long, value_name = "PATH")]
    pub(crate) clockbound: Vec<PathBuf>,
    /// The VMClock device that ClockBound may watch [default: /dev/vmclock0].
    #[arg(long, value_name = "PATH")]
    pub(crate) vmclock: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum FailOn {
    /// Findings that the clocks prove.
    Definite,
    /// Any finding.
    Possible,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people.
    Human,
    /// One JSON object.
    Json,
    /// XML test results for build servers.
    Junit,
    /// SARIF 2.1.0 for code hosts.
    Sarif,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum InspectFormat {
    /// For people.
    Human,
    /// One JSON object.
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    Always,
    Never,
}

fn model() -> impl TypedValueParser<Value = Model> {
    let names = PossibleValuesParser::new(Model::ALL.map(Model::name));
    names.try_map(|name| Model::from_name(&name).ok_or("no such model"))
}

fn format() -> impl TypedValueParser<Value = Format> {
    let names = Format::ALL.map(|format| PossibleValue::new(format.name()).help(format.summary()));
    PossibleValuesParser::new(names).try_map(|name| Format::from_name(&name).ok_or("no such format"))
}

fn unit() -> impl TypedValueParser<Value = Unit> {
    let names = PossibleValuesParser::new(["ns", "us", "ms", "s", "none"]);
    names.try_map(|name| Unit::from_name(&name).ok_or("no such unit"))
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((column, field)) if !column.is_empty() && !field.is_empty() => {
            Ok((column.to_owned(), field.to_owned()))
        }
        _ => Err(format!("`{text}` is not COLUMN=FIELD")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// Promise: the command line's definition contradicts itself nowhere.
    #[test]
    fn definition() {
        Args::command().debug_assert();
    }
}
