//! An inspection for a person at a terminal.

use std::fmt::Write as _;

use crate::inspect::{InspectedFile, InspectedRegion, Inspection, Widths};
use crate::report::text::{counted, one_line};
use crate::report::when::length;
use crate::time::Unit;

/// The inspection as text, without colours and without control characters of the log's own.
pub fn render(inspection: &Inspection) -> String {
    let mut page = totals(inspection);
    for file in &inspection.files {
        page.push_str(&columns(file));
    }
    page.push_str(&regions(&inspection.regions, inspection.unit));
    for warning in &inspection.warnings {
        _ = writeln!(page, "\nwarning: {}", one_line(warning));
    }
    page
}

fn totals(inspection: &Inspection) -> String {
    let mut parts = vec![
        counted(inspection.files.len() as u64, "file"),
        counted(inspection.rows, "row"),
        counted(inspection.transactions, "transaction"),
    ];
    parts.extend(inspection.keys.map(|keys| counted(keys, "key")));
    parts.push(counted(inspection.regions.len() as u64, "region"));
    parts.push(counted(inspection.sessions, "session"));
    let (op, status) = (inspection.operations, inspection.statuses);
    format!(
        "{}\nunit       {}\noperations {} read, {} written, {} deleted\nstatus     {} committed, {} aborted, {} unknown\n",
        parts.join(", "),
        inspection.unit,
        op.reads,
        op.writes,
        op.deletes,
        status.committed,
        status.aborted,
        status.unknown,
    )
}

fn columns(file: &InspectedFile) -> String {
    let mut text = format!("\n{}: {}\n", one_line(&file.name), counted(file.rows, "row"));
    for column in &file.columns {
        let note = if column.used { "" } else { "  (ignored)" };
        // Writing to a string does not fail.
        _ = writeln!(text, "  {:<18}{}{note}", one_line(&column.name), one_line(&column.data_type));
    }
    text
}

fn regions(regions: &[InspectedRegion], unit: Unit) -> String {
    let mut text =
        format!("\n{:<18}{:>12}  width of bounds: least, median, p99, greatest\n", "region", "rows");
    for region in regions {
        _ = writeln!(text, "{:<18}{:>12}", one_line(&region.name), region.rows);
        let bounds = [
            ("start", region.start_widths, region.without_start, region.unlimited_start),
            ("commit", region.commit_widths, region.without_commit, region.unlimited_commit),
        ];
        for (name, found, without, unlimited) in bounds {
            if let Some(found) = found {
                _ = writeln!(text, "  {name:<16}{:>12}  {}", found.rows, spread(found, unit));
            }
            let without = without.saturating_sub(unlimited);
            let lacking = [(format!("no {name} bound"), without), (format!("unlimited {name}"), unlimited)];
            for (what, rows) in lacking.into_iter().filter(|(_, rows)| *rows > 0) {
                let share = 100.0 * rows as f64 / region.rows as f64;
                _ = writeln!(text, "  {what:<16}{rows:>12}  {share:.1}% of the rows");
            }
        }
    }
    text
}

fn spread(w: Widths, unit: Unit) -> String {
    [w.min, w.median, w.p99, w.max].map(|ticks| length(ticks, unit)).join(", ")
}
