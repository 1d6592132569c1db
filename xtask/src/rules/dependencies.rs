//! Foreign code: whence it comes, under which licence, how often, and who does the cryptography.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;

use super::verdict;
use crate::shell;

/// Licences that may be linked into an Apache-2.0 product without more than a notice.
const LICENCES: &[&str] = &[
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "ISC",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    // Of a list, not of a program: the public certificate authorities.
    "CDLA-Permissive-2.0",
    "CC0-1.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates that stay out, and what is used instead.
const BANNED: &[(&str, &str)] = &[
    ("ring", "aws-lc-rs is our one cryptographic library"),
    ("openssl-sys", "aws-lc-rs is our one cryptographic library"),
    ("native-tls", "rustls is our TLS"),
    (
        "rusqlite",
        "sqlx is our store; the two cannot be in one graph",
    ),
];

/// Crates that are there twice, and why we bear it.
const TWICE: &[(&str, &str)] = &[
    (
        "base64",
        "0.23 came out while most of the ecosystem is on 0.22",
    ),
    ("block-buffer", "sqlx is still on digest 0.10"),
    ("const-oid", "sqlx is still on digest 0.10"),
    ("cpufeatures", "sqlx is still on sha2 0.10"),
    ("crypto-common", "sqlx is still on digest 0.10"),
    ("digest", "sqlx is still on digest 0.10"),
    ("getrandom", "rand 0.9 of sctp-proto wants 0.3"),
    ("hashbrown", "sqlx is one behind indexmap"),
    ("pem", "rcgen is one behind jsonwebtoken"),
    ("r-efi", "getrandom twice, on targets we do not build"),
    ("rand", "sctp-proto is still on 0.9"),
    ("rand_core", "sctp-proto is still on 0.9"),
    ("sha2", "sqlx is still on 0.10"),
    ("signature", "jsonwebtoken and its helpers disagree"),
    ("syn", "procedural macros change over from 2 to 3"),
    ("untrusted", "webpki and aws-lc-rs disagree"),
    ("wasip2", "WASI targets, which we do not build"),
    ("wit-bindgen", "WASI targets, which we do not build"),
];

/// Checks all that is really built for this machine.
pub(crate) fn check() -> Result<()> {
    let words = [
        "tree",
        "--workspace",
        "--edges",
        "all",
        "--prefix",
        "none",
        "--format",
        "{p}|{l}",
    ];
    let tree = shell::output(".", "cargo", &words)?;
    let mut findings = BTreeSet::new();
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in tree.lines() {
        // `name v1.2.3 (where it lies, unless a registry)|licence`, or `name feature "std"`.
        let Some((package, licence)) = line.split_once('|') else {
            continue;
        };
        let licence = licence.trim_end_matches(" (*)");
        let mut words = package.split(' ');
        let (Some(name), Some(version)) = (words.next(), words.next()) else {
            continue;
        };
        if version == "feature" {
            continue;
        }
        match words.next() {
            Some(place) if place.starts_with("(/") => continue, // ours
            Some(place) if place.contains("://") => {
                findings.insert(format!("{name}: comes from {place}, not from a registry"));
            }
            _ => {}
        }
        versions.entry(name).or_default().insert(version);
        if let Some((_, why)) = BANNED.iter().find(|(banned, _)| *banned == name) {
            findings.insert(format!("{name}: {why}"));
        }
        if !allowed(licence) {
            findings.insert(format!("{name}: licence «{licence}»"));
        }
    }
    for (name, versions) in &versions {
        if versions.len() > 1 && !TWICE.iter().any(|(known, _)| known == name) {
            let versions: Vec<_> = versions.iter().copied().collect();
            findings.insert(format!("{name}: there in {}", versions.join(" and ")));
        }
    }
    verdict(&findings.into_iter().collect::<Vec<_>>())
}

/// Whether one side of every «or» is allowed. Brackets group, «and» wants both.
fn allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    // Split at the top level only, «and» binding tighter than «or».
    any(&expression)
}

fn any(expression: &str) -> bool {
    split(expression, " OR ").iter().any(|part| all(part))
}

fn all(expression: &str) -> bool {
    split(expression, " AND ").iter().all(|part| {
        let part = part.trim();
        match part
            .strip_prefix('(')
            .and_then(|inner| inner.strip_suffix(')'))
        {
            Some(inner) => any(inner),
            None => LICENCES.contains(&part),
        }
    })
}

/// Splits where the separator stands outside brackets.
fn split<'a>(expression: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut parts, mut depth, mut from, mut at) = (Vec::new(), 0_usize, 0, 0);
    while at < expression.len() {
        match expression.as_bytes()[at] {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            _ if depth == 0 && expression[at..].starts_with(separator) => {
                parts.push(&expression[from..at]);
                at += separator.len();
                from = at;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(&expression[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_licence_is_enough() {
        assert!(allowed("GPL-3.0 OR MIT"));
        assert!(allowed("MIT/Apache-2.0"));
        assert!(!allowed("GPL-3.0"));
    }

    #[test]
    fn both_licences_are_wanted() {
        assert!(allowed("ISC AND (Apache-2.0 OR GPL-3.0)"));
        assert!(!allowed("MIT AND GPL-3.0"));
        assert!(!allowed("(MIT OR Apache-2.0) AND GPL-3.0"));
    }
}
