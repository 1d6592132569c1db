/// Bytes that are no RTP or RTCP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct Malformed {
    /// What is wrong.
    pub what: &'static str,
    /// Where.
    pub at: usize,
}

impl Malformed {
    pub(crate) fn new(what: &'static str, at: usize) -> Self {
        Self { what, at }
    }
}
