//! Where answers go: standard output, and files that must not be the question.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::bail;

/// Writes `text` to standard output. A reader that went away has read what it wanted: no error.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(gone) if gone.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => bail!("standard output: {error}"),
        Ok(()) => Ok(()),
    }
}

/// Refuses outputs that are inputs, that stand among an input folder's logs, or that are each
/// other. Each output comes with the option that named it.
pub(crate) fn keep_apart(outputs: &[(&str, &Path)], inputs: &[PathBuf]) -> anyhow::Result<()> {
    for (place, (option, output)) in outputs.iter().enumerate() {
        if is_device(output) {
            continue;
        }
        if let Some(input) = inputs.iter().find(|input| is_part_of(output, input)) {
            bail!("{option} {}: is part of the input {}", output.display(), input.display());
        }
        if let Some((other, _)) = outputs[..place].iter().find(|(_, before)| same(output, before)) {
            bail!("{option} {}: is also the file of {other}", output.display());
        }
    }
    Ok(())
}

/// Whether the path is there, but neither a file nor a folder: `/dev/null`, a pipe.
fn is_device(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir())
}

fn is_part_of(output: &Path, input: &Path) -> bool {
    if !input.is_dir() {
        return same(output, input);
    }
    let is_log = output.extension().is_some_and(|ext| ext == "arrow" || ext == "feather");
    is_log && output.exists() && resolved(output).starts_with(resolved(input))
}

fn same(a: &Path, b: &Path) -> bool {
    resolved(a) == resolved(b) || identity(a).is_some_and(|of_a| identity(b) == Some(of_a))
}

/// The path without links and detours; its last part need not exist.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(found) = fs::canonicalize(path) {
        return found;
    }
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    match (fs::canonicalize(folder), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// What hard links to one file share.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

#[cfg(not(unix))]
fn identity(_: &Path) -> Option<(u64, u64)> {
    None
}
