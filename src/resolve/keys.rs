//! The bytes of the keys that the window holds.
//!
//! A key is named by a 32-bit [`KeyRef`], so that tables and leaves stay small, and lies in a
//! block of whole 8-byte units: 4 bytes of length, then the key. A chunk holds blocks of one size, so
//! that a block is given back without a look at it, which would be a cache miss. Keys that no chunk can hold lie alone.

pub(super) use skewer_kernels::common_prefix as common;
use skewer_kernels::{Isa, prefetch_read, rank};

use super::key_log::KeyLog;
use super::large::{LARGE, LargeKeys, most_chunks};
use super::slabs::{CHUNK, Slabs};
use super::stored::skipped;

/// The name of a stored key: chunk number and unit inside the chunk, or a number from [`LARGE`] on.
pub(super) type KeyRef = u32;
/// No key.
pub(super) const NONE: KeyRef = u32::MAX;

const UNIT: usize = 8;
const CHUNK_UNITS: usize = CHUNK / UNIT;
const UNIT_BITS: u32 = CHUNK_UNITS.ilog2();
/// Up to this many units each size has its own free list; above, sizes are powers of two.
const EXACT_UNITS: usize = 64;
const MOST_CHUNKS: usize = most_chunks(UNIT_BITS);
const HEADER: usize = 4;
/// So many bytes of a key, with its length, are fetched at least.
const BEGINNING: usize = 32;

/// A heap of byte strings. `store` and `free` take constant time, amortised over chunks.
#[derive(Debug, Default)]
pub(super) struct Keys {
    slabs: Slabs,
    /// Keys that no chunk holds.
    large: LargeKeys,
    /// By chunk: the class of its blocks.
    classes: Vec<u8>,
    /// By class: blocks to be used again.
    free: Vec<Vec<KeyRef>>,
    /// By class: the chunk that is being filled, and its first unused unit.
    open: Vec<Option<(usize, usize)>>,
}

impl Keys {
    /// Stores a copy of `key`. The caller frees it once.
    #[inline]
    pub(super) fn store(&mut self, key: &[u8]) -> KeyRef {
        if key.len() > CHUNK - HEADER {
            return self.large.store(key.into());
        }
        let (class, units) = class(HEADER + key.len());
        let freed = self.free.get_mut(class).and_then(Vec::pop);
        let Some(place) = freed.or_else(|| self.carve(class, units)) else {
            return self.large.store(key.into());
        };
        let (chunk, at) = locate(place);
        let block = &mut self.slabs.chunk_mut(chunk)[at..at + HEADER + key.len()];
        block[..HEADER].copy_from_slice(&(key.len() as u32).to_le_bytes());
        block[HEADER..].copy_from_slice(key);
        place
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

    /// Fetches the beginning of a stored key, if there is one at that place.
    #[inline]
    pub(super) fn foresee(&self, place: KeyRef) {
        let (chunk, at) = locate(place);
        if chunk < self.classes.len() {
            let chunk = self.slabs.chunk(chunk);
            prefetch_read(chunk, at);
            // Which may lie in two lines.
            prefetch_read(chunk, at + BEGINNING - 1);
        }
    }

    /// Gives the block of a stored key back.
    #[inline]
    pub(super) fn free(&mut self, place: KeyRef) {
        if place >= LARGE {
            return self.large.free(place);
        }
        let class = self.classes[(place >> UNIT_BITS) as usize];
        self.free[usize::from(class)].push(place);
    }

    /// Bytes of the chunks, free blocks included, and of keys that lie alone.
    pub(super) fn bytes(&self) -> usize {
        self.slabs.len() * CHUNK
            + self.large.bytes()
            + self.free.iter().map(|f| f.capacity() * size_of::<KeyRef>()).sum::<usize>()
    }

    /// A block that was never used, if there may be one more.
    #[cold]
    fn carve(&mut self, class: usize, units: usize) -> Option<KeyRef> {
        if self.free.len() <= class {
            self.free.resize_with(class + 1, Vec::new);
            self.open.resize(class + 1, None);
        }
        let (chunk, unit) = match self.open[class] {
            Some((chunk, unit)) if unit + units <= CHUNK_UNITS => (chunk, unit),
            _ if self.classes.len() == MOST_CHUNKS => return None,
            _ => {
                self.classes.push(class as u8);
                (self.slabs.add(), 0)
            }
        };
        self.open[class] = Some((chunk, unit + units));
        Some(((chunk << UNIT_BITS) | unit) as KeyRef)
    }
}

#[inline]
fn locate(place: KeyRef) -> (usize, usize) {
    ((place >> UNIT_BITS) as usize, (place as usize & (CHUNK_UNITS - 1)) * UNIT)
}

/// The free list and the number of units of a block of `bytes` bytes.
#[inline]
fn class(bytes: usize) -> (usize, usize) {
    let units = bytes.div_ceil(UNIT);
    if units <= EXACT_UNITS {
        return (units, units);
    }
    let power = units.next_power_of_two();
    (EXACT_UNITS + power.trailing_zeros() as usize, power)
}

/// The first seven bytes of `key` behind its first `prefix` bytes, big-endian and padded with zeros,
/// and in the lowest byte how many bytes follow the prefix: 0 to 7, or 8 for more than 7.
///
/// Among keys that share their first `prefix` bytes, a lesser head means a lesser key; equal
/// heads mean equal keys unless the lowest byte is 8. `prefix` is at most the key's length.
#[inline]
pub(super) fn head(key: &[u8], prefix: usize) -> u64 {
    let rest = key.len() - prefix;
    if let Some(eight) = key[prefix..].first_chunk::<8>() {
        return (u64::from_be_bytes(*eight) & !0xFF) | 8;
    }
    if rest == 0 {
        return 0;
    }
    // The last eight bytes end with the ones wanted: no byte-wise copy for short tails.
    if let Some(eight) = key.last_chunk::<8>() {
        return (u64::from_be_bytes(*eight) << (8 * (8 - rest))) | rest as u64;
    }
    let mut eight = [0; 8];
    eight[..rest].copy_from_slice(&key[prefix..]);
    u64::from_be_bytes(eight) | rest as u64
}

/// Bytes of a key that a head which is not whole says.
pub(super) const HEAD: usize = 7;

/// Above all heads.
pub(super) const PAST: u64 = u64::MAX;

/// Whether equal heads of this value prove equal keys: then the head says all of the key.
#[inline]
pub(super) fn is_whole(head: u64) -> bool {
    head & 0xFF < 8
}

/// The bytes that a whole head stands for, in its first so many.
#[inline]
fn tail(head: u64) -> ([u8; 8], usize) {
    (head.to_be_bytes(), (head & 0xFF) as usize)
}

/// Appends the key of a head: `shared` are the bytes that the head leaves out, `place` is where what follows is
/// stored if the head is not whole.
pub(super) fn append_key(keys: &KeyLog, (head, place): (u64, KeyRef), shared: &[u8], out: &mut Vec<u8>) {
    let (bytes, len) = tail(head);
    if is_whole(head) {
        out.extend_from_slice(shared);
        out.extend_from_slice(&bytes[..len]);
        return;
    }
    let stored = keys.look(place);
    out.extend_from_slice(&shared[..shared.len().min(stored.skip)]);
    out.extend_from_slice(&bytes[..stored.skip.saturating_sub(shared.len())]);
    stored.append_to(out);
}

/// The head behind `prefix` bytes of the key whose head behind the bytes `shared` is given, and where what follows is stored if
/// that is not whole: stores and frees as needed. The key has at least `prefix` bytes.
pub(super) fn rehead(
    keys: &mut KeyLog,
    (old, place): (u64, KeyRef),
    shared: &[u8],
    prefix: usize,
) -> (u64, KeyRef) {
    if is_whole(old) {
        return rehead_whole(keys, old, shared, prefix);
    }
    let stored = keys.look(place);
    let new = stored.head((old, shared), prefix);
    if is_whole(new) {
        keys.free(place);
        return (new, NONE);
    }
    if stored.skip <= skipped(prefix) {
        return (new, place);
    }
    // What the old head said is to be stored as well.
    let anew = store_anew(keys, (old, place), shared, prefix);
    keys.free(place);
    anew
}

/// As [`rehead`], by way of the whole key; what is stored of it so far stays.
fn store_anew(keys: &mut KeyLog, old: (u64, KeyRef), shared: &[u8], prefix: usize) -> (u64, KeyRef) {
    let mut key = std::mem::take(&mut keys.moving);
    key.clear();
    append_key(keys, old, shared, &mut key);
    let anew = (head(&key, prefix), keys.store_from(&key, skipped(prefix)));
    keys.moving = key;
    anew
}

fn rehead_whole(keys: &mut KeyLog, old: u64, shared: &[u8], prefix: usize) -> (u64, KeyRef) {
    let (bytes, len) = (old & !0xFF, (old & 0xFF) as usize);
    if prefix >= shared.len() {
        let less = prefix - shared.len();
        return ((bytes << (8 * less)) | (len - less) as u64, NONE);
    }
    let more = shared.len() - prefix;
    if len + more < 8 {
        let mut first = [0; 8];
        first[..more].copy_from_slice(&shared[prefix..]);
        return (u64::from_be_bytes(first) | (bytes >> (8 * more)) | (len + more) as u64, NONE);
    }
    store_anew(keys, (old, NONE), shared, prefix)
}

/// How many of some heads, which ascend, are less than `head`. `N` is a power of two, up to 64. Which instructions there are
/// is one look at a static.
#[inline]
pub(super) fn search<const N: usize>(heads: &[u64; N], head: u64) -> usize {
    rank(Isa::in_use(), heads, head)
}

/// How many of some heads, which ascend from `head` on, are equal to it: few mostly.
#[inline]
pub(super) fn alike(heads: &[u64], head: u64) -> usize {
    let few = heads.len().min(8);
    let other = heads[..few].iter().position(|h| *h != head);
    other.unwrap_or_else(|| few + heads[few..].partition_point(|h| *h == head))
}

/// Whether `key` begins with `prefix`: as `starts_with`, for prefixes so short that a call would cost more.
#[inline]
pub(super) fn begins_with(key: &[u8], prefix: &[u8]) -> bool {
    let Some(key) = key.get(..prefix.len()) else { return false };
    match prefix.len() {
        4..8 => equal_ends(key, prefix, u32::from_le_bytes),
        8..=16 => equal_ends(key, prefix, u64::from_le_bytes),
        17..=32 => equal_ends(key, prefix, u128::from_le_bytes),
        _ => key == prefix,
    }
}

/// Whether the first `N` bytes are equal, and the last: of as many bytes, `N` at least.
#[inline]
fn equal_ends<const N: usize, W: PartialEq>(a: &[u8], b: &[u8], word: impl Fn([u8; N]) -> W) -> bool {
    let ends = |key: &[u8]| Some((word(*key.first_chunk()?), word(*key.last_chunk()?)));
    ends(a) == ends(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: heads order as keys do, and whole heads identify them.
    #[test]
    fn heads_order_as_keys() {
        let tails: [&[u8]; 9] =
            [b"", b"\0", b"\0\0", b"a", b"a\0", b"abcdefg", b"abcdefg\0", b"abcdefgh", b"\xFF\xFF"];
        for prefix in [&b""[..], b"p", b"prefix-prefix"] {
            let keys: Vec<Vec<u8>> = tails.iter().map(|t| [prefix, t].concat()).collect();
            for a in &keys {
                for b in &keys {
                    let (x, y) = (head(a, prefix.len()), head(b, prefix.len()));
                    assert!(if x == y { a == b || !is_whole(x) } else { (x < y) == (a < b) }, "{a:?} {b:?}");
                }
            }
        }
    }

    /// Promise: keys of any length come back whole, and freed blocks serve again.
    #[test]
    fn keys_come_back() {
        let mut keys = Keys::default();
        let lengths = [0, 1, 4, 12, 13, 500, 509, 32_764, 32_765, 200_000];
        let mut held: Vec<(KeyRef, Vec<u8>)> = Vec::new();
        for round in 0..3u8 {
            for len in lengths {
                let key = vec![round ^ (len as u8); len];
                held.push((keys.store(&key), key));
            }
            for (place, key) in &held {
                assert_eq!(keys.get(*place), key);
            }
            if round > 0 {
                held.drain(..lengths.len()).for_each(|(place, _)| keys.free(place));
            }
            assert!(keys.bytes() < 3_000_000);
        }
    }
}
