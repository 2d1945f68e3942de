//! The sentence that says which transactions lack what a model needs.

use crate::txn::Places;

/// The reason for which a model is not checked when `count` of `total` transactions lack
/// something: `what` says who lacks it, for instance `committed writers have no commit bound`;
/// `first_row` is the first row of the first of them.
///
/// # Panics
/// If the log has no row `first_row`.
pub(crate) fn lacking(what: &str, count: u64, total: u64, first_row: u64, places: &Places) -> String {
    let (file, row) = places.locate(first_row);
    let what = if count == 1 { what.replacen(" have ", " has ", 1) } else { what.to_owned() };
    format!("{count} of {total} {what}; the first is row {row} of {file}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: the reason counts, and names the file and the row in that file.
    #[test]
    fn counts_and_places() {
        let places = Places { files: vec![("eu.arrow".into(), 20), ("us.arrow".into(), 20)] };
        let what = "committed writers have no commit bound";
        assert_eq!(
            lacking(what, 3, 40, 17, &places),
            "3 of 40 committed writers have no commit bound; the first is row 17 of eu.arrow"
        );
        assert_eq!(
            lacking(what, 1, 40, 21, &places),
            "1 of 40 committed writers has no commit bound; the first is row 1 of us.arrow"
        );
    }
}
