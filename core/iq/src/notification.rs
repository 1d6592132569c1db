//! What the gateway tells without being asked (TS 23.334 §8.6, notifications).

use serde::{Deserialize, Serialize};

use crate::{ContextId, StreamId};

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
}
