//! What an m-line of data channels says.

use core_iq::{
    ChannelPlace, DataSettings, Fingerprint, IceCredentials, NegotiatedChannel, SctpSettings,
};
use wire_sdp::attribute::{ChannelParameters, Dcmap, MaxMessageSize, SctpPort, Setup, TlsId};
use wire_sdp::{Media, MediaLine};

use super::super::{Refused, Unsupported};
use super::{FORMAT, OLD_PROTO, PROTO, SCTPMAP};

/// One side's data channels, as its m-line describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ims_alg) struct DataMedia {
    pub(in crate::ims_alg) sctp: SctpSettings,
    /// RFC 8842 §4 — the name of its DTLS association.
    pub(in crate::ims_alg) tls_id: Option<String>,
    /// Without those whose label or subprotocol is too long: these are as if they were not there.
    pub(in crate::ims_alg) channels: Vec<NegotiatedChannel>,
    /// Those of the WIC that the edge takes for itself; they are not among the others.
    pub(in crate::ims_alg) bootstrap: Vec<NegotiatedChannel>,
}

/// DTLS of the far end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ims_alg) struct CoreDtls {
    pub(in crate::ims_alg) ice: Option<IceCredentials>,
    pub(in crate::ims_alg) fingerprints: Vec<Fingerprint>,
    pub(in crate::ims_alg) setup: Setup,
}

/// Whether an m-line is one of data channels, in any of its forms.
pub(in crate::ims_alg) fn is_data(line: &MediaLine<'_>) -> bool {
    let proto = line.proto.to_ascii_uppercase();
    line.media == "application"
        && match proto.as_str() {
            PROTO | "TCP/DTLS/SCTP" => line.formats.split(' ').any(|format| format == FORMAT),
            OLD_PROTO => line.formats.parse::<u16>().is_ok(),
            _ => false,
        }
}

impl DataMedia {
    /// RFC 8841 §5, §6; RFC 8864 §5.1 — what an m-line says. A channel that cannot be, or is there twice,
    /// refuses the m-line.
    pub(in crate::ims_alg) fn read(media: &Media) -> Result<DataMedia, Refused> {
        let line = media.line();
        let port = if line.proto.eq_ignore_ascii_case(OLD_PROTO) {
            let mapped = media.values(SCTPMAP).any(|map| {
                let mut words = map.split(' ');
                words.next() == Some(line.formats) && words.next() == Some(FORMAT)
            });
            if !mapped {
                return Err(Unsupported::DataChannels.into());
            }
            line.formats.parse().ok()
        } else {
            Some(media.attribute::<SctpPort>()?.map_or(5000, |port| port.0))
        };
        // RFC 8841 §5.2: 0 is an association that is to end.
        let port = port.filter(|port| *port != 0);
        let mut channels: Vec<NegotiatedChannel> = Vec::new();
        for map in media.attributes::<Dcmap<'_>>() {
            let channel = map.ok().and_then(|map| channel(&map));
            let Some(channel) = channel else {
                return Err(Unsupported::DataChannels.into());
            };
            let twice = channels.iter().any(|other| other.id == channel.id);
            if twice || channels.len() == DataSettings::MAX_CHANNELS {
                return Err(Unsupported::DataChannels.into());
            }
            channels.push(channel);
        }
        channels.retain(|one| {
            let names = [&one.channel.label, &one.channel.protocol];
            names
                .iter()
                .all(|name| name.len() <= DataSettings::MAX_NAME)
        });
        Ok(DataMedia {
            sctp: SctpSettings {
                port: port.ok_or(Unsupported::DataChannels)?,
                max_message_size: media.attribute::<MaxMessageSize>()?.map(|size| size.0),
            },
            // One that cannot be read names nothing.
            tls_id: media
                .attribute::<TlsId<'_>>()
                .ok()
                .flatten()
                .map(|id| id.0.to_owned()),
            channels,
            bootstrap: Vec::new(),
        })
    }

    /// Whether there is a channel of this id.
    pub(in crate::ims_alg) fn has(&self, id: u16) -> bool {
        self.channels.iter().any(|one| one.id == id)
    }

    /// The ids of all.
    pub(in crate::ims_alg) fn ids(&self) -> Vec<u16> {
        self.channels.iter().map(|one| one.id).collect()
    }
}

/// RFC 8864 §5.1 — one channel of `a=dcmap`.
fn channel(map: &Dcmap<'_>) -> Option<NegotiatedChannel> {
    if map.stream == u16::MAX {
        return None;
    }
    Some(NegotiatedChannel {
        id: map.stream,
        channel: ChannelParameters::read(map)?.into(),
        place: ChannelPlace::Both,
    })
}

#[cfg(test)]
mod tests {
    use core_iq::ChannelReliability;
    use wire_sdp::Attribute;

    use super::*;

    fn map(text: &str) -> Option<NegotiatedChannel> {
        channel(&Dcmap::parse(text).ok()?)
    }

    /// RFC 8864 §5.1
    #[test]
    fn a_channel_of_sdp() {
        let text =
            "1000 label=\"a%22b%C3%BC\";subprotocol=\"http\";ordered=false;max-retr=3;priority=512";
        let channel = map(text).expect("a channel");
        assert_eq!(channel.id, 1000);
        assert_eq!(channel.channel.label, "a\"bü");
        assert_eq!(channel.channel.protocol, "http");
        assert!(!channel.channel.ordered);
        let times = ChannelReliability::MaxRetransmits(3);
        assert_eq!(channel.channel.reliability, times);
        assert_eq!(channel.channel.priority, 512);
        let plain = map("0").expect("a channel").channel;
        assert!(plain.ordered && plain.priority == 256);
    }

    #[test]
    fn channels_that_cannot_be() {
        for text in [
            "65535",
            "0 max-retr=1;max-time=1",
            "0 max-time=x",
            "0 ordered=maybe",
            "0 label=\"%zz\"",
            "0 label=\"%+f\"",
            "0 label=\"%ff\"",
            "0 priority=65536",
        ] {
            assert_eq!(map(text), None, "{text}");
        }
    }
}
