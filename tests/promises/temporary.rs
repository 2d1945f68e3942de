//! What a memory budget keeps in temporary files, from outside: how much is held, what is left behind,
//! and what is said when the files fail.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow::ipc::writer::FileWriter;

use crate::cli::{Run, command};

/// A log that takes several times the budget of the tests.
const ROWS: u64 = 4_000_000;

const BUDGET_MIB: u64 = 24;

/// What may be held on top of the budget.
const ALLOWED_MIB: u64 = 64;

/// The log of `rows` rows, two for each transaction, whose transactions stand in no order of time.
fn write_log(path: &Path, rows: u64) {
    let mixed =
        |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29).wrapping_mul(0xD129_0397_F4B5_1A6D);
    let mut writer = None;
    for first in (0..rows).step_by(1 << 18) {
        let all = first..rows.min(first + (1 << 18));
        let begin = |row: u64| (mixed(row / 2) % (rows * 1_000)) as i64;
        let times = |after: i64| -> ArrayRef {
            Arc::new(all.clone().map(|row| begin(row) + after).collect::<Int64Array>())
        };
        let keys: UInt64Array = all.clone().map(|row| mixed(!row) % rows).collect();
        let txns: StringArray = all.clone().map(|row| Some(format!("t{}", row / 2))).collect();
        let regions: StringArray =
            all.clone().map(|row| Some(["ap", "eu", "us"][(row / 2 % 3) as usize])).collect();
        let ops: StringArray =
            all.clone().map(|row| Some(if mixed(row ^ 7) % 4 == 0 { "read" } else { "write" })).collect();
        let values: Int64Array = all.clone().map(|row| row as i64).collect();
        let columns: [(&str, ArrayRef); 9] = [
            ("key", Arc::new(keys)),
            ("op", Arc::new(ops)),
            ("value", Arc::new(values)),
            ("txn", Arc::new(txns)),
            ("region", Arc::new(regions)),
            ("start_earliest", times(0)),
            ("start_latest", times(500)),
            ("commit_earliest", times(900)),
            ("commit_latest", times(1_400)),
        ];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let writer = writer.get_or_insert_with(|| {
            FileWriter::try_new_buffered(File::create(path).unwrap(), &batch.schema()).unwrap()
        });
        writer.write(&batch).unwrap();
    }
    writer.unwrap().finish().unwrap();
}

/// A folder beside the program: the one for temporary files may be memory.
fn beside_the_program() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// `skewer verify` of a log within a budget, its temporary files in `folder`.
fn verify(log: &Path, budget: &str, folder: &Path, more: &[&str]) -> Command {
    let mut command = command();
    command.env("TMPDIR", folder).arg("verify").arg(log).args(["--quiet", "--memory", budget]).args(more);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The most memory, in KiB, that a process holds that is no file's, until it ends.
fn peak_kib(child: &mut Child) -> u64 {
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("RssAnon:"));
        let held = line.and_then(|line| line.trim().strip_suffix(" kB")).map(|n| n.parse::<u64>().unwrap());
        peak = peak.max(held.unwrap_or(0));
        sleep(Duration::from_millis(1));
    }
    peak
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

/// Promise: what is held beside the log stays under the budget and 64 MiB, for a log that needs several
/// times as much, whatever its columns and the model; the report is that of a run without a budget.
#[test]
fn a_large_log_keeps_to_the_budget() {
    let (folder, logs) = (tempfile::tempdir().unwrap(), beside_the_program());
    let log = logs.path().join("large.arrow");
    write_log(&log, ROWS);
    let limit = (BUDGET_MIB + ALLOWED_MIB) * 1024;
    for model in ["write-order", "cross-region-conflicts", "snapshot-isolation", "serializable"] {
        let more = ["--format", "json", "--model", model];
        let mut child = verify(&log, &format!("{BUDGET_MIB}MiB"), folder.path(), &more).spawn().unwrap();
        let peak = peak_kib(&mut child);
        let within = child.wait_with_output().unwrap();
        assert!(peak < limit, "{model}: {peak} KiB were held, {limit} may be");
        assert!(is_empty(folder.path()), "{model}");
        let whole = verify(&log, "64GiB", folder.path(), &more).output().unwrap();
        assert_eq!(within, whole, "{model}");
        assert!(!within.stdout.is_empty(), "{model}");
    }
}

/// Promise: a process that is killed while its files are full leaves none.
#[test]
fn a_kill_leaves_nothing() {
    let (folder, logs) = (tempfile::tempdir().unwrap(), beside_the_program());
    let log = logs.path().join("log.arrow");
    write_log(&log, ROWS / 4);
    let mut child = verify(&log, "1MiB", folder.path(), &[]).spawn().unwrap();
    let files = format!("/proc/{}/fd", child.id());
    let in_folder = |file: fs::DirEntry| {
        let name = fs::read_link(file.path()).unwrap_or_default();
        name.starts_with(folder.path()) && file.path().metadata().is_ok_and(|m| m.len() > 1 << 20)
    };
    loop {
        assert!(child.try_wait().unwrap().is_none(), "it ended before a file of its was seen");
        let mut files = fs::read_dir(&files).into_iter().flatten().filter_map(Result::ok);
        if files.any(in_folder) {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(is_empty(folder.path()));
}

/// Promise: where temporary files cannot be made, or take no more, that is told with their folder, on one
/// line, with status 2, and nothing is left.
#[test]
fn files_that_fail_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log.arrow");
    write_log(&log, 100_000);
    let none = folder.path().join("none");
    let run = Run::of(&verify(&log, "100KiB", &none, &[]).output().unwrap());
    run.is_refused(&format!("{}: temporary files", none.display()));
    run.is_refused("No such file or directory");

    // A file that may not grow further fails as one on a full disk does.
    let full = folder.path().join("full");
    fs::create_dir(&full).unwrap();
    for model in ["write-order", "serializable"] {
        let mut limited = Command::new("sh");
        let asked = verify(&log, "100KiB", &full, &["--model", model]);
        limited.env("TMPDIR", &full).args(["-c", "ulimit -f 256; exec \"$@\"", "sh"]);
        limited.arg(asked.get_program()).args(asked.get_args());
        let run = Run::of(&limited.output().unwrap());
        run.is_refused(&format!("{}: temporary files", full.display()));
        run.is_refused("File too large");
        assert!(is_empty(&full), "{model}");
    }
}
