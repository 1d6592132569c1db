use std::time::Instant;

use super::DtlsError;
use crate::srtp::KeyingMaterial;

/// Who begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Waits for the ClientHello (`a=setup:passive`).
    Server,
    /// Sends it (`a=setup:active`).
    Client,
}

/// What a DTLS implementation must do for us. Each error is the end of the association.
///
/// One input, then [`poll_output`](Self::poll_output) until there is no more.
pub trait DtlsEngine: std::fmt::Debug + Send {
    /// A datagram from the peer. What is malformed or old is dropped without an error.
    fn handle_packet(&mut self, now: Instant, packet: &[u8]) -> Result<(), DtlsError>;

    /// Time has passed; a client begins with this.
    fn handle_timeout(&mut self, now: Instant) -> Result<(), DtlsError>;

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    fn poll_timeout(&self) -> Option<Instant>;

    /// What comes out. Bytes, where there are any, are what `bytes` then holds.
    #[must_use]
    fn poll_output(&mut self, bytes: &mut Vec<u8>) -> Option<DtlsOutput>;

    /// Sends application data, once the handshake is done.
    fn send(&mut self, data: &[u8]) -> Result<(), DtlsError>;

    /// Says goodbye.
    fn close(&mut self);
}

/// What comes out of an engine.
#[derive(Clone, Debug)]
pub enum DtlsOutput {
    /// The bytes are a datagram to send.
    Packet,
    /// The bytes are the peer's certificate. It has proved that it has the key.
    PeerCertificate,
    /// RFC 5764 §4.2.
    Keys(KeyingMaterial),
    /// The handshake is done.
    Connected,
    /// The bytes are application data.
    Data,
    /// The peer said goodbye.
    Closed,
}
