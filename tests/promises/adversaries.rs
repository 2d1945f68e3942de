//! Logs that defeat shortcuts: what they must not change.

use skewer::BoundedTimestamp;
use skewer::log::build::Record;
use skewer::report::{Kind, ModelReport};

use crate::adversarial::{Adversary, REGIONS, Size, Truth, Write};
use crate::logs::{Asked, How, Sample, agree, said, truth};

/// Small enough for the reference; a bound meets those of ten rows on each side.
const SMALL: Size = Size { rows: 480, step: 100_000 };
/// A bound meets those of two hundred rows on each side.
const LARGER: Size = Size { rows: 12_000, step: 5_000 };

fn record(write: &Write) -> Record {
    Record {
        key: (write.key as i64).into(),
        region: Some(REGIONS[write.region].to_owned()),
        start: write.start.and_then(|(earliest, latest)| BoundedTimestamp::new(earliest, latest)),
        commit: BoundedTimestamp::new(write.commit.0, write.commit.1),
        ..Record::default()
    }
}

/// What the two reports say, in the order of the models.
fn counted(reports: &[ModelReport]) -> Truth {
    let [order, conflicts] = reports else { panic!("two models were asked for") };
    let counts = conflicts.kinds.get(Kind::WriteWrite.name()).copied().unwrap_or_default();
    Truth {
        definite: counts.definite,
        possible: counts.possible,
        ordered: order.facts["pairs_ordered"],
        ambiguous: order.facts["pairs_ambiguous"],
    }
}

/// Promise: every path answers as the reference does on each adversary, findings included, and both as its
/// formula.
#[test]
fn small_ones_are_judged_by_the_reference() {
    for adversary in Adversary::ALL {
        let sample = Sample::of(adversary.writes(SMALL).iter().map(record).collect());
        let by_reference = counted(&truth(&sample, Asked::default()));
        assert_eq!(by_reference, adversary.truth(SMALL).unwrap_or(by_reference), "{}", adversary.name());
        agree(&sample, Asked { findings: Some(20), ..Asked::default() }, &How::paths());
    }
}

/// Promise: counts are exact where no pair could be looked at twice, on every path.
#[test]
fn larger_ones_have_the_counts_of_their_formulas() {
    for adversary in Adversary::ALL {
        let log = adversary.log(LARGER);
        let asked = Asked { findings: Some(5), ..Asked::default() };
        let found: Vec<_> = How::paths().into_iter().map(|how| said(&log, asked, how)).collect();
        let expected = adversary.truth(LARGER).unwrap_or(counted(&found[0]));
        for report in &found {
            assert_eq!(counted(report), expected, "{}", adversary.name());
            assert_eq!(report, &found[0], "{}", adversary.name());
        }
    }
}

/// Promise: the page of adversaries names each of them, and none that there is not.
#[test]
fn each_stands_on_its_page() {
    let page = include_str!("../../datasets/adversarial/README.md");
    let named: Vec<&str> =
        page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(named, Adversary::ALL.map(Adversary::name));
}
