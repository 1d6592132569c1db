//! Messages of our own.

use std::fmt::Write;

use bytes::Bytes;
use smallvec::SmallVec;

use super::{Body, Message, SIDE, Span, StartLine};
use crate::{HeaderName, Method, StatusCode};

impl Message {
    /// A request without header fields: the caller adds Via, From, To, Call-ID, CSeq and Max-Forwards.
    pub fn request(method: Method<'_>, uri: &str) -> Self {
        let mut message = Self::empty();
        message.write_request_line(method.as_str(), uri);
        message
    }

    /// RFC 3261 §8.2.6: a response with the request's Via lines, From, To, Call-ID and CSeq, and Timestamp in a 100.
    /// To gets no tag here.
    pub fn response_to(request: &Self, status: StatusCode, reason: Option<&str>) -> Self {
        let mut message = Self::empty();
        message.write_status_line(status, reason.unwrap_or(status.reason()));
        for header in request.headers() {
            let copied = match header.id {
                HeaderName::Via
                | HeaderName::From
                | HeaderName::To
                | HeaderName::CallId
                | HeaderName::CSeq => true,
                HeaderName::Timestamp => status == StatusCode::TRYING,
                _ => false,
            };
            if copied {
                message.push_named(header.id.as_str(), header.value);
            }
        }
        message.push_named(HeaderName::ContentLength.as_str(), 0);
        message
    }

    /// RFC 3261 §8.2.6.2: gives To a tag when it has none.
    pub fn set_to_tag(&mut self, tag: &str) {
        if self.to_tag().is_none()
            && let Some(to) = self.header(HeaderName::To)
        {
            let to = format!("{to};tag={tag}");
            self.set(HeaderName::To, to);
        }
    }

    /// Another status line; nothing happens to a request.
    pub fn set_status(&mut self, status: StatusCode, reason: Option<&str>) {
        if !self.is_request() {
            self.write_status_line(status, reason.unwrap_or(status.reason()));
        }
    }

    fn empty() -> Self {
        Self {
            raw: Bytes::new(),
            side: String::with_capacity(512),
            entries: SmallVec::new(),
            start: StartLine::Status {
                line: NOTHING,
                code: 100,
                reason: NOTHING,
            },
            body: Body::Own(Bytes::new()),
        }
    }

    fn write_status_line(&mut self, status: StatusCode, reason: &str) {
        let start = self.side.len();
        let _ = write!(self.side, "SIP/2.0 {status} ");
        let at = self.side.len();
        self.side.extend(
            reason
                .chars()
                .map(|c| if c.is_ascii_control() { ' ' } else { c }),
        );
        let len = self.side.len() - at;
        self.side.push_str("\r\n");
        let span = |start: usize, len: usize| Span {
            start: start as u32 | SIDE,
            len: len as u32,
        };
        self.start = StartLine::Status {
            line: span(start, self.side.len() - start),
            code: status.as_u16(),
            reason: span(at, len),
        };
    }
}

const NOTHING: Span = Span {
    start: SIDE,
    len: 0,
};
