//! Columns of keys, values and ids: integers, text, bytes, or a dictionary of one of these.

use arrow::array::ArrayData;
use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BinaryViewArray, FixedSizeBinaryArray, GenericBinaryArray,
    Int64Array, LargeBinaryArray, OffsetSizeTrait, UInt64Array,
};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Int64Type, UInt64Type};
use skewer_kernels::{Isa, mix, mix_bytes, mix_one, prefetch_range, prefetch_read};

use std::sync::Arc;

use super::codes::Indices;
use crate::txn::Datum;

/// One datum a row, in place.
#[derive(Debug, Clone)]
pub(crate) struct Scalars {
    kind: Kind,
    nulls: Option<NullBuffer>,
}

#[derive(Debug, Clone)]
enum Kind {
    Int(Int64Array),
    UInt(UInt64Array),
    Bytes(BinaryArray),
    LargeBytes(LargeBinaryArray),
    Views(BinaryViewArray),
    Fixed(FixedSizeBinaryArray),
    Dictionary { indices: Indices, values: Box<Scalars>, fingerprints: Arc<[u64]> },
}

/// The fingerprint of a null: an id that every null row shares is never asked for.
const NULL_FINGERPRINT: u64 = 0;

impl Scalars {
    /// The column in place; `None` if its type holds no keys or ids.
    pub(crate) fn of_column(array: &ArrayRef, known: &mut Dictionaries) -> Option<Scalars> {
        let kind = match array.data_type() {
            DataType::Int64 => Kind::Int(array.as_primitive::<Int64Type>().clone()),
            DataType::UInt64 => Kind::UInt(array.as_primitive::<UInt64Type>().clone()),
            DataType::Utf8 => Kind::Bytes(BinaryArray::from(array.as_string::<i32>().clone())),
            DataType::LargeUtf8 => Kind::LargeBytes(LargeBinaryArray::from(array.as_string::<i64>().clone())),
            DataType::Utf8View => Kind::Views(array.as_string_view().clone().to_binary_view()),
            DataType::Binary => Kind::Bytes(array.as_binary::<i32>().clone()),
            DataType::LargeBinary => Kind::LargeBytes(array.as_binary::<i64>().clone()),
            DataType::BinaryView => Kind::Views(array.as_binary_view().clone()),
            DataType::FixedSizeBinary(_) => Kind::Fixed(array.as_fixed_size_binary().clone()),
            DataType::Dictionary(..) => {
                let (indices, values) = Indices::split(array)?;
                let fields = Scalars::of_column(&values, known)?;
                if matches!(fields.kind, Kind::Dictionary { .. }) {
                    return None;
                }
                let fingerprints = known.fingerprints(&values, &fields);
                Kind::Dictionary { indices, values: Box::new(fields), fingerprints }
            }
            _ => return None,
        };
        Some(Scalars { kind, nulls: array.logical_nulls().filter(|n| n.null_count() > 0) })
    }

    /// Rows.
    pub(crate) fn len(&self) -> usize {
        match &self.kind {
            Kind::Int(a) => a.len(),
            Kind::UInt(a) => a.len(),
            Kind::Bytes(a) => a.len(),
            Kind::LargeBytes(a) => a.len(),
            Kind::Views(a) => a.len(),
            Kind::Fixed(a) => a.len(),
            Kind::Dictionary { indices, .. } => indices.len(),
        }
    }

    /// Whether any row is null, and the first that is.
    pub(crate) fn first_null(&self) -> Option<usize> {
        let nulls = self.nulls.as_ref()?;
        (0..nulls.len()).find(|&row| nulls.is_null(row))
    }

    /// Whether any row is null.
    pub(crate) fn has_nulls(&self) -> bool {
        self.nulls.is_some()
    }

    /// Whether `row` is null.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|n| n.is_null(row))
    }

    /// The datum at `row`; `None` for null.
    pub(crate) fn get(&self, row: usize) -> Option<Datum<'_>> {
        if self.nulls.as_ref().is_some_and(|n| n.is_null(row)) {
            return None;
        }
        Some(match &self.kind {
            Kind::Int(a) => Datum::Integer(i128::from(a.value(row))),
            Kind::UInt(a) => Datum::Integer(i128::from(a.value(row))),
            Kind::Bytes(a) => Datum::Bytes(a.value(row)),
            Kind::LargeBytes(a) => Datum::Bytes(a.value(row)),
            Kind::Views(a) => Datum::Bytes(a.value(row)),
            Kind::Fixed(a) => Datum::Bytes(a.value(row)),
            Kind::Dictionary { indices, values, .. } => values.get(indices.get(row))?,
        })
    }

    /// Whether the datum at `row`, which is not the first, is that of the row before it, and not null.
    pub(crate) fn repeats(&self, row: usize) -> bool {
        match (&self.kind, &self.nulls) {
            (Kind::Int(a), None) => a.values()[row] == a.values()[row - 1],
            (Kind::UInt(a), None) => a.values()[row] == a.values()[row - 1],
            _ => self.get(row).is_some_and(|id| self.get(row - 1) == Some(id)),
        }
    }

    /// The integers in place, where all are; `None` where one is null or may be something else.
    pub(crate) fn integers(&self) -> Option<&[i64]> {
        match (&self.kind, &self.nulls) {
            (Kind::Int(a), None) => Some(a.values()),
            _ => None,
        }
    }

    /// A 64-bit fingerprint of the datum at `row`: equal data have equal fingerprints, whatever
    /// their column's type. Different data may share one; see [`Self::identity`].
    pub(crate) fn fingerprint(&self, row: usize) -> u64 {
        if let Kind::Dictionary { indices, fingerprints, .. } = &self.kind {
            return fingerprints.get(indices.get(row)).copied().unwrap_or(NULL_FINGERPRINT);
        }
        match self.get(row) {
            None => NULL_FINGERPRINT,
            // Truncation keeps the low 64 bits, which tell all Int64 and all UInt64 apart.
            Some(Datum::Integer(i)) => mix_one(i as u64),
            Some(Datum::Bytes(bytes)) => mix_bytes(bytes),
        }
    }

    /// The fingerprints of the rows from `first` on.
    pub(crate) fn fingerprints(&self, isa: Isa, first: usize, out: &mut [u64]) {
        let rows = first..first + out.len();
        match &self.kind {
            Kind::Int(a) => mix(isa, bytemuck::must_cast_slice(&a.values()[rows]), out),
            Kind::UInt(a) => mix(isa, &a.values()[rows], out),
            Kind::Dictionary { indices, fingerprints, .. } if self.nulls.is_none() => {
                indices.look_up(first, fingerprints, out);
            }
            Kind::Bytes(a) if self.nulls.is_none() => hash_rows(a, first, out),
            Kind::LargeBytes(a) if self.nulls.is_none() => hash_rows(a, first, out),
            _ => rows.zip(out).for_each(|(row, slot)| *slot = self.fingerprint(row)),
        }
    }

    /// Asks for the data at `len` rows to be brought closer, of integers and of bytes in a row.
    pub(crate) fn prefetch_rows(&self, first: usize, len: usize) {
        match &self.kind {
            Kind::Bytes(a) => prefetch_bytes(a, first, len),
            Kind::LargeBytes(a) => prefetch_bytes(a, first, len),
            _ => prefetch_range(self.words(), first, len),
        }
    }

    /// Asks for an integer at `row`, or for where other data there begin, to be brought closer.
    pub(crate) fn prefetch_place(&self, row: usize) {
        match &self.kind {
            Kind::Bytes(a) => prefetch_read(a.value_offsets(), row),
            Kind::LargeBytes(a) => prefetch_read(a.value_offsets(), row),
            Kind::Views(a) => prefetch_read(a.views(), row),
            _ => prefetch_read(self.words(), row),
        }
    }

    /// Asks for the datum at `row` to be brought closer; its place should be near.
    pub(crate) fn prefetch_datum(&self, row: usize) {
        if let Some(Datum::Bytes(bytes)) = self.get(row) {
            prefetch_read(bytes, 0);
            prefetch_read(bytes, bytes.len().wrapping_sub(1));
        }
    }

    /// The integers in place, as bits; none for other data. For prefetching: those of null rows mean
    /// nothing.
    pub(crate) fn words(&self) -> &[u64] {
        match &self.kind {
            Kind::Int(a) => bytemuck::must_cast_slice(a.values()),
            Kind::UInt(a) => a.values(),
            _ => &[],
        }
    }

    /// Whether it holds bytes or text, in place.
    pub(crate) fn is_bytes(&self) -> bool {
        matches!(self.kind, Kind::Bytes(_) | Kind::LargeBytes(_) | Kind::Views(_) | Kind::Fixed(_))
    }

    /// Hands `take` the bytes of each of `rows` with one of `places`, until it says no; whether it never
    /// did, and all were bytes.
    pub(crate) fn each_bytes<P>(
        &self,
        rows: impl Iterator<Item = usize>,
        places: impl Iterator<Item = P>,
        mut take: impl FnMut(&[u8], P) -> bool,
    ) -> bool {
        let mut both = rows.zip(places);
        // Told apart outside the loop where columns are large.
        match &self.kind {
            Kind::Bytes(a) if self.nulls.is_none() => both.all(|(row, place)| take(a.value(row), place)),
            Kind::LargeBytes(a) if self.nulls.is_none() => both.all(|(row, place)| take(a.value(row), place)),
            _ => both.all(|(row, place)| match self.get(row) {
                Some(Datum::Bytes(bytes)) => take(bytes, place),
                _ => false,
            }),
        }
    }

    /// The class of data within which a fingerprint tells data apart for certain; `None` where
    /// it does not.
    pub(crate) fn identity(&self) -> Option<Identity> {
        match &self.kind {
            Kind::Int(_) => Some(Identity::Signed),
            Kind::UInt(_) => Some(Identity::Unsigned),
            Kind::Dictionary { values, .. } => values.identity(),
            _ => None,
        }
    }

    /// Whether all are integers, none is null, and each two that follow each other `stand` so.
    pub(crate) fn integers_stand(&self, stand: impl Fn(Datum<'_>, Datum<'_>) -> bool) -> bool {
        if self.nulls.is_some() {
            return false;
        }
        let integer = |n: i128| Datum::Integer(n);
        match &self.kind {
            Kind::Int(a) => a.values().is_sorted_by(|a, b| stand(integer((*a).into()), integer((*b).into()))),
            Kind::UInt(a) => {
                a.values().is_sorted_by(|a, b| stand(integer((*a).into()), integer((*b).into())))
            }
            _ => false,
        }
    }
}

/// Asks for the bytes of `len` rows to be brought closer, and for where they begin and end.
fn prefetch_bytes<O: OffsetSizeTrait>(array: &GenericBinaryArray<O>, first: usize, len: usize) {
    let offsets = array.value_offsets();
    let at = |row: usize| offsets.get(row.min(array.len())).map_or(0, |offset| offset.as_usize());
    prefetch_range(array.value_data(), at(first), at(first + len) - at(first));
    // The places of those after them: these are near by now.
    prefetch_range(offsets, first + len, len);
}

/// The fingerprints of the rows from `first` on of a column without nulls.
fn hash_rows<O: OffsetSizeTrait>(array: &GenericBinaryArray<O>, first: usize, out: &mut [u64]) {
    let (offsets, data) = (array.value_offsets(), array.value_data());
    for (slot, ends) in out.iter_mut().zip(offsets[first..].windows(2)) {
        *slot = mix_bytes(&data[ends[0].as_usize()..ends[1].as_usize()]);
    }
}

/// The fingerprints of dictionaries met so far: all batches of a file share one dictionary, and
/// hashing it once a batch would cost more than hashing the rows.
#[derive(Debug, Default)]
pub(crate) struct Dictionaries {
    known: Vec<(ArrayData, Arc<[u64]>)>,
}

impl Dictionaries {
    fn fingerprints(&mut self, values: &ArrayRef, fields: &Scalars) -> Arc<[u64]> {
        let data = values.to_data();
        // The same buffers: addresses folded into one number could coincide by chance.
        if let Some((_, found)) = self.known.iter().find(|(known, _)| known.ptr_eq(&data)) {
            return Arc::clone(found);
        }
        let made: Arc<[u64]> = (0..fields.len()).map(|i| fields.fingerprint(i)).collect();
        self.known.push((data, Arc::clone(&made)));
        made
    }
}

/// Integer columns whose fingerprints are a permutation of their values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    /// All of Int64.
    Signed,
    /// All of UInt64.
    Unsigned,
}
