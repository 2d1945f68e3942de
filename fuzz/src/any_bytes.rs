//! Any bytes, opened as a log.

use skewer::reference;
use skewer::{Log, Model, OpenOptions, VerifyOptions};

/// The largest log that the quadratic reference models are asked about.
const SMALL: u64 = 48;

/// Opens the bytes as a log; what opens is judged, and every row of it read.
///
/// # Panics
/// If the library does, or if a log that opened breaks a promise.
pub fn open_any_bytes(bytes: &[u8]) {
    let file = || vec![("any.arrow".to_owned(), bytes.to_vec())];
    let all = Log::from_bytes(file(), &OpenOptions { all_columns: true, ..OpenOptions::default() });
    match Log::from_bytes(file(), &OpenOptions::default()) {
        Ok(log) => look_at(&log),
        Err(error) => {
            assert!(all.is_err(), "only the log's own columns are refused: {error}");
            let message = error.to_string();
            assert!(message.starts_with("any.arrow: ") || message.starts_with("the log "), "{message}");
        }
    }
}

fn look_at(log: &Log) {
    assert_eq!(log.rows().count() as u64, log.len());
    for row in log.rows() {
        assert!(row.times.commit.is_none_or(|c| c.earliest() <= c.latest()));
        assert!(log.regions().iter().any(|r| r == row.region));
    }
    let mut options = VerifyOptions { findings: Some(3), count_keys: true, ..VerifyOptions::default() };
    if log.len() > SMALL {
        options.models = Some(vec![Model::WriteOrder, Model::CrossRegionConflicts]);
    }
    let report = skewer::verify(log, &options).expect("no option asks for anything");
    assert!(report.log.keys <= Some(log.len()) && report.log.transactions <= log.len());
    if log.len() <= SMALL {
        let input = reference::Input {
            rows: log.rows().collect(),
            columns: log.columns(),
            places: log.places().clone(),
            visibility_lag: 0,
        };
        for (model, judged) in &report.models {
            let expected = reference::judge(*model, &input);
            assert_eq!(judged.total(), expected.total(), "{}", model.name());
            assert_eq!(judged.facts, expected.facts, "{}", model.name());
        }
    }
}
