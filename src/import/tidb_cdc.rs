//! Versions that `TiDB` change data capture recorded: one JSON object, an entry a version.
//!
//! An entry's name is a Python literal, `{'k': 1155, 'v': 13}`: the key and the value written
//! (`None`: deleted). It holds `start_ts` and `commit_ts`, ticks of the timestamp oracle, whose
//! logical bits make them no duration. Entries of one `start_ts` are one transaction. Other
//! fields, such as `pre_write`, are not taken over.

use std::cell::Cell as Counter;
use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserializer as _;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::Value as Json;

use super::json_lines::said;
use super::lines::count;
use super::{Imported, bad_record, brief, buffered};
use crate::error::{Error, Result};
use crate::log::build::{LogBuilder, Record, Value, plain_integer};
use crate::time::Unit;

pub(super) fn import(inputs: &[PathBuf]) -> Result<Imported> {
    let mut log = LogBuilder::new(Unit::None);
    for path in inputs {
        import_file(path, &mut log)?;
    }
    Ok(Imported::whole(log))
}

fn import_file(path: &Path, log: &mut LogBuilder) -> Result<()> {
    let line = Counter::new(1);
    let mut refused = None;
    let input = Numbered { input: buffered(path)?, line: &line };
    let mut json = serde_json::Deserializer::from_reader(input);
    let entries = Entries { log, line: &line, refused: &mut refused };
    let read = json.deserialize_map(entries).and_then(|()| json.end());
    read.map_err(|e| match (refused, e.io_error_kind()) {
        (Some((line, reason)), _) => bad_record(path, line, reason),
        (None, Some(kind)) => Error::io(path, kind.into()),
        (None, None) => bad_record(path, e.line().max(1) as u64, said(&e)),
    })
}

/// Counts lines. The JSON reader takes single bytes and reads no further than it has parsed, so
/// the count is that of the place it has come to.
struct Numbered<'a> {
    input: BufReader<File>,
    line: &'a Counter<u64>,
}

impl Read for Numbered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        self.line.set(self.line.get() + count(&buffer[..read], b'\n'));
        Ok(read)
    }
}

struct Entries<'a> {
    log: &'a mut LogBuilder,
    line: &'a Counter<u64>,
    /// The entry that cannot be taken over, by the line of its name, and why.
    refused: &'a mut Option<(u64, String)>,
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with an entry for each version")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        while let Some(name) = entries.next_key::<String>()? {
            let line = self.line.get();
            let entry: Json = entries.next_value()?;
            if let Err(reason) = record(&name, &entry).and_then(|record| self.log.try_push(record)) {
                *self.refused = Some((line, format!("entry `{}`: {reason}", brief(&name))));
                return Err(A::Error::custom("an entry is refused"));
            }
        }
        Ok(())
    }
}

fn record(name: &str, entry: &Json) -> Result<Record, String> {
    let (key, value) = version(name)?;
    let start_ts = ticks(entry, "start_ts")?;
    let commit_ts = ticks(entry, "commit_ts")?;
    Ok(Record {
        key,
        value,
        txn: Some(Value::Integer(start_ts)),
        start_ts: Some(start_ts),
        commit_ts: Some(commit_ts),
        ..Record::default()
    })
}

fn ticks(entry: &Json, field: &str) -> Result<i64, String> {
    match entry.get(field) {
        None => Err(format!("{field} is missing")),
        Some(json) => {
            json.as_i64().ok_or_else(|| format!("{field} is `{}`, not a signed 64-bit integer", brief(json)))
        }
    }
}

/// The key and the value of a literal such as `{'k': 1155, 'v': 13}`.
fn version(name: &str) -> Result<(Value, Option<Value>), String> {
    let wrong = || "the name is not of the form {'k': KEY, 'v': VALUE}".to_owned();
    let inner = name.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).ok_or_else(wrong)?;
    let (mut key, mut value) = (None, None);
    let mut rest = inner.trim();
    while !rest.is_empty() {
        let (field, after) = literal(rest)?;
        let after = after.trim_start().strip_prefix(':').ok_or_else(wrong)?;
        let (held, after) = literal(after.trim_start())?;
        let place = match field {
            Some(Value::Text(field)) if field == "k" => &mut key,
            Some(Value::Text(field)) if field == "v" => &mut value,
            _ => return Err(wrong()),
        };
        if place.replace(held).is_some() {
            return Err(wrong());
        }
        let after = after.trim_start();
        rest = match after.strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.is_empty() => after,
            None => return Err(wrong()),
        };
    }
    match (key, value) {
        (Some(Some(key)), Some(value)) => Ok((key, value)),
        (Some(None), _) => Err("the key is None".to_owned()),
        _ => Err(wrong()),
    }
}

/// An integer, a quoted text or `None` at the start of `text`, and what follows it.
fn literal(text: &str) -> Result<(Option<Value>, &str), String> {
    if let Some(quote @ ('\'' | '"')) = text.chars().next() {
        return quoted(&text[1..], quote).map(|(inner, rest)| (Some(Value::Text(inner)), rest));
    }
    let end = text.find([',', ':', '}', ' ']).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    if word == "None" {
        return Ok((None, rest));
    }
    match plain_integer(word.as_bytes()) {
        Some(number) => Ok((Some(number), rest)),
        None => Err(format!("`{}` is not a 64-bit integer, a quoted text or None", brief(word))),
    }
}

fn quoted(text: &str, quote: char) -> Result<(String, &str), String> {
    let mut inner = String::new();
    let mut chars = text.char_indices();
    while let Some((place, c)) = chars.next() {
        match c {
            c if c == quote => return Ok((inner, &text[place + 1..])),
            '\\' => match chars.next() {
                Some((_, c @ ('\\' | '\'' | '"'))) => inner.push(c),
                Some((_, c)) => return Err(format!("`\\{c}` in a quoted text is not supported")),
                None => break,
            },
            c => inner.push(c),
        }
    }
    Err("a quoted text has no end".to_owned())
}
