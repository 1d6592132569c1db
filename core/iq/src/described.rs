//! One channel as `a=dcmap` has it, and as Iq has it (RFC 8864 §5.1).

use wire_sdp::attribute::ChannelParameters;

use crate::{ChannelDescription, ChannelReliability};

impl From<ChannelParameters> for ChannelDescription {
    fn from(parameters: ChannelParameters) -> Self {
        Self {
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
}

impl From<&ChannelDescription> for ChannelParameters {
    fn from(channel: &ChannelDescription) -> Self {
        let (max_retr, max_time) = match channel.reliability {
            ChannelReliability::Reliable => (None, None),
            ChannelReliability::MaxRetransmits(times) => (Some(times), None),
            ChannelReliability::MaxLifetime(time) => (None, Some(time)),
        };
        Self {
            label: channel.label.clone(),
            subprotocol: channel.protocol.clone(),
            ordered: channel.ordered,
            max_retr,
            max_time,
            priority: channel.priority,
        }
    }
}

#[cfg(test)]
mod tests {
    use wire_sdp::Attribute as _;
    use wire_sdp::attribute::Dcmap;

    use super::*;

    /// RFC 8864 §5.1 — each parameter, and what is left out.
    #[test]
    fn is_the_same_in_both_words() {
        let described = |value: &str| {
            let map = Dcmap::parse(value).expect("a dcmap");
            ChannelDescription::from(ChannelParameters::read(&map).expect("of one channel"))
        };
        let channel = described(r#"2 subprotocol="BFCP";label="bfcp";max-retr=3;ordered=false"#);
        assert_eq!(
            channel,
            ChannelDescription {
                label: "bfcp".into(),
                protocol: "BFCP".into(),
                ordered: false,
                reliability: ChannelReliability::MaxRetransmits(3),
                priority: 256,
            }
        );
        for value in [
            r#"2 subprotocol="BFCP";label="bfcp";max-retr=3;ordered=false"#,
            r#"4 subprotocol="MSRP";label="msrp";max-time=15000;priority=512"#,
            "1000 ",
        ] {
            let channel = described(value.trim_end());
            let written = format!("9 {}", ChannelParameters::from(&channel));
            assert_eq!(described(written.trim_end()), channel, "{value}");
        }
    }
}
