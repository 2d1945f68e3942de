//! Recent writes in a ring, and chains over it by key.

/// Marks the end of a chain. Sequence numbers start at 1.
const NONE: u32 = 0;

/// Buckets a write in reach: seven probes in eight end at an empty or dead bucket.
const BUCKETS: usize = 8;

/// The last writes fed, found by the fingerprint of their key.
///
/// Writes are known by sequence numbers, which only grow; what lies before the tail is dead, and
/// a chain is followed only down to there: nothing is ever removed.
#[derive(Debug)]
pub(super) struct Ring {
    /// The newest write of each bucket.
    heads: Vec<u32>,
    shift: u32,
    entries: Vec<Entry>,
    mask: u32,
    next: u32,
}

/// Eight bytes a write: a chain is followed through as few cache lines as can be. Where the
/// write stands follows from its sequence number.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// The next older write of the bucket.
    older: u32,
    /// The low half of the fingerprint; the bucket is known by its highest bits.
    tag: u32,
}

impl Ring {
    /// A ring for the last `rows` writes.
    pub(super) fn new(rows: usize) -> Self {
        let capacity = rows.next_power_of_two();
        let buckets = (capacity * BUCKETS).max(256);
        Ring {
            heads: vec![NONE; buckets],
            shift: 64 - buckets.trailing_zeros(),
            entries: vec![Entry::default(); capacity],
            mask: capacity as u32 - 1,
            next: 1,
        }
    }

    /// The sequence number that the next write gets.
    pub(super) fn next(&self) -> u32 {
        self.next
    }

    /// Adds the writes of a block, except those that `skip` names by their places: these only
    /// take their sequence numbers. Calls `meet` with the sequence numbers of each older write, at
    /// or after `tail`, whose fingerprint may be the same, and of the newer.
    /// Returns how many entries were looked at.
    #[inline]
    pub(super) fn feed(
        &mut self,
        fingerprints: &[u64],
        tail: u32,
        skip: impl Fn(usize) -> bool,
        mut meet: impl FnMut(u32, u32),
    ) -> u64 {
        const STEP: usize = 256;
        let (heads, entries) = (self.heads.as_mut_slice(), self.entries.as_mut_slice());
        let (shift, mask, mut next) = (self.shift, self.mask, self.next);
        let (mut visited, mut chains) = (0, [0; STEP]);
        for (step, fingerprints) in fingerprints.chunks(STEP).enumerate() {
            let mut count = 0;
            for (place, &fingerprint) in fingerprints.iter().enumerate() {
                let sequence = next;
                next += 1;
                if skip(step * STEP + place) {
                    continue;
                }
                let head = &mut heads[(fingerprint >> shift) as usize];
                let older = std::mem::replace(head, sequence);
                entries[(sequence & mask) as usize] = Entry { older, tag: fingerprint as u32 };
                // Noted always, and kept if the chain is alive: no CPU guesses which are.
                chains[count] = sequence;
                count += usize::from(older >= tail);
            }
            for &newer in &chains[..count] {
                visited += chase(entries, mask, newer, tail, |older| meet(older, newer));
            }
        }
        self.next = next;
        visited
    }
}

/// Follows a chain from the entry of its newest write down to the tail.
#[inline]
fn chase(entries: &[Entry], mask: u32, newest: u32, tail: u32, mut meet: impl FnMut(u32)) -> u64 {
    let Entry { older: mut at, tag } = entries[(newest & mask) as usize];
    let mut visited = 0;
    while at >= tail {
        let entry = entries[(at & mask) as usize];
        visited += 1;
        if entry.tag == tag {
            meet(at);
        }
        at = entry.older;
    }
    visited
}
