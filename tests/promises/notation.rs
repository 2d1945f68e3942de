//! The notation in which `datasets/conformance/` and the reference's own tests write logs down: see the
//! README there. It knows no type of the crate, so that tests inside and outside of it read alike.

/// A line: a transaction, or a part of one whose id comes again.
#[derive(Clone, Debug)]
pub(crate) struct Line<'a> {
    /// `None` for `-`.
    pub(crate) id: Option<&'a str>,
    pub(crate) region: &'a str,
    pub(crate) session: Option<&'a str>,
    /// Both ends.
    pub(crate) start: Option<(i64, i64)>,
    pub(crate) commit: Option<(i64, i64)>,
    pub(crate) start_ts: Option<i64>,
    pub(crate) commit_ts: Option<i64>,
    pub(crate) aborted: bool,
    pub(crate) unknown: bool,
    /// Whether the bounds were made of the timestamps; only the reference's tests say so.
    pub(crate) assumed: bool,
    pub(crate) operations: Vec<Operation<'a>>,
}

/// A read or a write of a value, or of null.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation<'a> {
    pub(crate) read: bool,
    pub(crate) key: &'a str,
    pub(crate) value: Option<&'a str>,
}

/// The lines of a log; empty ones are skipped.
///
/// # Panics
/// If a line is none.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(line)
}

fn line(text: &str) -> Line<'_> {
    let (head, operations) = text.split_once(" : ").expect("a line has operations");
    let mut words = head.split_whitespace();
    let (id, place) = (words.next().expect("an id"), words.next().expect("a region"));
    let (region, session) = place.split_once('@').map_or((place, None), |(r, s)| (r, Some(s)));
    let mut line = Line {
        id: (id != "-").then_some(id),
        region,
        session,
        start: None,
        commit: None,
        start_ts: None,
        commit_ts: None,
        aborted: false,
        unknown: false,
        assumed: false,
        operations: operations.split(',').map(operation).collect(),
    };
    for word in words {
        match word {
            "aborted" => line.aborted = true,
            "unknown" => line.unknown = true,
            "assumed" => line.assumed = true,
            _ => times(&mut line, word),
        }
    }
    line
}

fn operation(text: &str) -> Operation<'_> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        ["r", key, value] => Operation { read: true, key, value: Some(value).filter(|v| *v != "nil") },
        ["w", key, value] => Operation { read: false, key, value: Some(value) },
        ["d", key] => Operation { read: false, key, value: None },
        _ => panic!("`{text}` is no operation"),
    }
}

fn times(line: &mut Line<'_>, word: &str) {
    let assigned = word.strip_prefix("ts=");
    let (start, commit) = assigned.unwrap_or(word).split_once("..").expect("start..commit");
    let given = |text: &'_ str| Some(text.to_owned()).filter(|text| !text.is_empty());
    if assigned.is_some() {
        line.start_ts = given(start).map(|t| tick(&t));
        line.commit_ts = given(commit).map(|t| tick(&t));
    } else {
        line.start = given(start).map(|t| bound(&t));
        line.commit = given(commit).map(|t| bound(&t));
    }
}

/// Both ends of `[earliest,latest]`, or of a point.
pub(crate) fn bound(text: &str) -> (i64, i64) {
    let (earliest, latest) = text.trim_matches(['[', ']']).split_once(',').unwrap_or((text, text));
    (tick(earliest), tick(latest))
}

fn tick(text: &str) -> i64 {
    match text {
        "min" => i64::MIN,
        "max" => i64::MAX,
        _ => text.parse().expect("a tick"),
    }
}
