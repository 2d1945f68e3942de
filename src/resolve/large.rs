//! Keys that lie alone: long ones, and those for which chunks have no names left.

use super::keys::KeyRef;

/// Names from this one on are of keys here, those below are of keys in chunks.
pub(super) const LARGE: KeyRef = 7 << 29;
/// How many chunks of so many units there may be, lest their names be those of long keys; fewer in tests.
pub(super) const fn most_chunks(unit_bits: u32) -> usize {
    if cfg!(test) { 24 } else { (LARGE >> unit_bits) as usize }
}

/// Such keys by name, and names that are free.
#[derive(Debug, Default)]
pub(super) struct LargeKeys {
    keys: Vec<Box<[u8]>>,
    spare: Vec<KeyRef>,
}

fn at(name: KeyRef) -> usize {
    (name - LARGE) as usize
}

impl LargeKeys {
    #[cold]
    pub(super) fn store(&mut self, key: Box<[u8]>) -> KeyRef {
        let name = self.spare.pop().unwrap_or_else(|| {
            self.keys.push(Box::default());
            LARGE + (self.keys.len() - 1) as KeyRef
        });
        self.keys[at(name)] = key;
        name
    }

    #[cold]
    pub(super) fn get(&self, name: KeyRef) -> &[u8] {
        &self.keys[at(name)]
    }

    #[cold]
    pub(super) fn free(&mut self, name: KeyRef) {
        self.keys[at(name)] = Box::default();
        self.spare.push(name);
    }

    pub(super) fn bytes(&self) -> usize {
        self.keys.iter().map(|key| key.len()).sum::<usize>()
            + self.keys.capacity() * size_of::<Box<[u8]>>()
            + self.spare.capacity() * size_of::<KeyRef>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: keys come back whole, and names of those that are gone serve again.
    #[test]
    fn keys_come_back() {
        let mut keys = LargeKeys::default();
        let names = [1, 2, 3].map(|byte| keys.store(vec![byte; 70_000].into()));
        assert!(keys.bytes() >= 210_000);
        keys.free(names[1]);
        assert!(keys.bytes() < 141_000);
        assert_eq!(keys.store(vec![4; 5].into()), names[1]);
        for (name, expected) in names.into_iter().zip([vec![1; 70_000], vec![4; 5], vec![3; 70_000]]) {
            assert_eq!(keys.get(name), expected);
        }
    }
}
