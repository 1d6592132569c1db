//! What a change must keep: everything that can be checked without running the product.

mod arrows;
mod dependencies;
mod files;
mod fuzz;
mod modules;

use anyhow::{Result, bail};

use crate::{clauses, install, shell};

/// One check.
type Rule = fn() -> Result<()>;

/// Runs every rule, and tells all that is broken, not the first alone.
pub(crate) fn run() -> Result<()> {
    let rules: [(&str, Rule); 11] = [
        ("format", || {
            shell::run(".", "cargo", &["fmt", "--all", "--check"])
        }),
        ("dependencies point down", arrows::check),
        ("dependencies are what we agreed on", dependencies::check),
        ("files", files::check),
        ("modules", modules::check),
        ("clauses", clauses::check),
        ("fuzz targets", fuzz::check),
        ("lints", || {
            let words = [
                "clippy",
                "--workspace",
                "--all-targets",
                "--quiet",
                "--",
                "-D",
                "warnings",
            ];
            shell::run(".", "cargo", &words)
        }),
        ("documentation", || {
            let mut doc = shell::command(
                ".",
                "cargo",
                &["doc", "--workspace", "--no-deps", "--quiet"],
            );
            doc.env("RUSTDOCFLAGS", "-D warnings");
            shell::run_command(doc)
        }),
        ("the client's types", || npm_script("types")),
        ("the client's lints", || npm_script("lint")),
    ];
    let mut broken = Vec::new();
    for (name, rule) in rules {
        println!("--- {name}");
        if let Err(error) = rule() {
            println!("{error:#}");
            broken.push(name);
        }
    }
    if !broken.is_empty() {
        bail!("broken: {}", broken.join(", "));
    }
    Ok(())
}

fn npm_script(script: &str) -> Result<()> {
    if !shell::root().join("web/wic/node_modules").exists() {
        install::npm("web/wic")?;
    }
    shell::run("web/wic", "npm", &["run", "--silent", script])
}

/// Fails with all findings, one a line.
fn verdict(findings: &[String]) -> Result<()> {
    if findings.is_empty() {
        Ok(())
    } else {
        bail!("{}", findings.join("\n"))
    }
}
