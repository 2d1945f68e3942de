//! The bytes of keys, in the order in which they came.
//!
//! Keys mostly die in the order in which they came, so a chunk of neighbours is given back as a whole
//! when the last of them is gone: storing appends, freeing counts down, and neither touches what lies cold. A
//! key that is written again is stored again, unless it is among the young ([`KeyLog::is_aged`]). Where
//! that is not enough, chunks that a few keys would keep are condemned; whoever sweeps the window moves
//! these keys ([`KeyLog::is_condemned`]), so that memory follows what is held. The end of a range that begins as its
//! start does is mostly stored as what it has of its own ([`KeyLog::store_like`]).

use std::collections::VecDeque;

use skewer_kernels::prefetch_read;

use super::key_room::copy;
use super::keys::KeyRef;
use super::large::{LARGE, LargeKeys, most_chunks};
use super::slabs::{CHUNK, Slabs};
use super::stored::{Header, Stored};

/// Where a key begins is told in so many bytes.
const UNIT: usize = 4;
const UNIT_BITS: u32 = (CHUNK / UNIT).ilog2();
const MOST_CHUNKS: usize = most_chunks(UNIT_BITS);
const HEADER: usize = 4;
/// Bytes before a key that no chunk holds: how many of its first bytes are left out.
const SKIP: usize = 4;
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
    pub(super) moving: Vec<u8>,
}

impl KeyLog {
    /// Stores a copy of `key`. The caller frees it once.
    #[inline]
    pub(super) fn store(&mut self, key: &[u8]) -> KeyRef {
        self.store_from(key, 0)
    }

    /// Stores the bytes of `key` from `skip` on, which is [`skipped`](super::stored::skipped) at most and its length.
    #[inline]
    pub(super) fn store_from(&mut self, key: &[u8], skip: usize) -> KeyRef {
        self.store_rest(&key[skip..], skip)
    }

    /// Stores what follows `skip` bytes of a key.
    #[inline]
    fn store_rest(&mut self, own: &[u8], skip: usize) -> KeyRef {
        if !self.may_claim(own.len()) {
            return self.large.store([&(skip as u32).to_le_bytes()[..], own].concat().into());
        }
        let (place, room) = self.claim(Header::plain(skip, own.len()));
        copy(room, own);
        place
    }

    /// Stores the bytes of `key` from `skip` on. Its first `shared` bytes are those of the key at `other`: these are not copied if
    /// that is not front-coded and lies in the chunk that is being filled, which has room for the few others.
    #[inline(never)]
    pub(super) fn store_like(&mut self, key: &[u8], skip: usize, (other, shared): (KeyRef, usize)) -> KeyRef {
        let Some(header) = self.front_coded(key, other, shared) else { return self.store_from(key, skip) };
        let (place, room) = self.claim(header);
        // So few that a call would cost more.
        room.iter_mut().zip(&key[shared..]).for_each(|(to, byte)| *to = *byte);
        place
    }

    /// How a key is stored without the first bytes, which it shares with another, if it can be.
    #[inline]
    fn front_coded(&self, key: &[u8], other: KeyRef, shared: usize) -> Option<Header> {
        let open = self.open.filter(|open| other < LARGE && other >> UNIT_BITS == *open)?;
        let (chunk, at) = locate(other);
        let (filled, bytes) = (self.chunks[open as usize].filled, self.slabs.chunk(chunk));
        let other = Header::at(bytes, at);
        let (own, shared) = (key.len() - shared, shared.checked_sub(other.skip)?);
        let header = Header { skip: 0, own, shared, back: (filled - at) / UNIT };
        // It may have to be stored anew without the other.
        let has_room = filled + HEADER + own <= CHUNK && HEADER + shared + own <= CHUNK;
        (has_room && header.fits() && other.back == 0).then_some(header)
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

    /// Room for the bytes of a key's own, which a chunk can hold.
    #[inline]
    fn claim(&mut self, header: Header) -> (KeyRef, &mut [u8]) {
        let need = HEADER + header.own;
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
        let (front, room) = bytes[start..start + need].split_at_mut(HEADER);
        front.copy_from_slice(&header.word().to_le_bytes());
        ((at << UNIT_BITS) | (start / UNIT) as u32, room)
    }

    /// The bytes of a key that was [stored](Self::store) whole.
    #[inline]
    pub(super) fn get(&self, place: KeyRef) -> &[u8] {
        if place >= LARGE {
            return self.look(place).first;
        }
        let (chunk, at) = locate(place);
        let bytes = self.slabs.chunk(chunk);
        &bytes[at + HEADER..][..Header::at(bytes, at).own]
    }

    /// What is stored of a key.
    #[inline]
    pub(super) fn look(&self, place: KeyRef) -> Stored<'_> {
        if place >= LARGE {
            let (skip, first) = self.large.get(place).split_first_chunk().unwrap_or((&[0; SKIP], &[]));
            return Stored { skip: u32::from_le_bytes(*skip) as usize, first, rest: &[] };
        }
        let (chunk, at) = locate(place);
        let bytes = self.slabs.chunk(chunk);
        let Header { own, shared, back, .. } = Header::at(bytes, at);
        let (own, shared) = if back == 0 { (0, own) } else { (own, shared) };
        // That of the key which this one shares bytes with, or its own.
        let other = at - back * UNIT;
        let Header { skip, .. } = Header::at(bytes, other);
        Stored { skip, first: &bytes[other + HEADER..][..shared], rest: &bytes[at + HEADER..][..own] }
    }

    /// Fetches the first two lines of what is stored of a key: what it shares with another one is mostly near, or asked for
    /// with that.
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
        let stored = self.look(place);
        let skip = stored.skip;
        stored.append_to(&mut key);
        self.free(place);
        let place = self.store_rest(&key, skip);
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
    use super::super::keys::NONE;
    use super::*;

    /// Promise: keys that share their beginning with one just stored come back whole, and cost eight bytes or twelve, though that
    /// one is freed before them; those that have much of their own, or share it with one that is long or front-coded, come back too.
    #[test]
    fn keys_like_others_come_back() {
        let mut log = KeyLog::default();
        let mut held = Vec::new();
        for round in 0..4_000usize {
            let len = match round % 500 {
                0 => CHUNK + 1,
                1 => CHUNK / 2,
                few => few % 90,
            };
            let start = vec![round as u8; len];
            let own = &b"\x01to end"[..=round % 7];
            let [near, far] = [own, b"too much to add"].map(|own| [&start[..], own].concat());
            let skip = start.len().min(round % 23);
            let place = log.store_from(&start, skip);
            let filled = |log: &KeyLog| log.open.map_or(0, |open| log.chunks[open as usize].filled);
            let before = filled(&log);
            let first = log.store_like(&near, skip, (place, start.len()));
            let cost = HEADER + own.len().next_multiple_of(UNIT);
            if start.len() - skip < CHUNK - 2 * HEADER && before + cost <= CHUNK {
                assert_eq!(filled(&log) - before, cost, "{round}");
            }
            let second = log.store_like(&far, skip, (place, start.len()));
            let third = log.store_like(&near, skip, (first, near.len()));
            let fourth = log.store_like(&start, skip, (NONE, 0));
            log.free(place);
            held.extend([(first, near.clone()), (second, far), (third, near), (fourth, start)]);
            if held.len() > 600 {
                held.drain(..40).for_each(|(place, _)| log.free(place));
            }
            for (place, key) in &mut held {
                if log.is_condemned(*place) {
                    *place = log.restore(*place);
                }
                assert!(log.look(*place).cmp(key).is_eq(), "{round}");
            }
        }
        held.iter().for_each(|(place, _)| log.free(*place));
        assert_eq!((log.live, log.stored), (0, 0));
    }

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
