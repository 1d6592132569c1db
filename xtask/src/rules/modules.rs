//! Modules: a file that no `mod` names is not compiled, and the tests in it run no more without a word.

use std::path::Path;

use anyhow::Result;

use super::verdict;
use crate::shell;

/// Checks that each source file is a module of the file above it, or of one beside it that names its path.
pub(crate) fn check() -> Result<()> {
    let files = shell::files()?;
    let findings = files.iter().filter_map(|path| {
        let (folder, name) = path.rsplit_once('/')?;
        let stem = name
            .strip_suffix(".rs")
            .filter(|_| path.contains("/src/"))?;
        if ["lib.rs", "main.rs"].contains(&name) || folder.ends_with("/src/bin") {
            return None;
        }
        let (home, module) = match name {
            "mod.rs" => folder.rsplit_once('/')?,
            _ => (folder, stem),
        };
        let above = ["/mod.rs", "/lib.rs", "/main.rs", ".rs"].map(|end| format!("{home}{end}"));
        let named = above
            .iter()
            .any(|file| names(file, &format!("mod {module};")));
        let place = path.strip_prefix(home)?.trim_start_matches('/');
        let attribute = format!("#[path = \"{place}\"]");
        let beside = |file: &&String| Path::new(file).parent() == Some(Path::new(home));
        let pointed_at = || {
            files
                .iter()
                .filter(beside)
                .any(|file| names(file, &attribute))
        };
        (!named && !pointed_at()).then(|| format!("{path}: no `mod` names it"))
    });
    verdict(&findings.collect::<Vec<_>>())
}

fn names(file: &str, words: &str) -> bool {
    let text = std::fs::read_to_string(shell::root().join(file)).unwrap_or_default();
    text.lines().any(|line| {
        // `mod a;` is no `mod ba;`.
        line.trim_end()
            .strip_suffix(words)
            .is_some_and(|before| before.is_empty() || before.ends_with([' ', '\t']))
    })
}
