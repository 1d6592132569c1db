//! What an eP-CSCF asks, and what it is told.

use serde::{Deserialize, Serialize};

use crate::{
    AnchoredStream, ChannelAction, CoreLocal, CoreSettings, DataLocal, DataSettings, Feedback,
    MediaKind, PayloadMap, SecondSettings, W3Local, W3Settings,
};

/// Numbers a request, so that its reply finds the way back. Chosen by the eP-CSCF.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RequestId(pub u64);

/// Names a Context. Chosen by the gateway: the upper 16 bits are the worker that owns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContextId(pub u64);

impl ContextId {
    /// The gateway worker that owns the Context.
    pub fn worker(self) -> u16 {
        (self.0 >> 48) as u16
    }
}

/// Names a stream within its Context: the index of its media line as the WIC sees it, which holds
/// for the life of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StreamId(pub u16);

/// One request of the eP-CSCF.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// TS 23.334 §8.2 — reserve and configure connection points. Without a Context one is made;
    /// with one, streams are added to it. Answered by [`Reply::Reserved`].
    Reserve {
        /// The Context to add to.
        context: Option<ContextId>,
        /// One entry for each stream to make.
        streams: Vec<StreamSettings>,
    },
    /// TS 23.334 §8.3 — change what is there: what the far ends said, gates, payload types. A field
    /// that is absent stays as it is. Answered by [`Reply::Configured`].
    Configure {
        /// The Context to change.
        context: ContextId,
        /// One entry for each stream that changes.
        streams: Vec<StreamSettings>,
    },
    /// Take streams out of a Context that lives on. Answered by [`Reply::Configured`].
    Subtract {
        /// The Context to take from.
        context: ContextId,
        /// The streams to end.
        streams: Vec<StreamId>,
    },
    /// Do something with a data channel. Answered by [`Reply::ChannelDone`] or, to an Open, by
    /// [`Reply::ChannelOpening`].
    Channel {
        /// The Context.
        context: ContextId,
        /// The stream, of [`MediaKind::Data`].
        stream: StreamId,
        /// What to do.
        action: ChannelAction,
    },
    /// TS 23.334 §8.4 — release the Context and all that is in it. Always answered by
    /// [`Reply::Released`], also when the Context is gone already.
    Release {
        /// The Context to end.
        context: ContextId,
    },
}

/// What a stream is to be. In a Reserve `media` makes it; in a Configure only what is present
/// changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamSettings {
    /// Which stream.
    pub stream: StreamId,
    /// What flows in it.
    pub media: MediaKind,
    /// The Termination towards the WIC.
    pub w3: Option<W3Settings>,
    /// The Termination towards the core.
    pub core: Option<CoreSettings>,
    /// Payload types where the two sides differ. `Some` replaces the whole map.
    pub payloads: Option<PayloadMap>,
    /// Which RTCP feedback each side understands.
    pub feedback: Option<Feedback>,
    /// The data channels, of a stream of [`MediaKind::Data`]. Most streams are of another kind, and of
    /// each in a call that stands these settings are kept.
    #[serde(default)]
    pub data: Option<Box<DataSettings>>,
    /// A second Termination towards the core in the place of `w3`. In a Reserve it makes a stream without
    /// a WIC, for good.
    #[serde(default)]
    pub second: Option<Box<SecondSettings>>,
}

impl StreamSettings {
    /// Settings that change nothing yet.
    pub fn new(stream: StreamId, media: MediaKind) -> Self {
        Self {
            stream,
            media,
            w3: None,
            core: None,
            payloads: None,
            feedback: None,
            data: None,
            second: None,
        }
    }
}

/// What the gateway says when a request was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// To [`Command::Reserve`].
    Reserved(Reserved),
    /// To [`Command::Configure`] and [`Command::Subtract`]. Streams whose own credentials, or names of
    /// DTLS associations, are others now are told again, and those with channels that cannot be.
    Configured(Reserved),
    /// To [`Command::Release`].
    Released,
    /// To [`Command::Channel`]: it is done.
    ChannelDone,
    /// To [`ChannelAction::Open`]: the peer is asked under this id.
    ChannelOpening {
        /// The id, of the gateway's choice.
        id: u16,
    },
}

/// What a Reserve gave.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// The Context, new or extended.
    pub context: ContextId,
    /// What was made, in the order of the request.
    pub streams: Vec<ReservedStream>,
    /// What was made without a WIC, in the order of the request.
    #[serde(default)]
    pub anchored: Vec<AnchoredStream>,
}

impl Reserved {
    /// Nothing in this Context.
    pub fn nothing(context: ContextId) -> Self {
        Self {
            context,
            streams: Vec::new(),
            anchored: Vec::new(),
        }
    }
}

/// The gateway's side of a stream's two Terminations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservedStream {
    /// Which stream.
    pub stream: StreamId,
    /// What the WIC is told.
    pub w3: W3Local,
    /// What the core is told.
    pub core: CoreLocal,
    /// What both are told of data channels.
    #[serde(default)]
    pub data: Option<DataLocal>,
}
