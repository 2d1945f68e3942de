//! Which files make up a log.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// The files that `paths` mean: each file, and each folder's `.arrow` and `.feather` files,
/// sorted by name.
///
/// # Errors
/// If a path cannot be read, a folder holds no log, or a file is named twice.
pub(super) fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        let meta = std::fs::metadata(path).map_err(|e| Error::io(path, e))?;
        if meta.is_dir() { files.extend(logs_in(path)?) } else { files.push(path.clone()) }
    }
    if files.is_empty() {
        return Err(Error::Log("no log was given".to_owned()));
    }
    files.sort_by(|a, b| a.file_name().cmp(&b.file_name()).then_with(|| a.cmp(b)));
    refuse_twins(&files)?;
    Ok(files)
}

fn logs_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| Error::io(folder, e))? {
        let path = entry.map_err(|e| Error::io(folder, e))?.path();
        let is_log = path.extension().is_some_and(|e| e == "arrow" || e == "feather");
        if is_log && path.is_file() {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(Error::malformed(folder, "the folder holds no .arrow or .feather file"));
    }
    Ok(found)
}

/// A file that counts twice would conflict with itself.
fn refuse_twins(files: &[PathBuf]) -> Result<()> {
    let mut real: Vec<(PathBuf, &PathBuf)> = Vec::with_capacity(files.len());
    // Pipes have no path of their own, and are used up by reading: none can be read twice.
    for file in files.iter().filter(|f| f.is_file()) {
        real.push((std::fs::canonicalize(file).map_err(|e| Error::io(file, e))?, file));
    }
    real.sort();
    match real.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(Error::malformed(pair[1].1, "the file was given twice")),
        None => Ok(()),
    }
}
