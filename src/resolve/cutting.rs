//! When a window in key order is cut in two, and where.

use std::sync::Arc;

use super::cut::Cut;
use super::resolver::Resolver;
use super::sides::Sides;
use super::window::Window;

impl Resolver {
    /// Where the window is cut in two, if it is.
    #[inline]
    pub(super) fn cut(&self) -> Option<&Arc<Cut>> {
        match &self.window {
            Window::Sides(sides) => Some(sides.cut()),
            _ => None,
        }
    }

    /// Whether large calls should be judged as if the window were not cut, since that does not help; asked once a call.
    #[inline]
    pub(super) fn rests(&mut self) -> bool {
        match &mut self.window {
            Window::Sides(sides) => sides.balance().rests(),
            _ => false,
        }
    }

    /// Has large calls judged so for a while: those of late crossed too much.
    #[cold]
    pub(super) fn rest(&mut self) {
        if let Window::Sides(sides) = &mut self.window {
            sides.balance().rest();
        }
    }

    /// Cuts a window that is in key order in two, if there is enough in it to know where.
    #[inline]
    pub(super) fn cut_in_two(&mut self) {
        if let Window::Ordered(tree) = &self.window
            && let Some(cut) = tree.cut_at(0.5, tree)
        {
            self.cut_at(cut);
        }
    }

    /// Where it should be cut instead, if one side was asked for more than the other.
    #[inline]
    pub(super) fn better_cut(&mut self) -> Option<Cut> {
        match &mut self.window {
            Window::Sides(sides) => sides.better_cut(),
            _ => None,
        }
    }

    #[cold]
    pub(super) fn cut_at(&mut self, cut: Cut) {
        let (last, before) = (self.stamps.last(), self.cut().map_or(0, |cut| cut.number));
        self.window = match std::mem::replace(&mut self.window, Window::new()) {
            Window::Ordered(tree) => Window::Sides(Box::new(Sides::of(*tree, cut, last))),
            Window::Sides(sides) => Window::Sides(Box::new(sides.cut_anew(cut, last))),
            other => other,
        };
        if self.cut().is_some_and(|cut| cut.number != before) {
            self.window.reserve(self.room);
        }
    }
}
