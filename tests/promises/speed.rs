//! What README says of speed is what was recorded.

use std::fs;
use std::path::Path;

/// Units that make a number of README a measurement.
const UNITS: [&str; 9] = ["x", "M", "GB/s", "%", "ms", "us", "ns", "MiB", "GiB"];

/// The numbers of a line that have a unit of measurement behind them: `12.5` of `12.5x` and of `12.5 ms`.
fn measurements(line: &str) -> Vec<&str> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let starts = line.char_indices().filter(|&(at, c)| {
        c.is_ascii_digit() && !line[..at].ends_with(|c: char| c.is_alphanumeric() || is_number(c))
    });
    let measured = |(at, _): (usize, char)| {
        let number = &line[at..];
        let end = number.find(|c| !is_number(c)).unwrap_or(number.len());
        let unit = number[end..].trim_start_matches(' ');
        let unit = unit.split(|c: char| !(c.is_alphabetic() || "%/".contains(c))).next().unwrap_or_default();
        UNITS.contains(&unit).then(|| number[..end].trim_end_matches('.'))
    };
    starts.filter_map(measured).collect()
}

/// Whether `number` stands in `text` as a number of its own.
fn stands(text: &str, number: &str) -> bool {
    text.match_indices(number).any(|(at, _)| {
        let inside = |c: char| c.is_ascii_digit() || c == '.';
        !text[..at].ends_with(inside) && !text[at + number.len()..].starts_with(|c: char| c.is_ascii_digit())
    })
}

/// Promise: every measurement in README's section on speed occurs in a record that the section names.
#[test]
fn numbers_have_a_record() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let Some(section) = readme.split("\n## Speed\n").nth(1) else {
        // Speed is claimed in one place, or nowhere.
        assert!(
            !readme.contains("rows/s") && !readme.contains("txn/s"),
            "figures outside of a section `Speed`"
        );
        return;
    };
    let section = section.split("\n## ").next().unwrap_or_default();
    let named = section.split(['(', ')']).filter(|path| path.starts_with("benches/record/"));
    let records: String = named.map(|path| fs::read_to_string(root.join(path)).unwrap()).collect();
    assert!(!records.is_empty(), "the section names no record");
    // Rows of tables are figures; the sentences around them tell what they are of.
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with('|')).collect();
    let numbers: Vec<&str> = rows.iter().flat_map(|row| measurements(row)).collect();
    assert!(numbers.len() > 10, "figures were expected: {numbers:?}");
    for number in numbers {
        assert!(stands(&records, number), "README says {number}, which no record that it names does");
    }
}

/// Promise: what is looked for are numbers with units, and only whole ones are found.
#[test]
fn numbers_are_told_apart() {
    assert_eq!(
        measurements("| 10 M rows, 26.3x, at 1.5 GB/s, utf8, 17 bytes, 21 % |"),
        ["10", "26.3", "1.5", "21"]
    );
    assert!(stands("ratio  26.3: fine", "26.3") && !stands("126.31", "26.3") && !stands("26.31", "26.3"));
}
