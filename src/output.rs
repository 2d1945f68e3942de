//! Files that are written whole or not at all.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Writes `path` by `fill` and returns what that returned. Bytes go to a temporary file beside it
/// that takes the name once all is written, so nobody sees half a file and a failure leaves
/// an older file as it was. What is not a regular file (a pipe, a terminal) is written directly.
///
/// # Errors
/// What `fill` returned, or what the system said of the file.
pub fn replace<T>(path: &Path, fill: impl FnOnce(&mut dyn Write) -> Result<T>) -> Result<T> {
    if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        let device = File::options().write(true).open(path).map_err(|e| Error::io(path, e))?;
        return fill_and_flush(path, &mut BufWriter::new(device), fill);
    }
    // A link keeps pointing to the file that it names.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mut half = temporary_beside(&target).map_err(|e| Error::io(path, e))?;
    let answer = fill_and_flush(path, &mut BufWriter::with_capacity(1 << 20, half.as_file_mut()), fill)?;
    half.persist(&target).map_err(|e| Error::io(path, e.error))?;
    Ok(answer)
}

fn fill_and_flush<T, W: Write>(
    path: &Path,
    to: &mut BufWriter<W>,
    fill: impl FnOnce(&mut dyn Write) -> Result<T>,
) -> Result<T> {
    let answer = fill(to)?;
    to.flush().map_err(|e| Error::io(path, e))?;
    Ok(answer)
}

fn temporary_beside(target: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    let folder = match target.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".skewer-").suffix(".partial");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As any program creates files: the user's mask takes away what others must not have.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: a failed write leaves the older file and no debris.
    #[test]
    fn failure_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        fs::write(&path, "old").unwrap();
        let failed = replace(&path, |to| {
            to.write_all(b"new").unwrap();
            Err::<(), _>(Error::Log("no".to_owned()))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        replace(&path, |to| to.write_all(b"new").map_err(|e| Error::io("out", e))).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    }
}
