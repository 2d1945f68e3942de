//! An inspection as one JSON object.

use serde_json::{Value, json};

use crate::inspect::{InspectedFile, InspectedRegion, Inspection, Widths};

/// The inspection as one JSON object with a final line break. Widths are ticks; what a log
/// does not have is null. `without_` counts rows whose bound is null or unlimited, `unlimited_` the latter of them.
pub fn render(inspection: &Inspection) -> String {
    let page = json!({
        "version": 1,
        "unit": inspection.unit.name(),
        "rows": inspection.rows,
        "transactions": inspection.transactions,
        "keys": inspection.keys,
        "sessions": inspection.sessions,
        "operations": {
            "reads": inspection.operations.reads,
            "writes": inspection.operations.writes,
            "deletes": inspection.operations.deletes,
        },
        "statuses": {
            "committed": inspection.statuses.committed,
            "aborted": inspection.statuses.aborted,
            "unknown": inspection.statuses.unknown,
        },
        "files": inspection.files.iter().map(file).collect::<Vec<_>>(),
        "regions": inspection.regions.iter().map(region).collect::<Vec<_>>(),
        "warnings": inspection.warnings,
    });
    // Serializing plain data to a string has nothing that could fail.
    serde_json::to_string_pretty(&page).unwrap_or_default() + "\n"
}

fn file(file: &InspectedFile) -> Value {
    let columns = file.columns.iter();
    let columns: Vec<Value> =
        columns.map(|c| json!({ "name": c.name, "type": c.data_type, "used": c.used })).collect();
    json!({ "name": file.name, "rows": file.rows, "columns": columns })
}

fn region(region: &InspectedRegion) -> Value {
    json!({
        "name": region.name,
        "rows": region.rows,
        "start_widths": region.start_widths.map(widths),
        "commit_widths": region.commit_widths.map(widths),
        "without_start": region.without_start,
        "without_commit": region.without_commit,
        "unlimited_start": region.unlimited_start,
        "unlimited_commit": region.unlimited_commit,
    })
}

fn widths(w: Widths) -> Value {
    json!({ "rows": w.rows, "min": w.min, "median": w.median, "p99": w.p99, "max": w.max })
}
