//! The bytes of keys, in the order in which they came.
//!
//! Keys mostly die in the order in which they came, so a chunk of neighbours is given back as a whole
//! when the last of them is gone: storing appends, freeing counts down, and neither touches what lies cold. A
//! key that is written again is stored again, unless it is among the young ([`KeyLog::is_aged`]). Where
//! that is not enough, chunks that a few keys would keep are condemned; whoever sweeps the window moves
//! these keys ([`KeyLog::is_condemned`]), so that memory follows what is held.

use std::collections::VecDeque;

use skewer_kernels::prefetch_read;

use super::key_room::copy;
use super::keys::KeyRef;
use super::large::{LARGE, LargeKeys, most_chunks};
use super::slabs::{CHUNK, Slabs};

/// Where a key begins is told in so many bytes.
const UNIT: usize = 4;
const UNIT_BITS: u32 = (CHUNK / UNIT).ilog2();
const MOST_CHUNKS: usize = most_chunks(UNIT_BITS);
const HEADER: usize = 4;
/// Bytes in a cache line.
const LINE: usize = 64;

#[derive(Debug, Default)]
struct Chunk {
    /// How many of its bytes are in use.
    filled: usize,
    /// Keys stored in it, and those of them that were not freed.
    stored: u32,
    live: u32,
    /// Which of all chunks ever taken into use it is.
    born: u32,
    condemned: bool,
}

/// A log of byte strings. `store` and `free` take constant time, amortised over chunks.
#[derive(Debug, Default)]
pub(super) struct KeyLog {
    slabs: Slabs,
    /// What is known of each chunk.
    chunks: Vec<Chunk>,
    /// Keys that no chunk holds.
    large: LargeKeys,
    /// The chunk that is being filled.
    open: Option<u32>,
    /// Chunks and when they were born, from the oldest on. Where the chunk was born anew since, this one is gone.
    order: VecDeque<(u32, u32)>,
    spare: Vec<u32>,
    /// How many chunks were born.
    births: u32,
    /// Chunks that are condemned.
    condemned: usize,
    /// Over the chunks that are not condemned.
    stored: usize,
    live: usize,
    /// Room for a key on its way.
    moving: Vec<u8>,
}

impl KeyLog {
    /// Stores a copy of `key`. The caller frees it once.
    #[inline]
    pub(super) fn store(&mut self, key: &[u8]) -> KeyRef {
        if !self.may_claim(key.len()) {
            return self.large.store(key.into());
        }
        let (place, room) = self.claim(key.len());
        copy(room, key);
        place
    }

    /// Stores the bytes of one key that come in two pieces.
    pub(super) fn store_both(&mut self, first: &[u8], second: &[u8]) -> KeyRef {
        if !self.may_claim(first.len() + second.len()) {
            return self.large.store([first, second].concat().into());
        }
        let (place, room) = self.claim(first.len() + second.len());
        let (front, back) = room.split_at_mut(first.len());
        front.copy_from_slice(first);
        back.copy_from_slice(second);
        place
    }

    /// Whether a chunk has room for a key of `len` bytes, or may be taken into use for it.
    #[inline]
    fn may_claim(&self, len: usize) -> bool {
        len <= CHUNK - HEADER && (self.chunks.len() < MOST_CHUNKS || self.may_claim_last(len))
    }

    #[cold]
    fn may_claim_last(&self, len: usize) -> bool {
        let has_room = |at: u32| self.chunks[at as usize].filled + HEADER + len <= CHUNK;
        !self.spare.is_empty() || self.open.is_some_and(has_room)
    }

    /// Room for a key of `len` bytes, which a chunk can hold.
    #[inline]
    fn claim(&mut self, len: usize) -> (KeyRef, &mut [u8]) {
        let need = HEADER + len;
        let at = match self.open {
            Some(at) if self.chunks[at as usize].filled + need <= CHUNK => at,
            _ => self.open(),
        };
        self.stored += 1;
        self.live += 1;
        let chunk = &mut self.chunks[at as usize];
        let start = chunk.filled;
        chunk.filled = (start + need).next_multiple_of(UNIT);
        chunk.stored += 1;
        chunk.live += 1;
        let bytes = self.slabs.chunk_mut(at as usize);
        let (header, room) = bytes[start..start + need].split_at_mut(HEADER);
        header.copy_from_slice(&(len as u32).to_le_bytes());
        ((at << UNIT_BITS) | (start / UNIT) as u32, room)
    }

    /// The bytes of a stored key.
    #[inline]
    pub(super) fn get(&self, place: KeyRef) -> &[u8] {
        if place >= LARGE {
            return self.large.get(place);
        }
        let (chunk, at) = locate(place);
        let (header, bytes) = self.slabs.chunk(chunk)[at..].split_at(HEADER);
        let len = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
        &bytes[..len as usize]
    }

    /// Fetches the first two lines of a stored key.
    #[inline]
    pub(super) fn prefetch(&self, place: KeyRef) {
        if place >= LARGE {
            return;
        }
        let (chunk, at) = locate(place);
        let bytes = self.slabs.chunk(chunk);
        prefetch_read(bytes, at);
        // Most keys end in this line or in the next one.
        prefetch_read(bytes, at + LINE - 1);
    }

    /// Gives a stored key back.
    #[inline]
    pub(super) fn free(&mut self, place: KeyRef) {
        if place >= LARGE {
            return self.large.free(place);
        }
        let (at, _) = locate(place);
        let chunk = &mut self.chunks[at];
        chunk.live -= 1;
        self.live -= usize::from(!chunk.condemned);
        if chunk.live == 0 {
            self.recycle(at);
        }
    }

    /// Whether any key is condemned.
    #[inline]
    pub(super) fn has_condemned(&self) -> bool {
        self.condemned > 0
    }

    /// Whether the key stands in the way of giving memory back: [`restore`](Self::restore) it.
    #[inline]
    pub(super) fn is_condemned(&self, place: KeyRef) -> bool {
        place < LARGE && self.chunks[locate(place).0].condemned
    }

    /// Whether a key that is written again had better be stored anew, lest it outlive its neighbours.
    #[inline]
    pub(super) fn is_aged(&self, place: KeyRef) -> bool {
        if place >= LARGE {
            return false;
        }
        let age = self.births.wrapping_sub(self.chunks[locate(place).0].born);
        age as usize * 8 > self.order.len()
    }

    /// Stores a condemned key anew, and frees it where it was.
    #[cold]
    pub(super) fn restore(&mut self, place: KeyRef) -> KeyRef {
        let mut key = std::mem::take(&mut self.moving);
        key.clear();
        key.extend_from_slice(self.get(place));
        self.free(place);
        let place = self.store(&key);
        self.moving = key;
        place
    }

    /// Bytes of the chunks, unused ones included, and of large keys.
    pub(super) fn bytes(&self) -> usize {
        self.chunks.len() * (CHUNK + size_of::<Chunk>()) + self.large.bytes()
    }

    /// Takes a chunk into use, and condemns old ones if too little in them lives.
    #[cold]
    fn open(&mut self) -> u32 {
        // Where there are few chunks, the two at the ends are much of all.
        for at in 0..self.order.len().saturating_sub(4) {
            if self.stored * 4 <= self.live * 5 {
                break;
            }
            let (chunk, born) = self.order[at];
            let chunk = &mut self.chunks[chunk as usize];
            if chunk.born == born && chunk.live > 0 && !chunk.condemned {
                chunk.condemned = true;
                self.condemned += 1;
                self.stored -= chunk.stored as usize;
                self.live -= chunk.live as usize;
            }
        }
        let at = self.spare.pop().unwrap_or_else(|| {
            self.chunks.push(Chunk::default());
            self.slabs.add() as u32
        });
        let chunk = &mut self.chunks[at as usize];
        self.births = self.births.wrapping_add(1);
        chunk.born = self.births;
        self.order.push_back((at, chunk.born));
        self.open = Some(at);
        at
    }

    /// A chunk whose keys are all gone. The one that is being filled begins anew.
    #[cold]
    fn recycle(&mut self, at: usize) {
        let is_open = self.open == Some(at as u32);
        let chunk = &mut self.chunks[at];
        if chunk.condemned {
            self.condemned -= 1;
        } else {
            self.stored -= chunk.stored as usize;
        }
        (chunk.stored, chunk.condemned) = (0, false);
        chunk.filled = 0;
        if is_open {
            return;
        }
        self.spare.push(at as u32);
        let chunks = &self.chunks;
        let is_gone = |(at, born): &(u32, u32)| {
            let chunk = &chunks[*at as usize];
            chunk.born != *born || chunk.stored == 0
        };
        while self.order.len() > 1 && self.order.front().is_some_and(is_gone) {
            self.order.pop_front();
        }
    }
}

#[inline]
fn locate(place: KeyRef) -> (usize, usize) {
    ((place >> UNIT_BITS) as usize, (place as usize & ((1 << UNIT_BITS) - 1)) * UNIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: keys of any length come back whole, and memory follows what is held, whatever dies first.
    #[test]
    fn keys_come_back() {
        let mut log = KeyLog::default();
        let mut held: Vec<(KeyRef, Vec<u8>)> = Vec::new();
        for round in 0..20_000usize {
            let len = match round % 1_000 {
                0 => 100_000,
                1..=3 => CHUNK - HEADER - 2 + round % 1_000,
                _ => round % 90,
            };
            let key = vec![round as u8; len];
            held.push((log.store(&key), key));
            if held.len() > 500 {
                // Every eighth stays for long: its chunk has to be condemned.
                let gone = if round % 8 == 0 { 400 } else { held.len() / 2 };
                log.free(held.remove(gone).0);
            }
            for (place, _) in &mut held {
                if log.is_condemned(*place) {
                    *place = log.restore(*place);
                }
            }
        }
        held.iter().for_each(|(place, key)| assert_eq!(log.get(*place), key));
        assert!(log.bytes() < 2_000_000, "{}", log.bytes());
        held.iter().for_each(|(place, _)| log.free(*place));
        assert_eq!((log.live, log.stored), (0, 0));
        assert!(log.large.bytes() < 10_000, "names alone: {}", log.large.bytes());
    }
}
