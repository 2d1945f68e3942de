//! One sentence per finding, with the numbers that prove it.

use crate::report::Finding;
use crate::time::Unit;

/// What happened, in one sentence without a line break.
pub fn explain(finding: &Finding, unit: Unit) -> String {
    let who: Vec<String> = finding
        .parties
        .iter()
        .map(|party| match party.commit() {
            Some(commit) => format!(
                "{} ({}) committed within {}..{}{}",
                party.txn,
                party.region,
                commit.earliest(),
                commit.latest(),
                if unit == Unit::None { String::new() } else { format!(" {unit}") },
            ),
            None => format!("{} ({})", party.txn, party.region),
        })
        .collect();
    match &finding.key {
        Some(key) => format!("key {key}: {}", who.join(", ")),
        None => who.join(", "),
    }
}
