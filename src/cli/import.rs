//! `skewer import`.

use super::args::ImportArgs;
use super::progress::Progress;
use super::{destination, stub};

/// Writes the foreign files as one log.
pub(crate) fn run(args: &ImportArgs) -> anyhow::Result<()> {
    destination::keep_apart(&[("-o", &args.output)], &args.inputs)?;
    let _progress = Progress::start("importing", false);
    stub::import(args.from, &args.inputs, &args.output)?;
    Ok(())
}
