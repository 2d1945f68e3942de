//! Lists that may grow as large as a log.

use skewer_kernels::advise_huge;

/// Makes room for `more` items at the end of a list, in huge pages where that takes some and the system gives
/// them: it clears those several times faster than small ones.
pub(crate) fn reserve<T>(list: &mut Vec<T>, more: usize) {
    if list.capacity() - list.len() < more {
        list.reserve(more);
        advise_huge(list.spare_capacity_mut());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: there is room, and nothing that was in the list is lost.
    #[test]
    fn there_is_room() {
        let mut list = vec![7_u64, 8];
        for more in [0, 1, 100, 3_000_000] {
            reserve(&mut list, more);
            assert!(list.capacity() >= list.len() + more);
            assert_eq!(list, [7, 8]);
        }
    }
}
