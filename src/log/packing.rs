//! Keys of bytes that fit two words: what is in the words is the key, and nothing else need be
//! looked at to tell keys apart.

use super::Log;
use super::scalars::Scalars;
use crate::txn::Datum;

/// Bytes of two words.
const BYTES: usize = 16;

/// How keys become words.
#[derive(Clone, Debug)]
pub(crate) enum Packing {
    /// Keys of less than sixteen bytes, with their length in the last one.
    Short,
    /// Keys of that many bytes, of which all but the last sixteen are these.
    Long {
        /// How long a key is.
        len: usize,
        /// What all keys begin with.
        shared: Vec<u8>,
    },
}

impl Packing {
    /// How the keys of `log` could be packed, by the look of the first; `None` if not at all.
    pub(crate) fn of(log: &Log) -> Option<Packing> {
        let first = log.chunks.iter().find(|c| c.rows > 0)?;
        let Some(Datum::Bytes(key)) = first.key.get(0) else { return None };
        // Those of a dictionary are looked up where they stand: that would cost more than it spares.
        let in_place = log.chunks.iter().all(|c| c.key.is_bytes());
        let len = key.len();
        in_place.then(|| match len.checked_sub(BYTES) {
            None => Packing::Short,
            Some(shared) => Packing::Long { len, shared: key[..shared].to_vec() },
        })
    }

    /// A key in words; `None` if it does not fit. Different keys have different words.
    #[inline]
    fn pack(&self, key: &[u8]) -> Option<[u64; 2]> {
        let mut bytes = [0; BYTES];
        match self {
            Packing::Short => {
                bytes.get_mut(..key.len())?.copy_from_slice(key);
                // A key of sixteen bytes would be taken for another one.
                let last = bytes.last_mut().filter(|_| key.len() < BYTES)?;
                *last = key.len() as u8;
            }
            Packing::Long { len, shared } => {
                let rest = key.strip_prefix(shared.as_slice()).filter(|_| key.len() == *len)?;
                bytes.copy_from_slice(rest);
            }
        }
        Some(bytemuck::cast(bytes))
    }

    /// The words of the keys at `rows` of a column, first ones and second ones; whether all keys fit.
    pub(crate) fn fill(
        &self,
        column: &Scalars,
        rows: impl Iterator<Item = usize>,
        (first, second): (&mut [u64], &mut [u64]),
    ) -> bool {
        let mut places = first.iter_mut().zip(second);
        let mut rows = rows.zip(&mut places);
        rows.all(|(row, (first, second))| {
            let Some(Datum::Bytes(key)) = column.get(row) else { return false };
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
        let long = Packing::Long { len: 18, shared: b"k/".to_vec() };
        let [a, b] = [b"k/0123456789abcdef", b"k/1123456789abcdef"].map(|key| long.pack(key));
        assert!(a.is_some() && b.is_some() && a != b);
        for wrong in [b"k-0123456789abcdef".as_slice(), b"k/0123456789abcde", b"k/0123456789abcdef0", b""] {
            assert_eq!(long.pack(wrong), None);
        }
    }
}
