//! The root: where the inner nodes are.

use super::seconds::{self, Depth};
use crate::resolve::keys::{KeyRef, Keys, NONE, head};

/// The inner nodes in key order, each with the least key that belongs to it (the first one's is not compared).
#[derive(Debug)]
pub(super) struct Root {
    heads: Vec<u64>,
    seconds: Vec<u64>,
    depths: Vec<Depth>,
    /// What two neighbours, and so most lows, if they are alike, have behind their heads.
    text: Vec<u8>,
    pub(super) lows: Vec<KeyRef>,
    pub(super) inners: Vec<u32>,
    sections: Sections,
}

impl Root {
    pub(super) fn of_one(inner: u32) -> Self {
        Self {
            heads: vec![0],
            seconds: vec![0],
            depths: vec![Depth::default()],
            text: Vec::new(),
            lows: vec![NONE],
            inners: vec![inner],
            sections: Sections::default(),
        }
    }

    pub(super) fn last(&self) -> u32 {
        self.inners[self.inners.len() - 1]
    }

    pub(super) fn place_of(&self, inner: u32) -> usize {
        // Stretch by stretch: whether one holds it is seen in all of it at once.
        let holds = |stretch: &[u32]| stretch.iter().filter(|i| **i == inner).count() > 0;
        let stretch = self.inners.chunks(128).position(holds).unwrap_or(0) * 128;
        stretch + self.inners[stretch..].iter().position(|i| *i == inner).unwrap_or(0)
    }

    pub(super) fn behind(&self, place: usize) -> &[u32] {
        &self.inners[place + 1..]
    }

    /// The least key that no longer belongs to the inner node at `place`.
    pub(super) fn high(&self, place: usize) -> KeyRef {
        self.lows.get(place + 1).copied().unwrap_or(NONE)
    }

    pub(super) fn bytes(&self) -> usize {
        self.inners.capacity() * (2 * size_of::<u64>() + 3 * size_of::<u32>())
            + self.sections.starts.capacity() * size_of::<u32>()
            + self.text.capacity()
    }

    /// Puts an inner node at `place`, which is not the first.
    pub(super) fn insert(&mut self, keys: &Keys, place: usize, (low, inner): (KeyRef, u32), prefix: usize) {
        self.heads.insert(place, head(keys.get(low), prefix));
        self.seconds.insert(place, 0);
        self.depths.insert(place, Depth::default());
        self.lows.insert(place, low);
        self.inners.insert(place, inner);
        if self.sections.insert(&self.heads[1..], self.heads[place]) {
            self.deepen(keys, place, prefix);
        } else {
            self.deepen_all(keys, prefix);
        }
    }

    /// Removes the inner node at `place`, which is not the first.
    pub(super) fn remove(&mut self, keys: &Keys, place: usize, prefix: usize) {
        let gone = self.heads.remove(place);
        self.seconds.remove(place);
        self.depths.remove(place);
        self.lows.remove(place);
        self.inners.remove(place);
        if !self.sections.remove(&self.heads[1..], gone) {
            return self.deepen_all(keys, prefix);
        }
        for beside in [place - 1, place] {
            if beside > 0 && beside < self.heads.len() {
                self.deepen(keys, beside, prefix);
            }
        }
    }

    /// Changes how many bytes the heads leave out.
    pub(super) fn set_prefix(&mut self, keys: &Keys, prefix: usize) {
        for at in 1..self.lows.len() {
            self.heads[at] = head(keys.get(self.lows[at]), prefix);
        }
        self.sections.renew(&self.heads[1..]);
        self.deepen_all(keys, prefix);
    }

    /// Renews the text and all second heads.
    fn deepen_all(&mut self, keys: &Keys, prefix: usize) {
        self.text.clear();
        let middle = self.lows.len() / 2;
        if middle > 1 {
            self.text.extend_from_slice(seconds::text_of(
                keys,
                [middle - 1, middle].map(|at| self.lows[at]),
                prefix,
            ));
        }
        let mut at = 1;
        while at < self.lows.len() {
            at = self.deepen(keys, at, prefix);
        }
    }

    /// Renews the second heads of those whose head is that at `place`, and returns where the next one's begin.
    fn deepen(&mut self, keys: &Keys, place: usize, prefix: usize) -> usize {
        let (here, others) =
            ((&self.heads[1..], &self.lows[1..]), (&mut self.seconds[1..], &mut self.depths[1..]));
        1 + seconds::deepen(keys, here, others, (&self.text, prefix), place - 1)
    }

    /// The place of a key's inner node, given how many bytes the heads leave out.
    #[inline]
    pub(super) fn place(&self, keys: &Keys, key: &[u8], prefix: usize) -> usize {
        let head = head(key, prefix);
        let heads = &self.heads[1..];
        let at = self.sections.place(heads, head);
        if heads.get(at) != Some(&head) {
            return at;
        }
        let (here, others) =
            ((&heads[at..], &self.lows[1 + at..]), (&self.seconds[1 + at..], &self.depths[1 + at..]));
        at + seconds::tied(keys, here, others, (&self.text, prefix), (key, head))
    }
}

/// Where in the order of heads a search has to look: heads from the least to the greatest are cut into sections of equal
/// width. Where they are spread evenly a section holds one or two; where they are not, the search in a section
/// is what it would have been in all.
#[derive(Debug, Default)]
struct Sections {
    /// How many heads are below each section; one more than there are sections, or empty.
    starts: Vec<u32>,
    least: u64,
    shift: u32,
    /// Heads that came or went since the sections were chosen.
    changes: usize,
}

impl Sections {
    /// Fewer heads are searched as they are.
    const FEW: usize = 16;

    #[inline]
    fn section(&self, head: u64) -> usize {
        ((head.saturating_sub(self.least) >> self.shift) as usize).min(self.starts.len() - 2)
    }

    /// How many of some heads are less than `head`.
    #[inline]
    fn place(&self, heads: &[u64], head: u64) -> usize {
        if self.starts.is_empty() {
            return heads.partition_point(|h| *h < head);
        }
        let section = self.section(head);
        let (start, end) = (self.starts[section] as usize, self.starts[section + 1] as usize);
        if end - start <= 4
            && let Some(few) = heads[start..].first_chunk::<4>()
        {
            // Without a branch: those of the next sections are greater.
            return start + few.iter().map(|h| usize::from(*h < head)).sum::<usize>();
        }
        start + heads[start..end].partition_point(|h| *h < head)
    }

    /// Chooses sections: about one a head.
    fn renew(&mut self, heads: &[u64]) {
        self.starts.clear();
        self.changes = 0;
        let (Some(least), Some(most)) = (heads.first(), heads.last()) else { return };
        if heads.len() < Self::FEW {
            return;
        }
        let bits = heads.len().next_power_of_two().ilog2() + 1;
        self.least = *least;
        self.shift = (u64::BITS - (most - least).leading_zeros()).saturating_sub(bits);
        self.starts.resize(((most - least) >> self.shift) as usize + 2, 0);
        for head in heads {
            let section = self.section(*head);
            self.starts[section + 1] += 1;
        }
        for section in 1..self.starts.len() {
            self.starts[section] += self.starts[section - 1];
        }
    }

    /// Notes that `head` came to be one of some heads; whether the sections are as they were.
    fn insert(&mut self, heads: &[u64], head: u64) -> bool {
        let is_stale = self.is_stale(heads);
        if !is_stale {
            let section = self.section(head);
            self.starts[section + 1..].iter_mut().for_each(|start| *start += 1);
        }
        !is_stale
    }

    /// Notes that `head` is no longer one of some heads; whether the sections are as they were.
    fn remove(&mut self, heads: &[u64], head: u64) -> bool {
        let is_stale = self.is_stale(heads);
        if !is_stale {
            let section = self.section(head);
            self.starts[section + 1..].iter_mut().for_each(|start| *start -= 1);
        }
        !is_stale
    }

    /// Renews the sections where there are none, or much has changed since.
    fn is_stale(&mut self, heads: &[u64]) -> bool {
        self.changes += 1;
        let is_stale = self.starts.is_empty() || self.changes * 8 > heads.len();
        if is_stale {
            self.renew(heads);
        }
        is_stale
    }
}
