//! Text columns whose bytes are checked many at a time.

use arrow_array::{GenericBinaryArray, GenericStringArray, OffsetSizeTrait};
use arrow_schema::ArrowError;

use crate::prefetch::{PAGE, prefetch_range};

/// The column of texts that these bytes are: as [`GenericStringArray::try_new`] makes it, but without a look at each text
/// where all are ASCII.
///
/// O(n) in bytes.
///
/// # Errors
/// If a text is not UTF-8.
pub fn text<O: OffsetSizeTrait>(bytes: GenericBinaryArray<O>) -> Result<GenericStringArray<O>, ArrowError> {
    let (offsets, values, nulls) = bytes.into_parts();
    let (first, last) = (offsets[0].as_usize(), offsets[offsets.len() - 1].as_usize());
    if !is_ascii(&values[first..last]) {
        return GenericStringArray::try_new(offsets, values, nulls);
    }
    // SAFETY: the offsets ascend and lie inside of the values, and there are as many nulls, since they are those of one
    // binary array; and what lies between two offsets is UTF-8, since all that lies between the first and the last is ASCII.
    Ok(unsafe { GenericStringArray::new_unchecked(offsets, values, nulls) })
}

fn is_ascii(bytes: &[u8]) -> bool {
    let of_page = |(page, of): (usize, &[u8])| {
        prefetch_range(bytes, (page + 1) * PAGE, PAGE);
        of.is_ascii()
    };
    bytes.chunks(PAGE).enumerate().all(of_page)
}

#[cfg(test)]
mod tests {
    use arrow_array::{Array, BinaryArray, LargeBinaryArray, StringArray};
    use arrow_buffer::{NullBuffer, OffsetBuffer};

    use super::*;

    /// Promise: the same column, and the same error, as Arrow's constructor has for these bytes, wherever they are cut.
    #[test]
    fn agrees_with_arrow() {
        let texts: [&[u8]; 7] = [
            b"",
            b"plain",
            "na\u{ef}ve".as_bytes(),
            b"\xff",
            "\u{1f600}".as_bytes(),
            &[b'a'; 9_000],
            b"\xc3",
        ];
        for first in texts {
            for second in texts {
                let whole = [first, second, &b"tail"[..]].concat();
                for cut in [0, 1, first.len(), first.len() + 1, whole.len()].map(|cut| cut.min(whole.len())) {
                    let offsets = OffsetBuffer::from_lengths([cut, whole.len() - cut]);
                    let bytes = BinaryArray::new(offsets.clone(), whole.clone().into(), None);
                    let truth = StringArray::try_new(offsets, whole.clone().into(), None);
                    let told = text(bytes);
                    assert_eq!(told.map_err(|e| e.to_string()), truth.map_err(|e| e.to_string()));
                }
            }
        }
    }

    /// Promise: bytes before the first text and behind the last mean nothing, and nulls stay.
    #[test]
    fn what_is_not_named_may_be_anything() {
        let offsets = OffsetBuffer::new(vec![2_i64, 4, 4].into());
        let nulls = NullBuffer::from(vec![true, false]);
        let bytes = LargeBinaryArray::new(offsets, b"\xff\xffok\xff".to_vec().into(), Some(nulls));
        let texts = text(bytes).unwrap();
        assert_eq!((texts.value(0), texts.is_null(1)), ("ok", true));
        assert_eq!(text(BinaryArray::from_vec(Vec::new())).unwrap().len(), 0);
    }
}
