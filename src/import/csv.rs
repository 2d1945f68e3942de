//! Comma-separated values under a header line, one line an operation.
//!
//! An empty field is null. All else is text; a column of keys, values or ids whose texts are
//! all plain integers becomes integers. Fields must be UTF-8; quoting is that of RFC 4180: a quote
//! that is not one of a pair is refused.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::cells::{COLUMNS, Cell, Cells, Interpreter, KEY, Mapping};
use super::lines::{LONGEST, count};
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
    let mut records = Records::open(path)?;
    let mut record = ByteRecord::new();
    records.read(&mut record)?;
    let places = places(path, &record, &interpreter.mapping)?;
    while let Some(line) = records.read(&mut record)? {
        let bad = |reason: String| bad_record(path, line, reason);
        let cells = cells(&record, &places, &interpreter.mapping).map_err(bad)?;
        let operation = interpreter.record(cells).map_err(bad)?;
        log.try_push(operation).map_err(bad)?;
    }
    Ok(())
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

/// The records of a file, the header first, each with the line on which it begins.
struct Records<'a> {
    path: &'a Path,
    reader: Reader<Recent>,
    /// The line that comes next.
    line: u64,
}

impl<'a> Records<'a> {
    fn open(path: &'a Path) -> Result<Self> {
        let input = Recent { file: open(path)?, bytes: Vec::new(), begin: 0, taken: 0 };
        Ok(Records { path, reader: ReaderBuilder::new().has_headers(false).from_reader(input), line: 1 })
    }

    /// Reads the next record and returns its line; `None` at the end of the file.
    fn read(&mut self, record: &mut ByteRecord) -> Result<Option<u64>> {
        let read = self.reader.read_byte_record(record);
        let end = self.reader.position().byte();
        // The reader's own line counts lag behind where lines end in CR LF or are blank.
        let text = self.reader.get_mut().take(end);
        let blank = text.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let line = self.line + count(&text[..blank], b'\n');
        self.line += count(text, b'\n');
        let unpaired = !count(text, b'"').is_multiple_of(2);
        if unpaired && !matches!(&read, Err(e) if e.is_io_error()) {
            let reason = "a quote is left open, or stands alone in a field that is not quoted";
            return Err(bad_record(self.path, line, reason));
        }
        let more = read.map_err(|e| self.error(line, &e))?;
        Ok(more.then_some(line))
    }

    fn error(&self, line: u64, error: &csv::Error) -> Error {
        match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                bad_record(self.path, line, format!("{len} fields, but the header has {expected_len}"))
            }
            csv::ErrorKind::Io(e) if e.kind() == io::ErrorKind::InvalidData => {
                bad_record(self.path, line, e.to_string())
            }
            csv::ErrorKind::Io(e) => Error::io(self.path, io::Error::new(e.kind(), e.to_string())),
            _ => bad_record(self.path, line, error.to_string()),
        }
    }
}

/// A file that keeps what was read of the current record, and refuses to read on within one
/// record for ever: an open quote would swallow the file.
struct Recent {
    file: File,
    /// The file from `begin` on.
    bytes: Vec<u8>,
    begin: u64,
    /// The end of the record before.
    taken: u64,
}

impl Recent {
    /// The text from the end of the record before to offset `end`.
    fn take(&mut self, end: u64) -> &[u8] {
        let from = ((self.taken - self.begin) as usize).min(self.bytes.len());
        let to = ((end.max(self.taken) - self.begin) as usize).min(self.bytes.len());
        self.taken = self.begin + to as u64;
        &self.bytes[from..to]
    }
}

impl Read for Recent {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.bytes.drain(..(self.taken - self.begin) as usize);
        self.begin = self.taken;
        if self.bytes.len() > LONGEST {
            let reason = format!("the record is longer than {LONGEST} bytes: is a quote left open?");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        let read = self.file.read(buffer)?;
        self.bytes.extend_from_slice(&buffer[..read]);
        Ok(read)
    }
}
