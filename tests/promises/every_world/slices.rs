//! A large family of worlds is judged in slices, each of which can be judged by itself.

/// Into how many slices a family falls, and which of them are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slices {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) of: usize,
}

impl Slices {
    /// All at once.
    pub(super) const WHOLE: Self = Slices { first: 1, last: 1, of: 1 };

    /// From text such as `3/40`, or `3-7/40` for several.
    fn parse(text: &str) -> Option<Self> {
        let (slices, of) = text.split_once('/')?;
        let (first, last) = slices.split_once('-').unwrap_or((slices, slices));
        let slices = Slices { first: first.parse().ok()?, last: last.parse().ok()?, of: of.parse().ok()? };
        (1 <= slices.first && slices.first <= slices.last && slices.last <= slices.of).then_some(slices)
    }

    /// The slices that `SKEWER_SLICE` asks for.
    pub(super) fn asked() -> Self {
        let text = std::env::var("SKEWER_SLICE");
        text.map_or(Self::WHOLE, |text| Self::parse(&text).unwrap_or_else(|| panic!("{text} is no slice")))
    }

    /// Which of so many places are in a slice: operations much alike are in different ones.
    pub(super) fn places(self, slice: usize, places: usize) -> Vec<usize> {
        (slice - 1..places).step_by(self.of).collect()
    }
}

/// Promise: slices are read as they are written, and together they are all, each place in one of them.
#[test]
fn slices_are_all() {
    assert_eq!(Slices::parse("3/40"), Some(Slices { first: 3, last: 3, of: 40 }));
    assert_eq!(Slices::parse("3-7/40"), Some(Slices { first: 3, last: 7, of: 40 }));
    for wrong in ["", "3", "0/40", "41/40", "7-3/40", "a/40"] {
        assert_eq!(Slices::parse(wrong), None, "{wrong}");
    }
    let slices = Slices { first: 1, last: 7, of: 7 };
    let mut all: Vec<usize> = (1..=7).flat_map(|slice| slices.places(slice, 100)).collect();
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<usize>>());
}
