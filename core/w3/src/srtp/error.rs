/// Why a packet was not protected or not let in. In each case it is dropped; the context goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum SrtpError {
    /// No RTP or RTCP packet, or too short for what protects it.
    #[error("not a packet")]
    Malformed,
    /// RFC 3711 §3.3.2 — its index was there before, or is older than the replay window.
    #[error("a packet that was there before")]
    Replayed,
    /// RFC 3711 §3.3 — the authentication tag does not fit.
    #[error("a wrong authentication tag")]
    NotAuthentic,
    /// RFC 3711 §3.4 — SRTCP in the clear, which this profile does not take.
    #[error("RTCP in the clear")]
    NotEncrypted,
    /// More sources than a context keeps.
    #[error("too many sources")]
    TooManySources,
    /// RFC 3711 §9.2 — no index is left for this key.
    #[error("the key is used up")]
    KeyExhausted,
    /// The buffer has no room behind the packet for what protects it.
    #[error("no room for the authentication tag")]
    NoRoom,
}
