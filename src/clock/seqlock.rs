//! Reading what another process keeps rewriting, whole or not at all.

use std::io;

use super::segment::{Header, MOST_WORDS};

/// Words that may change between any two reads.
pub(super) trait Memory {
    /// Copies the words from index `from` on. Copies that follow in the program happen after it.
    fn copy(&self, from: usize, out: &mut [u64]) -> io::Result<()>;
}

/// What a look at a segment found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// The words are of one update.
    Whole,
    /// The version is 0: the daemon is making the segment anew.
    Restarting,
    /// The generation is 0: nothing was ever written.
    NeverWritten,
    /// The generation is odd: an update is being written.
    Updating,
    /// An update came in between.
    Torn,
}

/// Copies `words` words into `out` between two looks at the header.
///
/// The words are of one update if the generation is even and the same before and after (and the
/// segment was neither remade nor resized). Only 32,767 updates within the copy could fool that:
/// the daemon makes ten a second. What was read before is compared with nothing, so that a generation
/// that wrapped between two readings cannot pass an old bound for a new one.
pub(super) fn look(memory: &impl Memory, words: usize, out: &mut [u64; MOST_WORDS]) -> io::Result<Look> {
    let mut before = [0];
    memory.copy(1, &mut before)?;
    let header = Header::of(before[0]);
    if header.version == 0 {
        return Ok(Look::Restarting);
    }
    if header.generation == 0 {
        return Ok(Look::NeverWritten);
    }
    if !header.generation.is_multiple_of(2) {
        return Ok(Look::Updating);
    }
    memory.copy(0, &mut out[..words])?;
    let mut after = [0];
    memory.copy(1, &mut after)?;
    let whole = before == after && out[1] == before[0];
    Ok(if whole { Look::Whole } else { Look::Torn })
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    /// Memory of a writer that moves on with every copy.
    struct Script {
        /// The header word at each copy in turn, and the body's words.
        steps: Vec<(u16, u16, u64)>,
        at: Cell<usize>,
        seen: RefCell<Vec<usize>>,
    }

    impl Script {
        fn new(steps: &[(u16, u16, u64)]) -> Self {
            Script { steps: steps.to_vec(), at: Cell::new(0), seen: RefCell::default() }
        }
    }

    fn header(version: u16, generation: u16) -> u64 {
        bytemuck::must_cast::<[u16; 4], u64>([80, 0, version, generation])
    }

    impl Memory for Script {
        fn copy(&self, from: usize, out: &mut [u64]) -> io::Result<()> {
            let (version, generation, body) = self.steps[self.at.get().min(self.steps.len() - 1)];
            self.at.set(self.at.get() + 1);
            self.seen.borrow_mut().push(from);
            for (at, word) in out.iter_mut().enumerate() {
                *word = if from + at == 1 { header(version, generation) } else { body };
            }
            Ok(())
        }
    }

    fn look_at(steps: &[(u16, u16, u64)]) -> (Look, [u64; MOST_WORDS]) {
        let mut out = [0; MOST_WORDS];
        (look(&Script::new(steps), 10, &mut out).unwrap(), out)
    }

    /// Promise: words of two updates never pass for one.
    #[test]
    fn torn_reads_are_noticed() {
        assert_eq!(look_at(&[(2, 4, 7); 3]).0, Look::Whole);
        assert_eq!(look_at(&[(2, 4, 7); 3]).1[5], 7);
        // The writer began, finished, and began again around each of the three copies.
        for steps in [
            [(2, 4, 7), (2, 5, 8), (2, 6, 8)],
            [(2, 4, 7), (2, 4, 7), (2, 5, 8)],
            [(2, 4, 7), (2, 6, 8), (2, 6, 8)],
            [(2, 4, 7), (2, 6, 8), (2, 4, 8)],
            [(2, 4, 7), (2, 4, 7), (0, 4, 7)],
            [(2, 65534, 7), (2, 2, 8), (2, 2, 8)],
        ] {
            assert_eq!(look_at(&steps).0, Look::Torn, "{steps:?}");
        }
    }

    /// Promise: a segment that is being written or remade is not read.
    #[test]
    fn unfinished_segments_are_not_read() {
        assert_eq!(look_at(&[(2, 5, 7)]).0, Look::Updating);
        assert_eq!(look_at(&[(2, 0, 7)]).0, Look::NeverWritten);
        assert_eq!(look_at(&[(0, 0, 7)]).0, Look::Restarting);
        assert_eq!(look_at(&[(0, 4, 7)]).0, Look::Restarting);
    }
}
