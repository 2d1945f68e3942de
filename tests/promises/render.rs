//! Renderers: one small report, and what each makes of it.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, UInt64Type};
use serde_json::{Value, json};
use skewer::inspect::{self, InspectedColumn, InspectedFile, InspectedRegion, Inspection, Operations};
use skewer::inspect::{Statuses, Widths};
use skewer::report::{
    Certainty, Counts, Detail, Finding, Kind, LogSummary, Model, ModelReport, Party, Report,
};
use skewer::report::{explain, html, human, json, junit, sarif, table};
use skewer::time::{BoundedTimestamp, Unit};
use skewer::txn::{Places, Times};

/// A key that would break out of markup, terminals and lines.
const HOSTILE: &str = "<script>alert('\"&\u{1b}[31m\n\u{0}</script>";

fn party(txn: &str, region: &str, row: u64, commit: Option<(i64, i64)>) -> Party {
    let commit = commit.and_then(|(earliest, latest)| BoundedTimestamp::new(earliest, latest));
    Party { txn: txn.to_owned(), region: region.to_owned(), row, times: Times { commit, ..Times::default() } }
}

fn finding(
    model: Model,
    kind: Kind,
    certainty: Certainty,
    key: Option<&str>,
    parties: Vec<Party>,
) -> Finding {
    Finding {
        model,
        kind,
        certainty,
        key: key.map(str::to_owned),
        value: None,
        detail: Detail::None,
        parties,
    }
}

fn judged(facts: &[(&'static str, u64)], findings: Vec<Finding>) -> ModelReport {
    let mut kinds: BTreeMap<&'static str, Counts> = BTreeMap::new();
    for f in &findings {
        kinds.entry(f.kind.name()).or_default().add(f.certainty);
    }
    ModelReport::judged(facts.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect(), kinds, findings)
}

fn summary() -> LogSummary {
    LogSummary {
        files: vec!["eu.arrow".to_owned(), "us west.arrow".to_owned()],
        rows: 8,
        transactions: 5,
        keys: Some(3),
        regions: vec!["eu".to_owned(), "us".to_owned()],
        sessions: 2,
        unit: Unit::Nanoseconds,
    }
}

/// One model of each verdict; the findings' names sort otherwise than the models' order.
fn sample() -> Report {
    let contested = finding(
        Model::WriteOrder,
        Kind::ContestedWinner,
        Certainty::Possible,
        Some(HOSTILE),
        vec![party("t1", "eu", 0, Some((10, 20))), party("t2", "us", 6, Some((15, 25)))],
    );
    let blind = finding(
        Model::CrossRegionConflicts,
        Kind::WriteWrite,
        Certainty::Definite,
        Some("k1"),
        vec![party("t1", "eu", 0, Some((i64::MIN, i64::MAX))), party("t3", "us", 7, Some((15, 25)))],
    );
    let alone = finding(
        Model::CrossRegionConflicts,
        Kind::CommitBeforeStart,
        Certainty::Definite,
        None,
        vec![party("t4", "eu", 2, None)],
    );
    let write_order = judged(&[("pairs_ordered", (1 << 53) + 1), ("pairs_ambiguous", 1)], vec![contested]);
    let models = [
        (Model::WriteOrder, write_order),
        (Model::CrossRegionConflicts, judged(&[], vec![alone, blind])),
        (Model::SnapshotIsolation, ModelReport::not_checked("the log has no start bounds")),
        (Model::ClockBounds, judged(&[], Vec::new())),
    ];
    Report { log: summary(), models: BTreeMap::from(models) }
}

fn sentences(report: &Report) -> Vec<String> {
    report.findings().map(|f| explain(f, report.log.unit)).collect()
}

/// The sentences as one line each, as text formats show them.
fn plain(report: &Report) -> Vec<String> {
    sentences(report).iter().map(|s| skewer::report::text::one_line(s).into_owned()).collect()
}

/// Promise: the JSON report is one object of the documented shape, its fields in that order.
#[test]
fn json_shape() {
    let report = sample();
    let text = json::render(&report);
    let page: Value = serde_json::from_str(&text).unwrap();
    let said = sentences(&report);
    assert_eq!(page["version"], 1);
    assert_eq!(
        page["log"],
        json!({ "files": ["eu.arrow", "us west.arrow"], "rows": 8, "transactions": 5, "keys": 3,
                "regions": ["eu", "us"], "sessions": 2, "unit": "ns" })
    );
    assert_eq!(
        page["models"]["write-order"],
        json!({ "verdict": "undecided", "reason": null,
                "facts": { "pairs_ordered": 9_007_199_254_740_993_u64, "pairs_ambiguous": 1 },
                "kinds": { "contested-winner": { "definite": 0, "possible": 1 } } })
    );
    assert_eq!(
        page["models"]["snapshot-isolation"],
        json!({ "verdict": "not-checked", "reason": "the log has no start bounds", "facts": {}, "kinds": {} })
    );
    assert_eq!(page["models"]["clock-bounds"]["verdict"], "holds");
    assert_eq!(
        page["findings"][0],
        json!({ "model": "cross-region-conflicts", "kind": "commit-before-start", "certainty": "definite",
                "key": null, "transactions": ["t4"], "regions": ["eu"], "explanation": said[0] })
    );
    assert_eq!(page["findings"][2]["key"], HOSTILE);
    assert_in_order(&text, &["\"version\"", "\"log\"", "\"models\"", "\"write-order\"", "\"clock-bounds\""]);
    assert_in_order(
        &text,
        &["\"files\"", "\"rows\"", "\"transactions\"", "\"keys\"", "\"regions\"", "\"unit\""],
    );
    let fields = ["\"findings\"", "\"model\"", "\"kind\"", "\"certainty\"", "\"key\"", "\"explanation\""];
    assert_in_order(&text[text.find("\"findings\"").unwrap()..], &fields);
    assert!(text.contains("9007199254740993") && !text.contains("\"9007199254740993\""));
}

fn assert_in_order(text: &str, parts: &[&str]) {
    let mut from = 0;
    for part in parts {
        let at = text[from..].find(part).unwrap_or_else(|| panic!("{part} is not in its place"));
        from += at + part.len();
    }
}

/// Promise: findings come sorted by model name, then as each model sorted them.
#[test]
fn findings_are_sorted() {
    let report = sample();
    let found: Vec<&Finding> = report.findings().collect();
    assert!(found.is_sorted_by(|a, b| a.sort_key() <= b.sort_key()));
    assert_eq!(found.len(), 3);
}

/// Promise: the text for people says verdicts, proofs and gaps, in this order, and holds no
/// control character of the log's.
#[test]
fn human_text() {
    let report = sample();
    let said = plain(&report);
    let expected = format!(
        "\
eu.arrow, us west.arrow: 8 rows, 5 transactions, 3 keys, 2 regions (eu, us), 2 sessions, times in ns

model                   verdict         definite    possible
write-order             undecided              0           1
cross-region-conflicts  violated               2           0
snapshot-isolation      not-checked            -           -
clock-bounds            holds                  0           0

write-order
  pairs ambiguous: 1
  pairs ordered: 9007199254740993
  possible contested-winner: {}

cross-region-conflicts
  definite commit-before-start: {}
  definite write-write: {}

what this log cannot show
  snapshot-isolation: the log has no start bounds
",
        said[2], said[0], said[1]
    );
    assert_eq!(human::render(&report, false), expected);
}

/// Promise: colours are the only difference that colour makes.
#[test]
fn human_colours() {
    let report = sample();
    let mut coloured = human::render(&report, true);
    assert!(coloured.contains("\u{1b}[31mviolated") && coloured.contains("\u{1b}[33mpossible"));
    for code in ["\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[0m"] {
        coloured = coloured.replace(code, "");
    }
    assert_eq!(coloured, human::render(&report, false));
}

/// Promise: what is cut away is counted.
#[test]
fn human_says_what_is_left_out() {
    let mut report = sample();
    report.truncate(1);
    let text = human::render(&report, false);
    assert!(text.contains("  1 more not shown (--findings N shows more"), "{text}");
    assert!(text.contains("cross-region-conflicts  violated               2           0"));
}

/// Promise: build servers see one test per model: failed, skipped or passed.
#[test]
fn junit_document() {
    let report = sample();
    let text = junit::render(&report, Certainty::Definite);
    assert_well_formed(&text);
    assert!(text.contains("<testsuites name=\"skewer\" tests=\"4\" failures=\"1\" errors=\"0\">"));
    assert!(text.contains("<skipped message=\"the log has no start bounds\"/>"));
    assert!(text.contains("<failure type=\"violated\" message=\"2 definite, 0 possible\">"));
    assert!(text.contains("<system-out>0 definite, 1 possible\npossible contested-winner: "));
    assert!(text.contains("<testcase classname=\"skewer\" name=\"clock-bounds\"/>"));
    let strict = junit::render(&report, Certainty::Possible);
    assert_well_formed(&strict);
    assert!(strict.contains("failures=\"2\"") && !strict.contains("<system-out>"));
}

/// Every tag is closed in order, attributes are quoted, and text holds no bare `<` or `&`, nor
/// what XML 1.0 excludes.
fn assert_well_formed(text: &str) {
    assert!(!text.contains(|c: char| c.is_control() && c != '\n' && c != '\t'));
    for entity in text.split('&').skip(1) {
        let name = entity.split_once(';').map(|(name, _)| name);
        assert!(matches!(name, Some("amp" | "lt" | "gt" | "quot" | "#39")), "&{entity}");
    }
    let mut open = Vec::new();
    for piece in text.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').expect("a tag ends");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') && !tag.starts_with(['?', '!']) && name != "meta" {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}

/// Promise: SARIF names a rule per model and kind, says what is certain, and where.
#[test]
fn sarif_log() {
    let report = sample();
    let places = Places { files: vec![("eu.arrow".to_owned(), 5), ("us west.arrow".to_owned(), 3)] };
    let log: Value = serde_json::from_str(&sarif::render(&report, &places)).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let results = run["results"].as_array().unwrap();
    let ids: Vec<_> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    assert_eq!(
        ids,
        [
            "cross-region-conflicts/commit-before-start",
            "cross-region-conflicts/write-write",
            "write-order/contested-winner"
        ]
    );
    for (result, said) in results.iter().zip(sentences(&report)) {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(result["ruleId"], ids[index]);
        assert_eq!(result["message"]["text"], said);
        let file = &result["locations"][0]["physicalLocation"]["artifactLocation"];
        assert_eq!(file, &json!({ "uri": "eu.arrow", "index": 0 }));
    }
    let levels: Vec<_> = results.iter().map(|r| r["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["error", "error", "warning"]);
    let logical = &results[1]["locations"][0]["logicalLocations"];
    assert_eq!(logical[0], json!({ "name": "k1", "fullyQualifiedName": "k1", "kind": "key" }));
    assert_eq!(logical[2]["fullyQualifiedName"], "k1/t3");
    assert_eq!(run["artifacts"][1]["location"]["uri"], "us%20west.arrow");
    let note = &run["invocations"][0]["toolExecutionNotifications"][0];
    assert_eq!(note["message"]["text"], "snapshot-isolation was not checked: the log has no start bounds");
}

/// Promise: SARIF points to the file that holds the row, and to none if that is not known.
#[test]
fn sarif_places() {
    let mut report = sample();
    report.models.retain(|model, _| *model == Model::WriteOrder);
    report.models.values_mut().for_each(|judged| judged.findings[0].parties.reverse());
    let of = |files: &[(&str, u64)]| {
        let files = files.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect();
        let log: Value = serde_json::from_str(&sarif::render(&report, &Places { files })).unwrap();
        log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].clone()
    };
    assert_eq!(of(&[("eu.arrow", 5), ("us west.arrow", 3)]), "us%20west.arrow");
    assert_eq!(of(&[("eu.arrow", 1), ("us west.arrow", 1)]), Value::Null);
    assert_eq!(of(&[]), Value::Null);
}

/// Promise: the page is well-formed, needs nothing from elsewhere, runs nothing, and keys stay text.
#[test]
fn html_page() {
    let report = sample();
    let page = html::render(&report);
    assert_well_formed(&page);
    for forbidden in ["<script", "http:", "https:", "url(", "@import", "src=", "javascript:", "onload"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("prefers-color-scheme: dark"));
    assert!(page.contains("<title>skewer: eu.arrow, us west.arrow</title>"));
    assert!(page.contains("snapshot-isolation</b>: the log has no start bounds"));
    assert!(page.contains("&lt;script&gt;"), "the key is shown");
    // Two findings have times; one has none to draw.
    assert_eq!(page.matches("<svg").count(), 2);
    assert!(page.contains("<title>commit 15..25</title>"));
    assert!(page.contains(&format!("<title>commit {}..{}</title>", i64::MIN, i64::MAX)));
    assert!(!page.contains("NaN") && !page.contains("inf\""));
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> &'a dyn Array {
    batch.column_by_name(name).unwrap_or_else(|| panic!("no column {name}"))
}

fn texts(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    column(batch, name).as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect()
}

/// Promise: the table has the documented columns, the first and last transaction of each finding, and
/// nulls where there is nothing.
#[test]
fn findings_table() {
    let report = sample();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("findings.arrow");
    table::write(&report, &path).unwrap();
    let reader = arrow::ipc::reader::FileReader::try_new(std::fs::File::open(&path).unwrap(), None).unwrap();
    assert_eq!(reader.schema().metadata()["skewer.unit"], "ns");
    let names: Vec<_> = reader.schema().fields().iter().map(|f| f.name().clone()).collect();
    let expected = "model kind certainty key txn_a txn_b region_a region_b earliest_a latest_a earliest_b \
                    latest_b row_a row_b explanation";
    assert_eq!(names.join(" "), expected);
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    assert_eq!(batches.len(), 1);
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(texts(&batches[0], "key"), [None, some("k1"), some(HOSTILE)]);
    assert_eq!(texts(&batches[0], "txn_a"), [some("t4"), some("t1"), some("t1")]);
    assert_eq!(texts(&batches[0], "txn_b"), [None, some("t3"), some("t2")]);
    assert_eq!(texts(&batches[0], "region_b"), [None, some("us"), some("us")]);
    let said: Vec<_> = sentences(&report).into_iter().map(Some).collect();
    assert_eq!(texts(&batches[0], "explanation"), said);
    let earliest: Vec<_> = column(&batches[0], "earliest_a").as_primitive::<Int64Type>().iter().collect();
    assert_eq!(earliest, [None, Some(i64::MIN), Some(10)]);
    let latest: Vec<_> = column(&batches[0], "latest_b").as_primitive::<Int64Type>().iter().collect();
    assert_eq!(latest, [None, Some(25), Some(25)]);
    let rows: Vec<_> = column(&batches[0], "row_b").as_primitive::<UInt64Type>().iter().collect();
    assert_eq!(rows, [None, Some(7), Some(6)]);
}

/// Promise: a log without findings gives a table without rows, not no table.
#[test]
fn empty_table() {
    let mut report = sample();
    report.truncate(0);
    let batches = table::batches(&report).unwrap();
    assert_eq!((batches.len(), batches[0].num_rows(), batches[0].num_columns()), (1, 0, 15));
}

/// Promise: more findings than one batch holds lose none.
#[test]
fn large_table() {
    let mut report = sample();
    let one = report.findings().nth(1).unwrap().clone();
    let model = report.models.get_mut(&Model::CrossRegionConflicts).unwrap();
    model.findings = vec![one; 70_000];
    let batches = table::batches(&report).unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [65_536, 4_465]);
}

fn inspection() -> Inspection {
    let column = |name: &str, data_type: &str, used| InspectedColumn {
        name: name.into(),
        data_type: data_type.into(),
        used,
    };
    let widths = Widths { rows: 3, min: 0, median: 1_000_000, p99: 1_500_000, max: 2_000_000_000 };
    Inspection {
        warnings: Vec::new(),
        files: vec![InspectedFile {
            name: "eu.arrow".to_owned(),
            rows: 4,
            columns: vec![column("key", "Utf8", true), column("note\u{1b}", "Int64", false)],
        }],
        unit: Unit::Nanoseconds,
        rows: 4,
        transactions: 1,
        keys: None,
        sessions: 0,
        operations: Operations { reads: 1, writes: 2, deletes: 1 },
        statuses: Statuses { committed: 3, aborted: 1, unknown: 0 },
        regions: vec![InspectedRegion {
            name: "eu".to_owned(),
            rows: 4,
            start_widths: None,
            commit_widths: Some(widths),
            without_start: 3,
            without_commit: 1,
            unlimited_start: 2,
            unlimited_commit: 1,
        }],
    }
}

/// Promise: an inspection reads as text, with widths in units that a person knows; null bounds and unlimited ones are
/// told apart.
#[test]
fn inspection_text() {
    let expected = "\
1 file, 4 rows, 1 transaction, 1 region, 0 sessions
unit       ns
operations 1 read, 2 written, 1 deleted
status     3 committed, 1 aborted, 0 unknown

eu.arrow: 4 rows
  key               Utf8
  note\\u{1b}        Int64  (ignored)

region                    rows  width of bounds: least, median, p99, greatest
eu                           4
  no start bound             1  25.0% of the rows
  unlimited start            2  50.0% of the rows
  commit                     3  0 ns, 1 ms, 1.5 ms, 2 s
  unlimited commit           1  25.0% of the rows
";
    assert_eq!(inspect::human::render(&inspection()), expected);
}

/// Promise: an inspection is one JSON object, with null for what the log lacks.
#[test]
fn inspection_object() {
    let page: Value = serde_json::from_str(&inspect::json::render(&inspection())).unwrap();
    assert_eq!(page["keys"], Value::Null);
    assert_eq!(page["files"][0]["columns"][0], json!({ "name": "key", "type": "Utf8", "used": true }));
    let region = &page["regions"][0];
    assert_eq!(region["start_widths"], Value::Null);
    assert_eq!((&region["without_start"], &region["unlimited_start"]), (&json!(3), &json!(2)));
    assert_eq!((&region["without_commit"], &region["unlimited_commit"]), (&json!(1), &json!(1)));
    let widths = json!({ "rows": 3, "min": 0, "median": 1_000_000, "p99": 1_500_000, "max": 2_000_000_000 });
    assert_eq!(page["regions"][0]["commit_widths"], widths);
    assert_eq!(page["operations"]["deletes"], 1);
}
