//! A SIP message: one buffer, an index of its header lines, and the lines that were edited.
//!
//! ```text
//! raw   REGISTER sip:home SIP/2.0..Via: ...Max-Forwards: ...To: ...        body
//!            ^ start line          ^entry 0 ^entry 1        ^entry 2       ^ body
//! side  Via: SIP/2.0/TCP edge;branch=..        (empty until the first edit)
//! ```
//! An [`Entry`] is sixteen octets: where its line is, how long its name, where its value begins. An edit writes a new
//! line into `side` and points an entry there, so that every other line leaves as it came.

mod build;
mod edit;
mod parse;
mod read;
mod typed;
mod write;

use bytes::Bytes;
use smallvec::SmallVec;

pub use read::Header;

use crate::HeaderName;

/// One whole SIP message (RFC 3261 §7).
#[derive(Clone)]
pub struct Message {
    /// As it came.
    raw: Bytes,
    /// Lines written by edits; grows only.
    side: String,
    entries: SmallVec<[Entry; 32]>,
    start: StartLine,
    body: Body,
}

/// A range of `raw`, or of `side` when the top bit is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    start: u32,
    len: u32,
}

/// One header line.
#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Where the line starts, see [`Span`].
    start: u32,
    /// The line with its CRLF and its continuations.
    line_len: u32,
    value_len: u32,
    /// From the start of the line.
    value_at: u16,
    name_len: u8,
    id: HeaderName,
}

#[derive(Debug, Clone, Copy)]
enum StartLine {
    Request { line: Span, method: Span, uri: Span },
    Status { line: Span, code: u16, reason: Span },
}

#[derive(Debug, Clone)]
enum Body {
    /// From here to the end of `raw`.
    Raw(u32),
    /// Set by an edit.
    Own(Bytes),
}

const SIDE: u32 = 1 << 31;
const _: () = assert!(size_of::<Entry>() == 16);

impl Entry {
    fn line(&self) -> Span {
        Span {
            start: self.start,
            len: self.line_len,
        }
    }

    fn name(&self) -> Span {
        Span {
            start: self.start,
            len: u32::from(self.name_len),
        }
    }

    fn value(&self) -> Span {
        Span {
            start: self.start + u32::from(self.value_at),
            len: self.value_len,
        }
    }
}

impl Message {
    /// The text of a span. Header fields were checked to be UTF-8, and spans lie on character boundaries.
    fn text(&self, span: Span) -> &str {
        if span.start & SIDE == 0 {
            let start = span.start as usize;
            std::str::from_utf8(&self.raw[start..start + span.len as usize]).unwrap_or("")
        } else {
            let start = (span.start & !SIDE) as usize;
            &self.side[start..start + span.len as usize]
        }
    }

    fn octets(&self, span: Span) -> &[u8] {
        if span.start & SIDE == 0 {
            let start = span.start as usize;
            &self.raw[start..start + span.len as usize]
        } else {
            let start = (span.start & !SIDE) as usize;
            &self.side.as_bytes()[start..start + span.len as usize]
        }
    }
}

impl std::fmt::Debug for Message {
    /// The start line's shape only: identities stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.start {
            StartLine::Request { method, .. } => write!(f, "Message({})", self.text(method)),
            StartLine::Status { code, .. } => write!(f, "Message({code})"),
        }
    }
}
