use thiserror::Error;

/// Bytes that are no HTTP/1.1 message of a bootstrap channel. Where the next message would begin nobody
/// knows, so the channel is at its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Malformed {
    /// RFC 9112 §3, §4 — no request line or no status line.
    #[error("a start line that cannot be read")]
    StartLine,
    /// RFC 9112 §5 — not a name, a colon and a value; or folded.
    #[error("a header line that cannot be read")]
    Header,
    /// RFC 9110 §8.6 — no number, or two of them.
    #[error("a Content-Length that cannot be read")]
    ContentLength,
    /// RFC 9112 §6.1 — nothing over a bootstrap channel is chunked.
    #[error("a Transfer-Encoding")]
    TransferEncoding,
    /// TS 26.114 §6.2.10 — no Content-Length, so nobody knows where it ends.
    #[error("a response without a Content-Length")]
    NoContentLength,
    /// More bytes or lines of header than [`Limits`](crate::Limits) say.
    #[error("a header section larger than allowed")]
    HeadTooLarge,
    /// A larger body than [`Limits`](crate::Limits) say.
    #[error("a body larger than allowed")]
    BodyTooLarge,
    /// A response that nobody asked for.
    #[error("a response without a request")]
    Unasked,
    /// RFC 9112 §2.3 — not HTTP/1.
    #[error("a version other than HTTP/1")]
    Version,
}

/// Why a request is not to be sent. It is our caller who asked for too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Refused {
    /// The channel is at its end.
    #[error("the channel has ended")]
    Ended,
    /// As many as [`Limits`](crate::Limits) say wait already.
    #[error("as many requests as allowed wait")]
    TooMany,
    /// What would make two lines of one, or no target at all.
    #[error("a target or a value that cannot be written")]
    Unwritable,
    /// More than [`Limits`](crate::Limits) say.
    #[error("a request larger than allowed")]
    TooLarge,
}
