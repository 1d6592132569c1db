use core_bootstrap::stream::{SUBPROTOCOL, Source};
use core_data_channel::{Channel, ChannelId, CloseReason};
use wire_sdp::attribute::AppEndpoint;

use crate::CallId;

/// Names a channel of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DataChannelId {
    /// In which call.
    pub call: CallId,
    /// From 1 on, in the order in which they came up. None is used again.
    pub number: u32,
}

/// TS 26.114 §6.2.10 — whose a channel is (`a=3gpp-req-app`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelApplication {
    /// The application's identifier, as the network's list has it.
    pub id: String,
    /// Who is at the other end.
    pub endpoint: AppEndpoint,
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
    /// Whose it is. Such a channel has a stream from 1000 on.
    pub application: Option<ChannelApplication>,
    /// TS 26.114 §6.2.7.4 — what its application needs of the network: `loss=0.01;latency=100`.
    pub qos_hint: Option<String>,
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
    /// Whose it is, as its opener says.
    pub application: Option<ChannelApplication>,
    /// What its application needs of the network, where we opened it.
    pub qos_hint: Option<String>,
    /// We opened it.
    pub ours: bool,
    /// How far it is.
    pub state: ChannelState,
}

impl ImsDataChannel {
    /// TS 26.114 §6.2.10.1 — whether it is a bootstrap channel, on which we ask and a network answers.
    pub fn is_bootstrap(&self) -> bool {
        let source = self.stream.and_then(|stream| Source::of(stream.0));
        self.channel.protocol == SUBPROTOCOL && source.is_some()
    }
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
    /// The other end asks for it, and [`Config::ask_channels`](crate::Config::ask_channels) leaves it to the owner:
    /// [`Wic::answer_channel`](crate::Wic::answer_channel), soon.
    Requested,
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
    /// We refused it.
    #[error("refused by us")]
    RefusedByUs,
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
    /// Its application.
    pub application: Option<String>,
}

impl ChannelRule {
    /// Takes each channel.
    pub const ANY: Self = Self {
        label: None,
        protocol: None,
        application: None,
    };

    /// Whether it takes that channel.
    pub fn takes(&self, channel: &Channel, application: Option<&ChannelApplication>) -> bool {
        let is = |wanted: &Option<String>, it: &str| wanted.as_ref().is_none_or(|w| w == it);
        let application = application.map_or("", |application| &application.id);
        is(&self.label, &channel.label)
            && is(&self.protocol, &channel.protocol)
            && is(&self.application, application)
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
            application: None,
        };
        let takes = |rule: ChannelRule| rule.takes(&channel, None);
        assert!(takes(ChannelRule::ANY));
        assert!(takes(rule(Some("files"), None)));
        assert!(takes(rule(None, Some("isthmus-file"))));
        assert!(!takes(rule(Some("files"), Some(""))));
        assert!(!takes(rule(Some("chat"), Some("isthmus-file"))));
        let board = ChannelRule {
            application: Some("board".into()),
            ..ChannelRule::ANY
        };
        let of = |id: &str| ChannelApplication {
            id: id.into(),
            endpoint: AppEndpoint::Ue,
        };
        assert!(!board.takes(&channel, None) && !board.takes(&channel, Some(&of("menu"))));
        assert!(board.takes(&channel, Some(&of("board"))));
    }
}
