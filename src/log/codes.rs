//! Columns of few distinct words: operation, region, status.

use arrow::array::{Array, ArrayRef, AsArray, DictionaryArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{
    ArrowDictionaryKeyType, ArrowNativeType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};

/// The indices of a dictionary column without nulls, in place.
#[derive(Debug, Clone)]
pub(crate) enum Indices {
    /// Eight-bit indices.
    I8(ScalarBuffer<i8>),
    /// Sixteen-bit indices.
    I16(ScalarBuffer<i16>),
    /// Thirty-two-bit indices.
    I32(ScalarBuffer<i32>),
    /// Sixty-four-bit indices.
    I64(ScalarBuffer<i64>),
    /// Eight-bit unsigned indices.
    U8(ScalarBuffer<u8>),
    /// Sixteen-bit unsigned indices.
    U16(ScalarBuffer<u16>),
    /// Thirty-two-bit unsigned indices.
    U32(ScalarBuffer<u32>),
    /// Sixty-four-bit unsigned indices.
    U64(ScalarBuffer<u64>),
}

/// Runs `$body` with `$buffer` bound to the scalar buffer of whatever width.
macro_rules! each_width {
    ($indices:expr, $buffer:ident => $body:expr) => {
        match $indices {
            Indices::I8($buffer) => $body,
            Indices::I16($buffer) => $body,
            Indices::I32($buffer) => $body,
            Indices::I64($buffer) => $body,
            Indices::U8($buffer) => $body,
            Indices::U16($buffer) => $body,
            Indices::U32($buffer) => $body,
            Indices::U64($buffer) => $body,
        }
    };
}

impl Indices {
    /// Rows.
    pub(crate) fn len(&self) -> usize {
        each_width!(self, buffer => buffer.len())
    }

    /// The index at `row`.
    pub(crate) fn get(&self, row: usize) -> usize {
        each_width!(self, buffer => buffer[row].as_usize())
    }

    /// `out[i] = table[index(first + i)]`.
    pub(crate) fn look_up<T: Copy>(&self, first: usize, table: &[T], out: &mut [T]) {
        fn gather<N: ArrowNativeType, T: Copy>(indices: &[N], table: &[T], out: &mut [T]) {
            for (slot, index) in out.iter_mut().zip(indices) {
                *slot = table[index.as_usize()];
            }
        }
        each_width!(self, buffer => gather(&buffer[first..first + out.len()], table, out));
    }

    /// `out[i] = table[index(rows[i])]`.
    fn look_up_at<T: Copy>(&self, rows: impl Iterator<Item = usize>, table: &[T], out: &mut [T]) {
        each_width!(self, buffer => out.iter_mut().zip(rows).for_each(|(slot, row)| *slot = table[buffer[row].as_usize()]));
    }

    /// For each of `values` dictionary entries the first row that uses it, if any does.
    fn first_rows(&self, values: usize) -> Vec<Option<usize>> {
        let mut first = vec![None; values];
        let mut unseen = values;
        for row in 0..self.len() {
            if unseen == 0 {
                break;
            }
            let slot = &mut first[self.get(row)];
            if slot.is_none() {
                *slot = Some(row);
                unseen -= 1;
            }
        }
        first
    }

    /// The indices and the values of a dictionary array of whatever index type.
    pub(crate) fn split(array: &ArrayRef) -> Option<(Indices, ArrayRef)> {
        fn of<K: ArrowDictionaryKeyType>(
            array: &ArrayRef,
            wrap: fn(ScalarBuffer<K::Native>) -> Indices,
        ) -> Option<(Indices, ArrayRef)> {
            let dictionary: &DictionaryArray<K> = array.as_dictionary_opt()?;
            Some((wrap(dictionary.keys().values().clone()), dictionary.values().clone()))
        }
        of::<Int32Type>(array, Indices::I32)
            .or_else(|| of::<Int8Type>(array, Indices::I8))
            .or_else(|| of::<Int16Type>(array, Indices::I16))
            .or_else(|| of::<Int64Type>(array, Indices::I64))
            .or_else(|| of::<UInt8Type>(array, Indices::U8))
            .or_else(|| of::<UInt16Type>(array, Indices::U16))
            .or_else(|| of::<UInt32Type>(array, Indices::U32))
            .or_else(|| of::<UInt64Type>(array, Indices::U64))
    }
}

/// One small code a row.
#[derive(Debug, Clone)]
pub(crate) enum Codes {
    /// The same code in every row.
    Constant(u16),
    /// Through a dictionary, in place.
    Dictionary(Indices, Vec<u16>),
    /// Written out.
    Plain(Vec<u16>),
}

impl Codes {
    /// The code of each row of a text or dictionary column: `code` is asked once for each
    /// distinct run of a word (or of null) that some row holds. Its error comes back with the row.
    pub(crate) fn of_column<E>(
        array: &ArrayRef,
        mut code: impl FnMut(Option<&str>) -> Result<u16, E>,
    ) -> Result<Codes, (usize, E)> {
        if array.logical_null_count() == 0
            && let Some((indices, values)) = Indices::split(array)
        {
            return Self::of_dictionary(indices, &values, code);
        }
        let mut codes = Vec::with_capacity(array.len());
        let mut last: Option<(Option<&str>, u16)> = None;
        for row in 0..array.len() {
            let word = text_at(array, row);
            let known = match last {
                Some((seen, known)) if seen == word => known,
                _ => code(word).map_err(|e| (row, e))?,
            };
            last = Some((word, known));
            codes.push(known);
        }
        Ok(Self::shortest(codes))
    }

    fn of_dictionary<E>(
        indices: Indices,
        values: &ArrayRef,
        mut code: impl FnMut(Option<&str>) -> Result<u16, E>,
    ) -> Result<Codes, (usize, E)> {
        let mut table = vec![0; values.len()];
        let mut used = Vec::new();
        for (value, row) in indices.first_rows(values.len()).into_iter().enumerate() {
            let Some(row) = row else { continue };
            table[value] = code(text_at(values, value)).map_err(|e| (row, e))?;
            used.push(table[value]);
        }
        match used.split_first() {
            Some((first, rest)) if rest.iter().all(|c| c == first) => Ok(Codes::Constant(*first)),
            _ => Ok(Codes::Dictionary(indices, table)),
        }
    }

    fn shortest(codes: Vec<u16>) -> Codes {
        match codes.split_first() {
            Some((first, rest)) if rest.iter().all(|c| c == first) => Codes::Constant(*first),
            _ => Codes::Plain(codes),
        }
    }

    /// Every code `c` becomes `new[c]`.
    pub(crate) fn renumber(&mut self, new: &[u16]) {
        match self {
            Codes::Constant(code) => *code = new[usize::from(*code)],
            Codes::Dictionary(_, codes) | Codes::Plain(codes) => {
                codes.iter_mut().for_each(|c| *c = new[usize::from(*c)]);
            }
        }
    }

    /// The code at `row`.
    pub(crate) fn get(&self, row: usize) -> u16 {
        match self {
            Codes::Constant(code) => *code,
            Codes::Dictionary(indices, table) => table[indices.get(row)],
            Codes::Plain(codes) => codes[row],
        }
    }

    /// The codes of the rows from `first` on.
    pub(crate) fn fill(&self, first: usize, out: &mut [u16]) {
        match self {
            Codes::Constant(code) => out.fill(*code),
            Codes::Dictionary(indices, table) => indices.look_up(first, table, out),
            Codes::Plain(codes) => out.copy_from_slice(&codes[first..first + out.len()]),
        }
    }

    /// The codes of some rows.
    pub(crate) fn fill_at(&self, rows: impl Iterator<Item = usize>, out: &mut [u16]) {
        match self {
            Codes::Constant(code) => out.fill(*code),
            Codes::Dictionary(indices, table) => indices.look_up_at(rows, table, out),
            Codes::Plain(codes) => out.iter_mut().zip(rows).for_each(|(slot, row)| *slot = codes[row]),
        }
    }

    /// Whether every row has the same code for certain.
    pub(crate) fn is_constant(&self) -> bool {
        matches!(self, Codes::Constant(_))
    }

    /// Whether `code` is in every row.
    pub(crate) fn all(&self, code: u16) -> bool {
        matches!(self, Codes::Constant(c) if *c == code)
    }
}

/// The text at `row` of a Utf8, LargeUtf8, Utf8View or dictionary-of-text array.
fn text_at(array: &ArrayRef, row: usize) -> Option<&str> {
    use arrow::datatypes::DataType;
    if !array.is_valid(row) {
        return None;
    }
    match array.data_type() {
        DataType::Utf8 => Some(array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => Some(array.as_string::<i64>().value(row)),
        DataType::Utf8View => Some(array.as_string_view().value(row)),
        DataType::Dictionary(..) => {
            let dictionary = array.as_any_dictionary_opt()?;
            let value = index_at(dictionary.keys(), row)?;
            text_at(dictionary.values(), value)
        }
        _ => None,
    }
}

/// The value of an integer array as an index.
pub(crate) fn index_at(keys: &dyn Array, row: usize) -> Option<usize> {
    use arrow::array::downcast_integer_array;
    downcast_integer_array!(
        keys => keys.is_valid(row).then(|| keys.value(row).as_usize()),
        _ => None
    )
}

/// Whether a column of that type holds words: text, or a dictionary of text.
pub(crate) fn is_words(data_type: &arrow::datatypes::DataType) -> bool {
    use arrow::datatypes::DataType;
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, values) => is_words(values),
        _ => false,
    }
}
