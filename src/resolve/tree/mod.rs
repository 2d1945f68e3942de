//! The window in key order: which version each key and range was last written at.
//!
//! Three levels: a root that is one flat array of inner nodes, inner nodes of up to 32 leaves, leaves of
//! up to 32 boundaries. What makes it fast:
//!
//! 1. A search compares 8-byte heads, not keys. All keys of a node share a prefix, which follows from
//!    the node's ends and so needs no check; heads stand for what comes behind it. Keys are read
//!    only where heads tie, and stored only where heads do not say all of them.
//! 2. A check and a write usually touch one leaf, known beforehand ([`Tree::hint`]), so that a batch
//!    fetches the leaves of many transactions at once and then works through them in order.
//! 3. What is known of each leaf beside it (its [`Brief`]) is dense: a check of a leaf that nobody wrote
//!    after the snapshot ends there, and wide ranges stop at the newest version of inner nodes.
//! 4. Forgetting is a comparison with the floor; a sweep looks at a brief a write, and cleans leaves that were not
//!    cleaned for long. Where transactions come one by one it also makes room in full leaves, before a write needs it,
//!    and merges sparse ones once what that touches has come from memory.
//!
//! Knowingly left: the root is searched flat, so that its insertions move a few kilobytes in windows of
//! millions; and one outlying key shortens the prefix that the outermost nodes leave out.

#[cfg(test)]
mod check;
mod crowd;
mod inner;
mod leaf;
mod read;
mod root;
mod route;
mod seconds;
mod share;
mod sweep;
mod tied;
mod write;

use std::cmp::Ordering;

use skewer_kernels::{advise_huge, prefetch_range, prefetch_read};

use super::cut::Cut;
use super::index::Purpose;
use super::key_log::KeyLog;
use super::keys::{KeyRef, Keys, NONE, append_key, begins_with, common, is_whole};
use super::stamps::Stamp;
use super::stored::skipped;
use crowd::Crowd;
use inner::Inner;
use leaf::{CAP, Leaf, LeafId, NO_LEAF};
use root::Root;

/// Where a key's leaf is, if it was looked up before: see [`Tree::locate`].
pub(super) type Hint = LeafId;
/// No hint: the key is looked up when it is needed.
pub(super) const NO_HINT: Hint = NO_LEAF;
/// An inner node, and above it the era in which it was the one.
type Aim = u64;
/// No aim: the key lies outside of all boundaries.
pub(super) const NO_AIM: Aim = u64::MAX;

/// The leaf that holds the least keys. It is never merged into another.
const FIRST: LeafId = 0;

/// Where there are fewer leaves, little is known of where keys lie.
const FEW_LEAVES: usize = if cfg!(test) { 4 } else { 16 };

/// A map from all byte strings to versions; see the module.
#[derive(Debug)]
pub(super) struct Tree {
    leaves: Vec<Leaf>,
    /// By leaf.
    briefs: Vec<Brief>,
    spare_leaves: Vec<LeafId>,
    inners: Vec<Inner>,
    spare_inners: Vec<u32>,
    inner_newest: Vec<Stamp>,
    root: Root,
    /// All boundaries begin with these bytes.
    common: Vec<u8>,
    /// The ends of leaves, and of inner nodes.
    fences: Keys,
    /// The keys of entries.
    log: KeyLog,
    floor: Stamp,
    /// How many groups of accesses began.
    groups: u32,
    /// Ends when inner nodes' spans change, or the bytes that all boundaries begin with.
    era: u32,
    /// What the sweep looks at next, and up to where it has looked ahead.
    sweep_at: LeafId,
    swept_ahead: LeafId,
    /// How often the sweep saw all leaves.
    rotations: u32,
    /// One bit for each of the last new entries: whether its key had to be stored.
    stored_of_late: u32,
    /// Writes so far, and those that the sweep has not yet followed.
    writes: u32,
    owed: u32,
    /// Whether transactions come one by one: then each is to take as long as others, as far as can be.
    is_alone: bool,
    crowd: Crowd,
    /// Room for keys on their way.
    longer: Vec<u8>,
    other: Vec<u8>,
    shared: Vec<u8>,
}

/// What is known of a leaf without a look at it.
#[derive(Debug, Clone, Copy)]
struct Brief {
    /// Its newest version.
    newest: Stamp,
    next: LeafId,
    /// How many writes there were when it was last cleaned.
    cleaned: u32,
    /// The group of accesses in which its span last changed.
    reshaped: u32,
}

impl Tree {
    /// All keys at `floor`, which is the lowest version that matters.
    pub(super) fn new(floor: Stamp) -> Self {
        Self {
            leaves: vec![Leaf::new(floor)],
            briefs: vec![Brief { newest: floor, next: NO_LEAF, cleaned: 0, reshaped: 0 }],
            spare_leaves: Vec::new(),
            inners: vec![Inner::of_one(FIRST)],
            spare_inners: Vec::new(),
            inner_newest: vec![floor],
            root: Root::of_one(0),
            common: Vec::new(),
            fences: Keys::default(),
            log: KeyLog::default(),
            floor,
            groups: 2,
            era: 0,
            sweep_at: FIRST,
            swept_ahead: FIRST,
            rotations: 0,
            stored_of_late: 0,
            writes: 0,
            owed: 0,
            is_alone: false,
            crowd: Crowd::default(),
            longer: Vec::new(),
            other: Vec::new(),
            shared: Vec::new(),
        }
    }

    /// Makes room for a window of about `ranges` ranges at once, instead of while it grows.
    pub(super) fn reserve(&mut self, ranges: usize) {
        // Two boundaries each, with those not yet swept, in leaves that are not full.
        let leaves = (ranges * 2).div_ceil(CAP / 2) + 1;
        grow(&mut self.leaves, leaves);
        grow(&mut self.briefs, leaves);
        grow(&mut self.inners, leaves.div_ceil(inner::FAN / 2));
        grow(&mut self.inner_newest, leaves.div_ceil(inner::FAN / 2));
    }

    /// Touches the room for leaves, lest a call waits for memory.
    pub(super) fn touch(&mut self) {
        let (used, spare) = (self.leaves.len(), Leaf::new(self.floor));
        self.leaves.resize(self.leaves.capacity(), spare);
        self.leaves.truncate(used);
    }

    pub(super) fn floor(&self) -> Stamp {
        self.floor
    }

    pub(super) fn set_floor(&mut self, floor: Stamp) {
        self.floor = floor;
    }

    /// Lowers all stamps.
    #[cold]
    pub(super) fn lower(&mut self, by: Stamp) {
        let lower = |stamp: &mut Stamp| *stamp = stamp.saturating_sub(by).max(0);
        for leaf in &mut self.leaves {
            lower(&mut leaf.base);
            leaf.stamps.iter_mut().for_each(lower);
        }
        self.briefs.iter_mut().for_each(|brief| lower(&mut brief.newest));
        self.inner_newest.iter_mut().for_each(lower);
        lower(&mut self.floor);
    }

    /// Begins a group of accesses, of a transaction that comes alone or of several. Hints hold for this group and the next.
    #[inline]
    pub(super) fn begin_hints(&mut self, is_alone: bool) {
        self.is_alone = is_alone;
        self.groups = self.groups.wrapping_add(1);
        self.foresee_sweep();
    }

    /// The inner node of `key`, fetched from memory for [`hint`](Self::hint).
    #[inline]
    pub(super) fn aim(&self, key: &[u8]) -> Aim {
        if self.side(key) != Ordering::Equal {
            return NO_AIM;
        }
        let inner = self.route_to_inner(key);
        self.prefetch_inner(inner);
        u64::from(self.era) << 32 | u64::from(inner)
    }

    /// The leaf of `key`, fetched from memory for the access that follows; `aim` is that of the key.
    #[inline]
    pub(super) fn hint(&self, aim: Aim, key: &[u8], purpose: Purpose) -> Hint {
        let aim = if (aim >> 32) as u32 == self.era { aim } else { self.aim(key) };
        if aim == NO_AIM {
            return NO_HINT;
        }
        let at = self.route_in(aim as u32, key);
        if let Some(leaf) = self.leaves.get(at as usize) {
            prefetch_read(std::slice::from_ref(&leaf.points), 0);
            match purpose {
                Purpose::Check(since) if self.brief(at).newest <= since => return at,
                Purpose::Check(_) => {}
                Purpose::Write => prefetch_read(&self.briefs, at as usize),
            }
            prefetch_range(&leaf.heads, 0, CAP);
            prefetch_range(&leaf.stamps, 0, CAP);
            if self.stores_keys() {
                prefetch_range(&leaf.keys, 0, CAP);
            }
        }
        at
    }

    /// Whether keys had to be stored of late: then others may be told apart by them alone.
    #[inline]
    pub(super) fn stores_keys(&self) -> bool {
        self.stored_of_late != 0
    }

    /// Fetches the keys of the entries whose heads are that of `key`, if its leaf is known.
    #[inline]
    pub(super) fn foresee_ties(&self, hint: Hint, key: &[u8]) {
        if let Some(at) = self.known(hint) {
            self.leaf(at).foresee_ties(&self.log, key);
        }
    }

    /// Notes that keys may belong to other inner nodes than before.
    fn end_era(&mut self) {
        self.era = (self.era + 1) % u32::MAX;
    }

    /// Notes that keys may belong to other leaves than these, which hints of this group and the one before name.
    fn note_reshaped(&mut self, leaves: [LeafId; 2]) {
        leaves.into_iter().for_each(|at| self.briefs[at as usize].reshaped = self.groups);
    }

    /// The leaf that was looked up beforehand, in this group or the one before, if it is still the one: then the key begins
    /// with the common prefix.
    #[inline]
    fn known(&self, hint: Hint) -> Option<LeafId> {
        // No hint is no leaf's number.
        let brief = self.briefs.get(hint as usize)?;
        (self.groups.wrapping_sub(brief.reshaped) > 1).then_some(hint)
    }

    /// Equal if `key` begins with the prefix common to all boundaries; else on which side of them it is.
    #[inline]
    fn side(&self, key: &[u8]) -> Ordering {
        if begins_with(key, &self.common) { Ordering::Equal } else { key.cmp(&self.common) }
    }

    #[inline]
    fn leaf(&self, at: LeafId) -> &Leaf {
        &self.leaves[at as usize]
    }

    #[inline]
    fn brief(&self, at: LeafId) -> Brief {
        self.briefs[at as usize]
    }

    /// The leaf behind this one.
    #[inline]
    fn next(&self, at: LeafId) -> LeafId {
        self.brief(at).next
    }

    /// The bytes that all keys of a leaf begin with.
    fn prefix_of(&self, leaf: &Leaf) -> &[u8] {
        let whole = match (leaf.low, leaf.high) {
            (NONE, NONE) => &self.common,
            (NONE, high) => self.fences.get(high),
            (low, _) => self.fences.get(low),
        };
        &whole[..leaf.prefix as usize]
    }

    /// Appends the key of an entry.
    fn append_key(&self, leaf: &Leaf, entry: usize, out: &mut Vec<u8>) {
        append_key(&self.log, (leaf.heads[entry], leaf.keys[entry]), self.prefix_of(leaf), out);
    }

    /// Stores what the head behind `prefix` bytes of a key does not say. `other` is where a key of the same leaf is stored, if one
    /// is, that begins with so many bytes of this one.
    #[inline]
    fn place_of(&mut self, (head, prefix): (u64, u32), key: &[u8], other: (KeyRef, usize)) -> KeyRef {
        self.stored_of_late = (self.stored_of_late << 1) | u32::from(!is_whole(head));
        if is_whole(head) { NONE } else { self.log.store_like(key, skipped(prefix as usize), other) }
    }

    #[inline]
    fn leaf_mut(&mut self, at: LeafId) -> &mut Leaf {
        &mut self.leaves[at as usize]
    }

    /// The leaf of the greatest keys.
    fn last(&self) -> LeafId {
        let inner = &self.inners[self.root.last() as usize];
        inner.last()
    }

    /// A cut about as far from the least boundary to the greatest as `share`, of 1, says; none where there are few.
    ///
    /// All keys begin with so many bytes of its key as all boundaries here do, and as `others` do.
    pub(super) fn cut_at(&self, share: f64, others: &Tree) -> Option<Cut> {
        let inners = &self.root.inners;
        let leaves = inners.iter().take(FEW_LEAVES).map(|inner| self.inners[*inner as usize].len());
        if leaves.sum::<usize>() < FEW_LEAVES {
            return None;
        }
        let of_inner = |(place, inner): (usize, &u32)| {
            let inner = &self.inners[*inner as usize];
            std::iter::once(self.root.lows[place]).chain(inner.lows[1..inner.len()].iter().copied())
        };
        let lows: Vec<KeyRef> = match inners.len() {
            0..64 => inners.iter().enumerate().flat_map(of_inner).collect(),
            _ => self.root.lows.clone(),
        };
        let at = (lows.len() as f64 * share) as usize;
        let low = |at: usize| self.fences.get(lows[at]).to_vec();
        Some(Cut::at(low(at.clamp(1, lows.len() - 1)), common(&self.common, &others.common)))
    }

    /// Boundaries held, those included that are forgotten and not yet swept.
    pub(super) fn held(&self) -> usize {
        let mut at = FIRST;
        let mut held = 0;
        while at != NO_LEAF {
            held += self.leaf(at).len();
            at = self.next(at);
        }
        held
    }

    pub(super) fn bytes(&self) -> usize {
        self.fences.bytes()
            + self.log.bytes()
            + self.leaves.capacity() * (size_of::<Leaf>() + size_of::<Brief>())
            + self.inners.capacity() * (size_of::<Inner>() + size_of::<Stamp>())
            + self.root.bytes()
    }

    /// Whether no boundary is held at all.
    pub(super) fn is_blank(&self) -> bool {
        self.next(FIRST) == NO_LEAF && self.leaf(FIRST).len() == 0
    }
}

/// Makes room for so many items in all, in huge pages if the system will.
fn grow<T>(items: &mut Vec<T>, room: usize) {
    if items.capacity() < room {
        let mut grown = Vec::with_capacity(room);
        advise_huge(grown.spare_capacity_mut());
        grown.append(items);
        *items = grown;
    }
}
