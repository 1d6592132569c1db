use bytes::Bytes;

use crate::{Channel, ChannelId, Ended, Misbehaved};

/// What an association wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send these bytes through DTLS, as one record.
    Packet(Bytes),
    /// The owner should know.
    Event(Event),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The association stands.
    Connected,
    /// The peer opens a channel: [`accept`](crate::Association::accept) or
    /// [`close`](crate::Association::close) it. What it sends meanwhile waits.
    Requested {
        /// Its id, of the peer's choice.
        id: ChannelId,
        /// What it is to be.
        channel: Channel,
    },
    /// A channel that we opened is open: the peer acknowledged it, or it was negotiated and the
    /// association stands.
    Opened {
        /// Which.
        id: ChannelId,
    },
    /// Messages wait: [`read`](crate::Association::read) until there are no more.
    Readable {
        /// Where.
        id: ChannelId,
    },
    /// After [`SendError::Full`](crate::SendError::Full): there is room again. Channels of higher
    /// priority are told first.
    Writable {
        /// Where.
        id: ChannelId,
    },
    /// The channel is closed in both directions.
    Closed {
        /// Which.
        id: ChannelId,
        /// By whom.
        reason: CloseReason,
    },
    /// The id of a closed channel can be used again.
    Released {
        /// Which.
        id: ChannelId,
    },
    /// The association is no more, and no channel of it; [`Event::Closed`] does not come.
    Ended(Ended),
}

/// Why a channel was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// We closed it.
    ByUs,
    /// The peer closed it, or refused to open it.
    ByPeer,
    /// The peer broke a rule, and we closed it.
    Misbehaved(Misbehaved),
}
