//! Reading: lookups by name, values across lines, and the short cuts that every element needs.

use bytes::Bytes;

use super::{Body, Entry, Message, StartLine};
use crate::scan::{self, split_commas};
use crate::{HeaderName, Method, StatusCode, params};

/// One header line as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// Its id.
    pub id: HeaderName,
    /// Its name as written.
    pub name: &'a str,
    /// Its value, trimmed; a folded one still has its folds.
    pub value: &'a str,
}

impl Message {
    /// A request, not a response?
    pub fn is_request(&self) -> bool {
        matches!(self.start, StartLine::Request { .. })
    }

    /// The method of a request, or of the request that a response answers (from CSeq).
    pub fn method(&self) -> Method<'_> {
        match self.start {
            StartLine::Request { method, .. } => Method::parse(self.text(method)),
            StartLine::Status { .. } => self.cseq().map_or(Method::Other(""), |(_, method)| method),
        }
    }

    /// As written; `None` in a response.
    pub fn request_uri(&self) -> Option<&str> {
        match self.start {
            StartLine::Request { uri, .. } => Some(self.text(uri)),
            StartLine::Status { .. } => None,
        }
    }

    /// `None` in a request.
    pub fn status(&self) -> Option<StatusCode> {
        match self.start {
            StartLine::Status { code, .. } => StatusCode::new(code),
            StartLine::Request { .. } => None,
        }
    }

    /// As written; `None` in a request.
    pub fn reason_phrase(&self) -> Option<&str> {
        match self.start {
            StartLine::Status { reason, .. } => Some(self.text(reason)),
            StartLine::Request { .. } => None,
        }
    }

    /// The value of the first line of that name.
    pub fn header(&self, name: HeaderName) -> Option<&str> {
        self.entry(name).map(|entry| self.text(entry.value()))
    }

    /// The same by text, for names that the table lacks too.
    pub fn header_named(&self, name: &str) -> Option<&str> {
        let id = HeaderName::parse(name);
        let found = |h: &Header<'_>| {
            h.id == id && (id != HeaderName::Other || h.name.eq_ignore_ascii_case(name))
        };
        self.headers().find(found).map(|h| h.value)
    }

    /// Is a line of that name there?
    pub fn has(&self, name: HeaderName) -> bool {
        self.entry(name).is_some()
    }

    /// Every header line, in order.
    pub fn headers(&self) -> impl Iterator<Item = Header<'_>> {
        self.entries.iter().map(|entry| Header {
            id: entry.id,
            name: self.text(entry.name()),
            value: self.text(entry.value()),
        })
    }

    /// Values of all lines of that name, not split.
    pub fn lines(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.entries
            .iter()
            .filter(move |entry| entry.id == name)
            .map(|entry| self.text(entry.value()))
    }

    /// The comma-separated elements over all lines of that name (RFC 3261 §7.3.1). Not for Authorization, Date and
    /// their like, whose commas mean something else.
    pub fn values(&self, name: HeaderName) -> impl Iterator<Item = &str> {
        self.lines(name).flat_map(split_commas)
    }

    /// Does an element of a token list (Require, Supported, Allow ..) equal that token, without case?
    pub fn lists(&self, name: HeaderName, token: &str) -> bool {
        self.values(name)
            .any(|value| value.eq_ignore_ascii_case(token))
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        match &self.body {
            Body::Raw(at) => &self.raw[*at as usize..],
            Body::Own(bytes) => bytes,
        }
    }

    /// The body without copying it.
    pub fn body_bytes(&self) -> Bytes {
        match &self.body {
            Body::Raw(at) => self.raw.slice(*at as usize..),
            Body::Own(bytes) => bytes.clone(),
        }
    }

    /// Content-Type, as written.
    pub fn content_type(&self) -> Option<&str> {
        self.header(HeaderName::ContentType)
    }

    /// Call-ID; every parsed message has one.
    pub fn call_id(&self) -> &str {
        self.header(HeaderName::CallId).unwrap_or("")
    }

    /// From's tag.
    pub fn from_tag(&self) -> Option<&str> {
        params::find(self.header(HeaderName::From)?, "tag").filter(|tag| !tag.is_empty())
    }

    /// To's tag.
    pub fn to_tag(&self) -> Option<&str> {
        params::find(self.header(HeaderName::To)?, "tag").filter(|tag| !tag.is_empty())
    }

    /// The branch of the topmost Via.
    pub fn top_branch(&self) -> Option<&str> {
        params::find(self.values(HeaderName::Via).next()?, "branch")
    }

    /// RFC 3261 §20.22; `None` when absent or not a number.
    pub fn max_forwards(&self) -> Option<u32> {
        scan::number(self.header(HeaderName::MaxForwards)?)
    }

    pub(super) fn entry(&self, name: HeaderName) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == name)
    }
}
