//! The report as one page that needs nothing else: no script, no network, light or dark as the
//! reader's system is.

mod picture;

use std::fmt::Write as _;

use crate::report::text::{fact, markup};
use crate::report::{LogSummary, Model, ModelReport, Report, Verdict, explain, limits};
use crate::time::Unit;

const STYLE: &str = include_str!("style.css");

/// How many findings of each model are drawn; further ones are sentences only.
const PICTURES: usize = 20;

/// The report as an HTML document. Everything that comes from the log is escaped.
pub fn render(report: &Report) -> String {
    let mut page = String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    // Even if an escape were missed, the page may load and run nothing, and no style but its own.
    page.push_str(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'nonce-skewer'\">\n",
    );
    page.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    // Writing to a string does not fail.
    _ = writeln!(page, "<title>skewer: {}</title>", markup(&report.log.files.join(", ")));
    _ = writeln!(page, "<style nonce=\"skewer\">\n{STYLE}</style>\n</head>\n<body>\n<main>");
    log(&mut page, &report.log);
    verdicts(&mut page, report);
    for (model, judged) in &report.models {
        if judged.verdict != Verdict::NotChecked {
            section(&mut page, *model, judged, report.log.unit);
        }
    }
    not_shown(&mut page, report);
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn log(page: &mut String, log: &LogSummary) {
    let unit = if log.unit == Unit::None { "ticks" } else { log.unit.name() };
    let keys = log.keys.map(|keys| ("keys", keys.to_string()));
    let numbers = [
        Some(("files", log.files.join(", "))),
        Some(("rows", log.rows.to_string())),
        Some(("transactions", log.transactions.to_string())),
        keys,
        Some(("regions", log.regions.join(", "))),
        Some(("sessions", log.sessions.to_string())),
        Some(("unit", unit.to_owned())),
    ];
    page.push_str("<h1>skewer</h1>\n<dl class=\"log\">\n");
    for (name, number) in numbers.into_iter().flatten() {
        _ = writeln!(page, "<div><dt>{name}</dt><dd>{}</dd></div>", markup(&number));
    }
    page.push_str("</dl>\n");
}

fn verdicts(page: &mut String, report: &Report) {
    page.push_str("<table>\n<thead><tr><th scope=\"col\">model</th><th scope=\"col\">verdict</th>");
    page.push_str("<th scope=\"col\">definite</th><th scope=\"col\">possible</th></tr></thead>\n<tbody>\n");
    for (model, judged) in &report.models {
        let (name, verdict) = (model.name(), judged.verdict.name());
        let counts = match (judged.verdict, judged.total()) {
            (Verdict::NotChecked, _) => "<td>-</td><td>-</td>".to_owned(),
            (_, total) => format!("<td>{}</td><td>{}</td>", total.definite, total.possible),
        };
        _ = writeln!(
            page,
            "<tr><th scope=\"row\"><a href=\"#{name}\">{name}</a></th><td class=\"{verdict}\">{verdict}</td>{counts}</tr>"
        );
    }
    page.push_str("</tbody>\n</table>\n");
}

fn section(page: &mut String, model: Model, judged: &ModelReport, unit: Unit) {
    _ = writeln!(page, "<section id=\"{0}\">\n<h2>{0}</h2>", model.name());
    if !judged.facts.is_empty() {
        page.push_str("<dl>\n");
        for (name, number) in &judged.facts {
            let (name, number) = fact(name, *number, unit);
            let name = markup(&name);
            _ = writeln!(page, "<div><dt>{name}</dt><dd>{number}</dd></div>");
        }
        page.push_str("</dl>\n");
    }
    for (place, finding) in judged.findings.iter().enumerate() {
        let (certainty, kind) = (finding.certainty.name(), finding.kind.name());
        _ = writeln!(page, "<article>\n<h3><span class=\"{certainty}\">{certainty}</span> {kind}</h3>");
        _ = writeln!(page, "<p>{}</p>", markup(&explain(finding, unit)));
        if place < PICTURES {
            page.push_str(&picture::of(finding));
        }
        page.push_str("</article>\n");
    }
    left_out(page, judged);
    page.push_str("</section>\n");
}

fn left_out(page: &mut String, judged: &ModelReport) {
    let total = judged.total();
    let left = (total.definite + total.possible).saturating_sub(judged.findings.len() as u64);
    if left > 0 {
        _ = writeln!(page, "<p class=\"aside\">{left} more findings are not on this page.</p>");
    } else if judged.verdict == Verdict::Holds {
        page.push_str("<p>No finding.</p>\n");
    }
}

fn not_shown(page: &mut String, report: &Report) {
    let limits = limits(report);
    if limits.is_empty() {
        return;
    }
    page.push_str("<section>\n<h2>What this log cannot show</h2>\n<ul>\n");
    for limit in limits {
        let reason = markup(&limit.reason);
        _ = match limit.model {
            Some(model) => writeln!(page, "<li id=\"{0}\"><b>{0}</b>: {reason}</li>", model.name()),
            None => writeln!(page, "<li>{reason}</li>"),
        };
    }
    page.push_str("</ul>\n</section>\n");
}
