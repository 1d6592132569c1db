/// How much a message may be. What goes beyond is refused, and not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a start line and its header section.
    pub head: usize,
    /// Header lines.
    pub headers: usize,
    /// Bytes of a request's body.
    pub request_body: usize,
    /// Bytes of a response's body.
    pub response_body: usize,
    /// Requests that wait for those before them, in a client.
    pub requests: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 16 * 1024,
            headers: 64,
            request_body: 64 * 1024,
            response_body: 16 * 1024 * 1024,
            requests: 64,
        }
    }
}
