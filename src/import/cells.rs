//! One record of a source with named columns: its cells, and the operation they make.

use crate::error::{Error, Result};
use crate::import::times::{Rounding, TimeRule};
use crate::import::{ImportOptions, brief};
use crate::log::build::{Record, Value};
use crate::time::Unit;
use crate::txn::{Op, Status};

/// The columns of a log that a source may fill.
pub(super) const COLUMNS: [&str; 14] = [
    "key",
    "op",
    "value",
    "txn",
    "region",
    "session",
    "status",
    "start_earliest",
    "start_latest",
    "commit_earliest",
    "commit_latest",
    "start_ts",
    "commit_ts",
    "host",
];
/// Places of the columns in [`COLUMNS`].
pub(super) const KEY: usize = 0;
const OP: usize = 1;
const VALUE: usize = 2;
const TXN: usize = 3;
const REGION: usize = 4;
const SESSION: usize = 5;
const STATUS: usize = 6;
const START: [usize; 2] = [7, 8];
const COMMIT: [usize; 2] = [9, 10];
const START_TS: usize = 11;
const COMMIT_TS: usize = 12;
const HOST: usize = 13;

/// What a source holds for one column of one record.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Cell {
    /// Nothing.
    #[default]
    Null,
    Integer(i64),
    Unsigned(u64),
    Text(String),
    Bytes(Vec<u8>),
    /// Nanoseconds since 1970.
    Instant(i128),
}

/// The cells of a record, in the order of [`COLUMNS`].
pub(super) type Cells = [Cell; COLUMNS.len()];

impl Cell {
    /// The cell for a message.
    pub(super) fn show(&self) -> String {
        match self {
            Cell::Null => "null".to_owned(),
            Cell::Integer(n) => n.to_string(),
            Cell::Unsigned(n) => n.to_string(),
            Cell::Text(text) => brief(text),
            Cell::Bytes(bytes) => brief(crate::txn::Datum::Bytes(bytes)),
            Cell::Instant(ns) => format!("{ns} ns"),
        }
    }
}

/// From which field of the source each column is read.
pub(super) struct Mapping {
    /// In the order of [`COLUMNS`].
    pub(super) fields: [String; COLUMNS.len()],
    /// Whether the user named the field: it must then be there.
    pub(super) named: [bool; COLUMNS.len()],
}

impl Mapping {
    /// The mapping that `--map` asks for.
    pub(super) fn new(options: &ImportOptions) -> Result<Self> {
        let mut mapping = Mapping { fields: COLUMNS.map(str::to_owned), named: [false; COLUMNS.len()] };
        let refuse = |reason| Err(Error::Option { option: "--map", reason });
        for (column, field) in &options.map {
            let Some(place) = COLUMNS.iter().position(|c| c == column) else {
                return refuse(format!("`{column}` is not a column of a log: {}", COLUMNS.join(", ")));
            };
            if mapping.named[place] {
                let before = &mapping.fields[place];
                return refuse(format!("column {column} is mapped to `{before}` and to `{field}`"));
            }
            mapping.fields[place].clone_from(field);
            mapping.named[place] = true;
        }
        Ok(mapping)
    }

    /// A column for messages, with the source's field where its name differs.
    fn label(&self, column: usize) -> String {
        let (name, field) = (COLUMNS[column], &self.fields[column]);
        if name == field { format!("column {name}") } else { format!("column {name} (field `{field}`)") }
    }
}

/// Turns cells into operations.
pub(super) struct Interpreter {
    pub(super) mapping: Mapping,
    times: TimeRule,
}

impl Interpreter {
    /// An interpreter; instants become ticks of `instants` unless `--unit` says otherwise.
    pub(super) fn new(options: &ImportOptions, instants: Unit) -> Result<Self> {
        let times = TimeRule::new(options.unit, instants);
        Ok(Interpreter { mapping: Mapping::new(options)?, times })
    }

    /// The unit of all times interpreted so far.
    pub(super) fn unit(&self) -> Unit {
        self.times.unit()
    }

    /// The operation of a record; the error names the column, the field and the value.
    pub(super) fn record(&mut self, mut cells: Cells) -> Result<Record, String> {
        let mut taken = |column: usize| std::mem::take(&mut cells[column]);
        let labelled = |column: usize| move |reason: String| (column, reason);
        let mut build = || -> Result<Record, (usize, String)> {
            let key = datum(taken(KEY)).map_err(labelled(KEY))?;
            let key = key.ok_or_else(|| (KEY, "null, but every operation has a key".to_owned()))?;
            let value = datum(taken(VALUE)).map_err(labelled(VALUE))?;
            let (op, deletes) = operation(&taken(OP)).map_err(labelled(OP))?;
            if let (true, Some(value)) = (deletes, &value) {
                return Err((VALUE, format!("a delete carries the value `{}`", brief(value.as_datum()))));
            }
            Ok(Record {
                key,
                op,
                value,
                txn: datum(taken(TXN)).map_err(labelled(TXN))?,
                region: word(taken(REGION)).map_err(labelled(REGION))?,
                session: datum(taken(SESSION)).map_err(labelled(SESSION))?,
                status: status(&taken(STATUS)).map_err(labelled(STATUS))?,
                start: self.times.bound(&START.map(&mut taken)).map_err(|(end, r)| (START[end], r))?,
                commit: self.times.bound(&COMMIT.map(&mut taken)).map_err(|(end, r)| (COMMIT[end], r))?,
                start_ts: self.times.ticks(&taken(START_TS), Rounding::Exact).map_err(labelled(START_TS))?,
                commit_ts: self
                    .times
                    .ticks(&taken(COMMIT_TS), Rounding::Exact)
                    .map_err(labelled(COMMIT_TS))?,
                host: word(taken(HOST)).map_err(labelled(HOST))?,
            })
        };
        build().map_err(|(column, reason)| format!("{}: {reason}", self.mapping.label(column)))
    }
}

fn datum(cell: Cell) -> Result<Option<Value>, String> {
    Ok(Some(match cell {
        Cell::Null => return Ok(None),
        Cell::Integer(n) => Value::Integer(n),
        Cell::Unsigned(n) => Value::Unsigned(n),
        Cell::Text(text) => Value::Text(text),
        Cell::Bytes(bytes) => Value::Bytes(bytes),
        Cell::Instant(_) => return Err(format!("`{}` is a timestamp", cell.show())),
    }))
}

/// The text of a cell that names a place.
fn word(cell: Cell) -> Result<Option<String>, String> {
    match cell {
        Cell::Null => Ok(None),
        Cell::Text(text) => Ok(Some(text)),
        other => Err(format!("`{}` is not text", other.show())),
    }
}

/// The operation that a word names, and whether it deletes. No word: a write.
fn operation(cell: &Cell) -> Result<(Op, bool), String> {
    let word = match cell {
        Cell::Null => return Ok((Op::Write, false)),
        Cell::Text(text) => text.to_ascii_lowercase(),
        _ => String::new(),
    };
    match word.as_str() {
        "r" | "read" => Ok((Op::Read, false)),
        "w" | "write" => Ok((Op::Write, false)),
        "d" | "delete" => Ok((Op::Write, true)),
        _ => Err(format!("`{}` is none of read, r, write, w, delete, d", cell.show())),
    }
}

/// The fate that a word names. No word: committed.
fn status(cell: &Cell) -> Result<Status, String> {
    let word = match cell {
        Cell::Null => return Ok(Status::Committed),
        Cell::Text(text) => text.to_ascii_lowercase(),
        _ => String::new(),
    };
    let fates = [Status::Committed, Status::Aborted, Status::Unknown];
    let found = fates.into_iter().find(|fate| fate.name() == word);
    found.ok_or_else(|| format!("`{}` is none of committed, aborted, unknown", cell.show()))
}
