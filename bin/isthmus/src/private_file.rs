//! Files with secrets in them: for their owner's eyes, and whole or not at all.

use std::io::Write as _;
use std::path::Path;

use crate::fault::Fault;

/// Writes a file that only its owner may read: beside it first, then into its place.
pub(crate) fn write(file: &Path, bytes: &[u8]) -> Result<(), Fault> {
    let fail = |error: std::io::Error| Fault::at(file, None, format!("cannot be written: {error}"));
    let beside = file.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut open = options.open(&beside).map_err(fail)?;
    open.write_all(bytes)
        .and_then(|()| open.sync_all())
        .map_err(fail)?;
    std::fs::rename(&beside, file).map_err(fail)
}
