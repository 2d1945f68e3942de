//! Keys so long that they lie alone.

use super::keys::KeyRef;

/// Names from this one on are of keys here, those below are of keys in chunks.
pub(super) const LARGE: KeyRef = 7 << 29;

/// Long keys by name, and names that are free.
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
        self.keys.iter().map(|key| key.len()).sum()
    }
}
