//! The report as `JUnit` XML, which build servers show as test results: one test case per model,
//! so that the list of tests does not depend on what is found.

use std::fmt::Write as _;

use crate::report::text::{markup, one_line};
use crate::report::{Certainty, Model, ModelReport, Report, Verdict, explain};
use crate::time::Unit;

/// The report as a `JUnit` document.
///
/// A model with definite findings is a failed test, and with `fail_on` possible, one with any
/// finding; possible findings of a passed test are its output. A model that was not checked is
/// a skipped test.
pub fn render(report: &Report, fail_on: Certainty) -> String {
    let failures = report.models.values().filter(|judged| fails(judged, fail_on)).count();
    let skipped = report.models.values().filter(|judged| judged.verdict == Verdict::NotChecked).count();
    let counts = format!("tests=\"{}\" failures=\"{failures}\" errors=\"0\"", report.models.len());
    let mut page = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string does not fail.
    _ = writeln!(page, "<testsuites name=\"skewer\" {counts}>");
    let log = markup(&one_line(&report.log.files.join(", ")));
    _ = writeln!(page, "  <testsuite name=\"skewer verify {log}\" {counts} skipped=\"{skipped}\">");
    for (model, judged) in &report.models {
        page.push_str(&case(*model, judged, fail_on, report.log.unit));
    }
    page.push_str("  </testsuite>\n</testsuites>\n");
    page
}

fn fails(judged: &ModelReport, fail_on: Certainty) -> bool {
    match fail_on {
        Certainty::Definite => judged.verdict == Verdict::Violated,
        Certainty::Possible => matches!(judged.verdict, Verdict::Violated | Verdict::Undecided),
    }
}

fn case(model: Model, judged: &ModelReport, fail_on: Certainty, unit: Unit) -> String {
    let open = format!("    <testcase classname=\"skewer\" name=\"{}\"", model.name());
    let total = judged.total();
    let message = format!("{} definite, {} possible", total.definite, total.possible);
    let body = if judged.verdict == Verdict::NotChecked {
        let reason = markup(&one_line(judged.reason.as_deref().unwrap_or_default()));
        format!("<skipped message=\"{reason}\"/>")
    } else if fails(judged, fail_on) {
        let kind = judged.verdict.name();
        format!("<failure type=\"{kind}\" message=\"{message}\">{}</failure>", sentences(judged, unit))
    } else if judged.verdict == Verdict::Holds {
        return format!("{open}/>\n");
    } else {
        format!("<system-out>{message}\n{}</system-out>", sentences(judged, unit))
    };
    format!("{open}>\n      {body}\n    </testcase>\n")
}

fn sentences(judged: &ModelReport, unit: Unit) -> String {
    let mut text = String::new();
    for finding in &judged.findings {
        let sentence = explain(finding, unit);
        let sentence = markup(&one_line(&sentence));
        _ = writeln!(text, "{} {}: {sentence}", finding.certainty.name(), finding.kind.name());
    }
    text
}
