//! How many different values a column has.

use rayon::prelude::*;
use skewer_kernels::Isa;

use super::groups::Sorter;
use super::scatter::{PIECE, Record, Scattered};
use crate::log::{Chunk, Log, Scalars};

/// The number of distinct values, nulls left out, in the column that `column` picks.
///
/// Cost: O(rows), and 16 bytes a row of memory.
pub(crate) fn count_distinct(log: &Log, column: impl Fn(&Chunk) -> Option<&Scalars> + Sync) -> u64 {
    if log.chunks.iter().all(|c| column(c).is_none()) {
        return 0;
    }
    let pieces: Vec<(&Chunk, std::ops::Range<usize>)> = log
        .chunks
        .iter()
        .flat_map(|c| (0..c.rows).step_by(PIECE).map(move |first| (c, first..(first + PIECE).min(c.rows))))
        .collect();
    let fill = |piece: usize, out: &mut Vec<Record<0>>| {
        let (chunk, rows) = &pieces[piece];
        let Some(values) = column(chunk) else { return };
        let mut fingerprints = vec![0; rows.len()];
        values.fingerprints(Isa::in_use(), rows.start, &mut fingerprints);
        let present = rows.clone().zip(fingerprints).filter(|(at, _)| values.get(*at).is_some());
        out.extend(present.map(|(at, fingerprint)| Record {
            fingerprint,
            ticks: [],
            row: (chunk.first_row + at as u64) as u32,
            region: 0,
        }));
    };
    let identity = log.chunks.iter().find_map(&column).and_then(Scalars::identity);
    let exact = identity.is_some() && log.chunks.iter().filter_map(&column).all(|v| v.identity() == identity);
    let scattered = Scattered::of(log.len() as usize, pieces.len(), fill);
    let value = |row: u32| {
        let (chunk, at) = log.locate(u64::from(row));
        column(chunk).and_then(|v| v.get(at))
    };
    (0..scattered.len())
        .into_par_iter()
        .map_init(Sorter::default, |sorter, partition| {
            sorter.sort(&scattered, partition);
            let mut count = 0;
            sorter.groups(exact, value, |_| count += 1);
            count
        })
        .sum()
}
