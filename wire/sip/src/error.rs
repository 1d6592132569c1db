//! Whose fault, what and where.

use thiserror::Error;

use crate::{HeaderName, StatusCode};

/// The bytes are not a SIP message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{what} at octet {at}")]
pub struct Malformed {
    /// The rule that was broken.
    pub what: Fault,
    /// Where, in octets from the start of the buffer.
    pub at: usize,
}

impl Malformed {
    pub(crate) fn new(what: Fault, at: usize) -> Self {
        Self { what, at }
    }

    /// The status a server answers with, when it can answer at all.
    pub fn status(&self) -> StatusCode {
        match self.what {
            Fault::Version => StatusCode::VERSION_NOT_SUPPORTED,
            Fault::MessageTooLarge
            | Fault::TooManyHeaders
            | Fault::LineTooLong
            | Fault::TooManyParameters => StatusCode::MESSAGE_TOO_LARGE,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// What is wrong with the bytes: one variant a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Fault {
    /// Nothing there.
    #[error("empty message")]
    Empty,
    /// No blank line ends the header fields.
    #[error("header fields do not end")]
    Truncated,
    /// RFC 3261 §25.1: Request-Line or Status-Line.
    #[error("start line is not a request or status line")]
    StartLine,
    /// RFC 3261 §7.1: SIP-Version is not 2.0.
    #[error("SIP version is not 2.0")]
    Version,
    /// RFC 3261 §25.1: Method is a token.
    #[error("method is not a token")]
    Method,
    /// The Request-URI is not a URI.
    #[error("Request-URI is malformed")]
    RequestUri,
    /// RFC 3261 §7.2: three digits, 100 to 699.
    #[error("status code is not 100 to 699")]
    StatusCode,
    /// A line that ends in a bare CR or LF.
    #[error("line does not end in CRLF")]
    LineEnd,
    /// A control character outside a quoted pair.
    #[error("control character")]
    Control,
    /// Header fields are UTF-8.
    #[error("header fields are not UTF-8")]
    Utf8,
    /// A line without a colon, or whose name is not a token.
    #[error("header field name is malformed")]
    HeaderName,
    /// [`Limits::message`](crate::Limits::message).
    #[error("message is too large")]
    MessageTooLarge,
    /// [`Limits::headers`](crate::Limits::headers).
    #[error("too many header fields")]
    TooManyHeaders,
    /// [`Limits::line`](crate::Limits::line).
    #[error("line is too long")]
    LineTooLong,
    /// More parameters than a value may carry.
    #[error("too many parameters")]
    TooManyParameters,
    /// RFC 3261 §8.1.1: a mandatory header field is absent.
    #[error("{} is missing", .0.as_str())]
    Missing(HeaderName),
    /// RFC 3261 §7.3.1: a header field that may occur once occurs again.
    #[error("{} occurs more than once", .0.as_str())]
    Repeated(HeaderName),
    /// A header field's value does not follow its grammar.
    #[error("{} is malformed", .0.as_str())]
    Header(HeaderName),
    /// RFC 3261 §20.14: not a number.
    #[error("Content-Length is not a number")]
    ContentLength,
    /// RFC 3261 §18.3: fewer octets than Content-Length says.
    #[error("body is shorter than Content-Length")]
    BodyTooShort,
    /// RFC 3261 §8.1.1.5: CSeq is a number below 2^31 and a method.
    #[error("CSeq is malformed")]
    CSeq,
    /// RFC 3261 §8.1.1.5: the method in CSeq is that of the request.
    #[error("method in CSeq is not that of the request")]
    CSeqMethod,
}

/// A header field's value does not follow its grammar, or the field is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// The field is not there.
    #[error("{} is missing", .0.as_str())]
    Missing(HeaderName),
    /// The field's value is malformed.
    #[error("{} is malformed: {what}", .name.as_str())]
    Malformed {
        /// Which field.
        name: HeaderName,
        /// The rule that was broken.
        what: &'static str,
    },
}

impl HeaderError {
    /// The field in question.
    pub fn name(&self) -> HeaderName {
        match self {
            Self::Missing(name) | Self::Malformed { name, .. } => *name,
        }
    }

    /// Always 400: a header field is the sender's to get right.
    pub fn status(&self) -> StatusCode {
        StatusCode::BAD_REQUEST
    }
}
