//! The models, judged together: every key's history is built once, and every
//! model that is asked for looks at it.

use rayon::prelude::*;

use super::reads::Shared;
use super::tally::Tally;
use super::{VerifyOptions, clock_bounds, linearizable, serializable, snapshot_isolation};
use super::{external_consistency, strict_serializable, writers};
use crate::error::Result;
use crate::history::{Clock, Fates, KeyHistory, Operation, Sessions, Source, Timeline, Transactions};
use crate::log::Log;
use crate::memory::Budget;
use crate::partition::{Gathering, for_each_operated_key};
use crate::report::{Model, ModelReport};
use crate::timings::measure;

/// Transactions that one task judges.
const STEP: usize = 1 << 14;

/// So many reads ahead the times of a reader are asked for.
const AHEAD: usize = 12;

/// What the models of `asked` say; those of writes alone only where keys' histories are built for
/// others. A write without a start bound began `lag` ticks before it committed.
pub(super) fn judge(
    log: &Log,
    fates: &Fates,
    (options, lag): (&VerifyOptions, u64),
    asked: &[Model],
) -> Result<Vec<(Model, ModelReport)>> {
    let budget = Budget::of(options.memory);
    let timings = options.timings.as_deref();
    let txns = measure(timings, "times", (log.len(), 0), || Transactions::of(log, fates, budget))?;
    let wanted = Wanted::of(&txns, options, asked);
    let sessions = measure(timings, "sessions", (log.len(), 0), || {
        if wanted.by_session() { Sessions::of(&txns, budget) } else { Ok(Sessions::default()) }
    })?;
    let make = || Rooms::new(&txns, &sessions, &wanted, (options, lag));
    let mut rooms = make();
    if wanted.by_key() {
        let exact = log.exact_values() && options.tuning.fingerprint_mask() == u64::MAX;
        let how = Gathering {
            isa: options.tuning.isa(),
            mask: options.tuning.fingerprint_mask(),
            forget_reads: options.tuning.forget_reads,
            budget,
            timings,
        };
        let visit = |rooms: &mut Rooms<'_>, key: &[Operation]| rooms.key(exact, key);
        for_each_operated_key(&txns, how, make, visit)?.into_iter().for_each(|r| rooms.merge(r));
    }
    if wanted.by_session() {
        let steps: Vec<usize> = (0..txns.count()).step_by(STEP).collect();
        let step = |first: usize| {
            let mut rooms = make();
            let all = first as u32..(first + STEP).min(txns.count()) as u32;
            all.filter(|&txn| txns.committed(txn)).for_each(|txn| rooms.txn(txn));
            rooms
        };
        rooms = steps.into_par_iter().map(step).reduce(make, Rooms::merged).merged(rooms);
    }
    Ok(rooms.report(&wanted, (options.findings, budget)))
}

/// Which models are judged, and why the others are not.
struct Wanted {
    judged: Vec<Model>,
    refused: Vec<(Model, String)>,
    /// Whether the log says what reads returned.
    read_values: bool,
}

impl Wanted {
    fn of(txns: &Transactions<'_>, options: &VerifyOptions, asked: &[Model]) -> Self {
        // In one file of several that is enough.
        let values = txns.log.chunks.iter().any(|c| c.value.is_some());
        let read_values = txns.log.columns.reads && values;
        let mut wanted = Wanted { judged: Vec::new(), refused: Vec::new(), read_values };
        for &model in asked {
            let needs = match model {
                Model::WriteOrder | Model::CrossRegionConflicts => continue,
                Model::SnapshotIsolation => snapshot_isolation::needs(txns),
                Model::Serializable => serializable::needs(txns),
                Model::StrictSerializable => strict_serializable::needs(txns),
                Model::ExternalConsistency => external_consistency::needs(txns),
                Model::Linearizable => linearizable::needs(txns),
                Model::ClockBounds => clock_bounds::needs(txns),
            };
            match needs {
                Ok(()) => wanted.judged.push(model),
                Err(reason) => wanted.refused.push((model, reason)),
            }
        }
        // Whoever insists on a path of theirs gets it.
        if wanted.by_key() && options.tuning.path == super::Path::Auto {
            wanted.of_writes(txns, asked);
        }
        wanted
    }

    fn of_writes(&mut self, txns: &Transactions<'_>, asked: &[Model]) {
        let of_writes = [Model::WriteOrder, Model::CrossRegionConflicts];
        for model in of_writes.into_iter().filter(|model| asked.contains(model)) {
            match super::needs::commits_of_writers(txns) {
                Ok(()) => self.judged.push(model),
                Err(reason) => self.refused.push((model, reason)),
            }
        }
    }

    fn any(&self, models: &[Model]) -> bool {
        self.judged.iter().any(|m| models.contains(m))
    }

    fn serial(&self) -> bool {
        self.any(&[Model::Serializable, Model::StrictSerializable])
    }

    /// Whether some model looks at what reads returned.
    fn reads(&self) -> bool {
        self.serial() || self.any(&[Model::SnapshotIsolation])
    }

    /// Whether some model looks at all that happened to a key.
    fn by_key(&self) -> bool {
        self.reads()
            || self.any(&[Model::Linearizable])
            || (self.any(&[Model::ClockBounds]) && self.read_values)
    }

    fn by_session(&self) -> bool {
        self.reads() || self.any(&[Model::ClockBounds])
    }
}

/// The rooms in use, with the memory that they share.
struct Rooms<'a> {
    txns: &'a Transactions<'a>,
    /// What the models of reads are judged by.
    clock: Clock,
    history: KeyHistory,
    timeline: Timeline,
    shared: Option<Shared<'a>>,
    snapshot: Option<snapshot_isolation::Room<'a>>,
    serial: Option<serializable::Room<'a>>,
    linearizable: Option<linearizable::Room<'a>>,
    clocks: Option<clock_bounds::Room<'a>>,
    writers: Option<writers::Room<'a>>,
}

impl<'a> Rooms<'a> {
    fn new(
        txns: &'a Transactions<'a>,
        sessions: &'a Sessions,
        wanted: &Wanted,
        (options, lag): (&VerifyOptions, u64),
    ) -> Self {
        let limit = options.findings;
        let clock = txns.clock();
        let tally = || Tally::new(txns, clock, Model::SnapshotIsolation, limit);
        Rooms {
            txns,
            clock,
            history: KeyHistory::default(),
            timeline: Timeline::default(),
            shared: wanted.reads().then(|| Shared::new(tally(), sessions)),
            snapshot: wanted.any(&[Model::SnapshotIsolation]).then(|| snapshot_isolation::Room::new(tally())),
            serial: wanted.serial().then(|| serializable::Room::new(tally())),
            linearizable: wanted.any(&[Model::Linearizable]).then(|| linearizable::Room::new(txns, limit)),
            clocks: wanted.any(&[Model::ClockBounds]).then(|| clock_bounds::Room::new(txns, sessions)),
            writers: writers::Room::new(txns, &wanted.judged, (options, lag)),
        }
    }

    /// Judges one key.
    fn key(&mut self, exact: bool, operations: &[Operation]) {
        self.history.take(self.txns, self.clock, exact, operations);
        let versions = self.history.versions.as_slice();
        if let Some(shared) = &mut self.shared {
            shared.key(&self.history);
            self.timeline.take(self.txns, versions);
            shared.writers(&self.timeline, versions);
        }
        let apart = writers::versions_apart(versions);
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.writers(versions, apart);
        }
        if let Some(writers) = &mut self.writers {
            writers.key(self.clock, &self.history, apart);
        }
        if let Some(serial) = &mut self.serial {
            serial.restart();
        }
        if let Some(linearizable) = &mut self.linearizable {
            linearizable.key(&self.history);
        }
        self.reads();
    }

    /// Judges the reads of the key, each by all rooms while its transaction's times are at hand.
    fn reads(&mut self) {
        let versions = self.history.versions.as_slice();
        let among = (&self.timeline, versions);
        let reads = &self.history.reads;
        for (at, read) in reads.iter().enumerate() {
            if let Some(ahead) = reads.get(at + AHEAD) {
                self.txns.prefetch(ahead.txn);
            }
            let ends = self.txns.ends(self.clock, read.txn);
            if let Some(snapshot) = &mut self.snapshot {
                snapshot.read(among, read, &ends);
            }
            if let Some(serial) = &mut self.serial {
                serial.read(among, read, &ends);
            }
            if let (Some(clocks), Source::Version(version)) = (&mut self.clocks, read.source) {
                let writer = (versions[version as usize].txn, self.history.bounds(version as usize));
                clocks.read(writer, read.txn);
            }
        }
    }

    /// Judges one committed transaction.
    fn txn(&mut self, txn: u32) {
        if let Some(shared) = &mut self.shared {
            shared.txn(txn);
        }
        if let Some(snapshot) = &mut self.snapshot {
            snapshot.txn(txn);
        }
        if let Some(clocks) = &mut self.clocks {
            clocks.txn(txn);
        }
    }

    fn merged(mut self, other: Self) -> Self {
        self.merge(other);
        self
    }

    fn merge(&mut self, other: Rooms<'_>) {
        if let (Some(sum), Some(part)) = (&mut self.shared, other.shared) {
            sum.merge(part);
        }
        if let (Some(sum), Some(part)) = (&mut self.snapshot, other.snapshot) {
            sum.merge(part);
        }
        if let (Some(sum), Some(part)) = (&mut self.serial, other.serial) {
            sum.merge(part);
        }
        if let (Some(sum), Some(part)) = (&mut self.linearizable, other.linearizable) {
            sum.merge(part);
        }
        if let (Some(sum), Some(part)) = (&mut self.clocks, other.clocks) {
            sum.merge(part);
        }
        if let (Some(sum), Some(part)) = (&mut self.writers, other.writers) {
            sum.merge(part);
        }
    }

    fn report(
        mut self,
        wanted: &Wanted,
        (limit, budget): (Option<usize>, Budget),
    ) -> Vec<(Model, ModelReport)> {
        let refused = wanted.refused.iter().map(|(model, reason)| (*model, ModelReport::not_checked(reason)));
        let mut reports: Vec<(Model, ModelReport)> = refused.collect();
        let txns = self.txns;
        let stamped = external_consistency::needs(txns).is_ok();
        let inverted = wanted.any(&[Model::ExternalConsistency, Model::StrictSerializable]) && stamped;
        let inversions = inverted.then(|| external_consistency::inversions(txns, limit, budget));
        for &model in &wanted.judged {
            let report = match (model, &self.shared, &self.snapshot, &self.serial, &inversions) {
                (Model::SnapshotIsolation, Some(shared), Some(room), ..) => room.report(shared),
                (Model::Serializable, Some(shared), _, Some(room), _) => room.report(shared),
                (Model::StrictSerializable, Some(shared), _, Some(room), inversions) => {
                    strict_serializable::report(room, shared, inversions.as_ref())
                }
                (Model::ExternalConsistency, .., Some(inversions)) => {
                    let waits = external_consistency::waits(txns, limit);
                    external_consistency::report(inversions, &waits)
                }
                _ => continue,
            };
            reports.push((model, report));
        }
        reports.extend(self.writers.take().into_iter().flat_map(writers::Room::report));
        reports.extend(self.linearizable.map(|room| (Model::Linearizable, room.report())));
        reports.extend(self.clocks.take().map(|room| (Model::ClockBounds, room.report(limit))));
        reports
    }
}
