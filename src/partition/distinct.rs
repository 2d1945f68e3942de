//! How many different values a column has.

use rayon::prelude::*;
use skewer_kernels::Isa;

use super::groups::{Sorter, pieces_of_chunks};
use super::scatter::{Record, Rounds, Scattered};
use crate::log::{Chunk, Log, Scalars};

/// A count is an aside: it must not hold more memory than the judging that follows.
const MEMORY_MAX: u64 = 128 << 20;

/// The number of distinct values, nulls left out, in the column that `column` picks.
///
/// Cost: O(rows), and 16 bytes a row of memory; with a smaller budget O(rows x rounds).
pub(crate) fn count_distinct(
    log: &Log,
    memory: Option<u64>,
    column: impl Fn(&Chunk) -> Option<&Scalars> + Sync,
) -> u64 {
    if log.chunks.iter().all(|c| column(c).is_none()) {
        return 0;
    }
    let memory = memory.unwrap_or(MEMORY_MAX).min(MEMORY_MAX);
    let rounds = Rounds::of(log.len() as usize, size_of::<Record<0>>(), Some(memory));
    let pieces = pieces_of_chunks(log, rounds.piece());
    let fill = |round: usize, piece: usize, out: &mut Vec<Record<0>>| {
        let (chunk, rows) = &pieces[piece];
        let Some(values) = column(chunk) else { return };
        let share = rounds.share(round);
        let mut fingerprints = vec![0; rows.len()];
        values.fingerprints(Isa::in_use(), rows.start, &mut fingerprints);
        let present = rows.clone().zip(fingerprints);
        let present = present.filter(|(at, f)| share.takes(*f) && values.get(*at).is_some());
        out.extend(present.map(|(at, fingerprint)| Record {
            fingerprint,
            ticks: [],
            row: (chunk.first_row + at as u64) as u32,
            region: 0,
        }));
    };
    let identity = log.chunks.iter().find_map(&column).and_then(Scalars::identity);
    let exact = identity.is_some() && log.chunks.iter().filter_map(&column).all(|v| v.identity() == identity);
    let value = |row: u32| {
        let (chunk, at) = log.locate(u64::from(row));
        column(chunk).and_then(|v| v.get(at))
    };
    let of_round = |round: usize| -> u64 {
        let fill = |piece: usize, out: &mut Vec<Record<0>>| fill(round, piece, out);
        let scattered = Scattered::of(log.len() as usize, rounds, pieces.len(), fill);
        let count = |sorter: &mut Sorter<Record<0>>, partition: usize| {
            sorter.sort(&scattered, partition);
            let mut count = 0;
            sorter.groups(exact, value, |_| count += 1);
            count
        };
        (0..scattered.len()).into_par_iter().map_init(Sorter::default, count).sum()
    };
    rounds.each().map(of_round).sum()
}
