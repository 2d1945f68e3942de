//! Opening: from paths, or from record batches, to a checked log.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;

use super::assemble::{Assembly, NamedFile};
use super::join::HOST;
use super::units::TIME_COLUMNS;
use super::{Log, paths};
use crate::bounds::BoundHistories;
use crate::bytes::{IpcFile, IpcOptions, Looks, Map, Source};
use crate::error::{Error, Result};
use crate::time::Span;

/// How a log is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenOptions {
    /// Read files into memory instead of mapping them: for files that others may cut short
    /// meanwhile, which kills a process that mapped them.
    pub no_mmap: bool,
    /// The clock error of timestamps without bounds; it replaces `skewer.clock_error` of the
    /// files' metadata. Recorded bounds are left as they are.
    pub clock_error: Option<Span>,
    /// What is known of the clocks that made timestamps without bounds. It comes before
    /// [`clock_error`](Self::clock_error), which then serves clocks of which nothing is known.
    pub bounds: Option<BoundHistories>,
    /// Read also the columns that are no part of the log format: [`crate::order`] writes them.
    pub all_columns: bool,
    /// Bytes that may be held beside the files; `None` for what is needed. With less, the
    /// transactions of rows are kept in unnamed temporary files.
    pub memory: Option<u64>,
}

impl Log {
    /// The log that the files at `paths` make up; a folder means its `.arrow` and `.feather`
    /// files. The order of `paths` means nothing: files are taken in the order of their names.
    ///
    /// # Errors
    /// If a file cannot be read, is no Arrow IPC file, changes meanwhile, or breaks a rule of the
    /// format; the error names file, row, column and values.
    ///
    /// Cost: O(rows), one pass over the time columns; with a `txn` column one pass over it.
    pub fn open(paths: &[PathBuf], options: &OpenOptions) -> Result<Log> {
        let paths = paths::expand(paths)?;
        let mut looks = Vec::with_capacity(paths.len());
        let mut files = Vec::with_capacity(paths.len());
        let mut maps = Vec::with_capacity(paths.len());
        for path in paths {
            let source = Source::open(&path, options.no_mmap)?;
            files.push(NamedFile::decode(&source, options)?);
            looks.extend(source.looks().cloned());
            maps.extend(source.map().cloned());
        }
        shorten_names(&mut files);
        let log = Log { looks, maps, ..Assembly::of(files, options)? };
        log.check_unchanged()?;
        Ok(log)
    }

    /// Whether the files are still as they were when they were opened. They are mapped, not
    /// copied: ask again once a verdict was reached, and before it is believed.
    ///
    /// # Errors
    /// The first file that grew, shrank, was written to or went away.
    pub fn check_unchanged(&self) -> Result<()> {
        self.looks.iter().try_for_each(Looks::check_unchanged)
    }

    /// Gives the pages of mapped files back to the system, on all threads: whoever has no more use for a log
    /// is done with it sooner than by dropping it, which unmaps them on one. What is read after that is read
    /// from the files again.
    pub fn release_pages(&self) {
        self.maps.iter().for_each(Map::release);
    }

    /// The log that files in memory make up, each under its name: for logs that were fetched, not
    /// stored. [`OpenOptions::no_mmap`] means nothing here.
    ///
    /// # Errors
    /// As [`Log::open`], without those of reading.
    pub fn from_bytes(files: Vec<(String, Vec<u8>)>, options: &OpenOptions) -> Result<Log> {
        let decode = |(name, bytes): (String, Vec<u8>)| {
            NamedFile::decode(&Source::of_bytes(Path::new(&name), bytes), options)
        };
        let mut named = files.into_iter().map(decode).collect::<Result<Vec<_>>>()?;
        sort_by_name(&mut named);
        Assembly::of(named, options)
    }

    /// The log that record batches make up, each list under the name of a file.
    ///
    /// # Errors
    /// As [`Log::open`]; also if a list is empty or its batches differ in schema.
    pub fn from_batches(files: Vec<(String, Vec<RecordBatch>)>, options: &OpenOptions) -> Result<Log> {
        let mut named = Vec::with_capacity(files.len());
        for (name, batches) in files {
            let path = PathBuf::from(&name);
            let Some(schema) = batches.first().map(RecordBatch::schema) else {
                return Err(Error::malformed(path, "no record batch was given"));
            };
            if batches.iter().any(|b| b.schema() != schema) {
                return Err(Error::malformed(path, "the record batches differ in schema"));
            }
            let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            named.push(NamedFile { name, stem, path, schema, batches, copied: false });
        }
        sort_by_name(&mut named);
        Assembly::of(named, options)
    }
}

impl NamedFile {
    /// The file of those bytes, under its whole path.
    fn decode(source: &Source, options: &OpenOptions) -> Result<Self> {
        let by_host = options.bounds.as_ref().is_some_and(BoundHistories::by_host);
        let wanted = |column: &str| options.all_columns || is_known(column) || (by_host && column == HOST);
        let file = IpcFile::decode(source, &IpcOptions { wanted: &wanted })?;
        let path = source.path().to_owned();
        Ok(NamedFile {
            name: path.display().to_string(),
            stem: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            path,
            schema: file.schema,
            batches: file.batches,
            copied: file.copied,
        })
    }
}

fn sort_by_name(files: &mut [NamedFile]) {
    files.sort_by(|a, b| a.path.file_name().cmp(&b.path.file_name()).then_with(|| a.path.cmp(&b.path)));
}

/// Files go by their names without folders, unless two would share one.
fn shorten_names(files: &mut [NamedFile]) {
    let names: Vec<String> =
        files.iter().map(|f| f.path.file_name().unwrap_or_default().to_string_lossy().into_owned()).collect();
    let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
    if distinct.len() == names.len() {
        files.iter_mut().zip(names).for_each(|(file, name)| file.name = name);
    }
}

/// Whether a column of that name is part of a log; others are skipped.
pub(crate) fn is_known(name: &str) -> bool {
    matches!(name, "key" | "op" | "value" | "txn" | "region" | "session" | "status")
        || TIME_COLUMNS.contains(&name)
}
