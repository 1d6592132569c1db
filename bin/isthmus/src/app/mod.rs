//! `isthmus app`: what authors of data channel applications do with a folder: begin one, look for what
//! would not work, make a package of it, and give it to the enabler (TS 29.392 §5.2).

mod archive;
mod args;
mod check;
mod folder;
mod html;
mod new;
mod profile;
mod upload;

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
pub(crate) use args::{AppCommand, Upload};
use aws_lc_rs::digest::{SHA256, digest};
use nf_mmtel_es::package::Limits;

/// Runs it. Exit code 0: it is done; 1: the application would not work; 2: it could not be done.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "authors read it")]
pub(crate) fn run(command: AppCommand) -> ExitCode {
    let done = match command {
        AppCommand::New(new) => new::run(&new).map(|said| (true, said)),
        AppCommand::Check(check) => checked(&check.path).map(|(good, said, _)| (good, said)),
        AppCommand::Pack(pack) => self::pack(&pack),
        AppCommand::Upload(upload) => self::upload(&upload),
    };
    match done {
        Ok((good, said)) => {
            for line in said {
                println!("{line}");
            }
            ExitCode::from(u8::from(!good))
        }
        Err(error) => {
            eprintln!("isthmus app: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Whether the application works, what is to be said of it, and its package.
type Checked = (bool, Vec<String>, Vec<u8>);

/// Looks into a folder, or into a package.
fn checked(path: &Path) -> anyhow::Result<Checked> {
    let package = if path.is_dir() {
        archive::write(&folder::read(path)?)?
    } else {
        std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?
    };
    let mut said = Vec::new();
    let limits = Limits::default();
    let contents = match nf_mmtel_es::package::check(&package, &limits) {
        Ok(contents) => contents,
        Err(reason) => {
            said.push(format!("wrong: the package {reason}"));
            return Ok((false, said, package));
        }
    };
    let files = archive::read(&package, &limits).context("the package cannot be unpacked")?;
    let findings = check::check(&files);
    let good = !findings.iter().any(check::Finding::is_wrong);
    said.extend(findings.iter().map(ToString::to_string));
    if good {
        said.push(format!(
            "good: {} files, {} bytes, {} packed",
            contents.entries,
            contents.unpacked,
            package.len()
        ));
    }
    Ok((good, said, package))
}

fn pack(pack: &args::Pack) -> anyhow::Result<(bool, Vec<String>)> {
    let (good, mut said, package) = checked(&pack.folder)?;
    if good {
        let output = match &pack.output {
            Some(output) => output.clone(),
            None => folder::beside(&pack.folder, "zip")?,
        };
        std::fs::write(&output, &package)
            .with_context(|| format!("{} cannot be written", output.display()))?;
        said.push(format!("packed: {}", output.display()));
        said.push(format!(
            "sha256: {}",
            hex(digest(&SHA256, &package).as_ref())
        ));
    }
    Ok((good, said))
}

fn upload(upload: &Upload) -> anyhow::Result<(bool, Vec<String>)> {
    let (good, mut said, package) = checked(&upload.folder)?;
    if good {
        said.push(upload::run(upload, &package)?);
    }
    Ok((good, said))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        // Writing into a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests;
