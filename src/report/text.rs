//! Text of unknown origin, made safe for where it is shown.
//!
//! Keys and ids come from logs that strangers wrote: they may hold markup, terminal escapes or
//! line breaks.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::report::when::length;
use crate::time::Unit;

/// `text` on one line, with control characters as `\n` or `\u{1b}`: no key can move the
/// cursor of a terminal or break a line-based format.
pub fn one_line(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_control() { safe.extend(c.escape_default()) } else { safe.push(c) }
    }
    Cow::Owned(safe)
}

/// A fact of a model, named and told in words: lengths of time in those of `unit`.
pub(crate) fn fact(name: &str, number: u64, unit: Unit) -> (String, String) {
    let broken = name.strip_prefix("broken.");
    if let Some(pair) = broken.and_then(|pair| pair.strip_suffix(".count")) {
        return (format!("broken bounds {pair}"), number.to_string());
    }
    if let Some(pair) = broken.and_then(|pair| pair.strip_suffix(".largest")) {
        return (format!("broken bounds {pair}, by up to"), length(number, unit));
    }
    (name.replace('_', " "), number.to_string())
}

/// `text` as content or quoted attribute of XML or HTML. Characters that XML 1.0 cannot hold
/// become U+FFFD.
pub fn markup(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(c),
            '\u{fffe}' | '\u{ffff}' => safe.push('\u{fffd}'),
            c if c.is_control() => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

/// `path` as the path of a relative or absolute URI: separators stay, what RFC 3986 does not
/// allow in a path segment is percent-encoded.
pub fn uri_path(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
                uri.push(char::from(byte));
            }
            // Writing to a string does not fail.
            _ => _ = write!(uri, "%{byte:02X}"),
        }
    }
    uri
}

/// `count` of a thing with that singular name: `1 row`, `2 rows`.
pub fn counted(count: u64, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: how far bounds were broken is a length of time, whatever a region is called.
    #[test]
    fn facts_in_words() {
        let told = |name: &str| fact(name, 3_000_000, Unit::Nanoseconds);
        assert_eq!(told("broken.eu->us.a.count").0, "broken bounds eu->us.a");
        let (name, amount) = told("broken.eu->us.largest");
        assert_eq!((name.as_str(), amount.as_str()), ("broken bounds eu->us, by up to", "3 ms"));
        assert_eq!(told("ambiguous_reads"), ("ambiguous reads".to_owned(), "3000000".to_owned()));
    }

    /// Promise: a key cannot steer a terminal or break a line.
    #[test]
    fn control_characters_are_shown() {
        assert_eq!(one_line("a\u{1b}[31m\nb\u{9b}"), "a\\u{1b}[31m\\nb\\u{9b}");
        assert!(matches!(one_line("plain ü"), Cow::Borrowed("plain ü")));
    }

    /// Promise: a key cannot become markup, and the page stays well-formed.
    #[test]
    fn markup_is_escaped() {
        assert_eq!(markup("<a b='\"&\u{0}\u{ffff}"), "&lt;a b=&#39;&quot;&amp;\u{fffd}\u{fffd}");
    }

    /// Promise: file names become valid URIs.
    #[test]
    fn uris_are_encoded() {
        assert_eq!(uri_path("logs/é 1.arrow#0"), "logs/%C3%A9%201.arrow%230");
    }
}
