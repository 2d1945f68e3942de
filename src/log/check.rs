//! The rules that each row keeps by itself.

use std::path::Path;

use rayon::prelude::*;
use skewer_kernels::{Isa, extent, first_inverted, prefetch_range};

use super::chunk::{Bounds, Chunk, OUTLINE, READ};
use crate::error::{Error, Result};
use crate::txn::Status;

/// The path of the file that holds a log row, and the row's place in it.
pub(super) type Place<'a> = dyn Fn(u64) -> (&'a Path, u64) + Sync + 'a;

/// A broken rule, at a row of its chunk.
struct Broken {
    row: usize,
    column: &'static str,
    reason: String,
}

/// Checks every row: both ends of a bound or none, ends in order, a time for every committed
/// writer.
///
/// # Errors
/// The first row of the log that breaks a rule.
pub(super) fn rows(chunks: &mut [Chunk], place: &Place<'_>) -> Result<()> {
    chunks.par_iter_mut().for_each(outline);
    let broken = chunks.par_iter().map(check_chunk).find_first(Option::is_some).flatten();
    let Some((first_row, broken)) = broken else { return Ok(()) };
    Err(row_error(place, first_row + broken.row as u64, broken.column, broken.reason))
}

/// An error at a row of the log.
pub(super) fn row_error(place: &Place<'_>, row: u64, column: &str, reason: String) -> Error {
    let (path, row) = place(row);
    Error::Row { path: path.to_owned(), row, column: column.to_owned(), reason }
}

/// Measures the commit bounds, block by block.
fn outline(chunk: &mut Chunk) {
    let Some((earliest, latest)) = chunk.commit.as_ref().and_then(Bounds::dense) else { return };
    let isa = Isa::in_use();
    let blocks = earliest.chunks(OUTLINE).zip(latest.chunks(OUTLINE)).enumerate();
    let measure = |(block, ends): (usize, (&[i64], &[i64]))| {
        // A block is a page of each column, and no CPU reads ahead into the next page.
        prefetch_range(earliest, (block + 1) * OUTLINE, OUTLINE);
        prefetch_range(latest, (block + 1) * OUTLINE, OUTLINE);
        extent(isa, ends.0, ends.1)
    };
    chunk.outline = blocks.map(measure).collect();
}

fn check_chunk(chunk: &Chunk) -> Option<(u64, Broken)> {
    let start = chunk.start.as_ref().and_then(|b| check_bounds(b, ["start_earliest", "start_latest"]));
    let outlined = !chunk.outline.is_empty() && !chunk.outline.iter().any(|e| e.inverted);
    let commit = chunk.commit.as_ref().filter(|_| !outlined);
    let commit = commit.and_then(|b| check_bounds(b, ["commit_earliest", "commit_latest"]));
    let writers = check_writers(chunk);
    let first = [start, commit, writers].into_iter().flatten().min_by_key(|b| b.row)?;
    Some((chunk.first_row, first))
}

/// The first row whose bound is half null, or inverted.
fn check_bounds(bounds: &Bounds, names: [&'static str; 2]) -> Option<Broken> {
    let (earliest, latest) = (&bounds.earliest, &bounds.latest);
    let half_null = earliest.null_mismatch(latest);
    let inverted = match bounds.dense() {
        Some((earliest, latest)) => first_inverted(Isa::in_use(), earliest, latest),
        None => (0..earliest.values().len())
            .find(|&row| earliest.get(row).zip(latest.get(row)).is_some_and(|(e, l)| e > l)),
    };
    let row = half_null.into_iter().chain(inverted).min()?;
    let show = |t: Option<i64>| t.map_or("null".to_owned(), |t| t.to_string());
    let (e, l) = (show(earliest.get(row)), show(latest.get(row)));
    let reason = if half_null == Some(row) {
        format!("earliest is {e} and latest is {l}; both ends of a bound are present or null together")
    } else {
        format!("earliest {e} is after latest {l}")
    };
    Some(Broken { row, column: both(names), reason })
}

/// The names of a bound's two columns, as an error names them.
fn both(names: [&'static str; 2]) -> &'static str {
    if names[0].starts_with("start") {
        "start_earliest and start_latest"
    } else {
        "commit_earliest and commit_latest"
    }
}

/// A committed write without any commit time could be ordered by nothing.
fn check_writers(chunk: &Chunk) -> Option<Broken> {
    let dense = chunk.commit.as_ref().is_some_and(|b| b.dense().is_some())
        || chunk.commit_ts.as_ref().is_some_and(|t| t.dense().is_some());
    if dense {
        return None;
    }
    let timeless = |row: usize| {
        let bound = chunk.commit.as_ref().and_then(|b| b.get(row));
        let assigned = chunk.commit_ts.as_ref().and_then(|t| t.get(row));
        bound.is_none() && assigned.is_none()
    };
    let row = (0..chunk.rows)
        .find(|&row| chunk.op.get(row) != READ && chunk.status(row) == Status::Committed && timeless(row))?;
    let reason = "both are null; a committed writer has a commit bound or a commit timestamp".to_owned();
    Some(Broken { row, column: "commit_earliest and commit_ts", reason })
}
