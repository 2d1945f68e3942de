//! The window of a resolver in the form that its use asks for.

use super::halves::{Half, Halves};
use super::points::Points;
use super::sides::Sides;
use super::stamps::Stamp;
use super::tree::Tree;

/// Points alone, whole or in halves, or, from the first range on, everything in key order.
#[derive(Debug)]
pub(super) enum Window {
    Points(Box<Points>),
    Halves(Halves),
    Ordered(Box<Tree>),
    /// In key order too, but cut in two.
    Sides(Box<Sides>),
}

/// Does the same with an index, whatever its form.
macro_rules! in_any_form {
    ($window:expr, $index:ident => $act:expr) => {
        match $window {
            $crate::resolve::window::Window::Points($index) => {
                let $index = $index.as_mut();
                $act
            }
            $crate::resolve::window::Window::Halves($index) => $act,
            $crate::resolve::window::Window::Ordered($index) => {
                let $index = $index.as_mut();
                $act
            }
            $crate::resolve::window::Window::Sides($index) => {
                let $index = $index.as_mut();
                $act
            }
        }
    };
}

pub(super) use in_any_form;

impl Window {
    pub(super) fn new() -> Self {
        Window::Points(Box::new(Points::new()))
    }

    /// Points alone, known by so many bits of their hashes.
    pub(super) fn of_fingerprints(bits: u32) -> Self {
        Window::Points(Box::new(Points::of_fingerprints(bits)))
    }

    /// Makes halves of points, if that can be done, with room for so many writes.
    pub(super) fn halve(&mut self, room: usize) {
        if let Window::Points(points) = self
            && let Some(halves) = Halves::of(points, room)
        {
            *self = Window::Halves(halves);
        }
    }

    /// Whether ranges can be judged: not where keys are not known.
    #[inline]
    pub(super) fn takes_ranges(&self) -> bool {
        match self {
            Window::Points(points) => points.has_keys(),
            Window::Halves(halves) => halves.has_keys(),
            Window::Ordered(_) | Window::Sides(_) => true,
        }
    }

    pub(super) fn reserve(&mut self, writes: usize) {
        match self {
            Window::Points(points) => points.reserve(writes),
            Window::Halves(halves) => halves.reserve(writes),
            Window::Ordered(tree) => tree.reserve(writes),
            Window::Sides(sides) => sides.reserve(writes),
        }
    }

    /// Touches the room that was made, lest a call waits for memory.
    pub(super) fn touch(&mut self) {
        if let Window::Ordered(tree) = self {
            tree.touch();
        }
    }

    /// Puts all that is known in key order, with room for so many writes. Costs a look-up per key of the window, once.
    #[cold]
    pub(super) fn order(&mut self, room: usize) {
        if !self.takes_ranges() {
            return;
        }
        let (floor, mut live): (Stamp, Vec<(&[u8], Stamp)>) = match self {
            Window::Points(points) => (points.floor(), points.live().collect()),
            Window::Halves(halves) => (halves.floor(), halves.each().flat_map(Points::live).collect()),
            Window::Ordered(_) | Window::Sides(_) => return,
        };
        // The tree takes writes in the order of their versions.
        live.sort_unstable_by_key(|(key, stamp)| (*stamp, *key));
        let mut tree = Tree::new(floor);
        tree.reserve(room);
        for (key, stamp) in live {
            tree.write_point(super::tree::NO_HINT, key, stamp);
        }
        *self = Window::Ordered(Box::new(tree));
    }

    /// Whether everything is in key order.
    pub(super) fn is_ordered(&self) -> bool {
        matches!(self, Window::Ordered(_) | Window::Sides(_))
    }

    /// Both halves, or sides, if there are two.
    pub(super) fn both(&mut self) -> Option<&mut [Box<Half>; 2]> {
        match self {
            Window::Halves(halves) => Some(halves.both()),
            Window::Sides(sides) => Some(sides.both()),
            Window::Points(_) | Window::Ordered(_) => None,
        }
    }

    pub(super) fn set_floor(&mut self, floor: Stamp) {
        match self {
            Window::Points(points) => points.set_floor(floor),
            Window::Halves(halves) => halves.each_mut().for_each(|points| points.set_floor(floor)),
            Window::Ordered(tree) => tree.set_floor(floor),
            Window::Sides(sides) => sides.set_floor(floor),
        }
    }

    /// Lowers all stamps.
    pub(super) fn lower(&mut self, by: Stamp) {
        match self {
            Window::Points(points) => points.lower(by),
            Window::Halves(halves) => halves.each_mut().for_each(|points| points.lower(by)),
            Window::Ordered(tree) => tree.lower(by),
            Window::Sides(sides) => sides.lower(by),
        }
    }

    pub(super) fn held(&self) -> usize {
        match self {
            Window::Points(points) => points.held(),
            Window::Halves(halves) => halves.each().map(Points::held).sum(),
            Window::Ordered(tree) => tree.held(),
            Window::Sides(sides) => sides.held(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            Window::Points(points) => points.bytes(),
            Window::Halves(halves) => halves.each().map(Points::bytes).sum(),
            Window::Ordered(tree) => tree.bytes(),
            Window::Sides(sides) => sides.bytes(),
        }
    }
}
