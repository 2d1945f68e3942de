//! `skewer inspect`.

use skewer::inspect::{human, json};

use super::args::{InspectArgs, InspectFormat};
use super::progress::Progress;
use super::{destination, open};

/// Prints what is in the log.
pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<()> {
    let progress = Progress::start("inspecting", false);
    let log = open(&args.source, false, false, None)?;
    let inspection = skewer::inspect::inspect(&log)?;
    log.check_unchanged()?;
    drop(progress);
    destination::print(&match args.format {
        InspectFormat::Human => human::render(&inspection),
        InspectFormat::Json => json::render(&inspection),
    })
}
