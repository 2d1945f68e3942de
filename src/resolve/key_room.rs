//! The keys of a batch, one behind the other.
//!
//! What is in use is the beginning of room that was zeroed when it was made: so adding a key is one look at whether
//! there is room, and a copy that short keys need no call for.

/// Bytes in room that is used again.
#[derive(Debug, Clone, Default)]
pub(super) struct KeyRoom {
    room: Vec<u8>,
    used: usize,
}

impl KeyRoom {
    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.used
    }

    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        &self.room[..self.used]
    }

    pub(super) fn truncate(&mut self, len: usize) {
        self.used = self.used.min(len);
    }

    /// So many bytes behind the last, whose values the caller sets.
    #[inline]
    pub(super) fn add(&mut self, count: usize) -> &mut [u8] {
        let (from, to) = (self.used, self.used + count);
        if to > self.room.len() {
            self.grow(to);
        }
        self.used = to;
        &mut self.room[from..to]
    }

    /// Becomes as another one.
    pub(super) fn copy(&mut self, other: &KeyRoom) {
        self.clear();
        self.add(other.len()).copy_from_slice(other.bytes());
    }

    /// Twice the room, or more: so growing takes constant time a byte.
    #[cold]
    fn grow(&mut self, least: usize) {
        self.room.resize(least.max(self.room.len() * 2), 0);
    }
}

/// Copies a key to room of its length: as `copy_from_slice`, without a call where keys are as short as most.
#[inline]
pub(super) fn copy(to: &mut [u8], key: &[u8]) {
    if key.len() <= 16 {
        // The first eight bytes and the last eight are all, wherever they meet.
        if copy_ends::<8>(to, key) {
            return;
        }
    } else if key.len() <= 32 {
        if copy_ends::<16>(to, key) {
            return;
        }
    } else if key.len() <= 64 && copy_ends::<32>(to, key) {
        return;
    }
    to.copy_from_slice(key);
}

/// Copies the first and the last `N` bytes, if there are so many.
#[inline]
fn copy_ends<const N: usize>(to: &mut [u8], from: &[u8]) -> bool {
    let (Some(first), Some(last)) = (from.first_chunk::<N>(), from.last_chunk::<N>()) else { return false };
    if let Some(to) = to.first_chunk_mut::<N>() {
        *to = *first;
    }
    if let Some(to) = to.last_chunk_mut::<N>() {
        *to = *last;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: keys of any length come back whole, those added before others were taken away included.
    #[test]
    fn keys_come_back() {
        let mut room = KeyRoom::default();
        for _ in 0..2 {
            let mut all = Vec::new();
            for len in (0..70).chain([1_000]) {
                let key: Vec<u8> = (0..len).map(|at| (at * 7 + len) as u8).collect();
                copy(room.add(len), &key);
                room.add(len).fill(0xFF);
                room.truncate(room.len() - len);
                all.extend(key);
                assert_eq!(room.bytes(), all);
            }
            room.clear();
            assert_eq!(room.len(), 0);
        }
    }
}
