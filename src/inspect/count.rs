//! Counting what a log holds.

use super::summary::summary;
use super::{InspectedColumn, InspectedFile, InspectedRegion, Inspection, Operations, Statuses, Widths};
use crate::log::{DELETE, Log, READ, is_known};
use crate::time::BoundedTimestamp;
use crate::txn::{Status, Times};

/// What `log` holds.
///
/// Cost: O(rows), and 16 bytes a row of memory for the widths of bounds.
pub fn inspect(log: &Log) -> Inspection {
    let summary = summary(log, true, None);
    let (mut operations, mut statuses) = (Operations::default(), Statuses::default());
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
    }
    Inspection {
        files: files(log),
        unit: log.unit(),
        rows: summary.rows,
        transactions: summary.transactions,
        keys: summary.keys,
        sessions: summary.sessions,
        operations,
        statuses,
        regions: log.regions().iter().zip(regions).map(|(name, region)| region.inspected(name)).collect(),
    }
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

#[derive(Default)]
struct Region {
    rows: u64,
    starts: Vec<u64>,
    commits: Vec<u64>,
}

impl Region {
    fn add(&mut self, times: &Times) {
        self.rows += 1;
        self.starts.extend(times.start.map(BoundedTimestamp::width));
        self.commits.extend(times.commit.map(BoundedTimestamp::width));
    }

    fn inspected(self, name: &str) -> InspectedRegion {
        InspectedRegion {
            name: name.to_owned(),
            rows: self.rows,
            start_widths: widths(self.starts),
            commit_widths: widths(self.commits),
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
