//! `skewer order`.

use super::args::OrderArgs;
use super::progress::Progress;
use super::{destination, open};

/// Writes the log in serial order.
pub(crate) fn run(args: &OrderArgs) -> anyhow::Result<()> {
    destination::keep_apart(&[("-o", &args.output)], &args.source.logs)?;
    let _progress = Progress::start("ordering", false);
    let log = open(&args.source, true, false, None)?;
    skewer::order::write(&log, &args.output)?;
    Ok(())
}
