//! The report as SARIF 2.1.0, which code hosts and editors read: one rule per model and kind.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::report::text::uri_path;
use crate::report::{Certainty, Finding, Party, Report, Verdict, explain};
use crate::txn::Places;

/// Where the format is defined; a name, never fetched.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The report as one SARIF log with one run.
///
/// A definite finding is an error, a possible one a warning. Its place is the file that holds
/// the first transaction's row, as `places` says, and the key and transactions as logical
/// locations. Models that were not checked are notes of the run.
pub fn render(report: &Report, places: &Places) -> String {
    let findings: Vec<&Finding> = report.findings().collect();
    let mut rules: BTreeMap<String, usize> = findings.iter().map(|f| (rule_id(f), 0)).collect();
    rules.values_mut().enumerate().for_each(|(index, rule)| *rule = index);
    let results: Vec<Value> = findings.iter().map(|f| result(f, &rules, report, places)).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "skewer",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.keys().map(|id| rule(id)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notes(report),
            }],
            "artifacts": report.log.files.iter().map(|f| artifact(f)).collect::<Vec<_>>(),
            "results": results,
        }],
    });
    // Serializing plain data to a string has nothing that could fail.
    serde_json::to_string_pretty(&log).unwrap_or_default() + "\n"
}

fn rule_id(finding: &Finding) -> String {
    format!("{}/{}", finding.model.name(), finding.kind.name())
}

fn rule(id: &str) -> Value {
    let text = id.split_once('/').map(|(model, kind)| format!("{} breaks {model}", kind.replace('-', " ")));
    json!({ "id": id, "shortDescription": { "text": text.unwrap_or_default() } })
}

fn artifact(file: &str) -> Value {
    json!({ "location": { "uri": uri_path(file) } })
}

fn notes(report: &Report) -> Vec<Value> {
    let unchecked = report.models.iter().filter(|(_, judged)| judged.verdict == Verdict::NotChecked);
    unchecked
        .map(|(model, judged)| {
            let reason = judged.reason.as_deref().unwrap_or_default();
            json!({ "level": "note", "message": { "text": format!("{} was not checked: {reason}", model.name()) } })
        })
        .collect()
}

fn result(finding: &Finding, rules: &BTreeMap<String, usize>, report: &Report, places: &Places) -> Value {
    let id = rule_id(finding);
    let level = match finding.certainty {
        Certainty::Definite => "error",
        Certainty::Possible => "warning",
    };
    json!({
        "ruleIndex": rules.get(&id),
        "ruleId": id,
        "level": level,
        "message": { "text": explain(finding, report.log.unit) },
        "locations": [location(finding, report, places)],
        "properties": {
            "certainty": finding.certainty.name(),
            "rows": finding.parties.iter().map(|p| p.row).collect::<Vec<_>>(),
            "regions": finding.parties.iter().map(|p| p.region.as_str()).collect::<Vec<_>>(),
        },
    })
}

fn location(finding: &Finding, report: &Report, places: &Places) -> Value {
    let mut logical: Vec<Value> = Vec::new();
    if let Some(key) = &finding.key {
        logical.push(json!({ "name": key, "fullyQualifiedName": key, "kind": "key" }));
    }
    logical.extend(finding.parties.iter().map(|party| {
        let full = match &finding.key {
            Some(key) => format!("{key}/{}", party.txn),
            None => party.txn.clone(),
        };
        json!({ "name": party.txn, "fullyQualifiedName": full, "kind": "transaction" })
    }));
    let mut location = json!({ "logicalLocations": logical });
    if let Some(index) = file_of(finding.parties.first(), places, report.log.files.len()) {
        let uri = uri_path(&report.log.files[index]);
        location["physicalLocation"] = json!({ "artifactLocation": { "uri": uri, "index": index } });
    }
    location
}

/// Which of the log's `files` holds the party's row: the only one, or the one that `places` says.
fn file_of(party: Option<&Party>, places: &Places, files: usize) -> Option<usize> {
    if files == 1 {
        return Some(0);
    }
    let mut end = 0;
    let row = party?.row;
    let holds = |(_, rows): &(String, u64)| {
        end += rows;
        row < end
    };
    places.files.iter().position(holds).filter(|&index| index < files)
}
