//! The program from outside: usage, exit status, and which stream says what.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What one run of the program did.
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn of(output: &Output) -> Self {
        Run {
            status: output.status.code().expect("the program ends by itself"),
            out: String::from_utf8(output.stdout.clone()).expect("UTF-8 on standard output"),
            err: String::from_utf8(output.stderr.clone()).expect("UTF-8 on standard error"),
        }
    }

    /// Fails unless the run exited with 2, said nothing on standard output and one line that
    /// contains `part` on standard error.
    pub(crate) fn is_refused(&self, part: &str) {
        assert_eq!((self.status, self.out.as_str()), (2, ""), "{}", self.err);
        assert!(self.err.starts_with("skewer: error: "), "{}", self.err);
        assert!(self.err.contains(part), "{part} is not in {}", self.err);
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
    }
}

pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_skewer"));
    command.env_remove("SKEWER_ISA").env_remove("NO_COLOR").env("TERM", "xterm").stdin(Stdio::null());
    command
}

pub(crate) fn skewer<A: AsRef<OsStr>>(args: &[A]) -> Run {
    Run::of(&command().args(args).output().unwrap())
}

/// A folder with one file that is no log.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.arrow"), "not a log").unwrap();
    folder
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Promise: help and version are answers, not errors.
#[test]
fn help_and_version() {
    for args in [&["--help"][..], &["verify", "--help"], &["help"], &["order", "-h"]] {
        let run = skewer(args);
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{args:?}");
        assert!(run.out.contains("Usage: skewer"), "{}", run.out);
    }
    let version = skewer(&["--version"]);
    assert_eq!((version.status, version.out), (0, format!("skewer {}\n", env!("CARGO_PKG_VERSION"))));
}

/// Promise: help names every option of the command line's contract.
#[test]
fn help_is_complete() {
    let help = skewer(&["verify", "--help"]).out;
    let options = "--model --clock-error --visibility-lag --fail-on --format --findings --findings-to --report \
                   --threads --memory --quiet --color --no-mmap";
    for option in options.split_whitespace() {
        assert!(help.contains(&format!("{option} ")) || help.contains(&format!("{option}\n")), "{option}");
    }
}

/// Promise: bad usage exits 2 with one line on standard error that names what is wrong.
#[test]
fn bad_usage() {
    skewer::<&str>(&[]).is_refused("no command");
    skewer(&["judge"]).is_refused("'judge'");
    skewer(&["verify"]).is_refused("<LOG>");
    skewer(&["inspect"]).is_refused("<LOG>");
    skewer(&["order", "a.arrow"]).is_refused("--output");
    skewer(&["import", "a.csv", "-o", "b.arrow"]).is_refused("--from");
    skewer(&["import", "--from", "nonsense", "a.csv", "-o", "b.arrow"]).is_refused("nonsense");
    skewer(&["completions", "dos"]).is_refused("'dos'");
    skewer(&["man", "judge"]).is_refused("judge");
    skewer(&["verify", "a.arrow", "--modle", "x"]).is_refused("--model");
}

/// Promise: a value that an option cannot take is refused with the option's name and the value.
#[test]
fn bad_values() {
    let bad = [
        ("--model", "read-commited"),
        ("--model", "write-order,nope"),
        ("--model", ""),
        ("--clock-error", "3h"),
        ("--clock-error", "1.5"),
        ("--clock-error", "fast"),
        ("--visibility-lag", "99999999999s"),
        ("--memory", "3 parsecs"),
        ("--memory", "1.5GiB"),
        ("--memory", "99999999TiB"),
        ("--threads", "0"),
        ("--threads", "many"),
        ("--findings", "all"),
        ("--format", "xml"),
        ("--fail-on", "never"),
        ("--color", "red"),
    ];
    for (option, value) in bad {
        let run = skewer(&["verify", "a.arrow", option, value]);
        run.is_refused(option);
        run.is_refused(value.rsplit(',').next().unwrap());
    }
    skewer(&["inspect", "a.arrow", "--format", "sarif"]).is_refused("--format");
}

/// Promise: a file that is not there is named, with what the system said.
#[test]
fn missing_file() {
    for job in [&["verify"][..], &["inspect"], &["order", "-o", "out.arrow"]] {
        let args = [job, &["no/such.arrow"]].concat();
        skewer(&args).is_refused("no/such.arrow: ");
    }
}

/// Promise: an output is never one of the inputs, by whatever path; the input stays as it was.
#[test]
fn outputs_are_not_inputs() {
    let folder = folder();
    let log = folder.path().join("a.arrow");
    let detour = folder.path().join(".").join("a.arrow");
    for option in ["--findings-to", "--report"] {
        skewer(&["verify", text(&log), option, text(&detour)]).is_refused(option);
    }
    skewer(&["order", text(&log), "-o", text(&detour)]).is_refused("-o ");
    skewer(&["order", text(folder.path()), "-o", text(&log)]).is_refused("-o ");
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "not a log");
}

/// Promise: a hard or soft link to an input is that input.
#[cfg(unix)]
#[test]
fn linked_outputs_are_inputs() {
    let folder = folder();
    let log = folder.path().join("a.arrow");
    let (soft, hard) = (folder.path().join("soft"), folder.path().join("hard"));
    std::os::unix::fs::symlink(&log, &soft).unwrap();
    std::fs::hard_link(&log, &hard).unwrap();
    for link in [soft, hard] {
        skewer(&["order", text(&log), "-o", text(&link)]).is_refused("is part of the input");
    }
}

/// Promise: two outputs do not fight for one file.
#[test]
fn outputs_differ() {
    let folder = folder();
    let (log, out) = (folder.path().join("a.arrow"), folder.path().join("out"));
    let args = ["verify", text(&log), "--findings-to", text(&out), "--report", text(&out)];
    skewer(&args).is_refused("is also the file of --findings-to");
    assert!(!out.exists());
}

/// Promise: an unknown instruction set is an error, not a silent default.
#[test]
fn instruction_set() {
    let run = Run::of(&command().env("SKEWER_ISA", "mmx").args(["verify", "a.arrow"]).output().unwrap());
    run.is_refused("SKEWER_ISA");
    run.is_refused("mmx");
}

/// Promise: shells get completions of every command, and `man` a page of each.
#[test]
fn completions_and_manual() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = skewer(&["completions", shell]);
        assert_eq!((run.status, run.err.as_str()), (0, ""));
        assert!(run.out.contains("verify") && run.out.contains("findings-to"), "{shell}");
    }
    assert!(skewer(&["man"]).out.contains(".TH skewer 1"));
    for command in ["verify", "order", "inspect", "import"] {
        let page = skewer(&["man", command]);
        assert_eq!((page.status, page.err.as_str()), (0, ""));
        assert!(page.out.contains(&format!(".TH skewer-{command} 1")), "{}", page.out);
    }
}

/// Promise: a reader that goes away early is no error.
#[cfg(unix)]
#[test]
fn broken_pipe() {
    let mut child = command()
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), ended.stderr), (Some(0), Vec::new()));
}

/// Promise: an answer that cannot be written is an error.
#[cfg(target_os = "linux")]
#[test]
fn full_device() {
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let run = command().args(["completions", "bash"]).stdout(full).output().unwrap();
    assert_eq!(run.status.code(), Some(2));
    assert!(String::from_utf8(run.stderr).unwrap().starts_with("skewer: error: standard output: "));
}

/// Promise: `import` writes a log that the input describes, silently; renamed fields are found.
#[test]
fn import() {
    let folder = folder();
    let (source, log) = (folder.path().join("in.csv"), folder.path().join("log.arrow"));
    std::fs::write(&source, "id,commit_ts\nk1,5\nk2,7\n").unwrap();
    let args =
        ["import", "--from", "csv", "--unit", "ms", "--map", "key=id", text(&source), "-o", text(&log)];
    let run = skewer(&args);
    assert_eq!((run.status, run.out.as_str(), run.err.as_str()), (0, "", ""));
    let reader = arrow::ipc::reader::FileReader::try_new(std::fs::File::open(&log).unwrap(), None).unwrap();
    assert_eq!(reader.map(|batch| batch.unwrap().num_rows()).sum::<usize>(), 2);
}

/// Promise: an import that fails says where, and leaves no log.
#[test]
fn failed_import() {
    let folder = folder();
    let (source, log) = (folder.path().join("in.csv"), folder.path().join("log.arrow"));
    std::fs::write(&source, "key,commit_ts\nk1,5\nk2,late\n").unwrap();
    let import = |extra: &[&str]| {
        skewer(&[&["import", "--from", "csv", text(&source), "-o", text(&log)], extra].concat())
    };
    import(&[]).is_refused("in.csv: line 3: ");
    import(&["--map", "key"]).is_refused("COLUMN=FIELD");
    import(&["--unit", "h"]).is_refused("--unit");
    import(&["--client-times"]).is_refused("--client-times");
    skewer(&["import", "--from", "csv", text(&source), "-o", text(&source)]).is_refused("-o ");
    assert!(!log.exists());
}

/// Promise: `explain` says of every model what it means, which findings break it and who defined it;
/// of what is no model, nothing.
#[test]
fn models_are_explained() {
    for model in skewer::Model::ALL {
        let run = skewer(&["explain", model.name()]);
        assert_eq!((run.status, run.err.as_str()), (0, ""));
        assert!(run.out.starts_with(model.name()), "{}", run.out);
        for part in ["\nneeds: ", "\nfindings\n", "definite", "what `holds` does not say", "\nliterature\n"] {
            assert!(run.out.contains(part), "{part}: {}", run.out);
        }
    }
    let two = skewer(&["explain", "snapshot-isolation", "linearizable"]);
    assert!(two.out.contains("Berenson") && two.out.contains("Gibbons"), "{}", two.out);
    skewer(&["explain"]).is_refused("MODEL");
    skewer(&["explain", "linear"]).is_refused("linear");
}
