//! From the words of Iq to those of data channels, and back.

use core_data_channel::{Channel, CloseReason, Kind, Message, Priority, Reliability};
use core_iq::{
    ChannelDescription, ChannelEnd, ChannelMessage, ChannelReliability, DtlsSettings, W3Settings,
};

pub(super) fn channel_of(description: &ChannelDescription) -> Channel {
    Channel {
        label: description.label.clone(),
        protocol: description.protocol.clone(),
        ordered: description.ordered,
        reliability: match description.reliability {
            ChannelReliability::Reliable => Reliability::Reliable,
            ChannelReliability::MaxRetransmits(times) => Reliability::MaxRetransmits(times),
            ChannelReliability::MaxLifetime(time) => Reliability::MaxLifetime(time),
        },
        priority: Priority(description.priority),
    }
}

pub(super) fn description_of(channel: &Channel) -> ChannelDescription {
    ChannelDescription {
        label: channel.label.clone(),
        protocol: channel.protocol.clone(),
        ordered: channel.ordered,
        reliability: match channel.reliability {
            Reliability::Reliable => ChannelReliability::Reliable,
            Reliability::MaxRetransmits(times) => ChannelReliability::MaxRetransmits(times),
            Reliability::MaxLifetime(time) => ChannelReliability::MaxLifetime(time),
        },
        priority: channel.priority.0,
    }
}

pub(super) fn message_of(message: ChannelMessage) -> Message {
    let (kind, data) = match message {
        ChannelMessage::Text(data) => (Kind::Text, data),
        ChannelMessage::Binary(data) => (Kind::Binary, data),
    };
    Message {
        kind,
        data: data.into(),
    }
}

pub(super) fn told(message: &Message) -> ChannelMessage {
    let data = message.data.to_vec();
    match message.kind {
        Kind::Text => ChannelMessage::Text(data),
        Kind::Binary => ChannelMessage::Binary(data),
    }
}

pub(super) fn end_of(reason: CloseReason) -> ChannelEnd {
    match reason {
        CloseReason::ByUs => ChannelEnd::ByUs,
        CloseReason::ByPeer => ChannelEnd::ByPeer,
        CloseReason::Misbehaved(broken) => ChannelEnd::Failed(broken.to_string()),
    }
}

/// DTLS is DTLS on both sides.
pub(super) fn as_w3(settings: &DtlsSettings) -> W3Settings {
    W3Settings {
        remote_ice: settings.remote_ice.clone(),
        remote_fingerprints: settings.remote_fingerprints.clone(),
        dtls_role: settings.dtls_role,
        gate: None,
    }
}
