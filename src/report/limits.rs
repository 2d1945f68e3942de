//! What a log cannot show, so that `holds` is not read as more than it is.

use crate::report::{Model, Report, Verdict};

/// One thing that was not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The model that was not judged at all; `None` if it limits those that were.
    pub model: Option<Model>,
    /// Why, in words; as the log's names may stand in it, not fit for a terminal as it is.
    pub reason: String,
}

/// What the verdicts of `report` do not rest on: models that were not judged, reads that name no
/// version, sessions that nobody recorded.
pub fn limits(report: &Report) -> Vec<Limit> {
    let judged = |model: &Model| report.models.get(model).is_some_and(|j| j.verdict != Verdict::NotChecked);
    let unchecked = report.models.iter().filter(|(model, _)| !judged(model));
    let mut limits: Vec<Limit> = unchecked
        .map(|(model, judged)| {
            let reason = judged.reason.as_deref().unwrap_or("no reason was given");
            Limit { model: Some(*model), reason: reason.to_owned() }
        })
        .collect();
    let mut add = |reason: String| limits.push(Limit { model: None, reason });
    let ambiguous = report.models.values().filter_map(|judged| judged.facts.get("ambiguous_reads")).max();
    if let Some(&count) = ambiguous.filter(|count| **count > 0) {
        let reads = if count == 1 { "1 read names".to_owned() } else { format!("{count} reads name") };
        add(format!(
            "{reads} no version (several writes have the value, or it is null and the key was deleted): \
             whether such a read was stale or early, nobody can tell"
        ));
    }
    let of_sessions = [Model::SnapshotIsolation, Model::Serializable, Model::StrictSerializable];
    if report.log.sessions == 0 && of_sessions.iter().any(judged) {
        add("no row has a session: the order within sessions was not looked at".to_owned());
    }
    limits
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::report::{LogSummary, ModelReport};
    use crate::time::Unit;

    fn report(models: Vec<(Model, ModelReport)>, sessions: u64) -> Report {
        let log = LogSummary {
            files: vec!["a.arrow".to_owned()],
            rows: 1,
            transactions: 1,
            keys: None,
            regions: Vec::new(),
            sessions,
            unit: Unit::None,
        };
        Report { log, models: models.into_iter().collect() }
    }

    /// Promise: a model that holds says what it did not see.
    #[test]
    fn holds_is_limited() {
        let holds = |ambiguous: u64| {
            let facts = BTreeMap::from([("ambiguous_reads".to_owned(), ambiguous)]);
            (Model::Serializable, ModelReport::judged(facts, BTreeMap::new(), Vec::new()))
        };
        let text =
            |report: &Report| limits(report).into_iter().map(|l| l.reason).collect::<Vec<_>>().join("; ");
        assert!(limits(&report(vec![holds(0)], 2)).is_empty());
        assert!(text(&report(vec![holds(1)], 2)).starts_with("1 read names no version"));
        assert!(text(&report(vec![holds(7)], 2)).starts_with("7 reads name no version"));
        assert!(text(&report(vec![holds(0)], 0)).contains("session"));
        let unchecked = (Model::Linearizable, ModelReport::not_checked("the log has no reads"));
        let limit = &limits(&report(vec![unchecked], 0))[0];
        assert_eq!((limit.model, limit.reason.as_str()), (Some(Model::Linearizable), "the log has no reads"));
    }
}
