//! The window of a resolver in the form that its use asks for.

use super::Version;
use super::points::Points;
use super::tree::Tree;

/// Points alone, or, from the first range on, everything in key order.
#[derive(Debug)]
pub(super) enum Window {
    Points(Box<Points>),
    Ordered(Box<Tree>),
}

impl Window {
    pub(super) fn new(floor: Version) -> Self {
        Window::Points(Box::new(Points::new(floor)))
    }

    /// Points alone, known by so many bits of their hashes.
    pub(super) fn of_fingerprints(floor: Version, bits: u32) -> Self {
        Window::Points(Box::new(Points::of_fingerprints(floor, bits)))
    }

    /// An empty window of the same form, which hashes keys as this one does.
    pub(super) fn sibling(&self, floor: Version) -> Self {
        match self {
            Window::Points(points) => Window::Points(Box::new(points.sibling(floor))),
            Window::Ordered(_) => Window::Ordered(Box::new(Tree::new(floor))),
        }
    }

    /// Whether ranges can be judged: not where keys are not known.
    #[inline]
    pub(super) fn takes_ranges(&self) -> bool {
        match self {
            Window::Points(points) => points.has_keys(),
            Window::Ordered(_) => true,
        }
    }

    pub(super) fn reserve(&mut self, writes: usize) {
        match self {
            Window::Points(points) => points.reserve(writes),
            Window::Ordered(tree) => tree.reserve(writes),
        }
    }

    /// Puts all that is known in key order, with room for so many writes. Costs a look-up per key of the window, once.
    #[cold]
    pub(super) fn order(&mut self, floor: Version, room: usize) {
        let Window::Points(points) = self else { return };
        if !points.has_keys() {
            return;
        }
        let mut live: Vec<(&[u8], Version)> = points.live().collect();
        // The tree takes writes in the order of their versions.
        live.sort_unstable_by_key(|(key, version)| (*version, *key));
        let mut tree = Tree::new(floor);
        tree.reserve(room);
        for (key, version) in live {
            tree.write_point(super::tree::NO_HINT, key, version);
        }
        *self = Window::Ordered(Box::new(tree));
    }

    pub(super) fn set_floor(&mut self, floor: Version) {
        match self {
            Window::Points(points) => points.set_floor(floor),
            Window::Ordered(tree) => tree.set_floor(floor),
        }
    }

    pub(super) fn held(&self) -> usize {
        match self {
            Window::Points(points) => points.held(),
            Window::Ordered(tree) => tree.held(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Window::Points(points) => points.bytes(),
            Window::Ordered(tree) => tree.bytes(),
        }
    }
}
