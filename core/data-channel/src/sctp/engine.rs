use std::time::Instant;

use bytes::Bytes;
use thiserror::Error;

use crate::{PayloadProtocol, Reliability, Role};

/// What an SCTP association begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SctpConfig {
    /// Who begins.
    pub role: Role,
    /// Our `a=sctp-port`.
    pub local_port: u16,
    /// The peer's.
    pub remote_port: u16,
    /// The largest message that we take.
    pub receive_message: u32,
    /// What may wait to be read.
    pub receive_buffer: u32,
    /// The largest message that we send.
    pub send_message: u32,
}

/// What an SCTP implementation must do for us.
///
/// One input or command, then [`poll_event`](Self::poll_event) and
/// [`poll_packet`](Self::poll_packet) until there is no more.
pub trait SctpEngine: std::fmt::Debug + Send {
    /// DTLS stands: begin, or wait for the peer to.
    fn start(&mut self, now: Instant);

    /// A packet from the peer. What is malformed is dropped.
    fn handle_packet(&mut self, now: Instant, packet: Bytes);

    /// Time has passed.
    fn handle_timeout(&mut self, now: Instant);

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    fn poll_timeout(&self) -> Option<Instant>;

    /// A packet to send.
    #[must_use]
    fn poll_packet(&mut self, now: Instant) -> Option<Bytes>;

    /// What happened.
    #[must_use]
    fn poll_event(&mut self) -> Option<SctpEvent>;

    /// Makes a stream usable in both directions. One that the peer has begun is taken over.
    fn open(&mut self, stream: u16) -> Result<(), StreamRefused>;

    /// How the messages that follow travel.
    fn set_reliability(&mut self, stream: u16, ordered: bool, reliability: Reliability);

    /// Sends a message. Whoever asks keeps the buffer small.
    fn write(
        &mut self,
        stream: u16,
        protocol: PayloadProtocol,
        data: Bytes,
    ) -> Result<(), StreamRefused>;

    /// Takes the next message that came. What is not taken fills the window that the peer sees.
    fn read(&mut self, now: Instant, stream: u16) -> Option<(PayloadProtocol, Bytes)>;

    /// Bytes of a stream that wait to be sent or acknowledged.
    fn buffered(&mut self, stream: u16) -> usize;

    /// RFC 6525 §5.1 — resets the outgoing stream once all in it has arrived, and reads no more.
    /// Whether a reset is under way then.
    fn reset(&mut self, now: Instant, stream: u16) -> bool;

    /// The largest message that the peer takes.
    fn set_send_message(&mut self, bytes: u32);

    /// RFC 9260 §9.2 — ends the association gracefully.
    fn shutdown(&mut self);
}

/// What happened in an SCTP association.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SctpEvent {
    /// It stands.
    Connected,
    /// It is no more.
    Lost(String),
    /// There is something to read.
    Readable(u16),
    /// The peer reset its outgoing stream, and all that was in it is read. Ours is reset in return.
    Finished(u16),
    /// Both directions are reset: the stream can be used anew.
    Reset(u16),
    /// The peer refused a reset; the stream is of no use any more.
    ResetFailed(u16),
}

/// Why nothing can be done with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum StreamRefused {
    /// A reset is under way.
    #[error("the stream is being reset")]
    Resetting,
    /// There is no association, or no such stream, or the message is too large.
    #[error("the stream is not there")]
    NotThere,
}
