//! What `skewer verify --timings` tells.

use crate::cli::skewer;

/// Phases that models of writes and others may have, as `src/timings.rs` lists them.
fn documented() -> Vec<&'static str> {
    let page = include_str!("../../src/timings.rs");
    let rows = page.lines().filter_map(|line| line.strip_prefix("//! | `"));
    // A row may be of two phases: `group`, `keys`.
    rows.flat_map(|row| row.split(" | ").next().unwrap_or_default().split("`, `"))
        .map(|name| name.trim_end_matches('`'))
        .collect()
}

/// The phases told of a run, each with rows and bytes a second.
fn told(arguments: &[&str]) -> Vec<String> {
    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/datasets/postgres-read-committed.arrow");
    let run = skewer(&[&["verify", "--timings", log], arguments].concat());
    assert_eq!(run.status, 1, "{}", run.err);
    let lines: Vec<Vec<&str>> = run.err.lines().map(|line| line.split_whitespace().collect()).collect();
    for line in &lines {
        let [_, _, "ms", rows, "M", "rows/s", bytes, "GB/s"] = line[..] else { panic!("{line:?}") };
        assert!(rows.parse::<f64>().is_ok(), "{line:?}");
        assert!(bytes == "-" || bytes.parse::<f64>().is_ok(), "{line:?}");
    }
    let both_rates = |name: &str| lines.iter().any(|l| l[0] == name && l[6] != "-");
    assert!(both_rates("open") && both_rates("report"), "{}", run.err);
    lines.iter().map(|line| line[0].to_owned()).collect()
}

/// Promise: `--timings` tells the phases of a run from the opening to the report, and only ones that the
/// documentation and `--help` explain.
#[test]
fn every_phase_is_told_and_explained() {
    let help = skewer(&["verify", "--help"]).out;
    let all = told(&["--format", "json"]);
    let of_writes = told(&["--model", "cross-region-conflicts"]);
    for phases in [&all, &of_writes] {
        assert_eq!(phases.first().map(String::as_str), Some("open"));
        assert_eq!(phases.last().map(String::as_str), Some("report"));
        for phase in phases {
            assert!(documented().contains(&phase.as_str()), "{phase} is not in the table of src/timings.rs");
        }
    }
    assert!(of_writes.iter().any(|p| p == "scan") && of_writes.iter().any(|p| p == "join"), "{of_writes:?}");
    assert!(all.iter().any(|p| p == "partition") && all.iter().any(|p| p == "keys"), "{all:?}");
    for phase in documented() {
        let explained = help.split(|c: char| !c.is_alphanumeric()).any(|word| word == phase);
        assert!(explained, "`verify --help` does not explain {phase}");
    }
}
