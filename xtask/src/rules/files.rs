//! Files: one concept each, nothing left unfinished, and a room that says it holds no unsafe code.

use anyhow::Result;

use super::verdict;
use crate::shell;

const LONGEST: usize = 600;

/// Tables and generated code that may be longer, and why.
const LONGER: &[(&str, &str)] = &[];

/// The one crate that may hold unsafe code.
const UNSAFE_ROOM: &str = "bin/socket/";

/// Checks every source file that is tracked.
pub(crate) fn check() -> Result<()> {
    let mut findings = Vec::new();
    for path in shell::files()? {
        let Some(kind) = Kind::of(&path) else {
            continue;
        };
        let text = std::fs::read_to_string(shell::root().join(&path)).unwrap_or_default();
        let lines = text.lines().count();
        let exempt = LONGER.iter().any(|(longer, _)| *longer == path);
        if lines > LONGEST && !path.contains("/test") && !exempt {
            findings.push(format!("{path}: {lines} lines; split it by concept"));
        }
        for (number, line) in text.lines().enumerate() {
            // Put together here, so that this file does not find itself.
            let unfinished = [["TO", "DO"], ["FIX", "ME"], ["HA", "CK:"], ["todo", "!("]];
            if unfinished
                .iter()
                .any(|halves| line.contains(&halves.concat()))
            {
                findings.push(format!("{path}:{}: left unfinished", number + 1));
            }
        }
        let root = path.ends_with("/src/lib.rs") || path.ends_with("/src/main.rs");
        if kind == Kind::Rust
            && root
            && !path.starts_with(UNSAFE_ROOM)
            && !text.contains("#![forbid(unsafe_code)]")
        {
            findings.push(format!("{path}: says no `#![forbid(unsafe_code)]`"));
        }
    }
    verdict(&findings)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Rust,
    Script,
}

impl Kind {
    fn of(path: &str) -> Option<Self> {
        let extension = std::path::Path::new(path).extension()?.to_str()?;
        match extension {
            "rs" => Some(Self::Rust),
            "js" | "mjs" | "css" => Some(Self::Script),
            _ => None,
        }
    }
}
