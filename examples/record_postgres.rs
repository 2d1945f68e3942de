//! Records a log of a real database: clients of a Postgres server read, think and write, and
//! note between which two readings of the clock each snapshot was taken and each commit became
//! visible. `datasets/record-postgres.sh` runs it on a server of its own.
//!
//! # Why the bounds are true
//!
//! **One clock.** All clients are threads of this process and read one clock: `CLOCK_REALTIME`,
//! read once when the recording begins, carried on by the monotonic clock. So readings of
//! different clients compare without any clock error, and setting the host's clock meanwhile
//! cannot turn them round. (The server is on the same host, but no bound rests on its clock.)
//!
//! **Start.** Postgres takes no snapshot at `BEGIN` but at the first statement after it. Under
//! REPEATABLE READ that one serves the whole transaction. The statement is prepared before the
//! transaction begins, sent after the first reading and answered before the second: the server
//! took the snapshot between them.
//!
//! **Commit.** A commit becomes visible at the instant when the server takes the transaction out
//! of its list of running ones, under the lock under which snapshots are taken: each snapshot
//! is wholly before or wholly after it. That is after `COMMIT` arrives and before it is
//! answered (also with `synchronous_commit = off`, which only moves the disk's part of it).
//!
//! So where a snapshot saw a commit, the commit's true time is the lesser one, and both lie
//! in their bounds. Under READ COMMITTED each statement takes a snapshot of its own and the
//! start recorded is the first one's. Such a log is no snapshot isolation, and is not to look
//! like it: what later statements saw of later commits is there as reads from the future.
//!
//! **A witness.** With `track_commit_timestamp = on` the server keeps the time of each commit by its
//! own clock (`CLOCK_REALTIME` cut to microseconds), taken while it works on the `COMMIT` and
//! shortly before that becomes visible. The recorder checks that each lies in the bound recorded
//! for it, and writes no log if one does not. They are not written as `commit_ts`: they need not
//! be in the order of visibility, and the server's rules do not use them.
//!
//! # What is recorded
//!
//! The table is empty at first; a read that finds nothing is null. Each transaction reads one to
//! three keys, pausing after each read, then writes one or two of them. Each write's value is the
//! number of its transaction, so a value names one version of its key. Transactions that the
//! server refused are recorded as aborted, with what they read and tried to write; if the
//! connection broke at `COMMIT`, the status is unknown and the commit bound open to the right.
//! A session is a client. Regions are names only: even clients say `eu`, odd ones `us`, all on one host.

#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, ensure};
use clap::{Parser, ValueEnum};
use postgres::error::{DbError, Severity, SqlState};
use postgres::{Client, IsolationLevel, NoTls, Statement};
use skewer::BoundedTimestamp;
use skewer::log::build::{LogBuilder, Record};
use skewer::time::Unit;
use skewer::txn::{Op, Status};

/// Records a skewer log of concurrent transactions on a Postgres server.
///
/// The server must run on this host with `track_commit_timestamp = on`. The table
/// `skewer_items` is dropped and created anew.
#[derive(Parser)]
struct Options {
    /// Where the server is: `host=/tmp/socket-folder user=postgres`, or a postgresql:// address.
    #[arg(long, value_name = "CONNECTION")]
    database: String,
    /// The isolation level of every transaction.
    #[arg(long, value_enum)]
    isolation: Isolation,
    /// The log to write.
    #[arg(short, long, value_name = "OUT.arrow")]
    output: PathBuf,
    /// How many transactions to attempt, over all clients.
    #[arg(long, default_value_t = 4_000, value_name = "N")]
    transactions: i64,
    /// How many clients run at once, each on a connection and thread of its own.
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    clients: u8,
    /// How many keys there are; the fewer, the more conflicts.
    #[arg(long, default_value_t = 48, value_name = "N", value_parser = clap::value_parser!(i32).range(3..))]
    keys: i32,
    /// The longest pause after a read, in microseconds.
    #[arg(long, default_value_t = 2_000, value_name = "US")]
    pause: u64,
    /// What the choice of keys and pauses is drawn from. The interleaving is the machine's own.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
}

#[derive(Clone, Copy, ValueEnum)]
enum Isolation {
    ReadCommitted,
    RepeatableRead,
}

impl From<Isolation> for IsolationLevel {
    fn from(isolation: Isolation) -> Self {
        match isolation {
            Isolation::ReadCommitted => IsolationLevel::ReadCommitted,
            Isolation::RepeatableRead => IsolationLevel::RepeatableRead,
        }
    }
}

fn main() -> Result<()> {
    let options = Options::parse();
    let mut server = connect(&options.database)?;
    server.batch_execute(
        "DROP TABLE IF EXISTS skewer_items;
         CREATE TABLE skewer_items (key integer PRIMARY KEY, value bigint NOT NULL)",
    )?;
    let attempts = run_clients(&options)?;
    let outside = commits_outside_bounds(&mut server, &attempts)?;
    println!("commit timestamps of the server outside the bound recorded: {outside}");
    ensure!(outside == 0, "the bounds are not true: no log written");
    let log = log_of(&attempts)?;
    log.write_to(&options.output)?;
    println!("{}: {}, {} rows", options.output.display(), fates(&attempts), log.len());
    Ok(())
}

fn connect(database: &str) -> Result<Client> {
    Client::connect(database, NoTls).with_context(|| format!("cannot connect to `{database}`"))
}

/// Nanoseconds since 1970: the time of day when the clock was made, plus the monotonic time since.
struct Clock {
    made_ns: i64,
    made: Instant,
}

impl Clock {
    fn new() -> Result<Self> {
        let made = Instant::now();
        let made_ns = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos().try_into()?;
        Ok(Self { made_ns, made })
    }

    fn now(&self) -> i64 {
        let elapsed = i64::try_from(self.made.elapsed().as_nanos()).unwrap_or(i64::MAX);
        self.made_ns.saturating_add(elapsed)
    }

    /// The bound of what happened after the reading `before`, whose answer has just come.
    fn since(&self, before: i64) -> Option<BoundedTimestamp> {
        BoundedTimestamp::new(before, self.now())
    }
}

/// One transaction, as its client saw it.
struct Attempt {
    txn: i64,
    session: u8,
    /// What was done to which key, and the value; a read of `None` found nothing.
    operations: Vec<(Op, i32, Option<i64>)>,
    status: Status,
    start: Option<BoundedTimestamp>,
    commit: Option<BoundedTimestamp>,
    /// The server's own number for it, by which it is asked for the commit's timestamp.
    server_id: Option<i64>,
}

impl Attempt {
    fn new(txn: i64, session: u8) -> Self {
        let status = Status::Aborted;
        Self { txn, session, operations: Vec::new(), status, start: None, commit: None, server_id: None }
    }

    fn rolled_back(self) -> Self {
        Self { status: Status::Aborted, commit: None, ..self }
    }

    fn region(&self) -> &'static str {
        if self.session.is_multiple_of(2) { "eu" } else { "us" }
    }
}

/// Runs the clients; their transactions that did something, by start: a session's in its order.
fn run_clients(options: &Options) -> Result<Vec<Attempt>> {
    let clock = &Clock::new()?;
    let next_txn = &AtomicI64::new(1);
    let run = move |number| Session::open(number, options, clock)?.run(next_txn);
    let mut attempts = Vec::new();
    thread::scope(|scope| {
        let threads: Vec<_> = (0..options.clients).map(|n| scope.spawn(move || run(n))).collect();
        for thread in threads {
            attempts.extend(thread.join().map_err(|_| anyhow!("a client panicked"))??);
        }
        anyhow::Ok(())
    })?;
    attempts.retain(|attempt| !attempt.operations.is_empty());
    attempts.sort_by_key(|attempt| attempt.start.map(BoundedTimestamp::earliest));
    Ok(attempts)
}

/// A client with its connection.
struct Session<'a> {
    number: u8,
    client: Client,
    select: Statement,
    upsert: Statement,
    options: &'a Options,
    clock: &'a Clock,
    random: fastrand::Rng,
}

impl<'a> Session<'a> {
    fn open(number: u8, options: &'a Options, clock: &'a Clock) -> Result<Self> {
        let mut client = connect(&options.database)?;
        let select = client.prepare("SELECT value FROM skewer_items WHERE key = $1")?;
        let upsert = client.prepare(
            "INSERT INTO skewer_items (key, value) VALUES ($1, $2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value
             RETURNING pg_current_xact_id()::text::bigint",
        )?;
        let random = fastrand::Rng::with_seed(options.seed.wrapping_add(u64::from(number) << 32));
        Ok(Self { number, client, select, upsert, options, clock, random })
    }

    /// Transactions one after the other until all clients together have attempted enough, or
    /// the connection breaks.
    fn run(mut self, next_txn: &AtomicI64) -> Result<Vec<Attempt>> {
        let mut attempts = Vec::new();
        loop {
            let txn = next_txn.fetch_add(1, Ordering::Relaxed);
            if txn > self.options.transactions {
                return Ok(attempts);
            }
            let mut attempt = Attempt::new(txn, self.number);
            match self.transact(&mut attempt) {
                Ok(()) => attempts.push(attempt),
                Err(error) if refused(&error) => attempts.push(attempt.rolled_back()),
                Err(error) if disconnected(&error) => {
                    attempts.push(attempt);
                    eprintln!("client {} stops: {:#}", self.number, anyhow!(error));
                    return Ok(attempts);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Runs one transaction. Whatever stops it, `attempt` says what is known of it by then.
    fn transact(&mut self, attempt: &mut Attempt) -> Result<(), postgres::Error> {
        let (reads, writes) = self.choose_keys();
        let level = self.options.isolation.into();
        let mut transaction = self.client.build_transaction().isolation_level(level).start()?;
        for key in reads {
            let sent = self.clock.now();
            let row = transaction.query_opt(&self.select, &[&key])?;
            attempt.start = attempt.start.or_else(|| self.clock.since(sent));
            attempt.operations.push((Op::Read, key, row.map(|row| row.get(0))));
            thread::sleep(Duration::from_micros(self.random.u64(0..=self.options.pause)));
        }
        for key in writes {
            attempt.operations.push((Op::Write, key, Some(attempt.txn)));
            let row = transaction.query_one(&self.upsert, &[&key, &attempt.txn])?;
            attempt.server_id = Some(row.get(0));
        }
        // From here to the answer nobody knows; without an answer, nobody ever will.
        let sent = self.clock.now();
        attempt.status = Status::Unknown;
        attempt.commit = BoundedTimestamp::new(sent, i64::MAX);
        transaction.commit()?;
        attempt.status = Status::Committed;
        attempt.commit = self.clock.since(sent);
        Ok(())
    }

    /// One to three keys to read, and one or two of them to write, in ascending order: clients
    /// that lock in one order do not deadlock.
    fn choose_keys(&mut self) -> (Vec<i32>, Vec<i32>) {
        let amount = self.random.usize(1..=3);
        let reads = self.random.choose_multiple(0..self.options.keys, amount);
        let amount = self.random.usize(1..=2);
        let mut writes = self.random.choose_multiple(reads.iter().copied(), amount);
        writes.sort_unstable();
        (reads, writes)
    }
}

/// Whether the server rolled the transaction back because of another one.
fn refused(error: &postgres::Error) -> bool {
    let code = error.code();
    code == Some(&SqlState::T_R_SERIALIZATION_FAILURE) || code == Some(&SqlState::T_R_DEADLOCK_DETECTED)
}

/// Whether the connection is gone: no answer of the server, or its last one. It then says
/// nothing about a `COMMIT` that was under way.
fn disconnected(error: &postgres::Error) -> bool {
    let severity = error.as_db_error().map(DbError::parsed_severity);
    severity.is_none_or(|s| matches!(s, Some(Severity::Fatal | Severity::Panic)))
}

/// How many committed transactions the server places at a time outside their bound, or at none. The
/// server's microseconds are cut off, so the bound's are too.
fn commits_outside_bounds(server: &mut Client, attempts: &[Attempt]) -> Result<usize> {
    let committed = || attempts.iter().filter(|attempt| attempt.status == Status::Committed);
    let ids: Vec<i64> = committed().filter_map(|attempt| attempt.server_id).collect();
    let rows = server.query(
        "SELECT id, (extract(epoch FROM pg_xact_commit_timestamp(id::text::xid)) * 1000000)::bigint
         FROM unnest($1::bigint[]) AS id",
        &[&ids],
    )?;
    let by_id: HashMap<i64, Option<i64>> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let inside = |attempt: &&Attempt| {
        let stamp_us = attempt.server_id.and_then(|id| by_id.get(&id).copied().flatten());
        let range_us = attempt.commit.map(|c| c.earliest() / 1_000..=c.latest() / 1_000);
        stamp_us.zip(range_us).is_some_and(|(stamp, range)| range.contains(&stamp))
    };
    Ok(committed().filter(|attempt| !inside(attempt)).count())
}

/// The log: a row per operation, transaction after transaction.
fn log_of(attempts: &[Attempt]) -> skewer::Result<LogBuilder> {
    let mut log = LogBuilder::new(Unit::Nanoseconds);
    for attempt in attempts {
        for &(op, key, value) in &attempt.operations {
            log.push(Record {
                key: i64::from(key).into(),
                op,
                value: value.map(Into::into),
                txn: Some(attempt.txn.into()),
                region: Some(attempt.region().to_owned()),
                session: Some(i64::from(attempt.session).into()),
                status: attempt.status,
                start: attempt.start,
                commit: attempt.commit,
                ..Record::default()
            })?;
        }
    }
    Ok(log)
}

/// `3 transactions: 2 committed, 1 aborted, 0 unknown`.
fn fates(attempts: &[Attempt]) -> String {
    let count = |status| attempts.iter().filter(|attempt| attempt.status == status).count();
    let [committed, aborted, unknown] = [Status::Committed, Status::Aborted, Status::Unknown].map(count);
    let all = attempts.len();
    format!("{all} transactions: {committed} committed, {aborted} aborted, {unknown} unknown")
}
