//! Recent writes in a ring, and chains over it by key.

use bytemuck::Pod;

/// Marks the end of a chain. Sequence numbers start at 1.
const NONE: u32 = 0;

/// The last writes fed, found by the fingerprint of their key.
///
/// Writes are known by sequence numbers, which only grow; what lies before the tail is dead, and
/// a chain is followed only down to there: nothing is ever removed.
///
/// Both sizes are powers of two and part of the type: no index needs a check, and the loop is
/// bound by the number of its instructions.
#[derive(Debug)]
pub(super) struct Ring<'m, const BUCKETS: usize, const ENTRIES: usize> {
    /// The newest write of each bucket.
    heads: &'m mut [u32; BUCKETS],
    /// See [`entry`].
    entries: &'m mut [u64; ENTRIES],
    next: u32,
}

/// What is known of a write: the next older one of its bucket, and the low half of its fingerprint
/// above it (the bucket is known by the highest bits). Eight bytes, stored at once, so that a
/// chain is followed through as few cache lines as can be. Where the write stands follows from its
/// sequence number.
fn entry(older: u32, fingerprint: u64) -> u64 {
    fingerprint << 32 | u64::from(older)
}

/// The first words of `memory` as an array, and the rest.
fn front<W: Pod, const N: usize>(memory: &mut [u64], words: usize) -> (&mut [W; N], &mut [u64]) {
    let (front, rest) = memory.split_at_mut(words);
    match bytemuck::cast_slice_mut(front).try_into() {
        Ok(array) => (array, rest),
        Err(_) => unreachable!("the words are the array's"),
    }
}

impl<'m, const BUCKETS: usize, const ENTRIES: usize> Ring<'m, BUCKETS, ENTRIES> {
    const HEAD_WORDS: usize = BUCKETS / 2;

    /// The words of memory that a ring takes: where it is large best in a huge page, and the same for one ring after the
    /// other. Heads are reached at random, and pages that lie anywhere would push each other out of the second-level cache.
    pub(super) const WORDS: usize = Self::HEAD_WORDS + ENTRIES;

    /// A ring without writes in [`WORDS`](Self::WORDS) of memory, which may hold anything.
    pub(super) fn of(memory: &'m mut [u64]) -> Self {
        let (heads, rest) = front(memory, Self::HEAD_WORDS);
        let (entries, _) = front(rest, ENTRIES);
        heads.fill(NONE);
        Ring { heads, entries, next: 1 }
    }

    /// The sequence number that the next write gets.
    pub(super) fn next(&self) -> u32 {
        self.next
    }

    /// Adds the writes of a block, except those that `skip` names by their places: these only
    /// take their sequence numbers. `ahead` is called with every eighth place. Calls `meet` with the sequence numbers of each older write, at
    /// or after `tail`, whose fingerprint may be the same, and of the newer.
    /// Returns how many entries were looked at; once these are more than `most` it stops, whatever is left.
    #[inline]
    pub(super) fn feed(
        &mut self,
        fingerprints: &[u64],
        (tail, most): (u32, u64),
        skip: impl Fn(usize) -> bool,
        ahead: impl Fn(usize),
        mut meet: impl FnMut(u32, u32),
    ) -> u64 {
        const STEP: usize = 1 << u8::BITS;
        let (heads, entries) = (&mut *self.heads, &mut *self.entries);
        let (mut visited, mut chains) = (0, [0; STEP]);
        for (step, fingerprints) in fingerprints.chunks(STEP).enumerate() {
            let mut count = 0;
            let mut enter = |place: usize, fingerprint: u64| {
                let sequence = self.next + place as u32;
                if skip(step * STEP + place) {
                    return;
                }
                // Two shifts, lest one bucket mean a shift by 64.
                let head = &mut heads[(fingerprint >> 1 >> (63 - BUCKETS.trailing_zeros())) as usize];
                let older = std::mem::replace(head, sequence);
                entries[sequence as usize % ENTRIES] = entry(older, fingerprint);
                // Noted always, and kept if the chain is alive: no CPU guesses which are. The last
                // place of a step is 255, so the count fits.
                chains[usize::from(count as u8)] = sequence;
                count += usize::from(older >= tail);
            };
            let (eights, rest) = fingerprints.as_chunks::<8>();
            for (at, eight) in eights.iter().enumerate() {
                ahead(step * STEP + 8 * at);
                for (place, &fingerprint) in eight.iter().enumerate() {
                    enter(8 * at + place, fingerprint);
                }
            }
            if !rest.is_empty() {
                ahead(step * STEP + 8 * eights.len());
            }
            for (place, &fingerprint) in rest.iter().enumerate() {
                enter(8 * eights.len() + place, fingerprint);
            }
            self.next += fingerprints.len() as u32;
            for &newer in &chains[..count] {
                visited += chase(entries, newer, tail, |older| meet(older, newer));
                if visited > most {
                    return visited;
                }
            }
        }
        visited
    }
}

/// Follows a chain from the entry of its newest write down to the tail.
#[inline]
fn chase<const ENTRIES: usize>(
    entries: &[u64; ENTRIES],
    newest: u32,
    tail: u32,
    mut meet: impl FnMut(u32),
) -> u64 {
    let first = entries[newest as usize % ENTRIES];
    let (mut at, mut visited) = (first as u32, 0);
    while at >= tail {
        let next = entries[at as usize % ENTRIES];
        visited += 1;
        if next >> 32 == first >> 32 {
            meet(at);
        }
        at = next as u32;
    }
    visited
}
