//! A reader of EDN, as far as Jepsen histories need it.
//!
//! It reads the maps of a file one by one, whether they stand side by side or in one vector,
//! and knows the line of each. Tags are dropped, lists and sets read as vectors. Input is
//! hostile until proven otherwise: one map takes at most 16 MiB and 64 levels of nesting.

use std::io::{self, BufRead};

use super::lines::LONGEST;

/// Deepest nesting of forms.
const DEEPEST: u32 = 64;

/// A form, that is a value, of EDN.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    Nil,
    Bool(bool),
    Integer(i64),
    Unsigned(u64),
    Text(String),
    /// With its colon.
    Keyword(String),
    /// A symbol, a character, or a number that is no 64-bit integer: as it is spelt.
    Other(String),
    Vector(Vec<Form>),
    Map(Vec<(Form, Form)>),
}

impl Form {
    /// The value of a map under a keyword (with its colon); `None` too if this is no map.
    pub(super) fn get(&self, keyword: &str) -> Option<&Form> {
        let Form::Map(pairs) = self else { return None };
        pairs.iter().find(|(name, _)| matches!(name, Form::Keyword(k) if k == keyword)).map(|(_, v)| v)
    }
}

impl std::fmt::Display for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Form::Nil => f.write_str("nil"),
            Form::Bool(truth) => write!(f, "{truth}"),
            Form::Integer(n) => write!(f, "{n}"),
            Form::Unsigned(n) => write!(f, "{n}"),
            Form::Text(text) | Form::Keyword(text) | Form::Other(text) => f.write_str(text),
            Form::Vector(forms) => {
                f.write_str("[")?;
                for (place, form) in forms.iter().enumerate() {
                    write!(f, "{}{form}", if place == 0 { "" } else { " " })?;
                }
                f.write_str("]")
            }
            Form::Map(pairs) => {
                f.write_str("{")?;
                for (place, (name, value)) in pairs.iter().enumerate() {
                    write!(f, "{}{name} {value}", if place == 0 { "" } else { ", " })?;
                }
                f.write_str("}")
            }
        }
    }
}

/// Why reading stopped.
#[derive(Debug)]
pub(super) enum Problem {
    Io(io::Error),
    /// The text is not EDN, in the [line](Reader::line) where the reader stands.
    Text(String),
}

type Read<T> = Result<T, Problem>;

fn problem<T>(reason: impl Into<String>) -> Read<T> {
    Err(Problem::Text(reason.into()))
}

/// What one call of [`Reader::item`] met.
enum Item {
    Form(Form),
    /// A closing bracket.
    Close(u8),
    /// Something that stands for nothing: `#_ form`.
    Nothing,
    End,
}

/// Reads forms, and counts lines.
pub(super) struct Reader<R> {
    input: R,
    line: u64,
    /// Bytes since the current entry began.
    taken: usize,
    in_vector: bool,
}

impl<R: BufRead> Reader<R> {
    pub(super) fn new(input: R) -> Self {
        Reader { input, line: 1, taken: 0, in_vector: false }
    }

    /// The line where the reader stands, counted from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The next top-level form, or the next element of the top-level vector, and the line where
    /// it begins.
    pub(super) fn next_entry(&mut self) -> Read<Option<(u64, Form)>> {
        loop {
            self.taken = 0;
            self.skip_space()?;
            let line = self.line;
            if self.peek()? == Some(b'[') && !self.in_vector {
                self.bump()?;
                self.in_vector = true;
                continue;
            }
            match self.item(0)? {
                Item::Form(form) => return Ok(Some((line, form))),
                Item::Nothing => {}
                Item::Close(b']') if self.in_vector => self.in_vector = false,
                Item::Close(bracket) => {
                    return problem(format!("`{}` closes nothing", char::from(bracket)));
                }
                Item::End if self.in_vector => return problem("the file ends inside its vector"),
                Item::End => return Ok(None),
            }
        }
    }

    fn item(&mut self, depth: u32) -> Read<Item> {
        if depth > DEEPEST {
            return problem(format!("nested deeper than {DEEPEST} levels"));
        }
        self.skip_space()?;
        let Some(byte) = self.peek()? else { return Ok(Item::End) };
        let form = match byte {
            b')' | b']' | b'}' => {
                self.bump()?;
                return Ok(Item::Close(byte));
            }
            b'(' => Form::Vector(self.sequence(b')', depth)?),
            b'[' => Form::Vector(self.sequence(b']', depth)?),
            b'{' => self.map(depth)?,
            b'"' => Form::Text(self.string()?),
            b'\\' => self.character()?,
            b'#' => return self.dispatch(depth),
            _ => atom(self.token()?)?,
        };
        Ok(Item::Form(form))
    }

    /// What follows a `#`: a set, a discarded form, or a tag, which is dropped.
    fn dispatch(&mut self, depth: u32) -> Read<Item> {
        self.bump()?;
        match self.peek()? {
            Some(b'{') => Ok(Item::Form(Form::Vector(self.sequence(b'}', depth)?))),
            Some(b'_') => {
                self.bump()?;
                self.form(depth + 1)?;
                Ok(Item::Nothing)
            }
            Some(byte) if byte.is_ascii_alphabetic() => {
                self.token()?;
                Ok(Item::Form(self.form(depth + 1)?))
            }
            _ => problem("`#` is followed by no tag, set or discarded form"),
        }
    }

    /// The next form, past discarded ones.
    fn form(&mut self, depth: u32) -> Read<Form> {
        loop {
            match self.item(depth)? {
                Item::Form(form) => return Ok(form),
                Item::Nothing => {}
                Item::Close(bracket) => {
                    return problem(format!("`{}` stands where a form is due", char::from(bracket)));
                }
                Item::End => return problem("the file ends where a form is due"),
            }
        }
    }

    fn sequence(&mut self, close: u8, depth: u32) -> Read<Vec<Form>> {
        self.bump()?;
        let mut forms = Vec::new();
        loop {
            match self.item(depth + 1)? {
                Item::Form(form) => forms.push(form),
                Item::Nothing => {}
                Item::Close(bracket) if bracket == close => return Ok(forms),
                Item::Close(bracket) => {
                    let (due, met) = (char::from(close), char::from(bracket));
                    return problem(format!("`{met}` stands where `{due}` is due"));
                }
                Item::End => return problem(format!("the file ends before `{}`", char::from(close))),
            }
        }
    }

    fn map(&mut self, depth: u32) -> Read<Form> {
        let forms = self.sequence(b'}', depth)?;
        if !forms.len().is_multiple_of(2) {
            return problem("a map has a name without a value");
        }
        let mut forms = forms.into_iter();
        let mut pairs = Vec::with_capacity(forms.len() / 2);
        while let (Some(name), Some(value)) = (forms.next(), forms.next()) {
            pairs.push((name, value));
        }
        Ok(Form::Map(pairs))
    }

    fn string(&mut self) -> Read<String> {
        self.bump()?;
        let mut bytes = Vec::new();
        loop {
            match self.bump()? {
                None => return problem("the file ends inside a text"),
                Some(b'"') => break,
                Some(b'\\') => {
                    let escaped = self.escape()?;
                    bytes.extend_from_slice(escaped.encode_utf8(&mut [0; 4]).as_bytes());
                }
                Some(byte) => bytes.push(byte),
            }
        }
        String::from_utf8(bytes).or_else(|_| problem("a text is not UTF-8"))
    }

    fn escape(&mut self) -> Read<char> {
        match self.bump()? {
            Some(b'n') => Ok('\n'),
            Some(b't') => Ok('\t'),
            Some(b'r') => Ok('\r'),
            Some(b'b') => Ok('\u{8}'),
            Some(b'f') => Ok('\u{c}'),
            Some(byte @ (b'"' | b'\\')) => Ok(char::from(byte)),
            Some(b'u') => {
                let mut code = 0;
                for _ in 0..4 {
                    let digit = self.bump()?.and_then(|byte| char::from(byte).to_digit(16));
                    let Some(digit) = digit else { return problem("`\\u` needs four hex digits") };
                    code = code * 16 + digit;
                }
                char::from_u32(code).map_or_else(|| problem(format!("`\\u{code:04x}` is no character")), Ok)
            }
            _ => problem("a text has an unknown escape"),
        }
    }

    /// `\a`, `\newline`, `\(`: the first character after the backslash may be any.
    fn character(&mut self) -> Read<Form> {
        self.bump()?;
        let Some(first) = self.bump()? else { return problem("the file ends after `\\`") };
        let mut bytes = vec![b'\\', first];
        bytes.extend_from_slice(&self.token_bytes()?);
        Ok(Form::Other(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn token(&mut self) -> Read<String> {
        let bytes = self.token_bytes()?;
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        String::from_utf8(bytes).or_else(|_| problem(format!("`{}` is not UTF-8", super::brief(shown))))
    }

    fn token_bytes(&mut self) -> Read<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(byte) = self.peek()? {
            if is_space(byte) || b"()[]{}\";\\".contains(&byte) {
                break;
            }
            bytes.push(byte);
            self.bump()?;
        }
        Ok(bytes)
    }

    /// Past spaces, commas and comments.
    fn skip_space(&mut self) -> Read<()> {
        while let Some(byte) = self.peek()? {
            if byte == b';' {
                while !matches!(self.peek()?, None | Some(b'\n')) {
                    self.bump()?;
                }
            } else if is_space(byte) {
                self.bump()?;
            } else {
                break;
            }
        }
        Ok(())
    }

    fn peek(&mut self) -> Read<Option<u8>> {
        Ok(self.input.fill_buf().map_err(Problem::Io)?.first().copied())
    }

    fn bump(&mut self) -> Read<Option<u8>> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.input.consume(1);
            self.line += u64::from(byte == b'\n');
            self.taken += 1;
            if self.taken > LONGEST {
                return problem(format!("an entry is longer than {LONGEST} bytes"));
            }
        }
        Ok(byte)
    }
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == b','
}

/// The form that a bare token spells.
fn atom(token: String) -> Read<Form> {
    let Some(first) = token.bytes().next() else { return problem("a form is empty") };
    let signed = matches!(first, b'+' | b'-') && token.len() > 1;
    if first.is_ascii_digit() || signed && token.as_bytes()[1].is_ascii_digit() {
        // `N` marks an arbitrarily long integer, which may be short.
        let digits = token.strip_suffix('N').unwrap_or(&token);
        return Ok(match (digits.parse(), digits.parse()) {
            (Ok(n), _) => Form::Integer(n),
            (_, Ok(n)) => Form::Unsigned(n),
            _ => Form::Other(token),
        });
    }
    Ok(match token.as_str() {
        "nil" => Form::Nil,
        "true" => Form::Bool(true),
        "false" => Form::Bool(false),
        _ if first == b':' && token.len() > 1 => Form::Keyword(token),
        _ if first.is_ascii_alphabetic() || b"*+!-_?$%&=<>./".contains(&first) || !first.is_ascii() => {
            Form::Other(token)
        }
        _ => return problem(format!("`{}` is not EDN", super::brief(token))),
    })
}
