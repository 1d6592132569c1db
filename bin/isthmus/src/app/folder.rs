//! An application's folder, and which of its files belong to its package.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use nf_mmtel_es::package::Limits;

/// A package's files by their names, in order.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// What an application is to the network; it is told apart, and not packed.
pub(super) const PROFILE: &str = "application.toml";

/// What stays at home, besides what is hidden.
const NOT_PACKED: &[&str] = &[PROFILE, "README.md", "node_modules", "test"];

/// Reads them.
pub(super) fn read(folder: &Path) -> anyhow::Result<Files> {
    let mut files = Files::new();
    let mut room = Limits::default().unpacked;
    below(folder, "", &mut files, &mut room)?;
    Ok(files)
}

fn below(folder: &Path, prefix: &str, files: &mut Files, room: &mut usize) -> anyhow::Result<()> {
    let cannot = || format!("{} cannot be read", folder.display());
    for entry in std::fs::read_dir(folder).with_context(cannot)? {
        let entry = entry.with_context(cannot)?;
        let path = entry.path();
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            bail!("{} has a name that is not UTF-8", path.display());
        };
        if name.starts_with('.') || (prefix.is_empty() && NOT_PACKED.contains(&name.as_str())) {
            continue;
        }
        let inside = format!("{prefix}{name}");
        let kind = entry.file_type().with_context(cannot)?;
        if kind.is_dir() {
            below(&path, &format!("{inside}/"), files, room)?;
        } else {
            ensure!(
                kind.is_file(),
                "{} is neither file nor folder",
                path.display()
            );
            let bytes = std::fs::read(&path)
                .with_context(|| format!("{} cannot be read", path.display()))?;
            *room = room
                .checked_sub(bytes.len())
                .with_context(|| format!("{} is more than a package holds", path.display()))?;
            files.insert(inside, bytes);
        }
    }
    Ok(())
}

/// A file beside a folder, with its name.
pub(super) fn beside(folder: &Path, extension: &str) -> anyhow::Result<PathBuf> {
    let whole = std::path::absolute(folder)
        .with_context(|| format!("{} cannot be found", folder.display()))?;
    let name = whole
        .file_name()
        .and_then(OsStr::to_str)
        .with_context(|| format!("{} has no name; say --output", folder.display()))?;
    Ok(whole.with_file_name(format!("{name}.{extension}")))
}
