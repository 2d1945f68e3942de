//! Bounds for bare timestamps, from the histories of the clocks that made them.
//!
//! This is done once, as a file is opened: the joined bounds become columns like those that were
//! recorded, so that nothing downstream pays for what is not there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use rayon::prelude::*;

use super::codes::Codes;
use super::times::Ticks;
use crate::bounds::BoundHistories;
use crate::time::{BoundedTimestamp, Unit};

/// Metadata that names the bounds made of timestamps, so that they are not taken for recorded ones.
pub(crate) const JOINED: &str = "skewer.joined_bounds";
/// The column that names the host whose clock a row's timestamps are of.
pub(crate) const HOST: &str = "host";
/// No history.
const NONE: u16 = u16::MAX;
/// A timestamp, and the bound made of it.
const PAIRS: [(&str, &str, [&str; 2]); 2] = [
    ("start", "start_ts", ["start_earliest", "start_latest"]),
    ("commit", "commit_ts", ["commit_earliest", "commit_latest"]),
];

/// Joins bounds to the batches of one file.
pub(crate) struct Joiner<'a> {
    histories: &'a BoundHistories,
    default_region: &'a str,
    /// Nanoseconds in a tick.
    tick: i64,
    schema: SchemaRef,
    /// Which histories bounded a timestamp.
    used: Vec<AtomicBool>,
    /// The pairs of [`PAIRS`] whose timestamp the file has, and whose bounds some row lacks.
    pairs: Vec<usize>,
}

impl<'a> Joiner<'a> {
    /// For files of `schema`, whose rows are of `default_region` unless they say otherwise and whose
    /// integers count `stated`; `lacks` says whether some row has a null in a column. `None` if the file
    /// has no timestamps to join to: if it has none, or recorded all their bounds.
    ///
    /// # Errors
    /// Says why the histories do not fit the file.
    pub(crate) fn new(
        histories: &'a BoundHistories,
        schema: &Schema,
        default_region: &'a str,
        stated: Option<Unit>,
        lacks: impl Fn(&str) -> bool,
    ) -> Result<Option<Self>, String> {
        if histories.by_host() && schema.index_of(HOST).is_err() {
            return Err("is of a host, but the log has no column `host`".to_owned());
        }
        let stamp = |pair: usize| schema.field_with_name(PAIRS[pair].1).ok().filter(|f| is_time(f));
        let bare = |end: &str| schema.index_of(end).is_err() || lacks(end);
        let is_bare = |pair: usize| PAIRS[pair].2.into_iter().any(bare);
        let pairs: Vec<usize> =
            (0..PAIRS.len()).filter(|pair| stamp(*pair).is_some() && is_bare(*pair)).collect();
        let Some(first) = pairs.first().and_then(|pair| stamp(*pair)) else { return Ok(None) };
        let Some(tick) = unit_of(first.data_type(), stated).nanoseconds() else {
            return Err(format!(
                "a clock's error is in nanoseconds, but column {} counts logical ticks (unit none); the \
                 metadata skewer.unit states what integers count, and so does --unit of import",
                first.name()
            ));
        };
        let schema = joined_schema(schema, &pairs);
        let used = (0..histories.count()).map(|_| AtomicBool::new(false)).collect();
        Ok(Some(Joiner { histories, default_region, tick, schema, used, pairs }))
    }

    /// Which histories bounded a timestamp of the batches joined so far.
    pub(crate) fn used(&self) -> Vec<bool> {
        self.used.iter().map(|used| used.load(Ordering::Relaxed)).collect()
    }

    /// The schema of joined batches.
    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// `batches` with bounds beside their timestamps. Recorded bounds stay; a timestamp of a clock without
    /// a history stays bare; where its history knows no error the bound is unlimited.
    ///
    /// Cost: O(rows), and a search in the history where times jump.
    pub(crate) fn join(&self, batches: &[RecordBatch]) -> Result<Vec<RecordBatch>, ArrowError> {
        batches.par_iter().map(|batch| self.join_one(batch)).collect()
    }

    pub(crate) fn join_one(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let places = self.places(batch);
        let ends: Vec<&str> = self.pairs.iter().flat_map(|pair| PAIRS[*pair].2).collect();
        // A batch holds the columns that were read, which need not be all of the file's.
        let (schema, columns) = (batch.schema(), batch.columns());
        let kept =
            schema.fields().iter().zip(columns).filter(|(field, _)| !ends.contains(&field.name().as_str()));
        let (mut fields, mut columns): (Vec<FieldRef>, Vec<ArrayRef>) =
            kept.map(|(field, column)| (Arc::clone(field), Arc::clone(column))).unzip();
        for &pair in &self.pairs {
            let (_, stamp, ends) = PAIRS[pair];
            for (name, ticks) in ends.into_iter().zip(self.bounds(batch, stamp, ends, &places)) {
                let field = self.schema.field_with_name(name)?;
                columns.push(cast(&ticks, field.data_type())?);
                fields.push(Arc::new(field.clone()));
            }
        }
        let schema = Schema::new_with_metadata(fields, self.schema.metadata().clone());
        RecordBatch::try_new(Arc::new(schema), columns)
    }

    /// Where the history of each row's clock stands.
    fn places(&self, batch: &RecordBatch) -> [Codes; 2] {
        let code = |place: Option<usize>| place.and_then(|p| u16::try_from(p).ok()).unwrap_or(NONE);
        let words = |name: &str, of: &dyn Fn(Option<&str>) -> Option<usize>| {
            // A column that is no text is an error of the log, which its reader will tell.
            let array = batch.column_by_name(name).filter(|a| super::codes::is_words(a.data_type()));
            let codes = array.map(|a| Codes::of_column(a, |word| Ok::<u16, ()>(code(of(word)))));
            codes.and_then(Result::ok).unwrap_or(Codes::Constant(code(of(None))))
        };
        let region = words("region", &|word| self.histories.of_region(word.unwrap_or(self.default_region)));
        [words(HOST, &|word| self.histories.of_host(word?)), region]
    }

    fn bounds(
        &self,
        batch: &RecordBatch,
        stamp: &str,
        ends: [&str; 2],
        [by_host, by_region]: &[Codes; 2],
    ) -> [ArrayRef; 2] {
        let ticks = |name: &str| Ticks::of_column(batch.column_by_name(name)?).ok().map(|(ticks, _)| ticks);
        let (stamps, recorded) = (ticks(stamp), ends.map(ticks));
        let at = |ticks: &Option<Ticks>, row| ticks.as_ref().and_then(|t| t.get(row));
        let (mut earliest, mut latest) = (Vec::new(), Vec::new());
        let (mut hint, mut used) = (0, vec![false; self.used.len()]);
        for row in 0..batch.num_rows() {
            let (mut first, mut last) = (at(&recorded[0], row), at(&recorded[1], row));
            if first.is_none() && last.is_none() {
                let place = [by_host, by_region].into_iter().map(|codes| codes.get(row)).find(|p| *p != NONE);
                let found = place.zip(at(&stamps, row));
                found.into_iter().for_each(|(place, _)| used[usize::from(place)] = true);
                let bound = found.map(|(place, t)| self.bound(place, t, &mut hint));
                (first, last) = (bound.map(BoundedTimestamp::earliest), bound.map(BoundedTimestamp::latest));
            }
            earliest.push(first);
            latest.push(last);
        }
        let mark = |(all, here): (&AtomicBool, bool)| all.fetch_or(here, Ordering::Relaxed);
        self.used.iter().zip(used).for_each(|both| _ = mark(both));
        [Arc::new(Int64Array::from(earliest)), Arc::new(Int64Array::from(latest))]
    }

    /// The bound of a clock's reading `t`, in ticks. The reading was cut off to a tick: the error is the
    /// greatest within that tick, and rounds up to ticks.
    fn bound(&self, place: u16, t: i64, hint: &mut usize) -> BoundedTimestamp {
        let from = t.checked_mul(self.tick);
        let to = from.and_then(|from| from.checked_add(self.tick - 1));
        let history = self.histories.at(usize::from(place));
        match from.zip(to).and_then(|(from, to)| history.error_within(from, to, hint)) {
            Some(error) => BoundedTimestamp::reading(t, error.div_ceil(self.tick.unsigned_abs())),
            None => BoundedTimestamp::UNBOUNDED,
        }
    }
}

fn is_time(field: &Field) -> bool {
    matches!(field.data_type(), DataType::Int64 | DataType::UInt64 | DataType::Timestamp(..))
}

fn unit_of(data_type: &DataType, stated: Option<Unit>) -> Unit {
    match data_type {
        DataType::Timestamp(TimeUnit::Second, _) => Unit::Seconds,
        DataType::Timestamp(TimeUnit::Millisecond, _) => Unit::Milliseconds,
        DataType::Timestamp(TimeUnit::Microsecond, _) => Unit::Microseconds,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => Unit::Nanoseconds,
        _ => stated.unwrap_or(Unit::None),
    }
}

/// The schema with bounds, which are of their timestamps' type.
fn joined_schema(schema: &Schema, pairs: &[usize]) -> SchemaRef {
    let mut fields: Vec<FieldRef> = schema.fields().iter().cloned().collect();
    let mut metadata = schema.metadata().clone();
    // What was joined before stays so.
    let mut joined = Joined::of(schema);
    for &pair in pairs {
        let (name, stamp, ends) = PAIRS[pair];
        let of_stamp = schema.field_with_name(stamp).map_or(DataType::Int64, |f| f.data_type().clone());
        let data_type = if of_stamp == DataType::UInt64 { DataType::Int64 } else { of_stamp };
        for end in ends {
            fields.retain(|field| field.name() != end);
            fields.push(Arc::new(Field::new(end, data_type.clone(), true)));
        }
        joined.start |= name == "start";
        joined.commit |= name == "commit";
    }
    metadata.extend(joined.text().map(|names| (JOINED.to_owned(), names.to_owned())));
    Arc::new(Schema::new_with_metadata(fields, metadata))
}

/// Which bounds of a file were made of timestamps: starts, commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Joined {
    /// Start bounds, where there is a `start_ts`.
    pub(crate) start: bool,
    /// Commit bounds, where there is a `commit_ts`.
    pub(crate) commit: bool,
}

impl Joined {
    /// What the metadata of a schema say.
    pub(crate) fn of(schema: &Schema) -> Self {
        let names = schema.metadata().get(JOINED).map_or("", String::as_str);
        let has = |name| names.split_whitespace().any(|n| n == name);
        Joined { start: has("start"), commit: has("commit") }
    }

    /// What the metadata of a schema should say; `None`: nothing.
    pub(crate) fn text(self) -> Option<&'static str> {
        match (self.start, self.commit) {
            (false, false) => None,
            (true, false) => Some("start"),
            (false, true) => Some("commit"),
            (true, true) => Some("start commit"),
        }
    }
}
