//! The commit path: one thread that judges, writes to disk, answers. `docs/commit-path.md` quotes it.

use std::ops::Bound::{Excluded, Included};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use anyhow::Result;
use skewer::clock::BoundedClock;
use skewer::resolve::{Batch, Checked, CommitClock, Resolver, Verdict, Version};

use crate::Fault;
use crate::progress::{Progress, Replicas, SNAPSHOTS};
use crate::store::{Fate, Row, Store};
use crate::world::RegionClock;

/// The number of the keyspace of items, as the resolver knows it.
const ITEMS: u32 = 0;
/// At most this many messages are taken before commits that came among them are decided.
const GROUP: usize = 64;

/// What sessions send to the leader. A `reply` is sent once; whoever waits for it has failed if it never comes.
pub(crate) enum Message {
    /// A transaction begins; its region's clock showed `earliest` when it asked.
    Begin {
        earliest: i64,
        reply: Sender<Begun>,
    },
    Commit(Request),
    /// The region has waited until `version` certainly passed. The reply says that it is published.
    Release {
        version: Version,
        reply: Sender<()>,
    },
    /// The region knows when the commit became visible. The reply says that this is on disk.
    Acknowledge {
        row: Row,
        reply: Sender<()>,
    },
    /// A transaction that does not ask to commit is over.
    Finish {
        row: Row,
        checked: Version,
    },
}

/// The snapshots of a transaction that begins.
#[derive(Clone, Copy)]
pub(crate) struct Begun {
    /// What it reads.
    pub(crate) snapshot: Version,
    /// What its commit is checked against: nothing above it may have been written. Lower than `snapshot` if
    /// commits that the transaction sees were published only just now: on those it must not build, for the
    /// clocks could not prove that it came after them.
    pub(crate) checked: Version,
}

/// A transaction that asks to commit.
pub(crate) struct Request {
    pub(crate) row: Row,
    pub(crate) checked: Version,
    pub(crate) reads: Vec<Read>,
    pub(crate) reply: Sender<Option<Version>>,
}

/// What a transaction read: a key, or all keys from the first and below the second.
#[derive(Clone)]
pub(crate) enum Read {
    Key(String),
    Range(String, String),
}

pub(crate) struct Leader {
    resolver: Resolver,
    commit_clock: CommitClock,
    clock: RegionClock,
    store: Store,
    progress: Progress,
    replicas: Arc<Replicas>,
    fault: Option<Fault>,
    group: Vec<Request>,
    batch: Batch,
}

impl Leader {
    /// A leader of a store in which nothing at or above `floor` was ever promised.
    pub(crate) fn recover(
        floor: Version,
        store: Store,
        clock: RegionClock,
        replicas: Arc<Replicas>,
        fault: Option<Fault>,
    ) -> Self {
        // Reads checked: serializable. Writes checked too: snapshot isolation, also for those who write
        // what they did not read.
        let checked = match fault {
            Some(Fault::SkipReadCheck) => Checked::SnapshotIsolation,
            _ => Checked::Both,
        };
        Leader {
            resolver: Resolver::recover(checked, floor).expecting_ranges(),
            commit_clock: CommitClock::new(floor + SNAPSHOTS),
            clock,
            store,
            progress: Progress::new(floor),
            replicas,
            fault,
            group: Vec::new(),
            batch: Batch::new(),
        }
    }

    /// Serves until all sessions are gone. An error ends it: what is decided and not on disk is not known to
    /// anybody, and the next leader recovers.
    pub(crate) fn serve(mut self, inbox: &Receiver<Message>) -> Result<()> {
        while let Ok(message) = inbox.recv() {
            self.take(message)?;
            for message in inbox.try_iter().take(GROUP) {
                self.take(message)?;
            }
            self.commit_group()?;
        }
        Ok(())
    }

    fn take(&mut self, message: Message) -> Result<()> {
        match message {
            Message::Begin { earliest, reply } => {
                let begun = self.begin(earliest)?;
                // Whoever is gone left a snapshot open: here that ends the process anyway.
                let _ = reply.send(begun);
            }
            Message::Commit(request) => self.group.push(request),
            Message::Release { version, reply } => {
                if self.progress.released(version, reply) {
                    self.replicas.publish(self.progress.last_snapshot());
                }
            }
            Message::Acknowledge { row, reply } => {
                self.store.note(&row)?;
                if let (Some(version), Some((_, latest))) = (row.commit_ts, row.commit) {
                    self.progress.acknowledged(version, latest);
                }
                let _ = reply.send(());
            }
            Message::Finish { row, checked } => {
                self.store.note(&row)?;
                self.end(checked)?;
            }
        }
        Ok(())
    }

    fn begin(&mut self, earliest: i64) -> Result<Begun> {
        if self.progress.wants_heartbeat() {
            let version = self.next_version()?;
            self.resolver.advance_to(version)?;
            self.progress.heartbeat(version);
            self.replicas.publish(self.progress.last_snapshot());
        }
        let snapshot = self.progress.snapshot();
        let checked = self.progress.certain(earliest);
        if self.fault == Some(Fault::ForgetEarly) {
            return Ok(Begun { snapshot, checked });
        }
        // Live until the transaction ends: what it may conflict with is not forgotten meanwhile.
        self.resolver.keep_snapshot(checked)?;
        Ok(Begun { snapshot, checked })
    }

    fn end(&mut self, checked: Version) -> Result<()> {
        if self.fault == Some(Fault::ForgetEarly) {
            return Ok(());
        }
        Ok(self.resolver.close_snapshot(checked)?)
    }

    /// A version above all that was promised, not below the latest that it may be now.
    fn next_version(&mut self) -> Result<Version> {
        let version = self.commit_clock.next(self.clock.now().bound())?;
        // The ticks after a commit are left to the snapshots that see it.
        self.commit_clock.observe(version + SNAPSHOTS);
        Ok(version)
    }

    /// Decides the transactions that came together: all that commit do so at one version.
    fn commit_group(&mut self) -> Result<()> {
        if self.group.is_empty() {
            return Ok(());
        }
        let version = self.next_version()?;

        self.batch.clear();
        for request in &self.group {
            add(&mut self.batch, request, self.fault, self.resolver.floor())?;
        }
        let verdicts = self.resolver.resolve(&self.batch, version)?.to_vec();

        let mut group = std::mem::take(&mut self.group);
        let mut rows = Vec::new();
        for (request, verdict) in group.iter_mut().zip(&verdicts) {
            self.end(request.checked)?;
            if *verdict == Verdict::Commit(version) {
                request.row.fate = Fate::Committed;
                request.row.commit_ts = Some(version);
                rows.push(request.row.clone());
            } else {
                self.store.note(&request.row)?;
            }
        }
        if !rows.is_empty() {
            // On disk before anybody hears of it: that is what makes the crash rule simple.
            self.store.commit(version, &rows, self.resolver.floor())?;
            self.progress.decided(version, rows.len());
        }
        for request in group {
            let _ = request.reply.send(request.row.commit_ts);
        }
        self.forget()
    }

    /// Forgets what no transaction can conflict with any more: neither one that is live, nor one yet to begin.
    fn forget(&mut self) -> Result<()> {
        self.progress.forget(self.clock.now().earliest);
        let needed = self.progress.old();
        let mut floor = self.resolver.oldest_snapshot().map_or(needed, |live| live.min(needed));
        if self.fault == Some(Fault::ForgetEarly) {
            floor = self.resolver.version();
        }
        Ok(self.resolver.forget_before(floor)?)
    }
}

/// Adds a transaction to the batch: what it read and what it writes.
fn add(batch: &mut Batch, request: &Request, fault: Option<Fault>, floor: Version) -> Result<()> {
    let snapshot = match fault {
        // "Too old" was a nuisance, so somebody rounded snapshots up.
        Some(Fault::ForgetEarly) => request.checked.max(floor),
        _ => request.checked,
    };
    let mut txn = batch.begin(snapshot);
    for read in &request.reads {
        match read {
            Read::Key(key) => txn.read(ITEMS, key.as_bytes())?,
            Read::Range(low, high) => {
                txn.read_range(ITEMS, Included(low.as_str()), Excluded(high.as_str()))?
            }
        };
    }
    for (key, _) in &request.row.writes {
        txn.write(ITEMS, key.as_bytes())?;
    }
    Ok(())
}
