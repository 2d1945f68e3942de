//! Memory that a call will touch, asked for before the resolver is at hand.
//!
//! Looking keys up in a large window is waiting for memory. A caller of a shared resolver asks for it while another is
//! judged, side by side with it, so that little of the waiting is left for the time in which nobody else is judged.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::halves::half_of;
use super::hashes::Hashes;
use super::points::{Hash, Place, Points};
use super::resolver::Resolver;
use super::verdict::Checked;
use super::window::Window;

/// Where the window of a resolver lay of late. What it says may be outdated: then nothing is gained by it.
#[derive(Debug, Default)]
pub(super) struct Reach {
    halves: [Table; 2],
}

#[derive(Debug, Default)]
struct Table {
    address: AtomicUsize,
    buckets: AtomicUsize,
}

impl Table {
    #[inline]
    fn show(&self, place: Place) {
        // Others look at it all the time: it is not written without need.
        if self.place() != place {
            self.address.store(place.address, Ordering::Relaxed);
            self.buckets.store(place.buckets, Ordering::Relaxed);
        }
    }

    #[inline]
    fn place(&self) -> Place {
        let address = self.address.load(Ordering::Relaxed);
        Place { address, buckets: self.buckets.load(Ordering::Relaxed) }
    }
}

impl Reach {
    /// Notes where the window of a resolver lies: nowhere, if it is in key order.
    #[inline]
    pub(super) fn show(&self, resolver: &Resolver) {
        match &resolver.window {
            Window::Points(points) => self.halves.iter().for_each(|half| half.show(points.place())),
            Window::Halves(halves) => {
                self.halves.iter().zip(halves.each()).for_each(|(half, points)| half.show(points.place()));
            }
            Window::Ordered(_) | Window::Sides(_) => {
                self.halves.iter().for_each(|half| half.show(Place::default()));
            }
        }
    }

    /// Asks for what the accesses of these hashes will touch.
    #[inline]
    pub(super) fn foresee(&self, hashes: &Hashes, checked: Checked) {
        let places = [0, 1].map(|half| self.halves[half].place());
        if places.iter().any(|place| place.buckets == 0) {
            return;
        }
        let foresee = |hash: &Hash, written| Points::foresee(places[half_of(*hash)], *hash, written);
        if checked.reads() {
            hashes.reads.iter().for_each(|hash| foresee(hash, false));
        }
        hashes.writes.iter().for_each(|hash| foresee(hash, true));
    }
}
