//! Keeps the house in order: which room may name which, how long a file may be, where `unsafe` lives.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The architecture: each room of `src/`, in the order in which data flows, and the rooms that it may
/// name. The report's words are what judges fill in, so they depend on it and not the reverse.
const ARROWS: [(&str, &[&str]); 23] = [
    ("error", &[]),
    ("time", &[]),
    ("txn", &["time"]),
    ("output", &["error"]),
    ("timings", &[]),
    ("clock", &["time"]),
    ("bounds", &["error", "time", "clock"]),
    ("bytes", &["error"]),
    ("memory", &["error"]),
    ("log", &["error", "time", "txn", "clock", "bounds", "bytes", "memory"]),
    ("import", &["error", "time", "txn", "log"]),
    ("history", &["error", "time", "txn", "timings", "memory", "log"]),
    ("scatter", &["memory"]),
    ("partition", &["error", "txn", "timings", "memory", "log", "history", "scatter"]),
    ("window", &["log", "history", "scatter"]),
    ("report", &["error", "time", "txn", "output"]),
    ("reference", &["time", "txn", "report"]),
    ("resolve", &["time"]),
    ("inspect", &["error", "time", "txn", "clock", "memory", "log", "partition", "report"]),
    (
        "models",
        &[
            "error",
            "time",
            "txn",
            "timings",
            "memory",
            "log",
            "history",
            "partition",
            "window",
            "report",
            "inspect",
        ],
    ),
    ("order", &["error", "time", "txn", "log", "history", "output"]),
    ("lib", &["error", "time", "log", "models", "report", "resolve"]),
    // The program sees what any user of the library sees: `skewer::`, and no room from inside.
    ("main", &["cli"]),
];

/// Rooms of the program, of which the library knows nothing.
const PROGRAM: [&str; 2] = ["cli", "main"];

const LINES_MAX: usize = 600;

/// Promise: no room of `src/` names a room that the table does not let it name.
#[test]
fn arrows_are_in_the_table() {
    let table: BTreeMap<&str, &[&str]> = ARROWS.into_iter().collect();
    let mut wrong = Vec::new();
    for file in rust_files("src") {
        let room = room(&file);
        let may = table.get(room.as_str()).copied().unwrap_or_default();
        for (line, named) in arrows(&file) {
            if named != room && !may.contains(&named.as_str()) {
                wrong.push(format!("{}:{line}: {room} -> {named}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that are not in the table of this file:\n{}", wrong.join("\n"));
}

/// Promise: the table names the rooms that there are, and each arrow in it is drawn somewhere.
#[test]
fn the_table_is_no_wish() {
    let files = rust_files("src");
    let rooms: BTreeSet<String> = files.iter().map(|f| room(f)).collect();
    let drawn: BTreeSet<(String, String)> =
        files.iter().flat_map(|f| arrows(f).into_iter().map(|(_, to)| (room(f), to))).collect();
    let listed: BTreeSet<String> =
        ARROWS.iter().map(|(room, _)| (*room).to_owned()).chain(["cli".to_owned()]).collect();
    assert_eq!(rooms, listed, "rooms in src/ and rooms in the table");
    for (from, to) in ARROWS.iter().flat_map(|(from, to)| to.iter().map(move |to| (from, to))) {
        let arrow = ((*from).to_owned(), (*to).to_owned());
        assert!(drawn.contains(&arrow), "nothing draws {from} -> {to}: take it out of the table");
    }
}

/// Promise: arrows never lead back to where they came from.
#[test]
fn no_cycles() {
    let mut left: Vec<_> = ARROWS.to_vec();
    while !left.is_empty() {
        let names: BTreeSet<&str> = left.iter().map(|(room, _)| *room).collect();
        let before = left.len();
        left.retain(|(_, to)| to.iter().any(|room| names.contains(room)));
        assert!(left.len() < before, "a cycle among {names:?}");
    }
}

/// Promise: kernels know nothing of logs, and all `unsafe` lives with them.
#[test]
fn the_wall() {
    for file in rust_files("kernels") {
        assert!(!names(&code(&file), "skewer"), "{} names the crate above it", file.display());
    }
    for file in ["src", "tests", "benches", "examples"].into_iter().flat_map(rust_files) {
        assert!(!names(&code(&file), "unsafe"), "{}: `unsafe` belongs in kernels/", file.display());
    }
    for root in crate_roots() {
        let text = read(&root);
        assert!(text.contains("#![forbid(unsafe_code)]"), "{} lacks forbid(unsafe_code)", root.display());
    }
}

/// Promise: files stay short enough to be read in one go.
#[test]
fn lengths() {
    for file in all_files() {
        let lines = read(&file).lines().count();
        assert!(lines <= LINES_MAX, "{} has {lines} lines, over {LINES_MAX}", file.display());
    }
}

/// Promise: nothing is left for later, and no test is switched off.
#[test]
fn nothing_for_later() {
    // In two pieces, so that this file does not find itself.
    let words = [["TO", "DO"], ["FIX", "ME"], ["todo", "!("], ["unimplemented", "!("], ["#[ign", "ore"]];
    for file in all_files() {
        let text = read(&file);
        for word in words.map(|pieces| pieces.concat()) {
            let at = text.lines().position(|line| line.contains(&word));
            assert!(at.is_none(), "{}:{}: {word}", file.display(), at.unwrap_or_default() + 1);
        }
    }
}

/// Promise: the version that is built stands in the change log.
#[test]
fn the_version_is_in_the_change_log() {
    let version = env!("CARGO_PKG_VERSION");
    let heading = format!("## [{version}]");
    assert!(read(&root().join("CHANGELOG.md")).contains(&heading), "CHANGELOG.md lacks `{heading}`");
}

/// Promise: `.ci/run` runs the two commands that README shows first.
#[test]
fn ci_runs_what_readme_says() {
    let readme = read(&root().join("README.md"));
    let first = readme.split("```").nth(1).unwrap_or_default();
    let commands: Vec<&str> = first.lines().filter(|line| line.starts_with("cargo ")).collect();
    assert_eq!(commands.len(), 2, "README's first block shows two commands: {first}");
    let ci = read(&root().join(".ci/run"));
    for command in commands {
        let command = command.split('#').next().unwrap_or_default().trim();
        assert!(ci.contains(command), ".ci/run does not run `{command}`");
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Rust files below a folder of the repository, sorted; none where there is no such folder.
fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![root().join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn all_files() -> Vec<PathBuf> {
    let all = ["src", "kernels", "tests", "benches", "examples"].into_iter().flat_map(rust_files);
    // What a workspace within this one built is nobody's writing.
    let built =
        |file: &PathBuf| file.strip_prefix(root()).unwrap().components().any(|c| c.as_os_str() == "target");
    all.filter(|file| !built(file)).collect()
}

/// Files that a crate begins with, outside of `kernels/`.
fn crate_roots() -> Vec<PathBuf> {
    let of_its_own = |file: &PathBuf| {
        let folders = file.strip_prefix(root()).unwrap().components().count();
        folders == 2 || file.ends_with("main.rs")
    };
    let others = ["tests", "benches", "examples"].into_iter().flat_map(rust_files).filter(of_its_own);
    ["src/lib.rs", "src/main.rs"].map(|file| root().join(file)).into_iter().chain(others).collect()
}

/// The room that a file of `src/` belongs to: the folder or file right below `src/`.
fn room(file: &Path) -> String {
    let inside = file.strip_prefix(root().join("src")).unwrap();
    let first = Path::new(inside.components().next().unwrap().as_os_str());
    first.file_stem().unwrap().to_string_lossy().into_owned()
}

/// The file without comments and what stands in quotes: enough of Rust's grammar for this house.
fn code(file: &Path) -> String {
    let text = read(file).replace("\\\"", "").replace("'\"'", "");
    let without = |line: &str| line.split_once("//").map_or(line, |(code, _)| code).to_owned();
    let quoted = |line: String| line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
    text.lines().map(|line| quoted(without(line)) + "\n").collect()
}

/// The rooms that a file names, each with its line: `crate::room`, `crate::{room, room::Type}` and
/// `super::room`; in `lib.rs` and `main.rs` what is re-exported or begun there.
fn arrows(file: &Path) -> Vec<(usize, String)> {
    let code = code(file);
    let mut found = Vec::new();
    let room = room(file);
    for (at, line) in code.lines().enumerate() {
        for (_, rest) in line.match_indices("crate::").map(|(at, word)| (at, &line[at + word.len()..])) {
            let group = rest.strip_prefix('{').and_then(|rest| rest.split_once('}'));
            let paths = group.map_or(rest, |(paths, _)| paths);
            let paths = if group.is_some() { paths.split(',').collect() } else { vec![paths] };
            found.extend(paths.into_iter().map(|path| (at + 1, first_word(path))));
        }
        for (word, _) in line.match_indices("super::") {
            let named = first_word(&line[word + "super::".len()..]);
            // A module of its own may be called as another room is: then it is no arrow.
            let inside = root().join("src").join(&room).join(&named);
            let is_room = ARROWS.iter().any(|(other, _)| *other == named);
            if is_room && !inside.exists() && !inside.with_extension("rs").exists() {
                found.push((at + 1, named));
            }
        }
        let start = match room.as_str() {
            "lib" => line.strip_prefix("pub use "),
            "main" => line.strip_prefix("mod "),
            _ => None,
        };
        found.extend(start.map(|path| (at + 1, first_word(path))));
        let outside = PROGRAM.contains(&room.as_str()) || !line.contains("skewer::");
        assert!(outside, "{}:{}: the library names itself `crate`", file.display(), at + 1);
    }
    found
}

fn first_word(path: &str) -> String {
    path.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Whether the code has `word` as a word of its own (`skewer_kernels` does not name `skewer`).
fn names(code: &str, word: &str) -> bool {
    code.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|found| found == word)
}
