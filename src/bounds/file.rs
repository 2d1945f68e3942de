//! A file of bounds: whose they are, and in which form they were kept.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::history::Events;
use super::{BoundHistory, DEFAULT_DRIFT_PPB, Whose, chrony, clockbound, csv};
use crate::error::{Error, Result};
use crate::time::Span;

/// A line longer than this is no line of a clock's log.
const LONGEST_LINE: u64 = 1 << 20;

/// A file of bounds, and how to take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundsFile {
    /// Whose clock it is of.
    pub whose: Whose,
    /// How fast its error grows between samples, in parts of 1,000,000,000; `None`:
    /// [`DEFAULT_DRIFT_PPB`].
    pub drift_ppb: Option<u32>,
    /// How long a sample holds, in nanoseconds; `None`: 1,000 s, for chrony's log 2,100 s.
    pub hold_ns: Option<u64>,
    /// The file.
    pub path: PathBuf,
}

impl BoundsFile {
    /// What a command line says: `FILE`, or `KEY=VALUE,...:FILE` with the keys `region`, `host`,
    /// `drift` (parts in a million) and `hold` (a duration).
    ///
    /// ```
    /// use skewer::bounds::{BoundsFile, Whose};
    /// let file = BoundsFile::parse("region=eu,drift=50:/var/log/chrony/tracking.log").unwrap();
    /// assert_eq!((file.whose, file.drift_ppb), (Whose::Region("eu".to_owned()), Some(50_000)));
    /// ```
    ///
    /// # Errors
    /// Says which part cannot be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut file =
            BoundsFile { whose: Whose::Any, drift_ppb: None, hold_ns: None, path: PathBuf::from(text) };
        let keys = ["region=", "host=", "drift=", "hold="];
        if !keys.iter().any(|key| text.starts_with(key)) {
            return if text.is_empty() { Err("names no file".to_owned()) } else { Ok(file) };
        }
        let Some((options, path)) = text.split_once(':').filter(|(_, path)| !path.is_empty()) else {
            return Err(format!("`{text}` names no file: expected region=NAME:FILE or host=NAME:FILE"));
        };
        file.path = PathBuf::from(path);
        for option in options.split(',') {
            file.option(option)?;
        }
        Ok(file)
    }

    fn option(&mut self, option: &str) -> Result<(), String> {
        let (key, value) = option.split_once('=').unwrap_or((option, ""));
        if value.is_empty() {
            return Err(format!("`{option}` is not KEY=VALUE"));
        }
        match key {
            "region" | "host" if self.whose != Whose::Any => Err("names two clocks".to_owned()),
            "region" => {
                self.whose = Whose::Region(value.to_owned());
                Ok(())
            }
            "host" => {
                self.whose = Whose::Host(value.to_owned());
                Ok(())
            }
            "drift" => {
                let ppm: f64 = value.parse().map_err(|_| format!("drift `{value}` is no number of ppm"))?;
                if !(0.0..1_000_000.0).contains(&ppm) {
                    return Err(format!("drift `{value}` is not between 0 and 1000000 ppm"));
                }
                self.drift_ppb = Some(((ppm * 1_000.0).ceil() as u32).min(999_999_999));
                Ok(())
            }
            "hold" => match Span::parse(value)? {
                Span::Nanoseconds(ns) => {
                    self.hold_ns = Some(ns);
                    Ok(())
                }
                Span::Ticks(_) => Err(format!("hold `{value}` needs a unit: ns, us, ms or s")),
            },
            _ => Err(format!("`{key}` is none of region, host, drift, hold")),
        }
    }

    /// The history that `input` holds, taken as this file's contents would be: for those who keep them
    /// elsewhere.
    ///
    /// # Errors
    /// If `input` cannot be read or a line cannot be understood; the error names line and value, and the
    /// path as if the line were of it.
    pub fn history_of(&self, input: impl Read) -> Result<BoundHistory> {
        Ok(self.events(Lines::of(&self.path, input))?.history())
    }

    /// What the file's lines tell.
    pub(super) fn read(&self) -> Result<Events> {
        let file = File::open(&self.path).map_err(|e| Error::io(&self.path, e))?;
        self.events(Lines::of(&self.path, file))
    }

    fn events(&self, mut lines: Lines<'_>) -> Result<Events> {
        let form = lines.form()?;
        let drift = self.drift_ppb.unwrap_or(DEFAULT_DRIFT_PPB).min(999_999_999);
        let mut events = Events::new(drift, self.hold_ns.unwrap_or(form.hold_ns()));
        match form {
            Form::ClockBound => clockbound::read(&mut lines, &mut events)?,
            Form::Chrony => chrony::read(&mut lines, &mut events)?,
            Form::Csv => csv::read(&mut lines, &mut events)?,
        }
        Ok(events)
    }
}

/// In which form bounds were kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// ClockBound's `synchronization.log`: JSON, one object a line.
    ClockBound,
    /// chrony's `tracking.log`: columns, and banners of `=`.
    Chrony,
    /// Time and error, separated by commas.
    Csv,
}

impl Form {
    fn of_line(line: &str) -> Form {
        match line.trim_start() {
            json if json.starts_with('{') => Form::ClockBound,
            banner if banner.starts_with("===") => Form::Chrony,
            columns if !columns.contains(',') && columns.split_whitespace().count() >= 14 => Form::Chrony,
            _ => Form::Csv,
        }
    }

    const fn hold_ns(self) -> u64 {
        match self {
            Form::Chrony => 2_100_000_000_000,
            Form::ClockBound | Form::Csv => 1_000_000_000_000,
        }
    }
}

/// The lines of a file that are not blank, with their numbers.
pub(super) struct Lines<'a> {
    path: &'a Path,
    input: Box<dyn BufRead + 'a>,
    number: u64,
    /// A line that was looked at, and will be read again.
    peeked: Option<String>,
}

impl<'a> Lines<'a> {
    fn of(path: &'a Path, input: impl Read + 'a) -> Self {
        Lines { path, input: Box::new(BufReader::new(input)), number: 0, peeked: None }
    }

    fn form(&mut self) -> Result<Form> {
        let Some(first) = self.next()? else {
            return Err(Error::malformed(self.path, "holds no bounds: it is empty"));
        };
        let form = Form::of_line(&first);
        self.peeked = Some(first);
        Ok(form)
    }

    /// The next line that is not blank, without its line break.
    pub(super) fn next(&mut self) -> Result<Option<String>> {
        if let Some(line) = self.peeked.take() {
            return Ok(Some(line));
        }
        loop {
            let mut bytes = Vec::new();
            let read = (&mut self.input).take(LONGEST_LINE).read_until(b'\n', &mut bytes);
            if read.map_err(|e| Error::io(self.path, e))? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if bytes.len() as u64 == LONGEST_LINE {
                return Err(self.bad(format!("is longer than {LONGEST_LINE} bytes")));
            }
            let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
            let line = std::str::from_utf8(text).map_err(|_| self.bad("is not UTF-8"))?;
            if !line.trim().is_empty() {
                return Ok(Some(line.trim_end().to_owned()));
            }
        }
    }

    /// An error of the line read last.
    pub(super) fn bad(&self, reason: impl Into<String>) -> Error {
        Error::Record { path: self.path.to_owned(), line: self.number, reason: reason.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: prefixes say whose, how fast and how long; anything else is a path.
    #[test]
    fn prefixes() {
        let parse = |text: &str| BoundsFile::parse(text);
        let plain = parse("/var/log/a:b.log").unwrap();
        assert_eq!((plain.whose, plain.path), (Whose::Any, PathBuf::from("/var/log/a:b.log")));
        let host = parse("host=db-1,hold=90s:t.csv").unwrap();
        assert_eq!((host.whose, host.hold_ns), (Whose::Host("db-1".to_owned()), Some(90_000_000_000)));
        assert_eq!(parse("drift=0.5:t.csv").unwrap().drift_ppb, Some(500));
        for bad in
            ["", "region=eu", "region=:f", "region=eu:", "region=eu,host=a:f", "drift=fast:f", "hold=5:f"]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(parse("region=eu,dirft=3:f").unwrap_err().contains("dirft"));
        assert!(parse("drift=-1:f").is_err() && parse("drift=NaN:f").is_err());
    }
}
