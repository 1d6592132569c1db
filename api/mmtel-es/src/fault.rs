//! What is wrong with a body: all of it, each with a JSON Pointer to its place.

use std::fmt;

/// How many faults one report names. What comes after is counted.
pub const MAX_FAULTS: usize = 64;
/// How long a pointer in a report may be: names of members come from the other side.
const MAX_POINTER: usize = 256;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where, as a JSON Pointer (RFC 6901 §3); empty for the body as a whole.
    pub pointer: String,
    /// What, as the end of a sentence that begins with the attribute: "must be a string". Never
    /// repeats what the other side wrote.
    pub reason: String,
    /// Of which kind.
    pub kind: Kind,
}

/// The kinds of faults, as protocol errors know them (TS 29.500 §5.2.7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No JSON, or JSON that we refuse to interpret.
    Format,
    /// A mandatory attribute is not there.
    Missing,
    /// A mandatory attribute is wrong.
    Mandatory,
    /// An optional attribute, or something within one, is wrong.
    Optional,
}

impl Fault {
    pub(crate) fn new(pointer: &str, reason: impl Into<String>, kind: Kind) -> Self {
        let mut end = pointer.len().min(MAX_POINTER);
        while !pointer.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            pointer: pointer[..end].to_owned(),
            reason: reason.into(),
            kind,
        }
    }
}

/// All that is wrong with one body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    named: Vec<Fault>,
    more: usize,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        if self.named.len() < MAX_FAULTS {
            self.named.push(fault);
        } else {
            self.more += 1;
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Those that are named, at most [`MAX_FAULTS`].
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.named.iter()
    }

    /// How many there are beyond those that are named.
    pub fn more(&self) -> usize {
        self.more
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.named.len() + self.more {
            1 => f.write_str("one fault in the body"),
            n => write!(f, "{n} faults in the body"),
        }
    }
}

impl std::error::Error for Faults {}

/// A JSON Pointer that is being walked along.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pointer(String);

impl Pointer {
    /// Appends a member's name, escaped (RFC 6901 §3: `~0` for `~`, `~1` for `/`). Returns what takes
    /// it back.
    pub(crate) fn push(&mut self, name: &str) -> usize {
        let mark = self.0.len();
        self.0.push('/');
        // One too long for any report is not built up further.
        if mark <= MAX_POINTER {
            for character in name.chars().take(MAX_POINTER) {
                match character {
                    '~' => self.0.push_str("~0"),
                    '/' => self.0.push_str("~1"),
                    other => self.0.push(other),
                }
            }
        }
        mark
    }

    pub(crate) fn push_index(&mut self, index: usize) -> usize {
        use fmt::Write as _;
        let mark = self.0.len();
        let _ = write!(self.0, "/{index}"); // writing to a string cannot fail
        mark
    }

    pub(crate) fn pop(&mut self, mark: usize) {
        self.0.truncate(mark);
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_bounded() {
        let mut pointer = Pointer::default();
        let mark = pointer.push("a/b~c");
        assert_eq!(pointer.as_str(), "/a~1b~0c");
        pointer.pop(mark);
        pointer.push(&"ü".repeat(100_000));
        assert!(pointer.as_str().len() <= 2 * MAX_POINTER + 1);
        let fault = Fault::new(pointer.as_str(), "", Kind::Format);
        assert!(fault.pointer.len() <= MAX_POINTER);
    }

    #[test]
    fn a_report_is_bounded() {
        let mut faults = Faults::default();
        for _ in 0..=MAX_FAULTS {
            faults.add(Fault::new("/a", "must be a string", Kind::Mandatory));
        }
        assert_eq!((faults.iter().count(), faults.more()), (MAX_FAULTS, 1));
    }
}
