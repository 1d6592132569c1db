//! Folders are tiers, and dependencies point down: `bin → nf → core → wire`.

use anyhow::{Context, Result};
use serde::Deserialize;

use super::verdict;
use crate::shell;

/// What may not be reached from the rooms without sockets and clocks, and why.
const SHELL_ONLY: &[(&str, &str)] = &[
    ("tokio", "an event loop"),
    ("mio", "an event loop"),
    ("socket2", "sockets"),
    ("libc", "system calls"),
    ("axum", "an HTTP server"),
    ("hyper", "an HTTP server"),
    ("reqwest", "an HTTP client"),
    ("sqlx", "a store"),
    ("rand", "global randomness"),
    ("getrandom", "global randomness"),
    ("clap", "a command line"),
    ("tracing-subscriber", "a log"),
];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

/// The tiers, from the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Tier {
    Bin,
    Nf,
    Core,
    Api,
    Wire,
    Tests,
}

/// Checks every arrow between our own crates, and what the lower tiers reach outside.
pub(crate) fn check() -> Result<()> {
    let metadata = shell::output(
        ".",
        "cargo",
        &["metadata", "--no-deps", "--format-version", "1"],
    )?;
    let metadata: Metadata = serde_json::from_str(&metadata).context("reading cargo's metadata")?;
    let root = shell::root();
    let tier_of = |path: &str| -> Option<Tier> {
        let path = std::path::Path::new(path).strip_prefix(&root).ok()?;
        match path.iter().next()?.to_str()? {
            "bin" => Some(Tier::Bin),
            "nf" => Some(Tier::Nf),
            "core" => Some(Tier::Core),
            "api" => Some(Tier::Api),
            "wire" => Some(Tier::Wire),
            "testbed" | "conformance" | "xtask" => Some(Tier::Tests),
            _ => None,
        }
    };
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let Some(from) = tier_of(&package.manifest_path) else {
            findings.push(format!("{}: its folder is no tier", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|d| d.kind.is_none()) {
            let to = dependency.path.as_deref().and_then(tier_of);
            let wrong = match (from, to) {
                (Tier::Wire | Tier::Core | Tier::Nf | Tier::Api, None) => SHELL_ONLY
                    .iter()
                    .find(|(name, _)| *name == dependency.name)
                    .map(|(_, what)| format!("brings {what} into a room that has none")),
                (_, Some(Tier::Tests)) if from != Tier::Tests => {
                    Some("the product never depends on its tests".into())
                }
                (Tier::Tests, _) | (_, None) => None,
                (Tier::Nf, Some(Tier::Nf)) => {
                    Some("functions share core and api crates, never one another".into())
                }
                (Tier::Wire, Some(_)) => Some("wire crates know bytes only".into()),
                (from, Some(to)) if to < from => Some("points up".into()),
                _ => None,
            };
            if let Some(why) = wrong {
                findings.push(format!("{} → {}: {why}", package.name, dependency.name));
            }
        }
    }
    verdict(&findings)
}
