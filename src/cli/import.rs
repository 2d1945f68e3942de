//! `skewer import`.

use skewer::import::{ImportOptions, import};

use super::args::ImportArgs;
use super::destination;
use super::progress::Progress;

/// Writes the foreign files as one log.
pub(crate) fn run(args: &ImportArgs) -> anyhow::Result<()> {
    destination::keep_apart(&[("-o", &args.output)], &args.inputs)?;
    let progress = Progress::start("importing", false);
    let options = ImportOptions { map: args.map.clone(), client_times: args.client_times, unit: args.unit };
    let imported = import(args.from, &args.inputs, &options)?;
    imported.log.write_to(&args.output)?;
    drop(progress);
    let skipped = [
        (imported.skipped_entries, "entries that are no transactions were left out"),
        (imported.unanswered_reads, "reads of transactions that were not answered were left out: they saw nothing"),
    ];
    for (count, what) in skipped.into_iter().filter(|(count, _)| *count > 0) {
        eprintln!("skewer: {count} {what}");
    }
    Ok(())
}
