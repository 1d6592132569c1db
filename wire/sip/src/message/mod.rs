//! A SIP message: the bytes as they came, an index of their header lines, and edits beside them.
//!
//! ```text
//!   buffer   INVITE sip:bob@… SIP/2.0⏎Via: …⏎Via: …⏎From: …⏎ … ⏎⏎v=0…
//!   lines    [Via 30..71] [Via 71..99] [From 99..140] …        one entry a header line
//!   edited   Record-Route: <sip:…>⏎                            empty until the first edit
//! ```
//! An entry points into the buffer or, once edited, into the side buffer. What no edit touched is
//! written out as the very bytes that came in.

mod build;
mod edit;
mod parse;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::header::TypedHeader;
use crate::{HeaderError, HeaderName, Method, StatusCode, scan};

/// Header lines that need no allocation.
const INLINE_LINES: usize = 32;

/// A request or a response.
#[derive(Debug, Clone)]
pub struct Message {
    buffer: Bytes,
    edited: Vec<u8>,
    start: Start,
    lines: SmallVec<[Line; INLINE_LINES]>,
    body: Bytes,
}

/// The start line: where its parts lie.
#[derive(Debug, Clone, Copy)]
enum Start {
    Request { method: Span, uri: Span },
    Response { status: StatusCode, reason: Span },
}

/// A range of the buffer or of the side buffer.
#[derive(Debug, Clone, Copy)]
struct Span {
    at: u32,
    len: u32,
    edited: bool,
}

/// One header line, continuations and CRLF included.
#[derive(Debug, Clone, Copy)]
struct Line {
    name: HeaderName,
    edited: bool,
    name_len: u8,
    at: u32,
    value_at: u32,
    value_len: u32,
    end: u32,
}

/// A header line as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// Which one.
    pub id: HeaderName,
    /// The name as written.
    pub name: &'a str,
    /// The value, trimmed; folds are still in it (see [`scan::unfold`]).
    pub value: &'a str,
}

impl Message {
    /// Is it a request?
    pub fn is_request(&self) -> bool {
        matches!(self.start, Start::Request { .. })
    }

    /// The method of a request, or the one that a response answers (its CSeq's).
    pub fn method(&self) -> Method<'_> {
        match self.start {
            Start::Request { method, .. } => Method::parse(self.text(method)),
            Start::Response { .. } => {
                let cseq = self.header(HeaderName::CSeq).unwrap_or_default();
                Method::parse(cseq.split_ascii_whitespace().nth(1).unwrap_or_default())
            }
        }
    }

    /// The Request-URI as written, of a request.
    pub fn request_uri(&self) -> Option<&str> {
        match self.start {
            Start::Request { uri, .. } => Some(self.text(uri)),
            Start::Response { .. } => None,
        }
    }

    /// The status code, of a response.
    pub fn status(&self) -> Option<StatusCode> {
        match self.start {
            Start::Request { .. } => None,
            Start::Response { status, .. } => Some(status),
        }
    }

    /// The reason phrase, of a response.
    pub fn reason_phrase(&self) -> Option<&str> {
        match self.start {
            Start::Request { .. } => None,
            Start::Response { reason, .. } => Some(self.text(reason)),
        }
    }

    /// The value of the first line of that name.
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.lines
            .iter()
            .find(|line| line.name == name)
            .map(|line| self.value(line))
    }

    /// The same by text, for names that [`HeaderName`] has not.
    pub fn header_named(&self, name: &str) -> Option<&str> {
        match HeaderName::parse(name) {
            HeaderName::Other => self
                .headers()
                .find(|h| h.name.eq_ignore_ascii_case(name))
                .map(|h| h.value),
            id => self.header(id),
        }
    }

    /// Every header line, in order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        self.lines.iter().map(|line| Header {
            id: line.name,
            name: self.name(line),
            value: self.value(line),
        })
    }

    /// The comma-separated elements of every line of that name, in order.
    pub fn values(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.lines
            .iter()
            .filter(move |line| line.name == name)
            .flat_map(|line| scan::split_commas(self.value(line)))
    }

    /// The first header of a type, when it is there.
    pub fn typed<T: TypedHeader>(&self) -> Result<Option<T>, HeaderError> {
        self.first_of::<T>().map(T::parse).transpose()
    }

    /// The first header of a type, which must be there.
    pub fn require<T: TypedHeader>(&self) -> Result<T, HeaderError> {
        T::parse(self.first_of::<T>().ok_or(HeaderError::Missing(T::NAME))?)
    }

    /// Every header of a type.
    pub fn all<T: TypedHeader>(&self) -> impl Iterator<Item = Result<T, HeaderError>> {
        self.lines
            .iter()
            .filter(|line| line.name == T::NAME)
            .flat_map(|line| {
                let value = self.value(line);
                let (list, single) = if T::IS_LIST {
                    (Some(scan::split_commas(value)), None)
                } else {
                    (None, Some(value))
                };
                list.into_iter().flatten().chain(single).map(T::parse)
            })
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body, shared.
    pub fn body_bytes(&self) -> Bytes {
        self.body.clone()
    }

    /// The value of Content-Type.
    pub fn content_type(&self) -> Option<&str> {
        self.header(HeaderName::ContentType)
    }

    fn first_of<T: TypedHeader>(&self) -> Option<&str> {
        let value = self.header(T::NAME)?;
        if T::IS_LIST {
            scan::split_commas(value).next()
        } else {
            Some(value)
        }
    }

    fn name(&self, line: &Line) -> &str {
        self.slice(line.edited, line.at, u32::from(line.name_len))
    }

    fn value(&self, line: &Line) -> &str {
        self.slice(line.edited, line.value_at, line.value_len)
    }

    fn text(&self, span: Span) -> &str {
        self.slice(span.edited, span.at, span.len)
    }

    fn slice(&self, edited: bool, at: u32, len: u32) -> &str {
        let bytes = if edited {
            &self.edited[..]
        } else {
            &self.buffer[..]
        };
        let range = at as usize..(at + len) as usize;
        // Checked as UTF-8 when it was parsed, and written from `str` when it was edited.
        bytes
            .get(range)
            .and_then(|part| std::str::from_utf8(part).ok())
            .unwrap_or_default()
    }
}
