//! `skewer import`.

use skewer::import::{ImportOptions, Imported, import};
use skewer::report::text::{counted, one_line};

use super::args::ImportArgs;
use super::progress::Progress;
use super::{destination, histories};

/// Writes the foreign files as one log.
pub(crate) fn run(args: &ImportArgs) -> anyhow::Result<()> {
    destination::keep_apart(&[("-o", &args.output)], &args.inputs)?;
    let progress = Progress::start("importing", false);
    let options = ImportOptions { map: args.map.clone(), client_times: args.client_times, unit: args.unit };
    let imported = import(args.from, &args.inputs, &options)?;
    let mut warnings = imported.log.warnings();
    match histories(&args.bounds)? {
        None => imported.log.write_to(&args.output)?,
        Some(bounds) => warnings.extend(imported.log.write_with_bounds(&args.output, &bounds)?),
    }
    drop(progress);
    say_what_was_left_out(&imported);
    for warning in warnings {
        eprintln!("skewer: warning: {}", one_line(&warning));
    }
    Ok(())
}

/// A log that says less than its source is no error, but must not pass in silence.
fn say_what_was_left_out(imported: &Imported) {
    if imported.skipped_entries > 0 {
        let entries = imported.skipped_entries;
        eprintln!("skewer: left out {entries} of the input's entries: they are no transactions");
    }
    if imported.unanswered_reads > 0 {
        let reads = counted(imported.unanswered_reads, "read");
        eprintln!("skewer: left out {reads} without an answer");
    }
}
