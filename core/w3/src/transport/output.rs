use std::sync::Arc;
use std::time::Duration;

use crate::Path;
use crate::dtls::{Certificate, DtlsError};
use crate::ice::IceCredentials;
use crate::srtp::{Profile, SrtpError};

/// What a transport begins with.
#[derive(Clone, Debug)]
pub struct TransportConfig {
    /// What we say in our SDP.
    pub ice: IceCredentials,
    /// Who we are.
    pub certificate: Arc<Certificate>,
    /// After that long without a check the peer is silent (RFC 7675 §5.1: 30 s).
    pub silence: Duration,
    /// RTP and RTCP will pass: DTLS without a protection profile in common is a failure.
    pub media: bool,
}

/// What a datagram was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Received {
    /// The first `length` bytes of the buffer are to go back whence the datagram came, at once.
    Reply {
        /// How long the reply is.
        length: usize,
    },
    /// The first `length` bytes of the buffer are an RTP packet.
    Rtp {
        /// Without the authentication tag.
        length: usize,
    },
    /// The first `length` bytes of the buffer are an RTCP compound.
    Rtcp {
        /// Without index and authentication tag.
        length: usize,
    },
    /// It was for the machine itself.
    Consumed,
    /// It was dropped and counted.
    Dropped,
}

/// What a transport wants done.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send these bytes.
    Transmit {
        /// Over this path.
        path: Path,
        /// A datagram.
        bytes: Vec<u8>,
    },
    /// The owner should know.
    Event(Event),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The peer nominated its first pair.
    IceConnected {
        /// Where media go.
        path: Path,
    },
    /// The peer nominated another pair.
    Moved {
        /// Where media go from now on.
        path: Path,
    },
    /// What comes from there is no longer taken.
    PathForgotten {
        /// Which path.
        path: Path,
    },
    /// No check for too long: nothing is sent any more.
    Silent,
    /// Checks came again.
    Back,
    /// The association stands and the peer is the announced one.
    DtlsConnected {
        /// How media are protected, if they are.
        profile: Option<Profile>,
    },
    /// There is no association, and there will be none.
    DtlsFailed {
        /// Why.
        reason: DtlsError,
    },
    /// The peer ended the association.
    DtlsClosed,
    /// Application data.
    Data(Vec<u8>),
}

/// Why a packet cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// There are no keys yet.
    #[error("DTLS has not given keys")]
    NoKeys,
    /// It could not be protected.
    #[error(transparent)]
    Srtp(#[from] SrtpError),
}
