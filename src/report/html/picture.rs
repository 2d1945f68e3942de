//! A finding's transactions as intervals on one time axis.

use std::fmt::Write as _;

use crate::report::text::markup;
use crate::report::{Finding, Party};
use crate::time::BoundedTimestamp;

/// The drawing's measures, in its own units.
const WIDTH: f64 = 900.0;
const LABEL: f64 = 200.0;
const LANE: f64 = 26.0;
const BAR: f64 = 12.0;
/// The least width at which a point can still be seen.
const SPECK: f64 = 3.0;
/// Characters of a label that fit beside the lanes.
const LABEL_CHARS: usize = 26;

/// The finding as an inline SVG; empty if none of its transactions has a time.
///
/// Start bounds are pale, commit bounds strong, assigned timestamps upright strokes. Ends beyond
/// the picture (of bounds that say nothing) are cut at its edges.
pub(super) fn of(finding: &Finding) -> String {
    let Some(axis) = Axis::of(&finding.parties) else { return String::new() };
    let height = LANE * finding.parties.len() as f64;
    // Writing to a string does not fail.
    let mut svg = String::new();
    _ = writeln!(
        svg,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"bounds of the transactions\">"
    );
    for (lane, party) in finding.parties.iter().enumerate() {
        lane_of(&mut svg, party, lane as f64 * LANE, &axis);
    }
    svg.push_str("</svg>\n");
    svg
}

fn lane_of(svg: &mut String, party: &Party, top: f64, axis: &Axis) {
    let middle = top + LANE / 2.0;
    let full = format!("{} ({})", party.txn, party.region);
    _ = writeln!(
        svg,
        "<text x=\"0\" y=\"{}\">{}<title>{}</title></text><line class=\"rail\" x1=\"{LABEL}\" y1=\"{middle}\" x2=\"{WIDTH}\" y2=\"{middle}\"/>",
        middle + 4.0,
        markup(&shortened(&full)),
        markup(&full)
    );
    for (class, bound) in [("start", party.times.start), ("commit", party.times.commit)] {
        if let Some(bound) = bound {
            bar(svg, class, bound, middle, axis);
        }
    }
    for (name, stamp) in [("start_ts", party.times.start_ts), ("commit_ts", party.times.commit_ts)] {
        if let Some(stamp) = stamp {
            let x = axis.place(stamp);
            _ = writeln!(
                svg,
                "<line class=\"assigned\" x1=\"{x:.1}\" y1=\"{}\" x2=\"{x:.1}\" y2=\"{}\"><title>{name} {stamp}</title></line>",
                middle - BAR,
                middle + BAR
            );
        }
    }
}

fn bar(svg: &mut String, class: &str, bound: BoundedTimestamp, middle: f64, axis: &Axis) {
    let (from, to) = (axis.place(bound.earliest()), axis.place(bound.latest()));
    let width = (to - from).max(SPECK);
    let x = from.min(WIDTH - width);
    _ = writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{}\" width=\"{width:.1}\" height=\"{BAR}\" rx=\"2\"><title>{class} {}..{}</title></rect>",
        middle - BAR / 2.0,
        bound.earliest(),
        bound.latest()
    );
}

/// The stretch of time that is drawn.
struct Axis {
    from: i128,
    ticks: f64,
}

impl Axis {
    /// Spans all ends but those at the edge of the number range, which stand for "unknown".
    fn of(parties: &[Party]) -> Option<Self> {
        let bounds = parties.iter().flat_map(|p| [p.times.start, p.times.commit]).flatten();
        let ends = bounds.flat_map(|bound| [bound.earliest(), bound.latest()]);
        let stamps = parties.iter().flat_map(|p| [p.times.start_ts, p.times.commit_ts]).flatten();
        let all: Vec<i64> = ends.chain(stamps).collect();
        let known = || all.iter().copied().filter(|&t| t != i64::MIN && t != i64::MAX);
        let from = known().min().or(all.first().copied())?;
        let to = known().max().unwrap_or(from);
        // A margin, so that what is cut at the edges can be told from what ends near them.
        let margin = i128::from(to.abs_diff(from) / 20 + 1);
        let (from, to) = (i128::from(from) - margin, i128::from(to) + margin);
        Some(Axis { from, ticks: (to - from) as f64 })
    }

    fn place(&self, t: i64) -> f64 {
        let after = (i128::from(t) - self.from) as f64;
        let share = (after / self.ticks).clamp(0.0, 1.0);
        LABEL + share * (WIDTH - LABEL)
    }
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LABEL_CHARS {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LABEL_CHARS - 1).collect();
    short.push('…');
    short
}
