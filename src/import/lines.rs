//! Lines of bounded length, numbered.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::{bad_record, buffered};
use crate::error::{Error, Result};

/// Longest line, or record of several lines, in bytes: 16 MiB.
pub(super) const LONGEST: usize = 16 << 20;

/// The lines of a file, one at a time.
pub(super) struct Lines<'a> {
    path: &'a Path,
    input: BufReader<File>,
    buffer: Vec<u8>,
    line: u64,
}

impl<'a> Lines<'a> {
    pub(super) fn open(path: &'a Path) -> Result<Self> {
        Ok(Lines { path, input: buffered(path)?, buffer: Vec::new(), line: 0 })
    }

    /// The next line that is not blank, and its number counted from 1.
    pub(super) fn next_line(&mut self) -> Result<Option<(u64, &[u8])>> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let limit = LONGEST as u64 + 1;
            let read = self.input.by_ref().take(limit).read_until(b'\n', &mut self.buffer);
            if read.map_err(|e| Error::io(self.path, e))? == 0 {
                return Ok(None);
            }
            if self.buffer.len() > LONGEST {
                return Err(bad_record(self.path, self.line, format!("longer than {LONGEST} bytes")));
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(Some((self.line, self.buffer.trim_ascii())));
            }
        }
    }
}

/// How often `byte` occurs.
pub(super) fn count(text: &[u8], byte: u8) -> u64 {
    text.iter().map(|b| u64::from(*b == byte)).sum()
}
