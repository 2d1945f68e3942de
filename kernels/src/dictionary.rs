//! Dictionary columns whose indices are checked many at a time.

use std::ops::BitOr;

use arrow_array::types::ArrowDictionaryKeyType;
use arrow_array::{Array, ArrayRef, DictionaryArray, PrimitiveArray};
use arrow_buffer::ArrowNativeType;
use arrow_schema::ArrowError;

use crate::prefetch::{PAGE, prefetch_range};

/// The column of `values` that `indices` name: what [`DictionaryArray::try_new`] returns, which looks at one index after
/// the other.
///
/// # Errors
/// If an index that is not null is negative or beyond `values`.
pub fn dictionary<K: ArrowDictionaryKeyType>(
    indices: PrimitiveArray<K>,
    values: ArrayRef,
) -> Result<DictionaryArray<K>, ArrowError> {
    if any_outside(indices.values(), values.len()) {
        // Rows that are null may hold anything: that is told apart where it happens.
        return DictionaryArray::try_new(indices, values);
    }
    // SAFETY: all indices, those of null rows too, are at least 0 and below the number of values, which is
    // what the constructor that checks asks for.
    Ok(unsafe { DictionaryArray::new_unchecked(indices, values) })
}

/// Whether any index is negative, or `len` or more.
fn any_outside<N: ArrowNativeType>(indices: &[N], len: usize) -> bool {
    let zero = N::default();
    match N::from_usize(len) {
        Some(len) => any(indices, |i| i < zero || i >= len),
        // No index of the type reaches so far.
        None => any(indices, |i| i < zero),
    }
}

/// Whether something is so of any index. Without a branch for each, which is what makes it fast.
fn any<N: Copy>(indices: &[N], is_so: impl Fn(N) -> bool) -> bool {
    let per_page = PAGE / size_of::<N>().max(1);
    let of_page = |(page, of): (usize, &[N])| {
        prefetch_range(indices, (page + 1) * per_page, per_page);
        of.iter().map(|&i| is_so(i)).fold(false, BitOr::bitor)
    };
    indices.chunks(per_page).enumerate().map(of_page).fold(false, BitOr::bitor)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::{Int8Type, UInt8Type, UInt64Type};
    use arrow_array::{StringArray, StringViewArray};

    use super::*;

    fn agree<K: ArrowDictionaryKeyType>(indices: &[Option<K::Native>], values: &ArrayRef)
    where
        PrimitiveArray<K>: FromIterator<Option<K::Native>>,
    {
        let indices: PrimitiveArray<K> = indices.iter().copied().collect();
        let told = dictionary(indices.clone(), Arc::clone(values));
        let truth = DictionaryArray::try_new(indices, Arc::clone(values));
        assert_eq!(told.map_err(|e| e.to_string()), truth.map_err(|e| e.to_string()));
    }

    fn words(count: usize) -> ArrayRef {
        Arc::new(StringArray::from_iter_values((0..count).map(|i| i.to_string())))
    }

    /// Promise: the same column, and the same error, as Arrow's constructor has for these indices.
    #[test]
    fn agrees_with_arrow() {
        for bad in [None, Some(-1), Some(3), Some(i8::MIN), Some(i8::MAX)] {
            for at in [0, 1, 15, 16, 63, 99] {
                let mut indices: Vec<Option<i8>> = (0..100).map(|i| Some(i % 3)).collect();
                indices[at] = bad;
                agree::<Int8Type>(&indices, &words(3));
            }
        }
        agree::<Int8Type>(&[], &words(0));
        agree::<Int8Type>(&[Some(0)], &words(0));
        agree::<Int8Type>(&[None, None], &words(0));
        agree::<Int8Type>(&[Some(i8::MAX)], &words(128));
        agree::<Int8Type>(&[Some(-1)], &words(300));
        agree::<UInt8Type>(&[Some(255)], &words(256));
        agree::<UInt8Type>(&[Some(255)], &words(255));
        agree::<UInt64Type>(&[Some(u64::MAX), Some(0)], &words(2));
        let views: ArrayRef = Arc::new(StringViewArray::from_iter_values(["a", "b"]));
        agree::<Int8Type>(&[Some(1), Some(2)], &views);
    }

    /// Promise: a null's index may be anything.
    #[test]
    fn nulls_hold_anything() {
        let nulls = arrow_buffer::NullBuffer::from(vec![true, false]);
        let indices = PrimitiveArray::<Int8Type>::new(vec![0, 77].into(), Some(nulls));
        let column = dictionary(indices, words(1)).unwrap();
        assert_eq!((column.len(), column.null_count()), (2, 1));
    }
}
