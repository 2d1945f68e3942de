//! Comma-separated values under a header line, one line an operation.
//!
//! An empty field is null. All else is text; a column of keys, values or ids whose texts are
//! all plain integers becomes integers. Fields must be UTF-8; quoting is that of RFC 4180.

use std::cell::Cell as Counter;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::cells::{COLUMNS, Cell, Cells, Interpreter, KEY, Mapping};
use super::lines::LONGEST;
use super::{ImportOptions, Imported, bad_record, brief, open};
use crate::error::{Error, Result};
use crate::log::build::LogBuilder;
use crate::time::Unit;

pub(super) fn import(inputs: &[PathBuf], options: &ImportOptions) -> Result<Imported> {
    let mut interpreter = Interpreter::new(options, Unit::Nanoseconds)?;
    let mut log = LogBuilder::new(Unit::None);
    for path in inputs {
        import_file(path, &mut interpreter, &mut log)?;
    }
    log.integers_from_text();
    log.set_unit(interpreter.unit());
    Ok(Imported::whole(log))
}

fn import_file(path: &Path, interpreter: &mut Interpreter, log: &mut LogBuilder) -> Result<()> {
    let since_record = Rc::new(Counter::new(0));
    let input = Metered { file: open(path)?, since_record: Rc::clone(&since_record) };
    let mut reader = ReaderBuilder::new().from_reader(input);
    let header = reader.byte_headers().map_err(|e| csv_error(path, 1, &e))?.clone();
    let places = places(path, &header, &interpreter.mapping)?;
    let mut record = ByteRecord::new();
    loop {
        since_record.set(0);
        let line = reader.position().line();
        if !read_record(path, line, &mut reader, &mut record)? {
            return Ok(());
        }
        let line = record.position().map_or(line, csv::Position::line);
        let bad = |reason: String| bad_record(path, line, reason);
        let cells = cells(&record, &places, &interpreter.mapping).map_err(bad)?;
        let operation = interpreter.record(cells).map_err(bad)?;
        log.try_push(operation).map_err(bad)?;
    }
}

fn read_record(
    path: &Path,
    line: u64,
    reader: &mut Reader<Metered>,
    record: &mut ByteRecord,
) -> Result<bool> {
    reader.read_byte_record(record).map_err(|e| csv_error(path, line, &e))
}

/// The field of the header for each column.
fn places(path: &Path, header: &ByteRecord, mapping: &Mapping) -> Result<[Option<usize>; COLUMNS.len()]> {
    let mut places = [None; COLUMNS.len()];
    for (column, field) in mapping.fields.iter().enumerate() {
        let wrong = |reason: String| {
            Err(Error::Column { path: path.to_owned(), column: COLUMNS[column].to_owned(), reason })
        };
        let mut found = (0..header.len()).filter(|place| &header[*place] == field.as_bytes());
        places[column] = found.next();
        if found.next().is_some() {
            return wrong(format!("the header has `{field}` twice"));
        }
        if places[column].is_none() && (column == KEY || mapping.named[column]) {
            let names: Vec<_> = header.iter().map(String::from_utf8_lossy).collect();
            return wrong(format!("the header has no `{field}`, only `{}`", brief(names.join("`, `"))));
        }
    }
    Ok(places)
}

fn cells(
    record: &ByteRecord,
    places: &[Option<usize>; COLUMNS.len()],
    mapping: &Mapping,
) -> Result<Cells, String> {
    let mut cells = Cells::default();
    for (column, place) in places.iter().enumerate() {
        let bytes = place.and_then(|place| record.get(place)).unwrap_or_default();
        if !bytes.is_empty() {
            let text = std::str::from_utf8(bytes).map_err(|_| {
                format!(
                    "field `{}`: `{}` is not UTF-8",
                    mapping.fields[column],
                    brief(crate::txn::Datum::Bytes(bytes))
                )
            })?;
            cells[column] = Cell::Text(text.to_owned());
        }
    }
    Ok(cells)
}

fn csv_error(path: &Path, line: u64, error: &csv::Error) -> Error {
    let line = error.position().map_or(line, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            bad_record(path, line, format!("{len} fields, but the header has {expected_len}"))
        }
        csv::ErrorKind::Io(e) if e.kind() == io::ErrorKind::InvalidData => {
            bad_record(path, line, e.to_string())
        }
        csv::ErrorKind::Io(e) => Error::io(path, io::Error::new(e.kind(), e.to_string())),
        _ => bad_record(path, line, error.to_string()),
    }
}

/// A file that refuses to be read on within one record: an open quote would swallow it whole.
struct Metered {
    file: File,
    since_record: Rc<Counter<usize>>,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.since_record.get() > LONGEST {
            let reason = format!("the record is longer than {LONGEST} bytes: is a quote left open?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        let read = self.file.read(buffer)?;
        self.since_record.set(self.since_record.get() + read);
        Ok(read)
    }
}
