//! Recent writes in a ring, and chains over it by key.

/// Marks the end of a chain. Sequence numbers start at 1.
const NONE: u32 = 0;

/// The last writes fed, found by the fingerprint of their key.
///
/// Sequence numbers only grow; what lies before the tail is dead, and a chain is followed only
/// down to there: nothing is ever removed.
#[derive(Debug)]
pub(super) struct Ring {
    /// The newest write of each bucket.
    heads: Vec<u32>,
    shift: u32,
    entries: Vec<Entry>,
    mask: u32,
    next: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    fingerprint: u64,
    /// The next older write of the bucket.
    older: u32,
    segment: u32,
    row: u32,
}

impl Ring {
    /// A ring for the last `rows` writes.
    pub(super) fn new(rows: usize) -> Self {
        let capacity = rows.next_power_of_two();
        // Four buckets a write: three probes in four end at an empty or dead bucket.
        let buckets = (capacity * 4).max(256);
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

    /// Adds a write, and calls `meet` with the segment and row of every older one of the same
    /// fingerprint whose sequence number is at least `tail`, newest first. Returns how many
    /// entries were looked at.
    #[inline]
    pub(super) fn feed(
        &mut self,
        fingerprint: u64,
        (segment, row): (u32, u32),
        tail: u32,
        mut meet: impl FnMut(u32, u32),
    ) -> u32 {
        let head = &mut self.heads[(fingerprint >> self.shift) as usize];
        let mut at = *head;
        *head = self.next;
        self.entries[(self.next & self.mask) as usize] = Entry { fingerprint, older: at, segment, row };
        self.next += 1;
        let mut visited = 0;
        while at >= tail {
            let entry = self.entries[(at & self.mask) as usize];
            visited += 1;
            if entry.fingerprint == fingerprint {
                meet(entry.segment, entry.row);
            }
            at = entry.older;
        }
        visited
    }
}
