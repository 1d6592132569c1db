//! One channel, as `a=dcmap` and as Iq have it (RFC 8864 §5.1).

use core_iq::{ChannelDescription, ChannelReliability};
use wire_sdp::attribute::ChannelParameters;

/// For Iq.
pub(super) fn description(parameters: ChannelParameters) -> ChannelDescription {
    ChannelDescription {
        label: parameters.label,
        protocol: parameters.subprotocol,
        ordered: parameters.ordered,
        reliability: match (parameters.max_retr, parameters.max_time) {
            (Some(times), _) => ChannelReliability::MaxRetransmits(times),
            (None, Some(time)) => ChannelReliability::MaxLifetime(time),
            (None, None) => ChannelReliability::Reliable,
        },
        priority: parameters.priority,
    }
}

/// For `a=dcmap`.
pub(super) fn parameters(channel: &ChannelDescription) -> ChannelParameters {
    let (max_retr, max_time) = match channel.reliability {
        ChannelReliability::Reliable => (None, None),
        ChannelReliability::MaxRetransmits(times) => (Some(times), None),
        ChannelReliability::MaxLifetime(time) => (None, Some(time)),
    };
    ChannelParameters {
        label: channel.label.clone(),
        subprotocol: channel.protocol.clone(),
        ordered: channel.ordered,
        max_retr,
        max_time,
        priority: channel.priority,
    }
}
