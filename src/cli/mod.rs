//! From arguments to an exit status. All that a user sees is printed here: the library prints nothing.

mod args;
mod bug;
mod clock;
mod destination;
mod explain;
mod import;
mod inspect;
mod order;
mod progress;
mod size;
mod verify;

use std::io;
use std::process::ExitCode;
#[cfg(unix)]
use std::sync::Arc;

use clap::{CommandFactory, Parser};
use skewer::report::text::one_line;

use args::{Args, Command, Source};
use skewer::bounds::{BoundHistories, BoundsFile};
use skewer::{Log, OpenOptions};

/// The status of a run that could not do what it was asked.
const FAILED: u8 = 2;

/// Runs the program on the process's arguments.
pub(crate) fn main() -> ExitCode {
    bug::watched(run_on_arguments)
}

fn run_on_arguments() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(asked) if !asked.use_stderr() => return status(destination::print(&asked.render().to_string())),
        Err(wrong) => {
            complain(&usage_message(&wrong));
            return ExitCode::from(FAILED);
        }
    };
    match run(args.command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => status(Err(error)),
    }
}

fn status(done: anyhow::Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::from(FAILED)
        }
    }
}

fn run(command: Command) -> anyhow::Result<u8> {
    // A file that may not grow further is an error of the write, not the end of the program.
    #[cfg(unix)]
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default())?;
    // A misspelt instruction set must not be judged by another one in silence.
    skewer_kernels::Isa::from_env().map_err(anyhow::Error::msg)?;
    let done = match command {
        Command::Verify(args) => return verify::run(&args),
        Command::Clock(args) => return clock::run(&args),
        Command::Order(args) => order::run(&args),
        Command::Inspect(args) => inspect::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Completions { shell } => completions(shell),
        Command::Man { command } => man(command.as_deref()),
    };
    done.map(|()| 0)
}

/// The log; what a user should know of how it was read goes to standard error, unless `quiet`.
fn open(source: &Source, all_columns: bool, quiet: bool, memory: Option<u64>) -> skewer::error::Result<Log> {
    let options = OpenOptions {
        no_mmap: source.no_mmap,
        clock_error: source.clock_error,
        bounds: histories(&source.bounds)?,
        all_columns,
        memory,
    };
    let log = Log::open(&source.logs, &options)?;
    for note in log.notes().iter().filter(|_| !quiet) {
        eprintln!("skewer: note: {}", one_line(note));
    }
    Ok(log)
}

/// What is known of clocks; `None` if no file was named.
fn histories(files: &[BoundsFile]) -> skewer::error::Result<Option<BoundHistories>> {
    if files.is_empty() { Ok(None) } else { BoundHistories::read(files).map(Some) }
}

/// One line on standard error, whatever bytes of a log the message quotes.
fn complain(message: &str) {
    eprintln!("skewer: error: {}", one_line(message));
}

/// What is wrong with the arguments, on one line; clap spreads it over several.
fn usage_message(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let mut message = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if line.starts_with("Usage:") || line.starts_with("For more information") {
            break;
        }
        if !message.is_empty() {
            message.push_str(if line.starts_with("tip:") { "; " } else { " " });
        }
        message.push_str(line.strip_prefix("error: ").unwrap_or(line));
    }
    if error.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        "no command was given: see `skewer --help`".clone_into(&mut message);
    }
    message
}

fn completions(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "skewer", &mut script);
    destination::print(&String::from_utf8_lossy(&script))
}

fn man(of: Option<&str>) -> anyhow::Result<()> {
    let mut program = Args::command();
    // Gives each command its full name, as in `skewer-verify`.
    program.build();
    let command = match of {
        None => program,
        Some(name) => {
            let found = program.find_subcommand(name).cloned();
            found.ok_or_else(|| anyhow::anyhow!("`{name}` is no command of skewer"))?
        }
    };
    let mut page = Vec::new();
    let rendered: io::Result<()> = clap_mangen::Man::new(command).render(&mut page);
    rendered?;
    destination::print(&String::from_utf8_lossy(&page))
}
