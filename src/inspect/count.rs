//! Counting what a log holds.

use super::summary::summary;
use super::{InspectedColumn, InspectedFile, InspectedRegion, Inspection, Operations, Statuses, Widths};
use crate::clock::SuspectStamps;
use crate::error::Result;
use crate::log::{Chunk, DELETE, Log, READ, TIME_COLUMNS, is_known};
use crate::time::{BoundedTimestamp, Unit};
use crate::txn::{Status, Times};

/// What `log` holds.
///
/// # Errors
/// None today: what is counted is counted in memory.
///
/// Cost: O(rows), and 16 bytes a row of memory for the widths of bounds.
pub fn inspect(log: &Log) -> Result<Inspection> {
    let summary = summary(log, true, None)?;
    let (mut operations, mut statuses) = (Operations::default(), Statuses::default());
    let mut watch = Watch::default();
    let mut regions: Vec<Region> = log.regions().iter().map(|_| Region::default()).collect();
    for chunk in &log.chunks {
        for at in 0..chunk.rows {
            match chunk.op.get(at) {
                READ => operations.reads += 1,
                DELETE => operations.deletes += 1,
                _ if chunk.value.as_ref().is_some_and(|v| v.get(at).is_none()) => operations.deletes += 1,
                _ => operations.writes += 1,
            }
            match chunk.status(at) {
                Status::Committed => statuses.committed += 1,
                Status::Aborted => statuses.aborted += 1,
                Status::Unknown => statuses.unknown += 1,
            }
            regions[usize::from(chunk.region.get(at))].add(&chunk.times(at));
        }
        watch.see(chunk, log.unit());
    }
    Ok(Inspection {
        files: files(log),
        unit: log.unit(),
        rows: summary.rows,
        transactions: summary.transactions,
        keys: summary.keys,
        sessions: summary.sessions,
        operations,
        statuses,
        regions: log.regions().iter().zip(regions).map(|(name, region)| region.inspected(name)).collect(),
        warnings: watch.warnings(log.unit()),
    })
}

fn files(log: &Log) -> Vec<InspectedFile> {
    let columns = |schema: &arrow::datatypes::Schema| {
        let column = |field: &arrow::datatypes::FieldRef| InspectedColumn {
            name: field.name().clone(),
            data_type: field.data_type().to_string(),
            used: is_known(field.name()),
        };
        schema.fields().iter().map(column).collect()
    };
    let file = |((name, rows), table): (&(String, u64), &crate::log::Table)| InspectedFile {
        name: name.clone(),
        rows: *rows,
        columns: columns(&table.schema),
    };
    log.places().files.iter().zip(&log.tables).map(file).collect()
}

/// Looks for times of another unit, in each column.
#[derive(Default)]
struct Watch {
    columns: [SuspectStamps; TIME_COLUMNS.len()],
}

impl Watch {
    fn see(&mut self, chunk: &Chunk, unit: Unit) {
        let (start, commit) = (chunk.start.as_ref(), chunk.commit.as_ref());
        // In the order of the columns' names.
        let ticks = [
            start.map(|b| &b.earliest),
            start.map(|b| &b.latest),
            commit.map(|b| &b.earliest),
            commit.map(|b| &b.latest),
            chunk.start_ts.as_ref(),
            chunk.commit_ts.as_ref(),
        ];
        for (stamps, ticks) in self.columns.iter_mut().zip(ticks) {
            let Some(ticks) = ticks else { continue };
            for at in 0..chunk.rows {
                ticks.get(at).into_iter().for_each(|t| stamps.see(chunk.first_row + at as u64, t, unit));
            }
        }
    }

    fn warnings(&self, unit: Unit) -> Vec<String> {
        let named = self.columns.iter().zip(TIME_COLUMNS);
        named.filter_map(|(stamps, name)| stamps.warning(name, unit)).collect()
    }
}

#[derive(Default)]
struct Region {
    rows: u64,
    starts: Bounds,
    commits: Bounds,
}

/// The bounds of one end of a region's transactions.
#[derive(Default)]
struct Bounds {
    /// Widths of those that are limited.
    widths: Vec<u64>,
    unlimited: u64,
}

impl Bounds {
    fn add(&mut self, bound: Option<BoundedTimestamp>) {
        match bound {
            Some(BoundedTimestamp::UNBOUNDED) => self.unlimited += 1,
            Some(limited) => self.widths.push(limited.width()),
            None => {}
        }
    }
}

impl Region {
    fn add(&mut self, times: &Times) {
        self.rows += 1;
        self.starts.add(times.start);
        self.commits.add(times.commit);
    }

    fn inspected(self, name: &str) -> InspectedRegion {
        InspectedRegion {
            name: name.to_owned(),
            rows: self.rows,
            without_start: self.rows - self.starts.widths.len() as u64,
            without_commit: self.rows - self.commits.widths.len() as u64,
            unlimited_start: self.starts.unlimited,
            unlimited_commit: self.commits.unlimited,
            start_widths: widths(self.starts.widths),
            commit_widths: widths(self.commits.widths),
        }
    }
}

fn widths(mut widths: Vec<u64>) -> Option<Widths> {
    let rows = widths.len();
    let mut at = |share: usize| {
        let rank = (rows * share).div_ceil(100).max(1) - 1;
        *widths.select_nth_unstable(rank).1
    };
    if rows == 0 {
        return None;
    }
    let (median, p99) = (at(50), at(99));
    let (min, max) = (widths.iter().min().copied()?, widths.iter().max().copied()?);
    Some(Widths { rows: rows as u64, min, median, p99, max })
}
