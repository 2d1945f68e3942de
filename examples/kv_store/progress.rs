//! How far commits have come: decided, released by their regions, published, acknowledged.

use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::Sender;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use skewer::resolve::Version;

/// How many ticks after a commit are left to the snapshots that see it. Each takes one of its own: so the timestamps of
/// transactions that only read are in order too.
pub(crate) const SNAPSHOTS: Version = 10_000;
/// Commits acknowledged longer ago than this are before every transaction that begins now.
const LONG_AGO: Duration = Duration::from_secs(1);

/// A version and what its transactions still lack.
#[derive(Debug)]
struct Stage {
    unreleased: usize,
    unacknowledged: usize,
    /// The latest time at which one of them may have become visible.
    latest: i64,
}

/// What the leader knows of the versions that it decided.
#[derive(Debug)]
pub(crate) struct Progress {
    recent: BTreeMap<Version, Stage>,
    /// The newest version that is published.
    published: Version,
    /// How many snapshots were taken since.
    snapshots: Version,
    /// A version below which everything was acknowledged long ago, itself included.
    old: Version,
    waiting: Vec<(Version, Sender<()>)>,
}

impl Progress {
    /// Everything up to `floor` was published and acknowledged long ago.
    pub(crate) fn new(floor: Version) -> Self {
        Progress { recent: BTreeMap::new(), published: floor, snapshots: 0, old: floor, waiting: Vec::new() }
    }

    /// A new snapshot: it sees all that is published.
    pub(crate) fn snapshot(&mut self) -> Version {
        self.snapshots = (self.snapshots + 1).min(SNAPSHOTS - 1);
        self.published + self.snapshots
    }

    /// Whether snapshots run short, and nothing that is decided stands in the way of new ones.
    pub(crate) fn wants_heartbeat(&self) -> bool {
        let is_idle = self.recent.range(self.published + 1..).next().is_none();
        is_idle && self.snapshots > SNAPSHOTS / 2
    }

    /// Nothing commits at or below `version` any more: snapshots go on from there.
    pub(crate) fn heartbeat(&mut self, version: Version) {
        (self.published, self.snapshots) = (version, 0);
    }

    /// The last snapshot that sees what is published and nothing more.
    pub(crate) fn last_snapshot(&self) -> Version {
        self.published + SNAPSHOTS - 1
    }

    pub(crate) fn old(&self) -> Version {
        self.old
    }

    /// `count` transactions, at least one, commit at `version`.
    pub(crate) fn decided(&mut self, version: Version, count: usize) {
        let stage = Stage { unreleased: count, unacknowledged: count, latest: i64::MIN };
        self.recent.insert(version, stage);
    }

    /// A region has waited until `version` certainly passed, for one transaction. `reply` hears when it is published:
    /// versions are, in their order. Returns whether something was published.
    pub(crate) fn released(&mut self, version: Version, reply: Sender<()>) -> bool {
        if let Some(stage) = self.recent.get_mut(&version) {
            stage.unreleased -= 1;
        }
        self.waiting.push((version, reply));
        let before = self.published;
        let done = self.recent.range(before + 1..).take_while(|(_, stage)| stage.unreleased == 0);
        let published = done.last().map_or(before, |(version, _)| *version);
        if published > before {
            (self.published, self.snapshots) = (published, 0);
        }
        self.waiting.retain(|(version, reply)| {
            let is_hidden = *version > published;
            if !is_hidden {
                // Whoever is gone does not have to be told.
                let _ = reply.send(());
            }
            is_hidden
        });
        before < published
    }

    /// One transaction of `version` became visible at `latest`, at the latest.
    pub(crate) fn acknowledged(&mut self, version: Version, latest: i64) {
        if let Some(stage) = self.recent.get_mut(&version) {
            stage.unacknowledged -= 1;
            stage.latest = stage.latest.max(latest);
        }
    }

    /// The newest version that, with all before it, was certainly visible at `earliest`, when a transaction began.
    ///
    /// What was acknowledged [`LONG_AGO`] is taken to have been: no message takes so long.
    pub(crate) fn certain(&self, earliest: i64) -> Version {
        let certain = |stage: &Stage| stage.unacknowledged == 0 && stage.latest <= earliest;
        let before = self.recent.iter().take_while(|(_, stage)| certain(stage)).last();
        before.map_or(self.old, |(version, _)| *version)
    }

    /// Lets versions go that were acknowledged long before `earliest`.
    pub(crate) fn forget(&mut self, earliest: i64) {
        let horizon = earliest.saturating_sub(i64::try_from(LONG_AGO.as_nanos()).unwrap_or(i64::MAX));
        while let Some(first) = self.recent.first_entry() {
            if first.get().unacknowledged > 0 || first.get().latest > horizon {
                return;
            }
            self.old = *first.key();
            first.remove();
        }
    }
}

/// What replicas have received: one keyspace stands for all of them, and a replica of it is as old as its delay.
#[derive(Debug)]
pub(crate) struct Replicas {
    /// When which snapshot, and all before it, became complete at the leader.
    published: Mutex<VecDeque<(Instant, Version)>>,
}

impl Replicas {
    pub(crate) fn new(snapshot: Version) -> Self {
        Replicas { published: Mutex::new(VecDeque::from([(Instant::now(), snapshot)])) }
    }

    pub(crate) fn publish(&self, snapshot: Version) {
        let mut published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        while published.get(1).is_some_and(|(when, _)| when.elapsed() > LONG_AGO) {
            published.pop_front();
        }
        published.push_back((Instant::now(), snapshot));
    }

    /// The newest snapshot that a replica has, if news take `delay` to reach it.
    pub(crate) fn received(&self, delay: Duration) -> Version {
        let published = self.published.lock().unwrap_or_else(PoisonError::into_inner);
        let arrived = published.iter().rev().find(|(when, _)| when.elapsed() >= delay);
        arrived.or(published.front()).map_or(0, |(_, snapshot)| *snapshot)
    }

    /// Waits until a replica has `snapshot`.
    pub(crate) fn wait_for(&self, snapshot: Version, delay: Duration) {
        while self.received(delay) < snapshot {
            std::thread::sleep(Duration::from_micros(50));
        }
    }
}
