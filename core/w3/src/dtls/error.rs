/// Why there is no association.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DtlsError {
    /// RFC 8122 §6.2 — the certificate is not the one that SDP announced.
    #[error("the certificate is not the announced one")]
    WrongFingerprint,
    /// No announced fingerprint uses a hash function that we trust.
    #[error("no fingerprint with a hash function that is good enough")]
    NoUsableFingerprint,
    /// RFC 5764 §4.1 — the peer takes none of our protection profiles.
    #[error("no SRTP protection profile in common")]
    NoProfile,
    /// The handshake broke off, or took too long.
    #[error("the handshake failed: {0}")]
    Handshake(String),
    /// No certificate could be made.
    #[error("no certificate: {0}")]
    Certificate(String),
    /// Nothing can be sent before the handshake is done.
    #[error("the association does not stand")]
    NotConnected,
}
