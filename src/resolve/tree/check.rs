//! What holds of the window in key order at any time; for tests.

use super::leaf::NO_LEAF;
use super::{FIRST, Tree};
use crate::resolve::keys::{HEAD, KeyRef, NONE, PAST, is_whole};

impl Tree {
    /// Holds all invariants; for tests.
    pub(in crate::resolve) fn check(&self) {
        let mut at = FIRST;
        let mut before: Option<Vec<u8>> = None;
        let mut follow = |key: &[u8]| {
            assert!(before.as_deref().is_none_or(|b| b < key), "keys ascend");
            assert!(key.starts_with(&self.common));
            before = Some(key.to_vec());
        };
        while at != NO_LEAF {
            let leaf = self.leaf(at);
            assert!(self.brief(at).newest >= leaf.newest() || leaf.newest() <= self.floor);
            assert!(leaf.heads[leaf.len()..].iter().all(|head| *head == PAST));
            for entry in 0..leaf.len() {
                let mut key = Vec::new();
                self.append_key(leaf, entry, &mut key);
                follow(&key);
                let is_inside =
                    |end: KeyRef, is: fn(&[u8], &[u8]) -> bool| end == NONE || is(self.fences.get(end), &key);
                assert!(
                    is_inside(leaf.low, |low, key| low <= key)
                        && is_inside(leaf.high, |high, key| key < high)
                );
                let stored = || self.log.look(leaf.keys[entry]).skip;
                assert!(is_whole(leaf.heads[entry]) || stored() <= leaf.prefix as usize + HEAD);
                assert_eq!(self.route(&key), at);
                assert_eq!(leaf.head(&key), leaf.heads[entry]);
                assert_eq!(leaf.find(&self.log, &key, leaf.head(&key)), (entry, true));
            }
            if leaf.high != NONE {
                assert_eq!(leaf.high_head, leaf.head(self.fences.get(leaf.high)));
                assert_eq!(self.leaf(self.next(at)).low, leaf.high);
            }
            at = self.next(at);
        }
    }
}
