//! What can be wrong with the bytes.

/// Bytes that are not SDP, or a line whose value is not what its name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed SDP{}: {what}", Place(*at))]
pub struct Malformed {
    /// What was expected and not found.
    pub what: &'static str,
    /// The line, counted from 1; 0 when a value was parsed on its own.
    pub at: usize,
}

impl Malformed {
    /// A value that is wrong by itself.
    pub(crate) fn value(what: &'static str) -> Malformed {
        Malformed { what, at: 0 }
    }
}

struct Place(usize);

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            0 => Ok(()),
            line => write!(f, " in line {line}"),
        }
    }
}
