//! What the resolver of one part of the keys offers those who judge over several parts.

use std::sync::Arc;

use super::Version;
use super::batch::Keyed;
use super::divided::Divided;
use super::gates::Hand;
use super::index::{Index, Purpose};
use super::resolver::Resolver;
use super::routing::{Borders, Routing, Split};
use super::window::Window;

impl Resolver {
    /// An empty resolver for a part of this one's keys, of its form and with its way to hash.
    pub(super) fn part(&self, count: usize) -> Self {
        let mut part = Self::recover(self.checked, self.version);
        part.floor = self.floor;
        part.window = self.window.sibling(self.floor);
        // Parts are not alike: some room more than their share.
        part.with_room_for(self.room / count + self.room / count / 16)
    }

    /// Everything known so far, as a resolver of its own; this one is left with nothing.
    pub(super) fn take_window(&mut self) -> Self {
        let mut taken = Self::recover(self.checked, self.version);
        taken.floor = self.floor;
        taken.window = self.window.sibling(self.floor);
        std::mem::swap(&mut taken.window, &mut self.window);
        taken
    }

    /// How the keys of this window can be divided: by hash, or, if they are in order, at some of these keys.
    fn split(&self, samples: Vec<Box<[u8]>>) -> Split {
        self.hasher().map_or_else(|| Split::Ordered(Borders::among(samples)), Split::Hashed)
    }

    /// Divides the window, or divides it anew. What is known so far becomes past: nothing is moved.
    pub(super) fn divide(&mut self, samples: Vec<Box<[u8]>>) {
        let split = self.split(samples);
        let mut divided = self.divided.take().unwrap_or_else(|| {
            let routing = Routing {
                checked: self.checked,
                split: Split::Ordered(Borders::default()),
                pasts: Vec::new(),
            };
            Box::new(Divided::new(routing, vec![Box::new(self.take_window())]))
        });
        divided.divide(self, split);
        self.divided = Some(divided);
    }

    /// Takes all parts from the hand of a caller, when the last version was decided.
    pub(super) fn take_in(&mut self, hand: &mut Hand<'_>, version: Version) {
        self.version = version;
        let Some(divided) = &mut self.divided else { return };
        let parts = hand.iter_mut().flatten().filter_map(|passed| passed.take());
        divided.parts.extend(parts);
    }

    /// Gives all parts into a hand.
    pub(super) fn give_out(&mut self, hand: &mut Hand<'_>) {
        let Some(divided) = &mut self.divided else { return };
        for (passed, part) in hand.iter_mut().flatten().zip(divided.parts.drain(..)) {
            **passed = Some(part);
        }
    }

    /// How callers may judge in parts: not while something is in flight.
    pub(super) fn shared_routing(&self) -> Option<&Arc<Routing>> {
        self.divided.as_ref().filter(|_| self.in_flight() == 0).map(|divided| &divided.routing)
    }

    /// Begins a group of accesses, whose hints hold until the next group.
    #[inline]
    pub(super) fn begin(&mut self) {
        match &mut self.window {
            Window::Points(points) => points.begin(),
            Window::Ordered(tree) => tree.begin(),
        }
    }

    /// Where an access will look; fetches what it will touch. `hash` is that of a point, where points are hashed.
    #[inline]
    pub(super) fn foresee(&self, hash: u64, keyed: Keyed<'_>, purpose: Purpose) -> u64 {
        match &self.window {
            Window::Points(points) => {
                points.fetch(hash, matches!(purpose, Purpose::Write));
                hash
            }
            Window::Ordered(tree) => {
                let aim = Index::aim(tree.as_ref(), keyed, false);
                Index::hint(tree.as_ref(), aim, keyed, purpose)
            }
        }
    }

    /// Whether a key of the access was written here after `snapshot`, which is not below the floor.
    #[inline]
    pub(super) fn newer(&self, hint: u64, keyed: Keyed<'_>, snapshot: Version) -> bool {
        match &self.window {
            Window::Points(points) => points.newer(hint, keyed, snapshot),
            Window::Ordered(tree) => tree.newer(hint, keyed, snapshot),
        }
    }

    /// As [`newer`](Self::newer), of an access that nobody foresaw.
    pub(super) fn newer_unforeseen(&self, keyed: Keyed<'_>, snapshot: Version) -> bool {
        match (&self.window, keyed) {
            (Window::Points(points), Keyed::Point(key)) => points.newer(points.hash(key), keyed, snapshot),
            (Window::Points(points), Keyed::Range(_)) => {
                points.live().any(|(key, version)| version > snapshot && keyed.overlaps(Keyed::Point(key)))
            }
            _ => self.newer(super::tree::NO_HINT.into(), keyed, snapshot),
        }
    }

    /// Notes that all keys of the access were written at `commit`, the newest version so far.
    #[inline]
    pub(super) fn write(&mut self, hint: u64, keyed: Keyed<'_>, commit: Version) {
        match &mut self.window {
            Window::Points(points) => Index::write(points.as_mut(), hint, keyed, commit),
            Window::Ordered(tree) => Index::write(tree.as_mut(), hint, keyed, commit),
        }
    }

    /// Gives back some of what is forgotten: constant work a write.
    #[inline]
    pub(super) fn sweep(&mut self) {
        match &mut self.window {
            Window::Points(points) => points.sweep(),
            Window::Ordered(tree) => tree.sweep(),
        }
    }

    /// The newest version in the access; the least key that has it is appended to `key`.
    pub(super) fn newest(&self, keyed: Keyed<'_>, key: &mut Vec<u8>) -> Version {
        match (&self.window, keyed) {
            (Window::Points(points), Keyed::Range(_)) => {
                let within = points.live().filter(|(key, _)| keyed.overlaps(Keyed::Point(key)));
                let order = |a: &(&[u8], Version), b: &(&[u8], Version)| b.1.cmp(&a.1).then(a.0.cmp(b.0));
                let Some((least, newest)) = within.min_by(order) else {
                    return Version::MIN;
                };
                key.extend_from_slice(least);
                newest
            }
            (Window::Points(points), _) => points.newest(keyed, key),
            (Window::Ordered(tree), _) => tree.newest(keyed, key),
        }
    }

    /// Follows a floor that rose for all parts.
    #[inline]
    pub(super) fn lift(&mut self, floor: Version) {
        if floor > self.floor {
            self.floor = floor;
            self.window.set_floor(floor);
        }
    }

    /// Puts the window in key order, if it is not.
    pub(super) fn put_in_order(&mut self) {
        if matches!(self.window, Window::Points(_)) {
            self.window.order(self.floor, self.room);
        }
    }
}
