//! Why the program does not start: one sentence that says what to do, and exit code 2.

use std::fmt;
use std::path::{Path, PathBuf};

/// A mistake of configuration or of the machine, found before anything runs.
#[derive(Debug)]
pub(crate) struct Fault {
    /// The file that says it, and the line, when it stands in one.
    place: Option<(PathBuf, Option<usize>)>,
    sentence: String,
}

impl Fault {
    /// A fault of no file's.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self {
            place: None,
            sentence: sentence.into(),
        }
    }

    /// A fault in a file, at a line that counts from 1.
    pub(crate) fn at(file: &Path, line: Option<usize>, sentence: impl Into<String>) -> Self {
        Self {
            place: Some((file.to_owned(), line)),
            sentence: sentence.into(),
        }
    }

    /// A port that cannot be had.
    pub(crate) fn bind(what: &str, address: impl fmt::Display, error: &std::io::Error) -> Self {
        let why = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program has it; stop it or choose another port"
            }
            std::io::ErrorKind::PermissionDenied => "this user may not; choose a port above 1023",
            std::io::ErrorKind::AddrNotAvailable => "this machine has no such address",
            _ => return Self::new(format!("cannot listen for {what} on {address}: {error}")),
        };
        Self::new(format!("cannot listen for {what} on {address}: {why}"))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Some((file, Some(line))) => write!(f, "{}:{line}: ", file.display())?,
            Some((file, None)) => write!(f, "{}: ", file.display())?,
            None => {}
        }
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for Fault {}
