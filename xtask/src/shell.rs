//! Running other programs, from the root of the checkout.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(PathBuf::new, Path::to_path_buf)
}

/// `program` with `arguments`, in `folder` below the root.
pub(crate) fn command(folder: &str, program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(root().join(folder))
        .stdin(Stdio::null());
    command
}

/// Runs it, shows what it prints, and fails when it does.
pub(crate) fn run(folder: &str, program: &str, arguments: &[&str]) -> Result<()> {
    run_command(command(folder, program, arguments))
}

/// Runs a command that was prepared elsewhere.
pub(crate) fn run_command(mut command: Command) -> Result<()> {
    let words = words(&command);
    println!("$ {words}");
    let status = command
        .status()
        .with_context(|| format!("cannot start «{words}»"))?;
    if !status.success() {
        bail!("«{words}» failed ({status})");
    }
    Ok(())
}

/// What a command prints, when it succeeds.
pub(crate) fn output(folder: &str, program: &str, arguments: &[&str]) -> Result<String> {
    let mut command = command(folder, program, arguments);
    let words = words(&command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot start «{words}»"))?;
    if !output.status.success() {
        bail!("«{words}» failed ({})", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("«{words}» printed no UTF-8"))
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> Result<String> {
    let words = ["metadata", "--no-deps", "--format-version", "1"];
    let metadata: serde_json::Value = serde_json::from_str(&output(".", "cargo", &words)?)?;
    metadata["target_directory"]
        .as_str()
        .map(str::to_owned)
        .context("cargo names no target folder")
}

/// Whether a program can be found.
pub(crate) fn exists(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path)
            .chain(["/usr/sbin".into(), "/sbin".into()])
            .any(|folder| folder.join(program).is_file())
    })
}

/// The files that git tracks below the root (or would, once added), as paths from it.
pub(crate) fn files() -> Result<Vec<String>> {
    let listed = output(
        ".",
        "git",
        &["ls-files", "--cached", "--others", "--exclude-standard"],
    )?;
    Ok(listed
        .lines()
        .filter(|path| root().join(path).is_file())
        .map(str::to_owned)
        .collect())
}

fn words(command: &Command) -> String {
    let mut words = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        words.push(' ');
        words.push_str(&argument.to_string_lossy());
    }
    words
}
