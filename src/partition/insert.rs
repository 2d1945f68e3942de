//! Sorting what stands nearly sorted: what a scatter, or time itself, has brought close to its place.

/// So many places are items moved on average at most.
const SHIFTS: usize = 8;

/// Inserts each item at its place: in O(items), those of equal keys in the order in which they stood. Says `false`, and leaves
/// the items in another order that keeps this promise, if they turn out to stand farther away than is worth it.
#[inline]
pub(crate) fn insert_nearly<T: Copy, K: PartialOrd>(items: &mut [T], key: impl Fn(&T) -> K) -> bool {
    let mut shifts = 0;
    for at in 1..items.len() {
        let item = items[at];
        let own = key(&item);
        if key(&items[at - 1]) <= own {
            continue;
        }
        let mut to = at;
        while to > 0 && key(&items[to - 1]) > own {
            items[to] = items[to - 1];
            to -= 1;
        }
        items[to] = item;
        shifts += at - to;
        // Noticed early; but a few items may stand anywhere.
        if shifts > SHIFTS * (at + SHIFTS) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Promise: sorted and stable if it says so, else a permutation that a stable sort completes.
        #[test]
        fn inserting_is_sorting(drawn in prop::collection::vec(0..300_u32, 0..300), near in any::<bool>()) {
            let items: Vec<(u32, u32)> =
                drawn.iter().zip(0_u32..).map(|(&key, at)| (if near { at + key % 6 } else { key }, at)).collect();
            let (mut inserted, mut sorted) = (items.clone(), items);
            sorted.sort_by_key(|item| item.0);
            let done = insert_nearly(&mut inserted, |item| item.0);
            prop_assert!(done || !near);
            if !done {
                inserted.sort_by_key(|item| item.0);
            }
            prop_assert_eq!(inserted, sorted);
        }
    }
}
