//! Fuzz targets are not built here: what they name must be there all the same.

use anyhow::{Context as _, Result};

use super::verdict;
use crate::shell;

const TARGETS: &str = "fuzz/fuzz_targets/";

/// Every target is in the manifest, and its first line, `//! Body: FILE FUNCTION`, names a function
/// that is in that file and that a property test of the same crate runs.
pub(crate) fn check() -> Result<()> {
    let files = shell::files()?;
    let read = |path: &str| std::fs::read_to_string(shell::root().join(path));
    let manifest = read("fuzz/Cargo.toml").context("fuzz/Cargo.toml cannot be read")?;
    let mut findings = Vec::new();
    let targets: Vec<&String> = files.iter().filter(|f| f.starts_with(TARGETS)).collect();
    if targets.is_empty() {
        findings.push(format!("{TARGETS}: no target"));
    }
    for target in targets {
        let text = read(target)?;
        let path = target.trim_start_matches("fuzz/");
        if !manifest.contains(&format!("path = \"{path}\"")) {
            findings.push(format!("{target}: not in fuzz/Cargo.toml"));
        }
        let Some((file, function)) = body(&text) else {
            findings.push(format!("{target}: its first line names no body"));
            continue;
        };
        if !text.contains(&format!("::{function}(data)")) {
            findings.push(format!("{target}: does not run {function}"));
        }
        let there = read(file).unwrap_or_default();
        if !there.contains(&format!("fn {function}(data: &[u8])")) {
            findings.push(format!(
                "{target}: {file} has no `fn {function}(data: &[u8])`"
            ));
        }
        let room: String = file.split_inclusive('/').take(2).collect();
        let property = read(&format!("{room}tests/properties.rs")).unwrap_or_default();
        if !property.contains(&format!("{function}(&")) || !property.contains("proptest!") {
            findings.push(format!(
                "{target}: no property test in {room} runs {function}"
            ));
        }
    }
    verdict(&findings)
}

/// File and function of `//! Body: FILE FUNCTION`.
fn body(text: &str) -> Option<(&str, &str)> {
    let line = text.lines().next()?.strip_prefix("//! Body: ")?;
    line.split_once(' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_names_the_body() {
        let text = "//! Body: wire/rtp/src/fuzz.rs fuzz_packet\n#![no_main]\n";
        assert_eq!(body(text), Some(("wire/rtp/src/fuzz.rs", "fuzz_packet")));
        assert_eq!(body("#![no_main]\n"), None);
    }

    #[test]
    fn every_target_of_this_checkout_is_sound() {
        check().expect("fuzz/ is in order");
    }
}
