//! The transactional store of `examples/kv_store.rs`, as a process: its log, its faults, its end by SIGKILL.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use skewer::report::Verdict;
use skewer::{Log, Model, OpenOptions, Report, VerifyOptions, verify};

/// The example. A test run of everything has built it; `cargo test --test promises` alone has not, and
/// builds it here, as the tests are.
fn example() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let here = std::env::current_exe().unwrap();
        let profile = here.parent().and_then(Path::parent).expect("tests are in <target>/<profile>/deps");
        let program = profile.join("examples").join(format!("kv_store{}", std::env::consts::EXE_SUFFIX));
        if is_up_to_date(&program) {
            return program;
        }
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "--example", "kv_store"]);
        build.args(["--manifest-path", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")]);
        build.arg("--target-dir").arg(profile.parent().unwrap());
        if profile.ends_with("release") {
            build.arg("--release");
        }
        assert!(build.status().unwrap().success(), "the example does not build");
        program
    })
}

/// Whether `program` was built after every source that it is made of was last changed.
fn is_up_to_date(program: &Path) -> bool {
    fn newest(at: &Path) -> SystemTime {
        let changed = std::fs::metadata(at).unwrap().modified().unwrap();
        if !at.is_dir() {
            return changed;
        }
        let entries = std::fs::read_dir(at).unwrap().map(|entry| newest(&entry.unwrap().path()));
        entries.fold(changed, SystemTime::max)
    }
    let Ok(built) = std::fs::metadata(program).and_then(|meta| meta.modified()) else { return false };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = ["Cargo.toml", "src", "kernels/src", "examples/kv_store.rs", "examples/kv_store"];
    sources.iter().all(|source| newest(&root.join(source)) <= built)
}

fn kv_store<A: AsRef<OsStr>>(folder: &Path, args: &[A]) -> Command {
    let mut command = Command::new(example());
    command.arg("--folder").arg(folder).args(args).stdin(Stdio::null());
    command
}

/// Runs the store to its end in a new folder and judges its log.
fn judged(args: &[&str]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let run = kv_store(folder.path(), args).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    report(folder.path())
}

fn report(folder: &Path) -> Report {
    let log = Log::open(&[folder.join("log")], &OpenOptions::default()).expect("the log is readable");
    verify(&log, &VerifyOptions::default()).unwrap()
}

fn violated(report: &Report) -> BTreeSet<&'static str> {
    let of = |verdict| report.models.iter().filter(move |(_, judged)| judged.verdict == verdict);
    of(Verdict::Violated).map(|(model, _)| model.name()).collect()
}

/// The kinds of which a model has definite findings.
fn proved(report: &Report, model: Model) -> Vec<&'static str> {
    let kinds = report.models[&model].kinds.iter();
    kinds.filter(|(_, counts)| counts.definite > 0).map(|(kind, _)| *kind).collect()
}

/// All that the store promises: every model but the one about single operations.
fn assert_holds(report: &Report) {
    for (model, judged) in &report.models {
        let total = judged.total();
        if *model == Model::Linearizable {
            assert_eq!(judged.verdict, Verdict::NotChecked);
        } else {
            assert_eq!(judged.verdict, Verdict::Holds, "{}: {total:?} {:?}", model.name(), judged.reason);
        }
    }
}

/// Promise: a store with the resolver in its commit path holds every model that it promises, without a finding left
/// possible, whatever the schedule.
#[test]
fn healthy() {
    for seed in ["1", "2"] {
        let report = judged(&["--seed", seed]);
        assert!(report.log.transactions > 300, "{} transactions", report.log.transactions);
        assert_eq!(report.log.regions, ["ap", "eu", "us"]);
        assert_holds(&report);
    }
}

/// Promise: a clock that leaves its bound is found out, and nothing else is blamed.
#[test]
fn clock_jump() {
    let report = judged(&["--fault", "clock-jump"]);
    assert_eq!(violated(&report), BTreeSet::from(["clock-bounds"]));
    assert_eq!(proved(&report, Model::ClockBounds), ["broken-bound"]);
}

/// Promise: reads that are not checked break serializability, and snapshots stay as they were.
#[test]
fn skip_read_check() {
    let report = judged(&["--fault", "skip-read-check"]);
    assert_eq!(violated(&report), BTreeSet::from(["serializable", "strict-serializable"]));
    assert_eq!(proved(&report, Model::Serializable), ["stale-read"]);
}

/// Promise: a replica that answers before it has the snapshot breaks every model of reads, and no other.
#[test]
fn stale_replica() {
    let report = judged(&["--fault", "stale-replica"]);
    let models = ["serializable", "snapshot-isolation", "strict-serializable"];
    assert_eq!(violated(&report), BTreeSet::from(models));
    assert_eq!(proved(&report, Model::SnapshotIsolation), ["stale-read"]);
}

/// Promise: commits that are seen before their timestamps break external consistency, and that alone.
#[test]
fn no_commit_wait() {
    let report = judged(&["--fault", "no-commit-wait"]);
    assert_eq!(violated(&report), BTreeSet::from(["external-consistency"]));
    assert_eq!(proved(&report, Model::ExternalConsistency), ["commit-wait"]);
}

/// Promise: a window that is forgotten too early loses updates, between regions too.
#[test]
fn forget_early() {
    let report = judged(&["--fault", "forget-early"]);
    let models = ["cross-region-conflicts", "serializable", "snapshot-isolation", "strict-serializable"];
    assert_eq!(violated(&report), BTreeSet::from(models));
    assert!(proved(&report, Model::SnapshotIsolation).contains(&"lost-update"));
}

/// A commit that a client was told of.
struct Ack {
    txn: i64,
    version: i64,
    writes: Vec<(String, i64)>,
}

fn ack(line: &str) -> Option<Ack> {
    let mut words = line.strip_prefix("ack ")?.split(' ');
    let (txn, version) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let write = |write: &str| write.split_once('=').map(|(k, v)| (k.to_owned(), v.parse().unwrap()));
    Some(Ack { txn, version, writes: words.next()?.split(',').filter_map(write).collect() })
}

/// Runs the store and kills it at a moment: `after` its first acknowledgement, or after its start. Returns what
/// was acknowledged.
fn killed(folder: &Path, seed: u64, runs: bool, after: Duration) -> Vec<Ack> {
    let seed = seed.to_string();
    let mut command = kv_store(folder, &["--acks", "--transactions", "1000000", "--seed", &seed]);
    let mut run = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(run.stdout.take().unwrap()).lines().map_while(Result::ok);
    let first = if runs { lines.next() } else { None };
    // The rest is read meanwhile: a full pipe would hold the store up.
    let reader = std::thread::spawn(move || lines.collect::<Vec<String>>());
    std::thread::sleep(after);
    // On Unix this is SIGKILL: nothing is flushed, nothing is said.
    run.kill().unwrap();
    run.wait().unwrap();
    let rest = reader.join().unwrap();
    // A last line may be cut: its transaction was not acknowledged in full.
    first.iter().chain(&rest).filter_map(|line| ack(line)).collect()
}

/// The newest version and value of each key on disk.
fn newest(folder: &Path) -> BTreeMap<String, (i64, i64)> {
    let dump = kv_store(folder, &["--dump"]).output().unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let text = String::from_utf8(dump.stdout).unwrap();
    let entry = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        (words[0].to_owned(), (words[1].parse().unwrap(), words[2].parse().unwrap()))
    };
    text.lines().map(entry).collect()
}

fn log_files(folder: &Path) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder.join("log")).into_iter().flatten();
    let paths = files.map(|file| file.unwrap().path());
    paths.filter(|path| path.extension() == Some(OsStr::new("arrow"))).collect()
}

/// The commit timestamps of committed transactions in the log, by transaction.
fn logged(folder: &Path) -> BTreeMap<i64, i64> {
    use arrow::array::AsArray;
    use arrow::datatypes::Int64Type;
    let mut found = BTreeMap::new();
    for path in log_files(folder) {
        let file = std::fs::File::open(path).unwrap();
        for batch in arrow::ipc::reader::FileReader::try_new(file, None).unwrap() {
            let batch = batch.unwrap();
            let column = |name| batch.column_by_name(name).unwrap();
            let (txns, times) = (column("txn").as_primitive::<Int64Type>(), column("commit_ts"));
            let times = arrow::compute::cast(times, &arrow::datatypes::DataType::Int64).unwrap();
            let times = times.as_primitive::<Int64Type>();
            found.extend(txns.iter().zip(times.iter()).filter_map(|(txn, time)| Some((txn?, time?))));
        }
    }
    found
}

/// Promise: killed at any moment, and again, the store loses no commit that it acknowledged, goes on above all of them,
/// and its log is readable as it was left, and in the end holds every model, without a finding.
#[test]
fn killed_and_restarted() {
    let folder = tempfile::tempdir().unwrap();
    let mut acks: Vec<Ack> = Vec::new();
    let mut random = fastrand::Rng::with_seed(5);
    for run in 0..8 {
        let last = acks.iter().map(|ack| ack.version).max().unwrap_or(0);
        // Every third time while it starts, which is when it recovers.
        let (runs, most) = if run % 3 == 2 { (false, 150) } else { (true, 600) };
        let told = killed(folder.path(), run, runs, Duration::from_millis(random.u64(..most)));
        assert!(told.iter().all(|ack| ack.version > last), "a version goes back in run {run}");
        acks.extend(told);
        // As it was left: what files there are is a log.
        let files = log_files(folder.path());
        if !files.is_empty() {
            let left = Log::open(&files, &OpenOptions::default());
            assert!(left.is_ok(), "{:?}", left.err());
        }
        let newest = newest(folder.path());
        for ack in &acks {
            for (key, value) in &ack.writes {
                let (version, stored) = newest[key];
                assert!(version > ack.version || (version, stored) == (ack.version, *value), "{key} is lost");
            }
        }
    }
    let run = kv_store(folder.path(), &["--transactions", "10"]).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(acks.len() > 50, "only {} commits were acknowledged", acks.len());
    let logged = logged(folder.path());
    for ack in &acks {
        assert_eq!(logged.get(&ack.txn), Some(&ack.version), "transaction {} is not in the log", ack.txn);
    }
    assert_holds(&report(folder.path()));
}

/// Promise: the guide's code is the example's, line by line.
#[test]
fn the_guide_quotes_the_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let guide = std::fs::read_to_string(root.join("docs/commit-path.md")).unwrap();
    let blocks: Vec<&str> =
        guide.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() > 5);
    for block in blocks {
        let (file, code) = block.split_once('\n').unwrap();
        let file = root.join(file.strip_prefix("// ").expect("a block says where it is from"));
        let source = std::fs::read_to_string(&file).unwrap();
        assert!(source.contains(code), "{} does not have\n{code}", file.display());
    }
}
