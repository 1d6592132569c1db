use std::net::SocketAddr;

use bytes::Bytes;

use crate::CallId;
use crate::applications::ApplicationsEvent;
use crate::data::{ChannelEvent, DataChannelId};
use crate::media::{MediaPart, MediaReport, VideoReport};

/// What a WIC wants done.
#[derive(Clone, Debug)]
pub enum Output {
    /// Open a WebSocket to the eP-CSCF; then [`Wic::handle_connected`](crate::Wic::handle_connected).
    Connect,
    /// Close the WebSocket; [`Output::Connect`] follows when it is time for another one.
    Disconnect,
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
    /// This socket for media is not used any more: the call has moved to another one.
    Close(SocketAddr),
    /// The owner should know.
    Event {
        /// What happened.
        event: Event,
        /// In which call.
        call: Option<CallId>,
    },
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
    /// ICE and DTLS of an m-line are done, or ICE once more after a restart.
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
    /// Our wish to add or to drop video was granted.
    Video {
        /// There is video.
        video: bool,
    },
    /// The other end has added or dropped video.
    RemoteVideo {
        /// There is video.
        video: bool,
    },
    /// Something happened to a data channel.
    Channel {
        /// Which.
        channel: DataChannelId,
        /// What.
        event: ChannelEvent,
    },
    /// What came of [`Wic::list_applications`](crate::Wic::list_applications) and
    /// [`Wic::fetch_application`](crate::Wic::fetch_application).
    Applications {
        /// The bootstrap channel.
        channel: DataChannelId,
        /// What.
        event: ApplicationsEvent,
    },
    /// Our wish to restart ICE was granted: the media move when a path is found.
    Restarted,
    /// Our re-INVITE or UPDATE that changes nothing was granted.
    Refreshed,
    /// A change was not granted: the call is as it was.
    NotChanged {
        /// Which: `hold`, `resume`, `video on`, `video off`, `restart`, `reinvite`, `update` or `channels`.
        change: &'static str,
        /// The SIP status; 0 without one.
        status: u16,
        /// In words.
        reason: String,
    },
    /// TS 24.371 §7.2.4 — it was an emergency call, and the network does not serve such from here. It
    /// is not tried again.
    EmergencyRefused {
        /// What the network said of it.
        words: String,
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

/// Why something was not done; nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotDone {
    /// There is none.
    #[error("there is no call")]
    NoCall,
    /// No call waits for an answer.
    #[error("no call rings")]
    NothingRings,
    /// That needs one that stands.
    #[error("the call is not answered yet")]
    NotAnswered,
    /// It is as it should be.
    #[error("it is so already")]
    Already,
    /// There is nothing to swap with.
    #[error("there is no other call that is answered")]
    OneCallOnly,
    /// [`Config::calls`](crate::Config::calls).
    #[error("there are as many calls as there may be")]
    TooManyCalls,
    /// There is none, or it is closed.
    #[error("there is no such channel")]
    NoChannel,
    /// There cannot be such a channel.
    #[error("{0}")]
    Channel(&'static str),
    /// It cannot be asked for.
    #[error("{0}")]
    Applications(#[from] core_bootstrap::Refused),
    /// Something else must be finished first.
    #[error("something else is under way")]
    UnderWay,
    /// The WebSocket is not open.
    #[error("there is no connection")]
    NoConnection,
    /// See [`Wic::add_socket`](crate::Wic::add_socket).
    #[error("there is no socket for media")]
    NoSocket,
    /// TS 24.371 §7.2.4 — a WIC makes no emergency calls.
    #[error("this is an emergency number, and cannot be called from here: use another phone")]
    Emergency,
    /// The socket cannot be used.
    #[error("{0}")]
    Media(String),
}
