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

    /// What comes out. Bytes, where there are any, are at the beginning of `room`, so many as it says.
    #[must_use]
    fn poll_output(&mut self, room: &mut [u8]) -> Option<DtlsOutput>;

    /// Sends application data, once the handshake is done.
    fn send(&mut self, data: &[u8]) -> Result<(), DtlsError>;

    /// Says goodbye.
    fn close(&mut self);
}

/// What comes out of an engine.
#[derive(Clone, Debug)]
pub enum DtlsOutput {
    /// A datagram to send.
    Packet(usize),
    /// The peer's certificate. It has proved that it has the key.
    PeerCertificate(usize),
    /// RFC 5764 §4.2.
    Keys(KeyingMaterial),
    /// The handshake is done.
    Connected,
    /// Application data.
    Data(usize),
    /// Nothing yet: it is to be asked again with room for so many bytes.
    NoRoom(usize),
    /// The peer said goodbye.
    Closed,
}
