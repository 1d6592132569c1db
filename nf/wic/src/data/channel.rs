use core_data_channel::{Channel, ChannelId, CloseReason};

use crate::CallId;

/// Names a channel of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataChannelId {
    /// In which call.
    pub call: CallId,
    /// From 1 on, in the order in which they came up. None is used again.
    pub number: u32,
}

/// What is wanted of a channel that we open.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DataChannelInit {
    /// Label, subprotocol, order, reliability and priority.
    pub channel: Channel,
    /// RFC 8832 — opened by DCEP; else SDP negotiates it (RFC 8864).
    pub in_band: bool,
    /// Its SCTP stream where SDP negotiates it; without, the first one from 1000 on that is free.
    pub stream: Option<ChannelId>,
    /// RFC 8864 §5.2 — attributes of its subprotocol, each without `a=dcsa:` and the stream.
    pub attributes: Vec<String>,
}

/// A channel as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImsDataChannel {
    /// Label, subprotocol, order, reliability and priority.
    pub channel: Channel,
    /// Its SCTP stream, once that is known.
    pub stream: Option<ChannelId>,
    /// It was opened by DCEP.
    pub in_band: bool,
    /// RFC 8864 §5.2 — what its opener says of its subprotocol.
    pub attributes: Vec<String>,
    /// We opened it.
    pub ours: bool,
    /// How far it is.
    pub state: ChannelState,
}

/// How far a channel is. One that is closed is no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelState {
    /// The other end has not agreed, or there is no association.
    Connecting,
    /// Messages can be sent.
    Open,
    /// What was sent still arrives.
    Closing,
}

/// What happened to a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelEvent {
    /// The other end opens it, and [`Config::accept_channels`](crate::Config::accept_channels) lets it.
    Incoming,
    /// Messages can be sent.
    Opened,
    /// Messages wait: [`Wic::receive_message`](crate::Wic::receive_message) until there are no more.
    Readable,
    /// There is room again, after [`SendError::Full`](crate::SendError::Full).
    Writable,
    /// It is no more.
    Closed(ChannelClosed),
}

/// Why a channel is no more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelClosed {
    /// We closed it.
    #[error("closed by us")]
    ByUs,
    /// The other end closed it.
    #[error("closed by the other end")]
    ByPeer,
    /// The other end's description does not have it, or it took none of our offer.
    #[error("refused by the other end")]
    Refused,
    /// It cannot be opened here.
    #[error("{0}")]
    NotOpened(String),
    /// The association is no more.
    #[error("the association has ended: {0}")]
    Lost(String),
    /// The call is over.
    #[error("the call has ended")]
    CallEnded,
}

impl From<CloseReason> for ChannelClosed {
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::ByUs => Self::ByUs,
            CloseReason::ByPeer => Self::ByPeer,
            CloseReason::Misbehaved(how) => Self::NotOpened(how.to_string()),
        }
    }
}

/// Which channels of the other end are taken. What is not said does not matter.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ChannelRule {
    /// Its label.
    pub label: Option<String>,
    /// Its subprotocol.
    pub protocol: Option<String>,
}

impl ChannelRule {
    /// Takes each channel.
    pub const ANY: Self = Self {
        label: None,
        protocol: None,
    };

    /// Whether it takes that channel.
    pub fn takes(&self, channel: &Channel) -> bool {
        let is = |wanted: &Option<String>, it: &String| wanted.as_ref().is_none_or(|w| w == it);
        is(&self.label, &channel.label) && is(&self.protocol, &channel.protocol)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_takes_what_it_names() {
        let channel = Channel {
            protocol: "isthmus-file".into(),
            ..Channel::new("files")
        };
        let rule = |label: Option<&str>, protocol: Option<&str>| ChannelRule {
            label: label.map(str::to_owned),
            protocol: protocol.map(str::to_owned),
        };
        assert!(ChannelRule::ANY.takes(&channel));
        assert!(rule(Some("files"), None).takes(&channel));
        assert!(rule(None, Some("isthmus-file")).takes(&channel));
        assert!(!rule(Some("files"), Some("")).takes(&channel));
        assert!(!rule(Some("chat"), Some("isthmus-file")).takes(&channel));
    }
}
