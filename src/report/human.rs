//! The report for a person at a terminal: verdicts first, then what proves them, then what the
//! log could not show.

use crate::report::text::{counted, fact, one_line};
use crate::report::{Certainty, LogSummary, Model, ModelReport, Report, Verdict, explain, limits};
use crate::time::Unit;

/// How many file or region names are listed before the rest is only counted.
const NAMES_LISTED: usize = 4;

/// The report as text. With `colour`, verdicts and certainties carry ANSI colours; nothing else
/// in the text can hold an escape sequence, whatever the log's keys are.
pub fn render(report: &Report, colour: bool) -> String {
    let mut page = Page { text: String::new(), colour, unit: report.log.unit };
    page.log(&report.log);
    page.table(report);
    for (model, judged) in &report.models {
        if judged.verdict != Verdict::NotChecked {
            page.model(*model, judged);
        }
    }
    page.not_shown(report);
    page.text
}

/// Colours of the terminal, by what they say.
#[derive(Clone, Copy)]
enum Ink {
    Bad = 31,
    Unsure = 33,
    Good = 32,
    Aside = 2,
    Title = 1,
}

impl Ink {
    fn of_verdict(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Violated => Ink::Bad,
            Verdict::Undecided => Ink::Unsure,
            Verdict::Holds => Ink::Good,
            Verdict::NotChecked => Ink::Aside,
        }
    }

    fn of_certainty(certainty: Certainty) -> Self {
        match certainty {
            Certainty::Definite => Ink::Bad,
            Certainty::Possible => Ink::Unsure,
        }
    }
}

struct Page {
    text: String,
    colour: bool,
    unit: Unit,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn paint(&self, ink: Ink, text: &str) -> String {
        if self.colour { format!("\u{1b}[{}m{text}\u{1b}[0m", ink as u8) } else { text.to_owned() }
    }

    fn log(&mut self, log: &LogSummary) {
        let mut parts = vec![counted(log.rows, "row"), counted(log.transactions, "transaction")];
        parts.extend(log.keys.map(|keys| counted(keys, "key")));
        let regions = counted(log.regions.len() as u64, "region");
        parts.push(format!("{regions} ({})", listed(&log.regions)));
        if log.sessions > 0 {
            parts.push(counted(log.sessions, "session"));
        }
        parts.push(format!("times in {}", if log.unit == Unit::None { "ticks" } else { log.unit.name() }));
        let line = format!("{}: {}", listed(&log.files), parts.join(", "));
        self.line(&line);
    }

    fn table(&mut self, report: &Report) {
        let heading = format!("{:<24}{:<14}{:>10}{:>12}", "model", "verdict", "definite", "possible");
        let heading = self.paint(Ink::Title, &heading);
        self.line("");
        self.line(&heading);
        for (model, judged) in &report.models {
            let verdict = format!("{:<14}", judged.verdict.name());
            let verdict = self.paint(Ink::of_verdict(judged.verdict), &verdict);
            let counts = match (judged.verdict, judged.total()) {
                (Verdict::NotChecked, _) => format!("{:>10}{:>12}", "-", "-"),
                (_, total) => format!("{:>10}{:>12}", total.definite, total.possible),
            };
            self.line(&format!("{:<24}{verdict}{counts}", model.name()));
        }
    }

    fn model(&mut self, model: Model, judged: &ModelReport) {
        if judged.facts.is_empty() && judged.findings.is_empty() {
            return;
        }
        let title = self.paint(Ink::Title, model.name());
        self.line("");
        self.line(&title);
        for (name, number) in &judged.facts {
            let (name, number) = fact(name, *number, self.unit);
            self.line(&format!("  {}: {number}", one_line(&name)));
        }
        for finding in &judged.findings {
            let ink = Ink::of_certainty(finding.certainty);
            let head = self.paint(ink, &format!("{} {}", finding.certainty.name(), finding.kind.name()));
            let sentence = explain(finding, self.unit);
            self.line(&format!("  {head}: {}", one_line(&sentence)));
        }
        self.left_out(judged);
    }

    fn left_out(&mut self, judged: &ModelReport) {
        let total = judged.total();
        let found = total.definite + total.possible;
        let left = found.saturating_sub(judged.findings.len() as u64);
        if left > 0 {
            let note =
                format!("  {left} more not shown (--findings N shows more, --findings-to FILE writes all)");
            let note = self.paint(Ink::Aside, &note);
            self.line(&note);
        }
    }

    fn not_shown(&mut self, report: &Report) {
        let limits = limits(report);
        if limits.is_empty() {
            return;
        }
        let title = self.paint(Ink::Title, "what this log cannot show");
        self.line("");
        self.line(&title);
        for limit in limits {
            let model = limit.model.map_or(String::new(), |model| format!("{}: ", model.name()));
            self.line(&format!("  {model}{}", one_line(&limit.reason)));
        }
    }
}

/// The first names, and how many more there are.
fn listed(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(NAMES_LISTED).map(|name| one_line(name)).collect();
    match names.len().saturating_sub(NAMES_LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
