//! The repository's own chores: `cargo xtask help` lists them.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr)] // a command line tool speaks by printing

mod clauses;
mod install;
mod postgres;
mod required;
mod rings;
mod rules;
mod shell;

use std::process::ExitCode;

const HELP: &str = "\
Chores of the repository:

  cargo xtask test [RING ...]   every ring of tests, or those named; installs what they need first
  cargo xtask rings             the rings and what each of them holds
  cargo xtask rules             formatting, lints, documentation, dependency rules, clauses
  cargo xtask clauses           write docs/clauses.md anew from the citations in code and tests; take off
                                the list of clauses without a test those that have one
  cargo xtask install           only install what the rings need
  cargo xtask bench [NAME ...]  every figure beside its peer, in one run; prints a table

Without root (or on a system without apt-get) `install` says what to install by hand.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["test", rings @ ..] => rings::run(rings),
        ["rings"] => {
            rings::list();
            Ok(())
        }
        ["rules"] => rules::run(),
        ["clauses"] => clauses::write(),
        ["install"] => install::everything(),
        ["bench", names @ ..] => bench(names),
        [] | ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        [other, ..] => Err(anyhow::anyhow!("there is no chore «{other}»\n\n{HELP}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Builds the product and the measurements for release, and measures.
fn bench(names: &[&str]) -> anyhow::Result<()> {
    install::bench()?;
    shell::run(".", "cargo", &["build", "--release", "-p", "isthmus"])?;
    let data = |name: &&str| name.starts_with("data");
    if names.is_empty() || names.iter().any(data) {
        let foreign = format!("{}/foreign-peers", shell::target()?);
        let words = ["build", "--release", "--target-dir", &foreign];
        shell::run(rings::FOREIGN_PEERS, "cargo", &words)?;
    }
    let mut words = vec!["run", "--release", "--quiet", "--"];
    words.extend(names);
    shell::run("bench", "cargo", &words)
}
