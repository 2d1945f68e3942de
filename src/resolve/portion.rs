//! What a call asks of one half of the window, or of one side, so that its judge reads that and nothing else.

use super::key_room::{KeyRoom, copy};

/// Whether an access is checked, written, or both.
#[derive(Debug, Clone, Copy)]
pub(super) struct Uses {
    pub(super) is_check: bool,
    pub(super) is_write: bool,
}

/// The accesses of a call that lie there, with their keys.
#[derive(Debug)]
pub(super) struct Portion<A> {
    /// In the order of transactions.
    pub(super) checks: Vec<A>,
    /// In the order of transactions.
    pub(super) writes: Vec<A>,
    bytes: KeyRoom,
}

impl<A> Default for Portion<A> {
    fn default() -> Self {
        Portion { checks: Vec::new(), writes: Vec::new(), bytes: KeyRoom::default() }
    }
}

impl<A: Copy> Portion<A> {
    pub(super) fn len(&self) -> usize {
        self.checks.len() + self.writes.len()
    }

    /// The keys, one behind the other.
    #[inline]
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.bytes()
    }

    pub(super) fn clear(&mut self) {
        self.checks.clear();
        self.writes.clear();
        self.bytes.clear();
    }

    /// Takes an access, made from where its keys begin, and these.
    #[inline]
    pub(super) fn take(&mut self, access: impl FnOnce(u32) -> A, keys: &[u8], uses: Uses) {
        let access = access(self.bytes.len() as u32);
        copy(self.bytes.add(keys.len()), keys);
        if uses.is_check {
            self.checks.push(access);
        }
        if uses.is_write {
            self.writes.push(access);
        }
    }

    /// Becomes as another one.
    pub(super) fn copy(&mut self, other: &Self) {
        self.checks.clone_from(&other.checks);
        self.writes.clone_from(&other.writes);
        self.bytes.copy(&other.bytes);
    }
}

/// A write, or a check, of a group of calls.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// The transaction, counted from the group's first.
    pub(super) txn: u32,
    pub(super) call: u32,
    /// Which of the call's.
    pub(super) item: u32,
}

/// Does something with some accesses of each call of a group; `txn` gives an access's transaction, counted from its call's first, whose
/// number in the group comes with the accesses.
#[inline]
pub(super) fn each<'a, A: 'a>(
    calls: impl Iterator<Item = (u32, &'a [A])>,
    txn: impl Fn(&A) -> u32,
    mut act: impl FnMut(Seen, &'a A),
) {
    for ((first, accesses), call) in calls.zip(0..) {
        for (access, item) in accesses.iter().zip(0..) {
            act(Seen { txn: first + txn(access), call, item }, access);
        }
    }
}
