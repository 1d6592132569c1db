use std::net::SocketAddr;

use bytes::Bytes;

use crate::media::{MediaPart, MediaReport, VideoReport};

/// What a WIC wants done.
#[derive(Clone, Debug)]
pub enum Output {
    /// Open a WebSocket to the eP-CSCF; then [`Wic::handle_connected`](crate::Wic::handle_connected).
    Connect,
    /// Send this message over the WebSocket.
    Send(Bytes),
    /// Send this datagram.
    Transmit {
        /// From which of our sockets for media.
        from: SocketAddr,
        /// Where to.
        to: SocketAddr,
        /// A datagram.
        bytes: Vec<u8>,
    },
    /// The owner should know.
    Event(Event),
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The registration stands.
    Registered {
        /// All identities that were registered with it (P-Associated-URI).
        identities: Vec<String>,
        /// For how many seconds.
        expires: u32,
    },
    /// The registrar refused, or did not answer.
    RegistrationFailed {
        /// The SIP status; 0 without an answer.
        status: u16,
        /// In words.
        reason: String,
    },
    /// The registration was ended as we wished.
    Unregistered,
    /// The WebSocket is gone; another one is wanted.
    ConnectionLost,
    /// 401 for an access token: [`Wic::set_token`](crate::Wic::set_token) with a new one.
    TokenRefused,
    /// An INVITE left.
    Calling {
        /// For whom.
        to: String,
    },
    /// The other end rings.
    Ringing,
    /// A call comes.
    Incoming {
        /// From whom.
        from: String,
    },
    /// The call stands.
    Answered,
    /// ICE and DTLS of an m-line are done.
    MediaConnected(MediaPart),
    /// The other end wants no media for now, or wants them again.
    RemoteHold {
        /// It holds.
        held: bool,
    },
    /// Our wish to hold or to resume was granted.
    Held {
        /// We hold.
        held: bool,
    },
    /// A digit was heard.
    Digit(char),
    /// There is no call any more.
    Ended(Ended),
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// The SIP status that ended it; 200 after a conversation.
    pub status: u16,
    /// In words.
    pub reason: String,
    /// What was heard and said.
    pub media: Option<MediaReport>,
    /// What was seen and shown, if there was video.
    pub video: Option<VideoReport>,
}
