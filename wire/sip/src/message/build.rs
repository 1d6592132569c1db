//! Messages of our own.

use bytes::Bytes;
use smallvec::SmallVec;

use super::{Message, Span, Start};
use crate::{HeaderName, Method, StatusCode};

/// What a response takes from its request (RFC 3261 §8.2.6.2).
const COPIED: [HeaderName; 5] = [
    HeaderName::Via,
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
];

impl Message {
    /// A request without headers.
    pub fn request(method: Method<'_>, uri: &str) -> Self {
        let mut message = Self::empty();
        let method = message.beside(method.as_str());
        let uri = message.beside(uri);
        message.start = Start::Request { method, uri };
        message
    }

    /// RFC 3261 §8.2.6 — a response with what it takes from its request. Tags are the caller's.
    pub fn response_to(request: &Self, status: StatusCode, reason: Option<&str>) -> Self {
        let mut message = Self::empty();
        let reason = message.beside(reason.unwrap_or(status.reason()));
        message.start = Start::Response { status, reason };
        for name in COPIED {
            for header in request.headers().filter(|header| header.id == name) {
                message.push_named(name.as_str(), header.value);
            }
        }
        // RFC 3261 §8.2.6.1: only 100 gives the timestamp back.
        if status.as_u16() == 100
            && let Some(timestamp) = request.header(HeaderName::Timestamp)
        {
            message.push_back(HeaderName::Timestamp, timestamp);
        }
        message.push_back(HeaderName::ContentLength, 0);
        message
    }

    fn empty() -> Self {
        let nothing = Span {
            at: 0,
            len: 0,
            edited: true,
        };
        Self {
            buffer: Bytes::new(),
            edited: Vec::with_capacity(512),
            start: Start::Request {
                method: nothing,
                uri: nothing,
            },
            lines: SmallVec::new(),
            body: Bytes::new(),
        }
    }
}
