//! JSON Lines: one object a line, one line an operation.
//!
//! A column is read from the field of its name, or from the one that `--map` names: a name with
//! dots that is no field itself is a path through nested objects. A missing field is null.
//! Integers and text stay what they are; booleans become the text `true` or `false`. Fractions
//! and integers over 64 bits are refused, since two of them may be one number and would then
//! be taken for one value or two; so are arrays and objects.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::cells::{COLUMNS, Cell, Cells, Interpreter};
use super::lines::Lines;
use super::{ImportOptions, Imported, bad_record, brief};
use crate::error::{Error, Result};
use crate::log::build::LogBuilder;
use crate::time::Unit;

pub(super) fn import(inputs: &[PathBuf], options: &ImportOptions) -> Result<Imported> {
    let mut interpreter = Interpreter::new(options, Unit::Nanoseconds)?;
    let mut log = LogBuilder::new(Unit::None);
    let mut seen = [false; COLUMNS.len()];
    for path in inputs {
        import_file(path, &mut interpreter, &mut log, &mut seen)?;
    }
    let mapping = &interpreter.mapping;
    // A name that no line knows is a slip of the pen, not an optional field.
    if let Some(column) = (0..COLUMNS.len()).find(|c| mapping.named[*c] && !seen[*c] && !log.is_empty()) {
        let reason = format!("column {}: no line has a field `{}`", COLUMNS[column], mapping.fields[column]);
        return Err(Error::Option { option: "--map", reason });
    }
    log.set_unit(interpreter.unit());
    Ok(Imported::whole(log))
}

fn import_file(
    path: &Path,
    interpreter: &mut Interpreter,
    log: &mut LogBuilder,
    seen: &mut [bool; COLUMNS.len()],
) -> Result<()> {
    let mut lines = Lines::open(path)?;
    while let Some((line, text)) = lines.next_line()? {
        let bad = |reason: String| bad_record(path, line, reason);
        let object: Json =
            serde_json::from_slice(text).map_err(|e| bad(format!("not JSON: {}", said(&e))))?;
        if !object.is_object() {
            return Err(bad(format!("`{}` is not a JSON object", brief(&object))));
        }
        let cells = cells(&object, interpreter, seen).map_err(bad)?;
        let record = interpreter.record(cells).map_err(bad)?;
        log.try_push(record).map_err(bad)?;
    }
    Ok(())
}

fn cells(
    object: &Json,
    interpreter: &Interpreter,
    seen: &mut [bool; COLUMNS.len()],
) -> Result<Cells, String> {
    let mut cells = Cells::default();
    for (column, field) in interpreter.mapping.fields.iter().enumerate() {
        let found = object.get(field).or_else(|| {
            let mut steps = field.split('.');
            let first = steps.next().and_then(|step| object.get(step));
            steps.fold(first, |inner, step| inner.and_then(|inner| inner.get(step)))
        });
        if let Some(found) = found {
            seen[column] = true;
            cells[column] = cell(found).map_err(|reason| format!("field `{field}`: {reason}"))?;
        }
    }
    Ok(cells)
}

fn cell(json: &Json) -> Result<Cell, String> {
    match json {
        Json::Null => Ok(Cell::Null),
        Json::Bool(truth) => Ok(Cell::Text(truth.to_string())),
        Json::String(text) => Ok(Cell::Text(text.clone())),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(n), _) => Ok(Cell::Integer(n)),
            (None, Some(n)) => Ok(Cell::Unsigned(n)),
            (None, None) => Err(format!("`{number}` is not a 64-bit integer; other numbers must be text")),
        },
        Json::Array(_) | Json::Object(_) => Err(format!("`{}` is neither an integer nor text", brief(json))),
    }
}

/// What the JSON reader said, without its own line number: the line was given to it alone.
pub(super) fn said(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    match text.strip_suffix(&place) {
        Some(reason) => format!("{reason} at column {}", error.column()),
        None => text,
    }
}
