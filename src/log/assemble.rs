//! Files become one log: one numbering of rows and regions, one unit, one clock error.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};

use super::chunk::Chunk;
use super::join::{Joined, Joiner};
use super::read::Reader;
use super::scalars::Dictionaries;
use super::times::Ticks;
use super::units::{FileUnit, factor, finest};
use super::{Log, Table, Whereabouts, check, txns};
use crate::bounds::BoundHistories;
use crate::error::{Error, Result};
use crate::memory::Budget;
use crate::time::{Span, Unit};
use crate::txn::{Columns, Places};

use super::OpenOptions;

/// A decoded file under its name.
pub(super) struct NamedFile {
    pub(super) name: String,
    pub(super) stem: String,
    pub(super) path: PathBuf,
    pub(super) schema: SchemaRef,
    pub(super) batches: Vec<RecordBatch>,
    pub(super) copied: bool,
}

/// What a file says of time.
struct FileTimes {
    /// `None` for a file without time columns.
    unit: Option<Unit>,
    /// In ticks of that unit.
    clock_error: Option<u64>,
}

/// A log on its way from typed chunks to checked ones.
#[derive(Default)]
pub(super) struct Assembly {
    pub(super) paths: Vec<PathBuf>,
    tables: Vec<Table>,
    places: Places,
    pub(super) chunks: Vec<Chunk>,
    regions: Vec<String>,
    notes: Vec<String>,
    /// Which histories of clocks bounded a timestamp.
    joined_by: Vec<bool>,
}

impl Assembly {
    /// The checked log of `files`, which stand in the order of their names.
    pub(super) fn of(files: Vec<NamedFile>, options: &OpenOptions) -> Result<Log> {
        let several = files.len() > 1;
        let columns = Columns {
            value: files.iter().all(|f| f.schema.index_of("value").is_ok()),
            session: files.iter().any(|f| f.schema.index_of("session").is_ok()),
            reads: false,
        };
        let histories = options.bounds.as_ref();
        let mut assembly = Assembly::default();
        assembly.joined_by.resize(histories.map_or(0, BoundHistories::count), false);
        let mut times = Vec::with_capacity(files.len());
        for file in files {
            times.push(assembly.add_file(file, several, histories)?);
        }
        assembly.notes.extend(histories.map(|known| known.unused(&assembly.joined_by)).unwrap_or_default());
        let unit = assembly.convert(&times)?;
        assembly.apply_clock_error(&times, unit, options.clock_error)?;
        assembly.sort_regions();
        assembly.finish(unit, columns, Budget::of(options.memory))
    }

    fn rows(&self) -> u64 {
        self.chunks.last().map_or(0, |c| c.first_row + c.rows as u64)
    }

    fn add_file(
        &mut self,
        mut file: NamedFile,
        several: bool,
        bounds: Option<&BoundHistories>,
    ) -> Result<FileTimes> {
        let stated = Stated::of(&file.schema, &file.path)?;
        let default_region =
            stated.region.unwrap_or_else(|| if several { file.stem.clone() } else { "-".to_owned() });
        if let Some(bounds) = bounds {
            let used = join_bounds(&mut file, bounds, &default_region, stated.unit)?;
            self.joined_by.iter_mut().zip(used).for_each(|(all, here)| *all |= here);
        }
        let mut reader = Reader {
            file: self.paths.len(),
            path: &file.path,
            file_row: 0,
            log_row: self.rows(),
            default_region: &default_region,
            regions: &mut self.regions,
            unit: FileUnit::stated(stated.unit),
            dictionaries: Dictionaries::default(),
            joined: Joined::of(&file.schema),
        };
        reader.check_schema(&file.schema)?;
        for batch in file.batches.iter().filter(|b| b.num_rows() > 0) {
            let rows = reader.log_row + batch.num_rows() as u64;
            if rows > u64::from(u32::MAX) {
                return Err(Error::Log(format!("the log has {rows} rows or more; the most is {}", u32::MAX)));
            }
            self.chunks.push(reader.chunk(batch)?);
        }
        if reader.file_row == 0 {
            reader.check_types(&file.schema)?;
        }
        let (rows, unit) = (reader.file_row, reader.unit);
        let has_times = unit.has_times();
        let unit = unit.resolve().map_err(|(column, reason)| column_error(&file.path, column, reason))?;
        if file.copied {
            self.notes
                .push(format!("{}: its columns are not aligned to 8 bytes; they were copied", file.name));
        }
        self.paths.push(file.path);
        self.tables.push(Table { schema: file.schema, batches: file.batches });
        self.places.files.push((file.name, rows));
        Ok(FileTimes { unit: has_times.then_some(unit), clock_error: stated.clock_error })
    }

    /// Brings all files to the finest unit, which is returned.
    fn convert(&mut self, files: &[FileTimes]) -> Result<Unit> {
        let named: Vec<(&str, Unit)> = self
            .places
            .files
            .iter()
            .zip(files)
            .filter_map(|((name, _), t)| Some((name.as_str(), t.unit?)))
            .collect();
        let unit = finest(&named)?;
        for chunk in &mut self.chunks {
            let Some(from) = files[chunk.file].unit else { continue };
            let factor = factor(from, unit);
            if factor != 1 {
                let path = &self.paths[chunk.file];
                let first_row = chunk.first_row - first_row_of(&self.places, chunk.file);
                scale(chunk, factor).map_err(|(column, row, ticks)| Error::Row {
                    path: path.clone(),
                    row: first_row + row as u64,
                    column: column.to_owned(),
                    reason: format!("{ticks} {from} does not fit 64 bits in {unit}, the log's unit"),
                })?;
            }
        }
        Ok(unit)
    }

    fn apply_clock_error(&mut self, files: &[FileTimes], unit: Unit, option: Option<Span>) -> Result<()> {
        let option = option.map(|span| span_in(span, unit, "--clock-error")).transpose()?;
        for chunk in &mut self.chunks {
            let file = &files[chunk.file];
            let factor = factor(file.unit.unwrap_or(unit), unit).unsigned_abs();
            chunk.clock_error = option.or(file.clock_error.map(|e| e.saturating_mul(factor)));
        }
        Ok(())
    }

    /// Renumbers regions in the order of their names.
    fn sort_regions(&mut self) {
        let mut order: Vec<u16> = (0..self.regions.len() as u16).collect();
        order.sort_by(|&a, &b| self.regions[usize::from(a)].cmp(&self.regions[usize::from(b)]));
        let mut new = vec![0; order.len()];
        for (at, &old) in order.iter().enumerate() {
            new[usize::from(old)] = at as u16;
        }
        if !order.is_sorted() {
            self.regions.sort();
            self.chunks.iter_mut().for_each(|c| c.region.renumber(&new));
        }
    }

    fn finish(mut self, unit: Unit, mut columns: Columns, budget: Budget) -> Result<Log> {
        let starts: Vec<u64> = (0..self.paths.len()).map(|file| first_row_of(&self.places, file)).collect();
        let place = |row: u64| {
            let file = starts.partition_point(|&start| start <= row) - 1;
            (self.paths[file].as_path(), row - starts[file])
        };
        check::rows(&mut self.chunks, &place)?;
        let txns = txns::group(&self.chunks, budget)?.checked(&self.chunks, &self.regions, &place)?;
        columns.reads = self.chunks.iter().any(Chunk::has_reads);
        Ok(Log {
            tables: self.tables,
            places: self.places,
            whereabouts: Whereabouts::of(self.chunks.iter().map(|c| c.rows)),
            chunks: self.chunks,
            regions: self.regions,
            unit,
            columns,
            txns,
            notes: self.notes,
            looks: Vec::new(),
            maps: Vec::new(),
        })
    }
}

/// Gives the bare timestamps of a file the bounds that their clocks' histories tell, and says which
/// histories did.
fn join_bounds(
    file: &mut NamedFile,
    bounds: &BoundHistories,
    default_region: &str,
    stated: Option<Unit>,
) -> Result<Vec<bool>> {
    let wrong = |reason| Error::Option { option: "--bounds", reason };
    let batches = &file.batches;
    let lacks =
        |name: &str| batches.iter().any(|b| b.column_by_name(name).is_none_or(|c| c.null_count() > 0));
    let joiner = Joiner::new(bounds, &file.schema, default_region, stated, lacks);
    let Some(joiner) = joiner.map_err(wrong)? else { return Ok(Vec::new()) };
    let batches = joiner.join(&file.batches).map_err(|e| Error::malformed(&file.path, e.to_string()))?;
    let used = joiner.used();
    (file.schema, file.batches) = (joiner.schema(), batches);
    Ok(used)
}

/// What the metadata of a schema states.
struct Stated {
    region: Option<String>,
    unit: Option<Unit>,
    clock_error: Option<u64>,
}

impl Stated {
    fn of(schema: &Schema, path: &Path) -> Result<Self> {
        let metadata = schema.metadata();
        let unit = match metadata.get("skewer.unit") {
            None => None,
            Some(name) => Some(Unit::from_name(name).ok_or_else(|| {
                let reason = format!("is `{name}` in the metadata; expected ns, us, ms, s or none");
                column_error(path, "skewer.unit", reason)
            })?),
        };
        let clock_error = match metadata.get("skewer.clock_error") {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| {
                let reason = format!("is `{text}` in the metadata; expected a whole number of ticks");
                column_error(path, "skewer.clock_error", reason)
            })?),
        };
        Ok(Stated { region: metadata.get("skewer.region").cloned(), unit, clock_error })
    }
}

/// A span given as an option, in ticks of the log.
pub(crate) fn span_in(span: Span, unit: Unit, option: &'static str) -> Result<u64> {
    span.ticks(unit).ok_or_else(|| Error::Option {
        option,
        reason: "the log counts logical ticks (unit none): give a plain number of ticks, without a unit"
            .to_owned(),
    })
}

/// An error of a column as a whole.
pub(super) fn column_error(path: &Path, column: &str, reason: String) -> Error {
    Error::Column { path: path.to_owned(), column: column.to_owned(), reason }
}

fn first_row_of(places: &Places, file: usize) -> u64 {
    places.files[..file].iter().map(|(_, rows)| rows).sum()
}

/// Multiplies all times of a chunk; the column, row and ticks that overflow otherwise.
fn scale(chunk: &mut Chunk, factor: i64) -> Result<(), (&'static str, usize, i64)> {
    let (start, commit) = (chunk.start.as_mut(), chunk.commit.as_mut());
    let mut columns: Vec<(&'static str, &mut Ticks)> = Vec::new();
    columns.extend(
        start
            .into_iter()
            .flat_map(|b| [("start_earliest", &mut b.earliest), ("start_latest", &mut b.latest)]),
    );
    columns.extend(
        commit
            .into_iter()
            .flat_map(|b| [("commit_earliest", &mut b.earliest), ("commit_latest", &mut b.latest)]),
    );
    columns.extend(chunk.start_ts.as_mut().map(|t| ("start_ts", t)));
    columns.extend(chunk.commit_ts.as_mut().map(|t| ("commit_ts", t)));
    for (name, ticks) in columns {
        *ticks = ticks.scaled(factor).map_err(|row| (name, row, ticks.values()[row]))?;
    }
    Ok(())
}
