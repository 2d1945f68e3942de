//! When the transactions of a small world start and commit.

use skewer::BoundedTimestamp;

/// Ticks of a world.
pub(super) const TICKS: i64 = 4;

/// When a transaction started, if the log says that, and committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) start: Option<BoundedTimestamp>,
    pub(super) commit: BoundedTimestamp,
}

/// All points within the ticks.
pub(super) fn points() -> Vec<BoundedTimestamp> {
    (0..TICKS).map(BoundedTimestamp::point).collect()
}

/// All bounds within the ticks.
pub(super) fn bounds() -> Vec<BoundedTimestamp> {
    let from = |first: i64| (first..TICKS).filter_map(move |last| BoundedTimestamp::new(first, last));
    (0..TICKS).flat_map(from).collect()
}

/// All lives with these times; without starts, if nobody noted them.
pub(super) fn lives(times: &[BoundedTimestamp], starts: bool) -> Vec<Life> {
    let starts: Vec<Option<BoundedTimestamp>> =
        if starts { times.iter().copied().map(Some).collect() } else { vec![None] };
    let lives = |start: &Option<BoundedTimestamp>| {
        let start = *start;
        times.iter().map(move |&commit| Life { start, commit })
    };
    starts.iter().flat_map(lives).collect()
}

/// Six bounds: start and commit of three transactions, by their numbers.
pub(super) type Six = [usize; 6];

/// Bounds there are, and so values of each of [`Six`].
pub(super) const BOUNDS: usize = 10;

/// The least prime that is no less than [`BOUNDS`].
const PRIME: usize = 11;

/// Choices of six bounds such that any `strength` of the six take all values together.
///
/// They are the polynomials of a degree less than `strength` over the field of 11, each at six places: of
/// these one goes through any `strength` values at as many places (Bush, *Orthogonal arrays of index unity*,
/// 1952). The eleventh value, which no bound has, stands for any.
pub(super) fn covering(strength: u32) -> Vec<Six> {
    let values = |number: usize| -> Six {
        std::array::from_fn(|place| {
            let coefficient = |degree: u32| number / PRIME.pow(degree) % PRIME;
            let value =
                (0..strength).rev().fold(0, |sum, degree| (sum * place + coefficient(degree)) % PRIME);
            if value < BOUNDS { value } else { (number + place) % BOUNDS }
        })
    };
    (0..PRIME.pow(strength)).map(values).collect()
}

/// Promise: what is said to be every choice of some bounds together is every one.
#[test]
fn coverings_cover() {
    for strength in [2_u32, 3, 4] {
        let all = covering(strength);
        for places in (0..1_u32 << 6).filter(|places| places.count_ones() == strength) {
            let mut seen = vec![false; BOUNDS.pow(strength)];
            for six in &all {
                let chosen = (0..6).filter(|place| places >> place & 1 == 1).map(|place| six[place]);
                seen[chosen.fold(0, |number, value| number * BOUNDS + value)] = true;
            }
            assert!(seen.into_iter().all(|seen| seen), "{places:b}");
        }
    }
}
