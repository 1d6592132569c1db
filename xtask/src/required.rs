//! Clauses that bind an entity, and the tests that stand at it.
//!
//! `conformance/required.txt` has a clause and an entity a line: `TS 24.371 §6.4.2 eP-CSCF`. Such a
//! line wants a test that cites the clause and stands at the entity: in its crate, or a conformance
//! test whose first line names it (`//! TS 24.371 §6.4.2 — eP-CSCF, …`). Without one there is a line
//! with the reason in `conformance/uncovered.txt` (`TS 24.371 §6.2.1.3 WIC: no credentials yet`),
//! which `cargo xtask clauses` takes away when the test has come.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use crate::shell;

const REQUIRED: &str = "conformance/required.txt";
const UNCOVERED: &str = "conformance/uncovered.txt";

/// The entities of TS 24.371 and TS 29.392 that we have, and where their own tests are.
const ENTITIES: &[(&str, &[&str])] = &[
    ("WIC", &["nf/wic/", "web/wic/"]),
    ("WWSF", &["nf/wwsf/"]),
    ("WAF", &["nf/waf/"]),
    ("eP-CSCF", &["nf/epcscf/"]),
    ("eIMS-AGW", &["nf/eims-agw/"]),
    ("enabler", &["nf/mmtel-es/"]),
];

/// The entities that a test stands at.
pub(crate) fn entities(test: &str) -> Vec<&'static str> {
    let of_crate = ENTITIES
        .iter()
        .filter(|(_, rooms)| rooms.iter().any(|room| test.starts_with(room)))
        .map(|(entity, _)| *entity);
    if test.starts_with("conformance/") {
        let text = std::fs::read_to_string(shell::root().join(test)).unwrap_or_default();
        return named(text.lines().next().unwrap_or_default());
    }
    of_crate.collect()
}

/// The entities that a conformance test's first line names behind its dash, before the comma.
fn named(line: &str) -> Vec<&'static str> {
    let Some((_, rest)) = line.split_once('—') else {
        return Vec::new();
    };
    let who = rest.split([',', ':']).next().unwrap_or_default();
    let words: Vec<&str> = who.split_whitespace().collect();
    ENTITIES
        .iter()
        .map(|(entity, _)| *entity)
        .filter(|entity| words.contains(entity))
        .collect()
}

/// Takes from the list of excuses what has a test now.
pub(crate) fn prune(tests: &BTreeMap<String, BTreeSet<&'static str>>) -> Result<()> {
    let path = shell::root().join(UNCOVERED);
    let Ok(before) = std::fs::read_to_string(&path) else {
        return Ok(());
    };
    let after = pruned(&before, tests);
    if after != before {
        std::fs::write(path, after)?;
        println!("{UNCOVERED}: shorter now");
    }
    Ok(())
}

fn pruned(uncovered: &str, tests: &BTreeMap<String, BTreeSet<&'static str>>) -> String {
    let stays = |line: &&str| {
        let what = line.split_once(": ").map_or(*line, |(what, _)| what);
        let covered = what
            .trim()
            .rsplit_once(' ')
            .is_some_and(|(clause, entity)| {
                tests
                    .get(clause)
                    .is_some_and(|entities| entities.contains(entity))
            });
        line.starts_with('#') || !covered
    };
    uncovered.split_inclusive('\n').filter(stays).collect()
}

/// What is wrong with the two lists, given the entities that each clause's tests stand at.
pub(crate) fn check(tests: &BTreeMap<String, BTreeSet<&'static str>>) -> Result<Vec<String>> {
    let required = std::fs::read_to_string(shell::root().join(REQUIRED))?;
    // Once every clause has its test, the list of excuses may go.
    let uncovered = std::fs::read_to_string(shell::root().join(UNCOVERED)).unwrap_or_default();
    Ok(compare(&required, &uncovered, tests))
}

fn compare(
    required: &str,
    uncovered: &str,
    tests: &BTreeMap<String, BTreeSet<&'static str>>,
) -> Vec<String> {
    let mut findings = Vec::new();
    let mut excused = BTreeSet::new();
    for line in entries(uncovered) {
        match line.split_once(": ") {
            Some((what, reason)) if !reason.trim().is_empty() => {
                excused.insert(what);
            }
            _ => findings.push(format!("{UNCOVERED}: «{line}» gives no reason")),
        }
    }
    let mut known = BTreeSet::new();
    for line in entries(required) {
        let Some((clause, entity)) = line
            .rsplit_once(' ')
            .filter(|(_, entity)| ENTITIES.iter().any(|(known, _)| known == entity))
        else {
            findings.push(format!("{REQUIRED}: «{line}» names no entity"));
            continue;
        };
        known.insert(line);
        let tested = tests
            .get(clause)
            .is_some_and(|entities| entities.contains(entity));
        match (tested, excused.contains(line)) {
            (false, false) => findings.push(format!(
                "{line}: required, and there is neither a test at the {entity} that cites it nor a \
                 reason in {UNCOVERED}"
            )),
            (true, true) => findings.push(format!(
                "{line}: has a test now; `cargo xtask clauses` takes it off {UNCOVERED}"
            )),
            _ => {}
        }
    }
    if known.is_empty() {
        findings.push(format!(
            "{REQUIRED} names no clause: nothing would be missed"
        ));
    }
    for line in excused.difference(&known) {
        findings.push(format!("{UNCOVERED}: «{line}» is not in {REQUIRED}"));
    }
    findings
}

fn entries(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tests() -> BTreeMap<String, BTreeSet<&'static str>> {
        BTreeMap::from([("TS 24.371 §6.1".to_owned(), BTreeSet::from(["WIC"]))])
    }

    #[test]
    fn a_test_at_another_entity_does_not_count() {
        let required = "# both\nTS 24.371 §6.1 WIC\nTS 24.371 §6.1 eP-CSCF\n";
        let findings = compare(required, "", &tests());
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].starts_with("TS 24.371 §6.1 eP-CSCF: required"));
        let excused = "TS 24.371 §6.1 eP-CSCF: nobody has asked for it\n";
        assert!(compare(required, excused, &tests()).is_empty());
    }

    #[test]
    fn an_excuse_needs_a_reason_and_ends_with_the_test() {
        let required = "TS 24.371 §6.1 WIC\n";
        for (uncovered, wanted) in [
            ("TS 24.371 §6.1 WIC: not yet\n", "has a test now"),
            ("TS 24.371 §6.1 WIC\n", "gives no reason"),
            ("TS 24.371 §9.9 WIC: not yet\n", "is not in"),
        ] {
            let findings = compare(required, uncovered, &tests());
            assert_eq!(findings.len(), 1, "{findings:?}");
            assert!(findings[0].contains(wanted), "{findings:?}");
        }
        let findings = compare("TS 24.371 §6.1 Browser\n", "", &tests());
        assert!(findings[0].contains("names no entity"), "{findings:?}");
        let findings = compare("# nothing\n", "", &tests());
        assert!(findings[0].contains("names no clause"), "{findings:?}");
    }

    #[test]
    fn what_has_a_test_is_taken_off() {
        let uncovered = "# why\n\nTS 24.371 §6.1 WIC: soon\nTS 24.371 §6.1 WAF: later\n";
        assert_eq!(
            pruned(uncovered, &tests()),
            "# why\n\nTS 24.371 §6.1 WAF: later\n"
        );
    }

    #[test]
    fn a_conformance_test_names_its_entities() {
        let line = "//! TS 24.371 §6.3.1 — WWSF and WAF, web credentials of the WIC.";
        assert_eq!(named(line), ["WWSF", "WAF"]);
        assert_eq!(
            named("//! TS 24.371 §7.4.2 — eP-CSCF, WIC originating call."),
            ["eP-CSCF"]
        );
        assert!(named("//! RFC 7118 §6 — keep-alive.").is_empty());
        assert_eq!(entities("web/wic/test/call.test.js"), ["WIC"]);
    }
}
