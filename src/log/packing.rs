//! Keys of bytes that fit two words: what is in the words is the key, and nothing else need be
//! looked at to tell keys apart.

use super::scalars::Scalars;
use crate::txn::Datum;

/// Bytes of two words.
const BYTES: usize = 16;

/// How keys become words.
#[derive(Clone, Debug)]
pub(crate) enum Packing {
    /// Keys of less than sixteen bytes, with their length in the last one.
    Short,
    /// Keys of one length, of which only the last sixteen bytes differ.
    Long {
        /// One of them.
        like: Vec<u8>,
        /// The bits of the first sixteen bytes that are not also in the last sixteen.
        shared: u128,
    },
}

impl Packing {
    /// How the keys in these columns could be packed, by the look of the first; `None` if not at all.
    pub(crate) fn of<'c>(mut columns: impl Iterator<Item = &'c Scalars> + Clone) -> Option<Packing> {
        let first = columns.clone().find(|c| c.len() > 0)?;
        let Some(Datum::Bytes(key)) = first.get(0) else { return None };
        // Those of a dictionary are looked up where they stand: that would cost more than it spares.
        columns.all(Scalars::is_bytes).then(|| Packing::like(key))
    }

    fn like(key: &[u8]) -> Packing {
        match key.len().checked_sub(BYTES) {
            None => Packing::Short,
            Some(shared) => {
                let below = 8 * shared.min(BYTES) as u32;
                Packing::Long { like: key.to_vec(), shared: !u128::MAX.checked_shl(below).unwrap_or(0) }
            }
        }
    }

    /// A key in words; `None` if it does not fit. Different keys have different words.
    #[inline]
    fn pack(&self, key: &[u8]) -> Option<[u64; 2]> {
        let word = match self {
            Packing::Short => {
                let mut bytes = [0; BYTES];
                bytes.get_mut(..key.len())?.copy_from_slice(key);
                // A key of sixteen bytes would be taken for another one.
                let last = bytes.last_mut().filter(|_| key.len() < BYTES)?;
                *last = key.len() as u8;
                u128::from_le_bytes(bytes)
            }
            Packing::Long { like, shared } => {
                let ends = |key: &[u8]| Some((*key.first_chunk()?, *key.last_chunk()?));
                let ((head, tail), (like_head, _)) = (ends(key)?, ends(like)?);
                let differing = u128::from_le_bytes(head) ^ u128::from_le_bytes(like_head);
                // What is between the first and the last sixteen bytes, where keys are so long.
                let between = BYTES..like.len().saturating_sub(BYTES);
                let fits = key.len() == like.len()
                    && differing & shared == 0
                    && (between.is_empty() || key[between.clone()] == like[between]);
                if !fits {
                    return None;
                }
                u128::from_le_bytes(tail)
            }
        };
        Some([word as u64, (word >> 64) as u64])
    }

    /// The words of the keys at `rows` of a column, first ones and second ones; whether all keys fit.
    pub(crate) fn fill(
        &self,
        column: &Scalars,
        rows: impl Iterator<Item = usize>,
        (first, second): (&mut [u64], &mut [u64]),
    ) -> bool {
        let places = first.iter_mut().zip(second);
        column.each_bytes(rows.take(places.len()), places, |key, (first, second)| {
            self.pack(key).map(|words| [*first, *second] = words).is_some()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: different keys that fit have different words, and those that do not fit are refused.
    #[test]
    fn words_tell_keys_apart() {
        let keys: [&[u8]; 9] =
            [b"", b"\0", b"\0\0", b"a", b"a\0", b"b", b"fifteen bytes..", b"fifteen bytes.,", b"\xff"];
        let words: Vec<_> = keys.iter().map(|key| Packing::Short.pack(key)).collect();
        for (i, a) in words.iter().enumerate() {
            assert!(a.is_some());
            assert!(words[..i].iter().all(|b| a != b), "{:?}", keys[i]);
        }
        assert_eq!(Packing::Short.pack(b"sixteen bytes..."), None);
        // The sixteen last bytes differ; each one before them is looked at.
        for len in [16, 17, 18, 31, 32, 33, 50] {
            let key: Vec<u8> = (0..len).collect();
            let long = Packing::like(&key);
            let words = long.pack(&key);
            assert!(words.is_some());
            for at in 0..key.len() {
                let mut other = key.clone();
                other[at] ^= 1;
                let shared = at < key.len() - BYTES;
                assert_eq!(long.pack(&other).is_none(), shared, "{len} {at}");
                assert_ne!(long.pack(&other), words);
            }
            assert_eq!(long.pack(&key[1..]), None);
            assert_eq!(long.pack(&[key.as_slice(), b"0"].concat()), None);
            assert_eq!(long.pack(b""), None);
        }
    }
}
