//! Responses (RFC 9112 §4).

use bytes::Bytes;

use crate::error::Malformed;
use crate::etag::EntityTag;
use crate::head::{Head, check_version, is_field_value};
use crate::limits::Limits;

/// What became of a request (RFC 9110 §15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StatusCode(pub u16);

impl StatusCode {
    /// 200 OK.
    pub const OK: Self = Self(200);
    /// 304 Not Modified.
    pub const NOT_MODIFIED: Self = Self(304);
    /// 400 Bad Request.
    pub const BAD_REQUEST: Self = Self(400);
    /// 403 Forbidden.
    pub const FORBIDDEN: Self = Self(403);
    /// 404 Not Found.
    pub const NOT_FOUND: Self = Self(404);
    /// 405 Method Not Allowed.
    pub const METHOD_NOT_ALLOWED: Self = Self(405);
    /// 413 Content Too Large.
    pub const CONTENT_TOO_LARGE: Self = Self(413);
    /// 431 Request Header Fields Too Large.
    pub const HEADERS_TOO_LARGE: Self = Self(431);
    /// 500 Internal Server Error.
    pub const INTERNAL_SERVER_ERROR: Self = Self(500);
    /// 501 Not Implemented.
    pub const NOT_IMPLEMENTED: Self = Self(501);
    /// 503 Service Unavailable.
    pub const SERVICE_UNAVAILABLE: Self = Self(503);
    /// 504 Gateway Timeout.
    pub const GATEWAY_TIMEOUT: Self = Self(504);
    /// 505 HTTP Version Not Supported.
    pub const VERSION_NOT_SUPPORTED: Self = Self(505);

    fn reason(self) -> &'static str {
        match self.0 {
            200 => "OK",
            304 => "Not Modified",
            400 => "Bad Request",
            403 => "Forbidden",
            404 => "Not Found",
            405 => "Method Not Allowed",
            413 => "Content Too Large",
            431 => "Request Header Fields Too Large",
            500 => "Internal Server Error",
            501 => "Not Implemented",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            505 => "HTTP Version Not Supported",
            _ => "",
        }
    }
}

/// One response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// What became of the request.
    pub status: StatusCode,
    /// `ETag`.
    pub etag: Option<EntityTag>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Allow`, with a 405.
    pub allow: Option<String>,
    /// What was asked for.
    pub body: Bytes,
}

impl Response {
    /// Nothing but a status.
    pub fn of(status: StatusCode) -> Self {
        Self {
            status,
            etag: None,
            content_type: None,
            allow: None,
            body: Bytes::new(),
        }
    }

    /// What was asked for.
    pub fn ok(content_type: &str, etag: EntityTag, body: impl Into<Bytes>) -> Self {
        Self {
            etag: Some(etag),
            content_type: Some(content_type.to_owned()),
            body: body.into(),
            ..Self::of(StatusCode::OK)
        }
    }

    /// RFC 9110 §15.4.5 — the UE has it already.
    pub fn not_modified(etag: EntityTag) -> Self {
        Self {
            etag: Some(etag),
            ..Self::of(StatusCode::NOT_MODIFIED)
        }
    }

    /// A status and a sentence for people.
    pub fn sentence(status: StatusCode, sentence: &str) -> Self {
        Self {
            content_type: Some("text/plain;charset=utf-8".to_owned()),
            body: Bytes::copy_from_slice(sentence.as_bytes()),
            ..Self::of(status)
        }
    }

    /// What precedes the body, which goes apart: it may be large. `last` says that the channel ends
    /// with this.
    // Deviates: RFC 9110 §8.6 has a 304 say the length of what it does not bring, or nothing. Clients in
    // the field wait for as many octets as it says, and wait for ever when it says nothing: it says 0.
    pub(crate) fn write_head(&self, last: bool) -> Bytes {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status.0, self.status.reason());
        let mut line = |name: &str, value: &str| {
            // A value that would break the line is ours, and does not leave.
            if is_field_value(value) {
                head.push_str(name);
                head.push_str(": ");
                head.push_str(value);
                head.push_str("\r\n");
            }
        };
        let bodiless = self.status == StatusCode::NOT_MODIFIED;
        let length = if bodiless { 0 } else { self.body.len() };
        line("Content-Length", &length.to_string());
        if let Some(etag) = &self.etag {
            line("ETag", &etag.to_string());
        }
        if let Some(content_type) = &self.content_type {
            line("Content-Type", content_type);
        }
        if let Some(allow) = &self.allow {
            line("Allow", allow);
        }
        if last {
            line("Connection", "close");
        }
        head.push_str("\r\n");
        head.into()
    }

    /// Reads one that is whole. Its body is left in the bytes: from where, and to where.
    pub(crate) fn read(
        bytes: &[u8],
        searched: &mut usize,
        limits: &Limits,
        to_head: bool,
    ) -> Result<Option<(Self, usize, usize)>, Malformed> {
        let Some(head) = Head::read(bytes, searched, limits)? else {
            return Ok(None);
        };
        let mut words = head.start_line.splitn(3, ' ');
        let version = words.next().unwrap_or_default();
        let status = words.next().unwrap_or_default();
        check_version(version, Malformed::StartLine)?;
        let status = match status.as_bytes() {
            [b'1'..=b'5', b'0'..=b'9', b'0'..=b'9'] => status.parse(),
            _ => return Err(Malformed::StartLine),
        };
        let status = StatusCode(status.map_err(|_| Malformed::StartLine)?);
        let length = head.headers.content_length()?;
        // RFC 9112 §6.3: these have no body, whatever they say.
        let length = if to_head || status.0 < 200 || matches!(status.0, 204 | 304) {
            0
        } else {
            length.ok_or(Malformed::NoContentLength)?
        };
        let length = usize::try_from(length).map_err(|_| Malformed::BodyTooLarge)?;
        if length > limits.response_body {
            return Err(Malformed::BodyTooLarge);
        }
        if bytes.len() < head.length + length {
            return Ok(None);
        }
        let response = Self {
            status,
            etag: head.headers.all("ETag").next().and_then(EntityTag::parse),
            content_type: head.headers.first("Content-Type"),
            allow: head.headers.first("Allow"),
            body: Bytes::new(),
        };
        Ok(Some((response, head.length, head.length + length)))
    }
}
