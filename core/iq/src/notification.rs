//! What the gateway tells without being asked (TS 23.334 §8.6, notifications).

use serde::{Deserialize, Serialize};

use crate::{
    ChannelAt, ChannelDescription, ChannelEnd, ChannelMessage, ContextId, StreamEnd, StreamId,
};

/// Something happened in a Context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Where.
    pub context: ContextId,
    /// In which stream.
    pub stream: StreamId,
    /// What.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// The WIC nominated a pair: ICE is done.
    IceConnected,
    /// The DTLS association stands and its certificate is the announced one.
    DtlsConnected {
        /// The SRTP protection profile, as RFC 5764 §4.1.2 and RFC 7714 §14.2 name it.
        profile: String,
    },
    /// No DTLS association: a broken handshake or another certificate than announced.
    DtlsFailed {
        /// Why, in words for a log and for `Reason`.
        reason: String,
    },
    /// The WIC has sent no connectivity check for 30 s (RFC 7675 §5.1, seen from an agent that
    /// only answers). The gateway no longer sends to it.
    WicSilent,
    /// Checks came again after [`Event::WicSilent`].
    WicBack,
    /// Data channels can be used at this end: SCTP stands.
    DataConnected {
        /// Which end.
        end: StreamEnd,
    },
    /// There are no data channels at this end any more, and those at the other are closed.
    DataEnded {
        /// Which end.
        end: StreamEnd,
        /// Why, in words for a log.
        reason: String,
    },
    /// A channel was opened in band, and nobody has said yet what is to become of it.
    ChannelRequested {
        /// Which.
        at: ChannelAt,
        /// What it is to be.
        channel: ChannelDescription,
    },
    /// A channel is open.
    ChannelOpened {
        /// Which.
        at: ChannelAt,
    },
    /// A channel is closed.
    ChannelClosed {
        /// Which.
        at: ChannelAt,
        /// By whom.
        end: ChannelEnd,
    },
    /// A message came. It costs one credit.
    ChannelMessage {
        /// Where.
        at: ChannelAt,
        /// What.
        message: ChannelMessage,
    },
    /// There is room again for what is sent.
    ChannelWritable {
        /// Where.
        at: ChannelAt,
    },
}
