//! A client's session: it runs transactions in its region, one after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use skewer::BoundedTimestamp;
use skewer::clock::{BoundedClock, Reading};
use skewer::resolve::Version;

use crate::Fault;
use crate::leader::{Begun, Message, Read, Request};
use crate::progress::Replicas;
use crate::store::{Fate, Row, Store};
use crate::world::{Region, RegionClock, travel};

/// How many items there are: few, so that transactions collide.
const ITEMS: usize = 64;
/// A commit's timestamp passes within a few clock errors, or something is broken.
const PATIENCE: Duration = Duration::from_secs(10);
/// How old the replica is that `stale-replica` reads.
const STALE: Duration = Duration::from_millis(60);
/// How far `clock-jump` jumps.
const JUMP: Duration = Duration::from_secs(1);

/// What all sessions share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) store: Store,
    pub(crate) replicas: Arc<Replicas>,
    pub(crate) next_txn: Arc<AtomicI64>,
    pub(crate) fault: Option<Fault>,
    /// Whether to print each transaction once it is acknowledged.
    pub(crate) prints_acks: bool,
}

pub(crate) struct Session {
    pub(crate) number: i64,
    pub(crate) region: &'static Region,
    pub(crate) clock: RegionClock,
    pub(crate) leader: Sender<Message>,
    pub(crate) shared: Shared,
    pub(crate) random: fastrand::Rng,
}

/// What a transaction is going to do.
#[derive(Default)]
struct Plan {
    reads: Vec<Read>,
    writes: Vec<String>,
}

impl Session {
    /// Runs `count` transactions and returns how many committed.
    pub(crate) fn run(&mut self, count: u32) -> Result<u32> {
        let mut committed = 0;
        for _ in 0..count {
            let plan = self.plan();
            committed += u32::from(self.attempt(&plan)?);
        }
        Ok(committed)
    }

    /// The last transaction of a run: it counts all items, while nothing else goes on.
    pub(crate) fn audit(&mut self) -> Result<()> {
        let reads = vec![Read::Range("item".to_owned(), "items".to_owned())];
        let plan = Plan { reads, writes: vec!["audit".to_owned()] };
        for _ in 0..100 {
            if self.attempt(&plan)? {
                return Ok(());
            }
        }
        anyhow::bail!("an audit without rivals does not commit")
    }

    /// Three items or a range of four are read. One transaction in five leaves it at that; the others write the
    /// first one read, and one in four of them some other item, unread.
    fn plan(&mut self) -> Plan {
        let mut items: Vec<usize> = (0..ITEMS).collect();
        self.random.shuffle(&mut items);
        let mut plan = Plan::default();
        let first = items[0].min(ITEMS - 4);
        if self.random.u8(..6) == 0 {
            plan.reads.push(Read::Range(item(first), item(first + 4)));
        } else {
            plan.reads.extend(items[..3].iter().map(|i| Read::Key(item(*i))));
        }
        if self.random.u8(..5) > 0 {
            plan.writes.push(match &plan.reads[0] {
                Read::Key(key) | Read::Range(key, _) => key.clone(),
            });
            let other = item(items[5]);
            if self.random.u8(..4) == 0 && other != plan.writes[0] {
                plan.writes.push(other);
            }
        }
        plan
    }

    /// Runs one transaction; whether it committed.
    fn attempt(&mut self, plan: &Plan) -> Result<bool> {
        let (start, begun) = self.begin(plan)?;
        let txn = self.shared.next_txn.fetch_add(1, Ordering::Relaxed);
        let reads = self.read(plan, begun.snapshot)?;
        let row = Row {
            txn,
            session: self.number,
            region: self.region.name.to_owned(),
            fate: Fate::Aborted,
            start: (start.earliest(), start.latest()),
            start_ts: begun.snapshot,
            commit: None,
            commit_ts: None,
            reads,
            writes: plan.writes.iter().map(|key| (key.clone(), txn)).collect(),
        };
        if row.writes.is_empty() {
            // Nothing to conflict with: it stands at its snapshot, and is told when that has passed.
            let told = self.wait_out(begun.snapshot)?;
            let commit = Some((told.earliest, told.latest));
            let row = Row { fate: Fate::Committed, commit, commit_ts: Some(row.start_ts), ..row };
            self.leader.send(Message::Finish { row, checked: begun.checked })?;
            return Ok(true);
        }
        self.commit(row, begun, plan)
    }

    /// Takes a snapshot, which happens at the leader, between two readings of the region's clock.
    fn begin(&mut self, plan: &Plan) -> Result<(BoundedTimestamp, Begun)> {
        let jumps = self.shared.fault == Some(Fault::ClockJump) && plan.writes == ["audit"];
        self.clock.jump(if jumps { JUMP } else { Duration::ZERO });
        let earliest = self.clock.now().earliest;
        let begun = self.ask(|reply| Message::Begin { earliest, reply })?;
        let latest = self.clock.now().latest;
        self.clock.jump(Duration::ZERO);
        Ok((BoundedTimestamp::new(earliest, latest).context("the clock went back")?, begun))
    }

    /// Reads from the region's replica, once it has the snapshot.
    fn read(&self, plan: &Plan, snapshot: Version) -> Result<Vec<(String, Option<i64>)>> {
        let Shared { store, replicas, .. } = &self.shared;
        let seen = if self.shared.fault == Some(Fault::StaleReplica) && self.region.name == "ap" {
            replicas.received(STALE).min(snapshot)
        } else {
            replicas.wait_for(snapshot, self.region.delay);
            snapshot
        };
        let mut found = Vec::new();
        for read in &plan.reads {
            match read {
                Read::Key(key) => found.push((key.clone(), store.read(key, seen)?)),
                Read::Range(low, high) => {
                    found.extend(store.scan(low, high, seen)?.into_iter().map(|(key, v)| (key, Some(v))));
                }
            }
        }
        Ok(found)
    }

    /// Asks to commit; waits, publishes and acknowledges if that is granted.
    fn commit(&mut self, row: Row, begun: Begun, plan: &Plan) -> Result<bool> {
        let (checked, reads) = (begun.checked, plan.reads.clone());
        let asked = row.clone();
        let decided = self.ask(|reply| Message::Commit(Request { row: asked, checked, reads, reply }))?;
        let Some(version) = decided else { return Ok(false) };
        // Commit wait: when anybody sees the commit, its timestamp has passed on every clock.
        let waited = self.wait_out(version)?;
        self.ask(|reply| Message::Release { version, reply })?;
        // It was published between these two readings.
        let commit = Some((waited.earliest, self.clock.now().latest));
        let row = Row { fate: Fate::Committed, commit, commit_ts: Some(version), ..row };
        let told = row.clone();
        self.ask(|reply| Message::Acknowledge { row: told, reply })?;
        if self.shared.prints_acks {
            let writes: Vec<_> = row.writes.iter().map(|(key, value)| format!("{key}={value}")).collect();
            println!("ack {} {version} {}", row.txn, writes.join(","));
        }
        Ok(true)
    }

    /// Waits until `version` has certainly passed.
    fn wait_out(&mut self, version: Version) -> Result<Reading> {
        if self.shared.fault == Some(Fault::NoCommitWait) {
            return Ok(self.clock.now());
        }
        Ok(self.clock.commit_wait(version, PATIENCE)?)
    }

    /// Sends a message to the leader and waits for its answer.
    fn ask<T>(&mut self, message: impl FnOnce(Sender<T>) -> Message) -> Result<T> {
        let (reply, answer) = channel();
        travel(self.region, &mut self.random);
        ensure!(self.leader.send(message(reply)).is_ok(), "the leader is gone");
        let answer = answer.recv().context("the leader is gone")?;
        travel(self.region, &mut self.random);
        Ok(answer)
    }
}

fn item(number: usize) -> String {
    format!("item{number:02}")
}
