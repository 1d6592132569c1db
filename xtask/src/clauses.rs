//! Which clause is implemented where, and which test holds it: collected from the citations.
//!
//! A citation is `TS 24.371 §7.4.2` or `RFC 3261 §17.1.1.2` in a comment. In a test it counts as
//! proof, elsewhere as implementation; a conformance test's file name (`s7_4_2_…`) is a citation
//! too. Which clauses must have a test is in [`required`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::{Result, bail};

use crate::{required, shell};

const PAGE: &str = "docs/clauses.md";

#[derive(Default)]
struct Places {
    code: BTreeSet<String>,
    tests: BTreeSet<String>,
}

/// Writes `docs/clauses.md` anew.
pub(crate) fn write() -> Result<()> {
    let clauses = collect()?;
    std::fs::write(shell::root().join(PAGE), page(&clauses))?;
    println!("{PAGE}: {} clauses", clauses.len());
    required::prune(&entities(&clauses))
}

/// Checks the page and the two lists.
pub(crate) fn check() -> Result<()> {
    let clauses = collect()?;
    let mut findings = Vec::new();
    let written = std::fs::read_to_string(shell::root().join(PAGE)).unwrap_or_default();
    if written != page(&clauses) {
        findings.push(format!("{PAGE} is out of date: run `cargo xtask clauses`"));
    }
    findings.extend(required::check(&entities(&clauses))?);
    if !findings.is_empty() {
        bail!("{}", findings.join("\n"));
    }
    Ok(())
}

/// The entities that the tests of each clause stand at.
fn entities(clauses: &BTreeMap<String, Places>) -> BTreeMap<String, BTreeSet<&'static str>> {
    let of = |places: &Places| {
        let tests = places.tests.iter();
        tests.flat_map(|test| required::entities(test)).collect()
    };
    let clauses = clauses.iter();
    clauses
        .map(|(clause, places)| (clause.clone(), of(places)))
        .collect()
}

fn collect() -> Result<BTreeMap<String, Places>> {
    let mut clauses: BTreeMap<String, Places> = BTreeMap::new();
    for path in shell::files()? {
        let extension = std::path::Path::new(&path)
            .extension()
            .and_then(|e| e.to_str());
        let ours = path.starts_with("xtask/");
        if ours || !matches!(extension, Some("rs" | "js" | "mjs")) {
            continue;
        }
        let text = std::fs::read_to_string(shell::root().join(&path)).unwrap_or_default();
        let test_file = path.contains("/test") || path.starts_with("conformance/");
        let mut in_tests = test_file;
        for line in text.lines() {
            in_tests |= line.trim_start().starts_with("#[cfg(test)]");
            for clause in citations(line) {
                let places = clauses.entry(clause).or_default();
                let side = if in_tests {
                    &mut places.tests
                } else {
                    &mut places.code
                };
                side.insert(path.clone());
            }
        }
        if let Some(clause) = clause_of_file(&path) {
            clauses
                .entry(clause)
                .or_default()
                .tests
                .insert(path.clone());
        }
    }
    Ok(clauses)
}

/// The citations of one line: `TS 24.371 §7.4.2`, `RFC 3261 §17`.
fn citations(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for document in ["TS ", "RFC "] {
        for (at, _) in line.match_indices(document) {
            let rest = &line[at + document.len()..];
            let number: String = rest
                .chars()
                .take_while(|c| c.is_ascii_digit() || *c == '.')
                .collect();
            let Some(clause) = rest[number.len()..].strip_prefix(" §") else {
                continue;
            };
            let clause: String = clause
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '.')
                .collect();
            let clause = clause.trim_end_matches('.');
            if !number.is_empty() && !clause.is_empty() {
                found.push(format!("{document}{number} §{clause}"));
            }
        }
    }
    found
}

/// `conformance/tests/ts_24_371/s7_4_2_originating_call.rs` proves `TS 24.371 §7.4.2`.
fn clause_of_file(path: &str) -> Option<String> {
    let rest = path.strip_prefix("conformance/tests/")?;
    let (folder, file) = rest.split_once('/')?;
    let document = match folder.split_once('_')? {
        ("ts", number) => format!("TS {}", number.replace('_', ".")),
        ("rfc", number) => format!("RFC {number}"),
        _ => return None,
    };
    let parts: Vec<&str> = file
        .strip_prefix('s')?
        .split('_')
        .take_while(|part| part.starts_with(|c: char| c.is_ascii_digit()))
        .collect();
    (!parts.is_empty()).then(|| format!("{document} §{}", parts.join(".").to_uppercase()))
}

fn page(clauses: &BTreeMap<String, Places>) -> String {
    let mut page = String::from(
        "# Clauses\n\nWhich clause is implemented where, and which tests cite it. Written by \
         `cargo xtask clauses` from the citations in the code; do not edit.\n\n\
         | clause | code | tests |\n| --- | --- | --- |\n",
    );
    for (clause, places) in clauses {
        let join = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join("<br>");
        let _ = writeln!(
            page,
            "| {clause} | {} | {} |",
            join(&places.code),
            join(&places.tests)
        );
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_are_found_in_comments() {
        let line = "/// RFC 3261 §17.1.1.2, and TS 24.371 §6A.3. RFC 4475 alone is none.";
        assert_eq!(citations(line), ["TS 24.371 §6A.3", "RFC 3261 §17.1.1.2"]);
    }

    #[test]
    fn a_conformance_file_is_a_citation() {
        let path = "conformance/tests/ts_24_371/s7_4_2_originating_call.rs";
        assert_eq!(clause_of_file(path).as_deref(), Some("TS 24.371 §7.4.2"));
        let path = "conformance/tests/ts_24_371/s6a_3_deregistration.rs";
        assert_eq!(clause_of_file(path).as_deref(), Some("TS 24.371 §6A.3"));
    }
}
