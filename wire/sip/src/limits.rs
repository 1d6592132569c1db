//! How much of anything a message may have.

/// Limits on sizes and counts; a message beyond one is [`Malformed`](crate::Malformed) with its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of the whole message.
    pub message: usize,
    /// Header lines (folded continuations count with their line).
    pub headers: usize,
    /// Octets of one header line with its continuations, and of the start line.
    pub line: usize,
    /// Octets of a header field name.
    pub name: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 65_536,
            headers: 256,
            line: 16_384,
            name: 128,
        }
    }
}

/// Parameters one value may carry, and header fields in a URI.
pub(crate) const MAX_PARAMS: usize = 64;
