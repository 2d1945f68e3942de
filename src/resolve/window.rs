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

    /// Puts all that is known in key order. Costs a look-up per key of the window, once.
    #[cold]
    pub(super) fn order(&mut self, floor: Version) {
        let Window::Points(points) = self else { return };
        let mut live: Vec<(&[u8], Version)> = points.live().collect();
        // The tree takes writes in the order of their versions.
        live.sort_unstable_by_key(|(key, version)| (*version, *key));
        let mut tree = Tree::new(floor);
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
