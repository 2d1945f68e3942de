//! A small transactional store on fjall whose commit path is `skewer::resolve`, in three simulated regions, and
//! the log of it, which `skewer verify` judges.
//!
//! ```text
//! cargo run --release --example kv_store                            a healthy run, and its verdicts
//! cargo run --release --example kv_store -- --fault skip-read-check one with a fault
//! cargo run --release --example kv_store -- --folder DIR            a store to be used again, also after kill -9
//! ```
//!
//! # How a transaction goes
//!
//! Sessions are threads, four in each region, that read their region's clock: always off, never by more than it
//! admits. Messages take their time. One leader decides.
//!
//! 1. **Begin.** The session asks the leader for a snapshot: the newest that is published.
//! 2. **Read** from the region's replica, once that has received the snapshot.
//! 3. **Commit.** The leader judges what was read and is to be written with others that came meanwhile
//!    (`Resolver::resolve`), at a timestamp not below the `latest` of its clock (`CommitClock`), puts what commits on
//!    disk, and answers.
//! 4. **Wait** until that timestamp has certainly passed on the session's own clock (`commit_wait`); then the
//!    leader publishes, in the order of timestamps.
//! 5. **Acknowledge**, when the leader has noted when it was published.
//!
//! # What it promises
//!
//! All of this, of every log that it writes without a fault, definite and possible findings excluded:
//!
//! * `snapshot-isolation`, `serializable`: the resolver checks reads and writes at the versions assigned.
//! * `external-consistency`, `strict-serializable`: snapshots are the newest published, and nothing is published
//!   before its timestamp has passed.
//! * `cross-region-conflicts`, `write-order`: no transaction builds on a commit that the clocks cannot prove to be before
//!   it. Its commit is checked against an older snapshot than it read (`Begun::checked`), and refused if it
//!   touched what was published too recently. So the clocks order all writers of a key.
//! * `clock-bounds`: the clocks are off by less than they admit.
//!
//! It promises nothing of `linearizable`, which is about transactions of one operation (`not-checked`).
//!
//! # Faults
//!
//! | `--fault` | what is wrong | violated | and by definition |
//! |---|---|---|---|
//! | `clock-jump` | a clock is a second ahead when the last transaction begins | `clock-bounds` | |
//! | `skip-read-check` | the resolver checks writes alone | `serializable` | `strict-serializable` |
//! | `stale-replica` | region `ap` reads without waiting for the snapshot | `snapshot-isolation` | `serializable`, `strict-serializable` |
//! | `no-commit-wait` | nobody waits for timestamps to pass | `external-consistency` | |
//! | `forget-early` | the window is forgotten too early, and "too old" ignored | `snapshot-isolation` | `serializable`, `strict-serializable`, `cross-region-conflicts` |
//!
//! The last column: a stale read is stale for every model of reads, a serializable history is strictly so or not at all,
//! and an update lost between regions is a conflict between them. `clock-jump` strikes when nothing else goes on: a false
//! bound among others proves, falsely, all kinds of things about those.
//!
//! # After a crash
//!
//! A commit is on disk before the leader tells anybody. So nothing beyond the greatest version on disk and its snapshots
//! was ever promised, and the floor of the new resolver is right above them: see `recover`.

#![forbid(unsafe_code)]

#[path = "kv_store/leader.rs"]
mod leader;
#[path = "kv_store/log.rs"]
mod log;
#[path = "kv_store/progress.rs"]
mod progress;
#[path = "kv_store/session.rs"]
mod session;
#[path = "kv_store/store.rs"]
mod store;
#[path = "kv_store/world.rs"]
mod world;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clap::{Parser, ValueEnum};
use fjall::PersistMode;
use skewer::clock::BoundedClock;
use skewer::resolve::Version;
use skewer::{OpenOptions, VerifyOptions};

use leader::{Leader, Message};
use log::Log;
use progress::{Replicas, SNAPSHOTS};
use session::{Session, Shared};
use store::Store;
use world::{REGIONS, RegionClock, Truth};

/// Runs a transactional store in three simulated regions and judges its log.
#[derive(Parser)]
struct Options {
    /// Where the store and its log are kept; a new folder among the system's temporary ones, if not stated.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// What is to go wrong.
    #[arg(long, value_enum)]
    fault: Option<Fault>,
    /// How many transactions each session attempts.
    #[arg(long, default_value_t = 60, value_name = "N")]
    transactions: u32,
    /// How many sessions each region has.
    #[arg(long, default_value_t = 4, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=32))]
    sessions: u8,
    /// What transactions and delays are drawn from. The interleaving is the machine's own.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
    /// Brings each group of commits to the disk itself: survives a power failure too, not the process' end alone.
    #[arg(long)]
    sync: bool,
    /// Prints each transaction once it is acknowledged: `ack TXN VERSION KEY=VALUE,...`.
    #[arg(long)]
    acks: bool,
    /// Prints each key of the store at --folder, `KEY VERSION VALUE`, and does nothing else.
    #[arg(long, requires = "folder")]
    dump: bool,
}

/// What can be made to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Fault {
    /// A clock jumps ahead, out of its bound.
    ClockJump,
    /// What transactions read is not checked.
    SkipReadCheck,
    /// A replica serves snapshots that it does not have yet.
    StaleReplica,
    /// Commits are published before their timestamps have passed.
    NoCommitWait,
    /// Commits are forgotten that live transactions may conflict with.
    ForgetEarly,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let folder = match &options.folder {
        Some(folder) => folder.clone(),
        None => tempfile::Builder::new().prefix("kv-store-").tempdir()?.keep(),
    };
    let durability = if options.sync { PersistMode::SyncData } else { PersistMode::Buffer };
    std::fs::create_dir_all(&folder)?;
    let store = Store::open(&folder.join("store"), durability)?;
    if options.dump {
        for (key, version, value) in store.newest()? {
            println!("{key} {version} {value}");
        }
        return Ok(());
    }
    let log = folder.join("log");
    let (attempted, committed) = run(&options, &store, Log::open(&log)?)?;
    println!("{committed} of {attempted} transactions committed; their log: {}", log.display());
    print_verdicts(&log)
}

/// Runs the sessions, then an audit, and writes the log. Returns how many transactions were attempted, and how many
/// committed.
fn run(options: &Options, store: &Store, mut log: Log) -> Result<(u32, u32)> {
    let truth = Truth::begin();
    let clocks = REGIONS.each_ref().map(|region| RegionClock::new(truth, region));
    let floor = recover(store, &mut log, &clocks)?;
    let replicas = Arc::new(Replicas::new(floor + SNAPSHOTS - 1));
    let shared = Shared {
        store: store.clone(),
        replicas: Arc::clone(&replicas),
        next_txn: Arc::new(AtomicI64::new(store.next_run()? << 32)),
        fault: options.fault,
        prints_acks: options.acks,
    };
    let leader = Leader::recover(floor, store.clone(), clocks[0].clone(), replicas, options.fault);
    let (to_leader, inbox) = channel();
    let is_over = AtomicBool::new(false);
    let committed = thread::scope(|threads| {
        let leader = threads.spawn(move || leader.serve(&inbox));
        let exporter = threads.spawn(|| export(&mut log, store, &is_over));
        let committed = run_sessions(options, &shared, &clocks, &to_leader);
        // It serves as long as somebody may ask.
        drop(to_leader);
        let served = leader.join().map_err(|_| anyhow!("the leader panicked"))?;
        is_over.store(true, Ordering::Relaxed);
        exporter.join().map_err(|_| anyhow!("the exporter panicked"))??;
        served.and(committed)
    })?;
    let sessions = u32::from(options.sessions) * REGIONS.len() as u32;
    Ok((sessions * options.transactions + 1, committed))
}

/// The crash rule. Returns a floor above everything that was ever acknowledged or read.
///
/// Commits whose clients never heard of them are there all the same. They became visible at some time after their timestamps
/// had passed, and are visible now; that is all that is known, and the log says so.
fn recover(store: &Store, log: &mut Log, clocks: &[RegionClock; 3]) -> Result<Version> {
    // Above the last commit, and above the snapshots that saw it.
    let floor = store.version()? + SNAPSHOTS;
    store.begin_above(floor)?;
    let [mut clock, ..] = clocks.clone();
    clock.commit_wait(floor, Duration::from_secs(60))?;
    let latest = clock.now().latest;
    log.forget_duplicates(store)?;
    for mut row in store.outbox()? {
        if let (false, Some(version)) = (row.is_complete(), row.commit_ts) {
            row.commit = Some((version + 1, latest));
            store.note(&row)?;
        }
    }
    log.append(store, true)?;
    // What begins now is certainly later, on every clock.
    for mut clock in clocks.clone() {
        clock.commit_wait(latest, Duration::from_secs(60))?;
    }
    Ok(floor)
}

/// Runs all sessions at once, and when they are done the audit. Returns how many transactions committed.
fn run_sessions(
    options: &Options,
    shared: &Shared,
    clocks: &[RegionClock; 3],
    leader: &Sender<Message>,
) -> Result<u32> {
    let first = shared.next_txn.load(Ordering::Relaxed);
    let session = |number: u8| {
        let place = usize::from(number) % REGIONS.len();
        Session {
            number: first + i64::from(number),
            region: &REGIONS[place],
            clock: clocks[place].clone(),
            leader: leader.clone(),
            shared: shared.clone(),
            random: fastrand::Rng::with_seed((options.seed << 8) | u64::from(number)),
        }
    };
    let count = options.sessions * REGIONS.len() as u8;
    let committed = thread::scope(|threads| {
        let sessions: Vec<_> = (0..count).map(&session).collect();
        let running: Vec<_> =
            sessions.into_iter().map(|mut s| threads.spawn(move || s.run(options.transactions))).collect();
        let ended = running.into_iter().map(|s| s.join().map_err(|_| anyhow!("a session panicked"))?);
        ended.sum::<Result<u32>>()
    })?;
    session(count + 2).audit()?;
    Ok(committed + 1)
}

/// Moves what is complete from the store to the log, until the run is over and all is moved.
fn export(log: &mut Log, store: &Store, is_over: &AtomicBool) -> Result<()> {
    while !is_over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(20));
        log.append(store, false)?;
    }
    log.append(store, true)
}

/// What `skewer verify` says of the log, in short.
fn print_verdicts(log: &Path) -> Result<()> {
    let log = skewer::Log::open(&[log.to_owned()], &OpenOptions::default())?;
    let report = skewer::verify(&log, &VerifyOptions::default())?;
    println!("{:<24}{:<12}{:>10}{:>10}", "model", "verdict", "definite", "possible");
    for (model, judged) in &report.models {
        let total = judged.total();
        let verdict = judged.verdict.name();
        println!("{:<24}{verdict:<12}{:>10}{:>10}", model.name(), total.definite, total.possible);
    }
    Ok(())
}
