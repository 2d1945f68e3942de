//! `skewer order`.

use super::args::OrderArgs;
use super::progress::Progress;
use super::{destination, open, stub};

/// Writes the log in serial order.
pub(crate) fn run(args: &OrderArgs) -> anyhow::Result<()> {
    destination::keep_apart(&[("-o", &args.output)], &args.source.logs)?;
    let _progress = Progress::start("ordering", false);
    let log = open(&args.source)?;
    stub::order(&log, &args.output)?;
    Ok(())
}
