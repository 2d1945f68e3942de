//! The report as one JSON object, the shape that scripts rely on.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::report::{Finding, LogSummary, Model, ModelReport, Report, explain};
use crate::time::Unit;

/// The version of the shape: it grows when a script that reads it could break.
pub const VERSION: u32 = 1;

/// The report as one JSON object with a final line break. Fields stand in a fixed order, numbers
/// are integers whatever their size.
///
/// Takes time linear in the findings that the report holds.
pub fn render(report: &Report) -> String {
    let page = Page {
        version: VERSION,
        log: Log::from(&report.log),
        models: Models(report),
        findings: report.findings().map(|f| Witness::new(f, report.log.unit)).collect(),
    };
    // Serializing plain data to a string has nothing that could fail.
    serde_json::to_string_pretty(&page).unwrap_or_default() + "\n"
}

#[derive(serde::Serialize)]
struct Page<'a> {
    version: u32,
    log: Log<'a>,
    models: Models<'a>,
    findings: Vec<Witness<'a>>,
}

#[derive(serde::Serialize)]
struct Log<'a> {
    files: &'a [String],
    rows: u64,
    transactions: u64,
    keys: Option<u64>,
    regions: &'a [String],
    sessions: u64,
    unit: &'static str,
}

impl<'a> From<&'a LogSummary> for Log<'a> {
    fn from(log: &'a LogSummary) -> Self {
        Log {
            files: &log.files,
            rows: log.rows,
            transactions: log.transactions,
            keys: log.keys,
            regions: &log.regions,
            sessions: log.sessions,
            unit: log.unit.name(),
        }
    }
}

/// The models in the order of the specification.
struct Models<'a>(&'a Report);

impl Serialize for Models<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(Some(self.0.models.len()))?;
        for (model, judged) in &self.0.models {
            map.serialize_entry(Model::name(*model), &Judged::from(judged))?;
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
struct Judged<'a> {
    verdict: &'static str,
    reason: Option<&'a str>,
    facts: serde_json::Map<String, serde_json::Value>,
    kinds: serde_json::Map<String, serde_json::Value>,
}

impl<'a> From<&'a ModelReport> for Judged<'a> {
    fn from(judged: &'a ModelReport) -> Self {
        let facts = judged.facts.iter().map(|(name, number)| (name.clone(), (*number).into()));
        let kinds = judged.kinds.iter().map(|(name, counts)| {
            let counts = serde_json::json!({ "definite": counts.definite, "possible": counts.possible });
            (name.to_string(), counts)
        });
        Judged {
            verdict: judged.verdict.name(),
            reason: judged.reason.as_deref(),
            facts: facts.collect(),
            kinds: kinds.collect(),
        }
    }
}

#[derive(serde::Serialize)]
struct Witness<'a> {
    model: &'static str,
    kind: &'static str,
    certainty: &'static str,
    key: Option<&'a str>,
    transactions: Vec<&'a str>,
    regions: Vec<&'a str>,
    explanation: String,
}

impl<'a> Witness<'a> {
    fn new(finding: &'a Finding, unit: Unit) -> Self {
        Witness {
            model: finding.model.name(),
            kind: finding.kind.name(),
            certainty: finding.certainty.name(),
            key: finding.key.as_deref(),
            transactions: finding.parties.iter().map(|p| p.txn.as_str()).collect(),
            regions: finding.parties.iter().map(|p| p.region.as_str()).collect(),
            explanation: explain(finding, unit),
        }
    }
}
