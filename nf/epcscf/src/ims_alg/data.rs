//! Data channels: m-lines of `webrtc-datachannel`, anchored at the gateway on both legs (TS 24.371 §8.4.2,
//! §8.4.3; RFC 8841, RFC 8842, RFC 8864).
//!
//! What says what the channels are (`dcmap`, `dcsa`, and 3GPP's `3gpp-req-app`, `3gpp-bdc-used-by` and
//! `3gpp-qos-hint`) passes byte for byte; what belongs to the transport is the gateway's on each leg.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;

use core_iq::{
    ChannelDescription, ChannelPlace, ChannelReliability, DataLocal, DataSettings, DtlsRole,
    DtlsSettings, FarEnd, Fingerprint, IceCredentials, NegotiatedChannel, SctpSettings,
};
use wire_sdp::attribute::{
    Candidate, CandidateType, Dcmap, EndOfCandidates, IcePwd, IceUfrag, MaxMessageSize, Mid,
    SctpPort, Setup, TlsId,
};
use wire_sdp::{AddressFamily, Attribute, Connection, Line, Media, MediaLine};

use super::stream::{Agreement, Stream};
use super::{Refused, Unsupported};

/// RFC 8841 §4.3 — the protocol and format of an m-line that we write.
const PROTO: &str = "UDP/DTLS/SCTP";
const FORMAT: &str = "webrtc-datachannel";
/// The old form, understood and answered in kind: `m=application 9 DTLS/SCTP 5000`, `a=sctpmap:5000 …`.
const OLD_PROTO: &str = "DTLS/SCTP";
const SCTPMAP: &str = "sctpmap";

/// One side's data channels, as its m-line describes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DataMedia {
    pub(super) sctp: SctpSettings,
    pub(super) channels: Vec<NegotiatedChannel>,
}

/// DTLS of the far end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CoreDtls {
    pub(super) ice: Option<IceCredentials>,
    pub(super) fingerprints: Vec<Fingerprint>,
    pub(super) setup: Setup,
}

/// Whether an m-line is one of data channels, in any of its forms.
pub(super) fn is_data(line: &MediaLine<'_>) -> bool {
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
    pub(super) fn read(media: &Media) -> Result<DataMedia, Refused> {
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
        Ok(DataMedia {
            sctp: SctpSettings {
                port: port.ok_or(Unsupported::DataChannels)?,
                max_message_size: media.attribute::<MaxMessageSize>()?.map(|size| size.0),
            },
            channels,
        })
    }
}

/// RFC 8864 §5.1 — one channel of `a=dcmap`.
fn channel(map: &Dcmap<'_>) -> Option<NegotiatedChannel> {
    if map.stream == u16::MAX {
        return None;
    }
    let number = |name: &str| map.option(name).map(|value| value.parse::<u32>().ok());
    let reliability = match (number("max-retr"), number("max-time")) {
        (None, None) => ChannelReliability::Reliable,
        (Some(times), None) => ChannelReliability::MaxRetransmits(times?),
        (None, Some(time)) => ChannelReliability::MaxLifetime(time?),
        // RFC 8864 §5.1.5: one of them at most.
        (Some(_), Some(_)) => return None,
    };
    Some(NegotiatedChannel {
        id: map.stream,
        channel: ChannelDescription {
            label: unescaped(map.option("label").unwrap_or_default())?,
            protocol: unescaped(map.option("subprotocol").unwrap_or_default())?,
            ordered: match map.option("ordered") {
                None | Some("true") => true,
                Some("false") => false,
                Some(_) => return None,
            },
            reliability,
            priority: match map.option("priority") {
                None => 256,
                Some(value) => value.parse().ok()?,
            },
        },
        place: ChannelPlace::Both,
    })
}

/// RFC 8864 §5.1 — `%` and two digits stand for an octet of UTF-8.
fn unescaped(text: &str) -> Option<String> {
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            octets.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        // A number may have a sign, an octet has none.
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let digits = std::str::from_utf8(digits).ok()?;
        octets.push(u8::from_str_radix(digits, 16).ok()?);
        rest = after;
    }
    String::from_utf8(octets).ok()
}

/// RFC 8842 §5 — the gateway's role towards the core: it begins where it may.
pub(super) fn core_role(setup: Setup, before: Option<DtlsRole>) -> DtlsRole {
    match setup {
        Setup::Active | Setup::HoldConn => DtlsRole::Server,
        Setup::Passive => DtlsRole::Client,
        Setup::ActPass => before.unwrap_or(DtlsRole::Client),
    }
}

/// What the gateway is told when an answer has settled the channels: those that both sides have.
pub(super) fn settings(agreed: &Agreement, role: DtlsRole) -> Option<DataSettings> {
    let (wic, core) = (agreed.wic.data.as_ref()?, agreed.core.data.as_ref()?);
    let (core, dtls) = core;
    let both = |one: &&NegotiatedChannel| core.channels.iter().any(|other| other.id == one.id);
    Some(DataSettings {
        w3: Some(wic.sctp),
        core: Some(core.sctp),
        core_dtls: Some(DtlsSettings {
            remote_ice: dtls.ice.clone(),
            remote_fingerprints: Some(dtls.fingerprints.clone()),
            remote_tls_id: None,
            dtls_role: Some(role),
        }),
        w3_tls_id: None,
        offered: None,
        channels: Some(wic.channels.iter().filter(both).cloned().collect()),
        far_end: Some(FarEnd::Relay { announce: false }),
    })
}

/// The m-line towards the core: an offer, or the answer to the core's own.
pub(super) fn to_core(mut media: Media, stream: &Stream, core_offer: Option<&Media>) -> Media {
    let Some(local) = &stream.data else {
        return media;
    };
    let setup = match (core_offer, stream.core_role) {
        (None, _) => Setup::ActPass,
        (Some(_), Some(DtlsRole::Server)) => Setup::Passive,
        (Some(_), _) => Setup::Active,
    };
    form(&mut media, local, core_offer);
    place(&mut media, stream.core.rtp);
    // RFC 8839 §4.2.5: an answer has ICE only when its offer has.
    if core_offer.is_none_or(|offer| offer.has(IceUfrag::NAME)) {
        ice(&mut media, &local.core_ice, &[stream.core.rtp]);
    }
    dtls(&mut media, &local.core_fingerprint, setup);
    media.push_attribute(&TlsId(&tls_id(&local.core_ice)));
    media
}

/// The m-line towards the WIC: an offer under this identification, or the answer to the WIC's own.
pub(super) fn to_wic(
    mut media: Media,
    stream: &Stream,
    mid: Option<&str>,
    wic_offer: Option<&Media>,
) -> Media {
    let Some(local) = &stream.data else {
        return media;
    };
    let setup = match (wic_offer, stream.role) {
        (None, _) => Setup::ActPass,
        (Some(_), Some(DtlsRole::Client)) => Setup::Active,
        (Some(_), _) => Setup::Passive,
    };
    form(&mut media, local, wic_offer);
    let candidates = &stream.w3.candidates;
    if let Some(first) = candidates.first() {
        place(&mut media, *first);
    }
    if let Some(mid) = mid {
        media.push_attribute(&Mid(mid));
    }
    ice(&mut media, &stream.w3.ice, candidates);
    dtls(&mut media, &stream.w3.fingerprint, setup);
    if wic_offer.is_some_and(|offer| offer.has(TlsId::NAME)) {
        media.push_attribute(&TlsId(&tls_id(&stream.w3.ice)));
    }
    media
}

/// RFC 8841 §4, §5, §6 — protocol, format and SCTP. An answer has the form of its offer (RFC 3264 §6).
fn form(media: &mut Media, local: &DataLocal, offer: Option<&Media>) {
    for name in [SctpPort::NAME, MaxMessageSize::NAME, SCTPMAP] {
        media.remove_attribute(name);
    }
    let proto = offer.map_or(PROTO, |offer| offer.line().proto);
    let port = local.sctp_port;
    media.set_proto(proto);
    if proto.eq_ignore_ascii_case(OLD_PROTO) {
        media.set_formats([port]);
        media.insert(Line::new(
            'a',
            format_args!("{SCTPMAP}:{port} {FORMAT} 65535"),
        ));
    } else {
        media.set_formats([FORMAT]);
        media.push_attribute(&SctpPort(port));
    }
    media.push_attribute(&MaxMessageSize(u64::from(local.max_message_size)));
}

fn place(media: &mut Media, address: SocketAddr) {
    media.set_port(address.port());
    let text = address.ip().to_string();
    media.set_connection(Some(&Connection {
        family: AddressFamily::of(address.ip()),
        address: &text,
    }));
}

fn ice(media: &mut Media, credentials: &IceCredentials, candidates: &[SocketAddr]) {
    media.push_attribute(&IceUfrag(&credentials.ufrag));
    media.push_attribute(&IcePwd(&credentials.pwd));
    for (at, candidate) in candidates.iter().enumerate() {
        media.push_attribute(&Candidate {
            foundation: &(at + 1).to_string(),
            component: 1,
            transport: "UDP",
            priority: Candidate::host_priority(u16::MAX - at as u16),
            address: &candidate.ip().to_string(),
            port: candidate.port(),
            kind: CandidateType::Host,
            extensions: "",
        });
    }
    media.push_attribute(&EndOfCandidates);
}

fn dtls(media: &mut Media, fingerprint: &Fingerprint, setup: Setup) {
    let text = fingerprint.to_sdp();
    let (algorithm, digest) = text.split_once(' ').unwrap_or((text.as_str(), ""));
    media.push_attribute(&wire_sdp::attribute::Fingerprint {
        algorithm,
        text: digest,
    });
    media.push_attribute(&setup);
}

/// RFC 8842 §5.2 — names our DTLS association: as unique as the credentials that it is made of.
fn tls_id(credentials: &IceCredentials) -> String {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, &credentials.ufrag, &credentials.pwd).hash(&mut hasher);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(0), half(1))
}

#[cfg(test)]
mod tests {
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
