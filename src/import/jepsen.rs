//! Jepsen histories of read-write register transactions.
//!
//! An entry is a map with `:type`, `:f`, `:process`, `:value` and so on. An `:invoke` and the
//! next entry of the same process make one transaction: `:ok` is committed, `:fail` aborted,
//! `:info`, like no second entry at all, of unknown fate. It goes by the `:index` of its
//! invocation, or by a running number; its process is its session.
//!
//! * Only `:ok` reports what reads returned. Of other transactions the invoked writes are kept
//!   and the reads dropped: the `nil` there is no observation.
//! * `:ts {:rts :cts}` of the `:ok` become `start_ts` and `commit_ts`.
//! * The `:time`s are the client's. Only if asked for they become bounds, in nanoseconds: of a
//!   committed transaction both start and commit lie between invocation and answer; of an
//!   unknown one both may come at any time after the invocation.
//! * Keys and values are integers, text, keywords (with their colon) or truth values (as text).

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::edn::{Form, Problem, Reader};
use super::{ImportOptions, Imported, bad_record, brief, buffered};
use crate::error::{Error, Result};
use crate::log::build::{LogBuilder, Record, Value};
use crate::time::{BoundedTimestamp, Unit};
use crate::txn::{Op, Status};

pub(super) fn import(inputs: &[PathBuf], options: &ImportOptions) -> Result<Imported> {
    let [path] = inputs else {
        let reason = format!(
            "jepsen-edn takes one file, not {}: their processes and indices would be taken for the same",
            inputs.len()
        );
        return Err(Error::Option { option: "IN", reason });
    };
    let unit = if options.client_times { Unit::Nanoseconds } else { Unit::None };
    let mut history = History::new(path, options.client_times, unit);
    let mut reader = Reader::new(buffered(path)?);
    loop {
        match reader.next_entry() {
            Ok(Some((line, entry))) => {
                history.entry(line, &entry).map_err(|reason| bad_record(path, line, reason))?;
            }
            Ok(None) => return history.finish(),
            Err(Problem::Text(reason)) => return Err(bad_record(path, reader.line(), reason)),
            Err(Problem::Io(source)) => return Err(Error::io(path, source)),
        }
    }
}

/// An invocation that waits for its answer.
struct Call {
    line: u64,
    id: i64,
    time: Option<i64>,
    operations: Vec<Operation>,
}

struct Operation {
    op: Op,
    key: Value,
    value: Option<Value>,
}

struct History<'a> {
    path: &'a Path,
    client_times: bool,
    imported: Imported,
    /// By process.
    pending: HashMap<i64, Call>,
    ids: HashSet<i64>,
    /// Whether invocations have an `:index`, as the first one shows.
    indexed: Option<bool>,
}

impl<'a> History<'a> {
    fn new(path: &'a Path, client_times: bool, unit: Unit) -> Self {
        let imported = Imported::whole(LogBuilder::new(unit));
        History { path, client_times, imported, pending: HashMap::new(), ids: HashSet::new(), indexed: None }
    }

    fn entry(&mut self, line: u64, entry: &Form) -> Result<(), String> {
        if !matches!(entry, Form::Map(_)) {
            return Err(format!("`{}` is not a map", brief(entry)));
        }
        let kind = keyword(entry, ":type")?;
        if !matches!(entry.get(":f"), Some(Form::Keyword(f)) if f == ":txn") {
            self.imported.skipped_entries += 1;
            return Ok(());
        }
        let process = integer(entry, ":process")?.ok_or("`:process` is missing")?;
        let status = match kind {
            ":invoke" => return self.invoke(line, process, entry),
            ":ok" => Status::Committed,
            ":fail" => Status::Aborted,
            ":info" => Status::Unknown,
            other => return Err(format!("`:type` is `{other}`, none of :invoke, :ok, :fail, :info")),
        };
        let call = self.pending.remove(&process);
        let call = call.ok_or_else(|| format!("`{kind}` of process {process}, which has no call open"))?;
        self.complete(process, call, status, Some(entry))
    }

    fn invoke(&mut self, line: u64, process: i64, entry: &Form) -> Result<(), String> {
        if let Some(call) = self.pending.get(&process) {
            return Err(format!("process {process} calls again, with its call of line {} open", call.line));
        }
        let index = integer(entry, ":index")?;
        if *self.indexed.get_or_insert(index.is_some()) != index.is_some() {
            return Err("some invocations have an `:index` and some have none".to_owned());
        }
        let id = index.unwrap_or((self.ids.len() as u64).cast_signed());
        if !self.ids.insert(id) {
            return Err(format!("`:index` is `{id}`, as that of an earlier invocation"));
        }
        let operations = operations(entry)?;
        let time = self.time(entry)?;
        self.pending.insert(process, Call { line, id, time, operations });
        Ok(())
    }

    fn complete(
        &mut self,
        process: i64,
        call: Call,
        status: Status,
        entry: Option<&Form>,
    ) -> Result<(), String> {
        let answer = entry.filter(|_| status == Status::Committed);
        let operations = match answer {
            Some(answer) => operations(answer)?,
            None => call.operations,
        };
        let (start, commit) = self.bounds(call.time, status, entry)?;
        let (start_ts, commit_ts) = answer.map_or(Ok((None, None)), timestamps)?;
        for operation in operations {
            if status != Status::Committed && operation.op == Op::Read {
                self.imported.unanswered_reads += 1;
                continue;
            }
            let record = Record {
                key: operation.key,
                op: operation.op,
                value: operation.value,
                txn: Some(Value::Integer(call.id)),
                session: Some(Value::Integer(process)),
                status,
                start,
                commit,
                start_ts,
                commit_ts,
                ..Record::default()
            };
            self.imported.log.try_push(record).map_err(|reason| self.with_advice(reason, commit_ts))?;
        }
        Ok(())
    }

    /// The start's and the commit's bound by the client's times.
    fn bounds(&self, invoked: Option<i64>, status: Status, entry: Option<&Form>) -> Result<Bounds, String> {
        let Some(invoked) = invoked else { return Ok((None, None)) };
        let answered = match entry {
            Some(entry) if status != Status::Unknown => self.time(entry)?.unwrap_or(i64::MAX),
            _ => i64::MAX,
        };
        let bound = BoundedTimestamp::new(invoked, answered)
            .ok_or_else(|| format!("`:time` is `{answered}`, before that of the invocation, `{invoked}`"))?;
        Ok((Some(bound), (status != Status::Aborted).then_some(bound)))
    }

    fn time(&self, entry: &Form) -> Result<Option<i64>, String> {
        if !self.client_times {
            return Ok(None);
        }
        integer(entry, ":time")?
            .ok_or_else(|| "`:time` is missing, which --client-times needs".to_owned())
            .map(Some)
    }

    fn with_advice(&self, reason: String, commit_ts: Option<i64>) -> String {
        if commit_ts.is_some() || self.client_times {
            return reason;
        }
        format!("{reason} (there is no `:ts` with a `:cts`; --client-times takes the client's times)")
    }

    /// Calls that nobody answered are of unknown fate.
    fn finish(mut self) -> Result<Imported> {
        let mut open: Vec<_> = self.pending.drain().collect();
        open.sort_by_key(|(_, call)| call.line);
        for (process, call) in open {
            let line = call.line;
            let done = self.complete(process, call, Status::Unknown, None);
            done.map_err(|reason| bad_record(self.path, line, reason))?;
        }
        if self.ids.is_empty() && self.imported.skipped_entries > 0 {
            let reason = format!("none of its {} entries is a `:f :txn`", self.imported.skipped_entries);
            return Err(Error::malformed(self.path, reason));
        }
        Ok(self.imported)
    }
}

type Bounds = (Option<BoundedTimestamp>, Option<BoundedTimestamp>);

fn keyword<'f>(entry: &'f Form, name: &str) -> Result<&'f str, String> {
    match entry.get(name) {
        Some(Form::Keyword(word)) => Ok(word),
        Some(other) => Err(format!("`{name}` is `{}`, not a keyword", brief(other))),
        None => Err(format!("`{name}` is missing")),
    }
}

fn integer(entry: &Form, name: &str) -> Result<Option<i64>, String> {
    match entry.get(name) {
        None | Some(Form::Nil) => Ok(None),
        Some(Form::Integer(n)) => Ok(Some(*n)),
        Some(other) => Err(format!("`{name}` is `{}`, not a signed 64-bit integer", brief(other))),
    }
}

/// The server's timestamps of start and commit.
fn timestamps(answer: &Form) -> Result<(Option<i64>, Option<i64>), String> {
    match answer.get(":ts") {
        None | Some(Form::Nil) => Ok((None, None)),
        Some(ts @ Form::Map(_)) => Ok((integer(ts, ":rts")?, integer(ts, ":cts")?)),
        Some(other) => Err(format!("`:ts` is `{}`, not a map", brief(other))),
    }
}

fn operations(entry: &Form) -> Result<Vec<Operation>, String> {
    match entry.get(":value") {
        Some(Form::Vector(forms)) => forms.iter().map(operation).collect(),
        Some(other) => Err(format!("`:value` is `{}`, not a vector of operations", brief(other))),
        None => Err("`:value` is missing".to_owned()),
    }
}

fn operation(form: &Form) -> Result<Operation, String> {
    let parts = match form {
        Form::Vector(parts) => parts.as_slice(),
        _ => &[],
    };
    let [Form::Keyword(word), key, value] = parts else {
        return Err(format!("`{}` is not an operation [:r k v] or [:w k v]", brief(form)));
    };
    let op = match word.as_str() {
        ":r" => Op::Read,
        ":w" => Op::Write,
        ":append" => return Err(unsupported_list(form)),
        _ => return Err(format!("`{}`: operation `{word}` is neither :r nor :w", brief(form))),
    };
    if matches!(value, Form::Vector(_)) {
        return Err(unsupported_list(form));
    }
    let refused =
        |part: &Form| format!("`{}`: `{}` is not an integer, text or keyword", brief(form), brief(part));
    let key = datum(key).map_err(refused)?.ok_or_else(|| format!("`{}`: the key is nil", brief(form)))?;
    Ok(Operation { op, key, value: datum(value).map_err(refused)? })
}

fn unsupported_list(form: &Form) -> String {
    format!("`{}`: list-append histories are not supported, only :r and :w of single values", brief(form))
}

fn datum(form: &Form) -> Result<Option<Value>, &Form> {
    Ok(Some(match form {
        Form::Nil => return Ok(None),
        Form::Integer(n) => Value::Integer(*n),
        Form::Unsigned(n) => Value::Unsigned(*n),
        Form::Bool(truth) => Value::Text(truth.to_string()),
        Form::Text(text) | Form::Keyword(text) => Value::Text(text.clone()),
        other @ (Form::Other(_) | Form::Vector(_) | Form::Map(_)) => return Err(other),
    }))
}
