//! The rings of tests, from the inside out.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::postgres::Postgres;
use crate::{install, rules, shell};

/// One ring: a name to call it by, what it holds, what it needs, and how it runs.
struct Ring {
    name: &'static str,
    what: &'static str,
    run: fn() -> Result<()>,
}

const RINGS: &[Ring] = &[
    Ring {
        name: "rules",
        what: "format, clippy, documentation, dependency rules, clauses, the client's types",
        run: rules::run,
    },
    Ring {
        name: "unit",
        what: "unit tests with RFC vectors, pairs on virtual time, the shells on loopback",
        run: unit,
    },
    Ring {
        name: "conformance",
        what: "a file a clause, over the real doors",
        run: conformance,
    },
    Ring {
        name: "client",
        what: "the browser client's library, in node",
        run: client,
    },
    Ring {
        name: "end-to-end",
        what: "browsers, foreign WICs, phones, cores and WebRTC stacks against the binary",
        run: end_to_end,
    },
];

/// Prints the rings.
pub(crate) fn list() {
    for ring in RINGS {
        println!("{:<12} {}", ring.name, ring.what);
    }
}

/// Runs the named rings, or all, each with its time; fails when one did, after all have run.
pub(crate) fn run(names: &[&str]) -> Result<()> {
    if let Some(unknown) = names
        .iter()
        .find(|name| RINGS.iter().all(|ring| ring.name != **name))
    {
        bail!("there is no ring «{unknown}»; `cargo xtask rings` lists them");
    }
    let wanted = |ring: &&Ring| names.is_empty() || names.contains(&ring.name);
    install::everything().context("installing what the tests need")?;
    let mut results: Vec<(&str, Duration, Option<String>)> = Vec::new();
    for ring in RINGS.iter().filter(wanted) {
        println!("\n=== {}: {}", ring.name, ring.what);
        let begun = Instant::now();
        let failure = (ring.run)().err().map(|error| format!("{error:#}"));
        if let Some(why) = &failure {
            println!("=== {} failed: {why}", ring.name);
        }
        results.push((ring.name, begun.elapsed(), failure));
    }
    println!();
    for (name, time, failure) in &results {
        let verdict = failure
            .as_ref()
            .map_or("passed".to_owned(), |why| format!("FAILED: {why}"));
        println!("{name:<12} {:>6.1} s  {verdict}", time.as_secs_f64());
    }
    let failed = results
        .iter()
        .filter(|(_, _, failure)| failure.is_some())
        .count();
    println!("rings: {} passed, {failed} failed", results.len() - failed);
    if failed > 0 {
        bail!("{failed} of {} rings failed", results.len());
    }
    Ok(())
}

/// What concerns the store is tested on both databases.
fn unit() -> Result<()> {
    let postgres = Postgres::start().context("a PostgreSQL for the tests")?;
    let words = [
        "test",
        "--workspace",
        "--exclude",
        "conformance",
        "--no-fail-fast",
    ];
    let mut tests = shell::command(".", "cargo", &words);
    tests.env("ISTHMUS_TEST_POSTGRES", postgres.url());
    shell::run_command(tests)
}

/// The binary is built first: the tests stand around it. The words are those of the README, less
/// `--release`: that cargo knows what to run is a promise too.
fn conformance() -> Result<()> {
    shell::run(".", "cargo", &["run", "--quiet", "--", "--version"])?;
    // With `-p conformance` cargo chooses other features of what all depend on, and builds it again.
    let mut words = vec!["test", "--workspace", "--no-fail-fast"];
    let tests = test_folders("conformance/tests")?;
    words.extend(tests.iter().flat_map(|name| ["--test", name]));
    let mut tests = shell::command(".", "cargo", &words);
    tests.env("ISTHMUS_BIN", binary("isthmus")?);
    shell::run_command(tests)
}

/// The names of the tests that are folders of `folder`.
fn test_folders(folder: &str) -> Result<Vec<String>> {
    let path = shell::root().join(folder);
    let entries = std::fs::read_dir(&path).with_context(|| format!("reading {folder}"))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("reading {folder}"))?;
        if entry.path().join("main.rs").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

fn client() -> Result<()> {
    shell::run("web/wic", "npm", &["test", "--silent"])
}

/// WebRTC stacks of Rust that are not ours: a workspace of its own.
pub(crate) const FOREIGN_PEERS: &str = "web/e2e/peers/rust";

/// The testbed's relay plays the bad network.
fn end_to_end() -> Result<()> {
    let words = ["build", "-p", "isthmus", "-p", "testbed"];
    shell::run(".", "cargo", &words)?;
    let foreign = format!("{}/foreign-peers", shell::target()?);
    let words = ["build", "--target-dir", &foreign];
    shell::run(FOREIGN_PEERS, "cargo", &words)?;
    let mut tests = shell::command("web/e2e", "npm", &["test", "--silent"]);
    tests.env("ISTHMUS_BIN", binary("isthmus")?);
    tests.env("UDP_RELAY_BIN", binary("udp-relay")?);
    tests.env(
        "FOREIGN_PEERS_BIN",
        format!("{foreign}/debug/foreign-peers"),
    );
    let python = format!("{}/bin/python", install::python_folder()?);
    tests.env("FOREIGN_PYTHON", python);
    shell::run_command(tests)
}

fn binary(name: &str) -> Result<String> {
    Ok(format!("{}/debug/{name}", shell::target()?))
}
