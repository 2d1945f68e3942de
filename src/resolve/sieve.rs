//! What of a group may meet, told by bits before anything is compared.
//!
//! Of the writes and checks of a group few meet. So all are put into sections, of which there are many more, and looked at
//! further only where a section has both.

/// Sections for each write: so few checks are taken for what they are not.
const SECTIONS: usize = 32;
const WORD: u32 = u64::BITS;

/// Some sections side by side, by number, the last one included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sections {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Sections {
    /// How many words their bits reach over, but for the one where they begin.
    #[inline]
    pub(super) fn more_words(self) -> usize {
        (self.last / WORD - self.first / WORD) as usize
    }

    /// The word where they begin, and their bits if that is all.
    #[inline]
    fn in_a_word(self) -> (usize, u64) {
        let bits = u64::MAX >> (WORD - 1 - (self.last - self.first) % WORD);
        ((self.first / WORD) as usize, bits << (self.first % WORD))
    }

    /// All their words, and their bits there.
    fn words(self) -> impl Iterator<Item = (usize, u64)> {
        let (from, to) = (self.first / WORD, self.last / WORD);
        (from..=to).map(move |word| {
            let behind = if word == from { u64::MAX << (self.first % WORD) } else { u64::MAX };
            let before = if word == to { u64::MAX >> (WORD - 1 - self.last % WORD) } else { u64::MAX };
            (word as usize, behind & before)
        })
    }
}

/// A bit for each section that has writes, and for each that has checks as well. Room that is used again.
#[derive(Debug, Default)]
pub(super) struct Sieve {
    written: Vec<u64>,
    met: Vec<u64>,
}

#[inline]
fn has_any(bits: &[u64], sections: Sections) -> bool {
    if sections.more_words() > 0 {
        return sections.words().any(|(word, of_word)| bits[word] & of_word != 0);
    }
    let (word, of_word) = sections.in_a_word();
    bits[word] & of_word != 0
}

#[inline]
fn set(bits: &mut [u64], sections: Sections) {
    if sections.more_words() > 0 {
        return sections.words().for_each(|(word, of_word)| bits[word] |= of_word);
    }
    let (word, of_word) = sections.in_a_word();
    bits[word] |= of_word;
}

impl Sieve {
    /// Begins a group of so many writes, and returns how many sections there are: a power of two.
    pub(super) fn begin(&mut self, writes: usize) -> usize {
        let sections = (writes * SECTIONS).next_power_of_two().max(WORD as usize);
        for bits in [&mut self.written, &mut self.met] {
            bits.clear();
            bits.resize(sections / WORD as usize, 0);
        }
        sections
    }

    /// Notes a write. All are noted before the first check.
    #[inline]
    pub(super) fn write(&mut self, sections: Sections) {
        set(&mut self.written, sections);
    }

    /// Whether a check may meet a write, which is noted.
    #[inline]
    pub(super) fn check(&mut self, sections: Sections) -> bool {
        let may_meet = has_any(&self.written, sections);
        if may_meet {
            set(&mut self.met, sections);
        }
        may_meet
    }

    /// Whether a write may meet a check. All were noted before.
    #[inline]
    pub(super) fn is_met(&self, sections: Sections) -> bool {
        has_any(&self.met, sections)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a check is kept if it has a section in common with a write, and a write if it has one with such a check.
    #[test]
    fn what_meets_is_kept() {
        let mut sieve = Sieve::default();
        for seed in 0..400usize {
            let sections = sieve.begin(seed % 40);
            let span = |nth: usize| {
                let first = skewer_kernels::mix_one((seed * 31 + nth) as u64) as usize % sections;
                let wide = if nth.is_multiple_of(4) { sections } else { nth * nth };
                let last = (first + wide % (seed * 3 + 2)).min(sections - 1);
                Sections { first: first as u32, last: last as u32 }
            };
            let (writes, checks) = ([2, 5, 6, 8].map(span), [1, 3, 4, 7].map(span));
            let meet = |a: &Sections, b: &Sections| a.first <= b.last && b.first <= a.last;
            writes.iter().for_each(|write| sieve.write(*write));
            let meets_any = |check: &Sections| writes.iter().any(|write| meet(write, check));
            checks.iter().for_each(|check| assert_eq!(sieve.check(*check), meets_any(check)));
            for write in &writes {
                let is_met = checks.iter().any(|check| meets_any(check) && meet(write, check));
                assert_eq!(sieve.is_met(*write), is_met);
            }
        }
    }
}
