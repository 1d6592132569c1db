//! The m-lines of data channels that either leg sees: the gateway's.

use std::net::SocketAddr;

use core_iq::{DataLocal, DtlsRole, Fingerprint, IceCredentials};
use wire_sdp::attribute::{
    Candidate, CandidateType, Dcmap, Dcsa, EndOfCandidates, IcePwd, IceUfrag, MaxMessageSize, Mid,
    SctpPort, Setup, TlsId,
};
use wire_sdp::{AddressFamily, Attribute, Connection, Line, Media};

use super::super::stream::Stream;
use super::announce::Announced;
use super::{FORMAT, OLD_PROTO, PROTO, SCTPMAP};

/// The m-line towards the core: an offer, or the answer to the core's own. Of the WIC's channels these are there,
/// and these that it opened in band.
pub(in crate::ims_alg) fn to_core<'a>(
    mut media: Media,
    stream: &Stream,
    core_offer: Option<&Media>,
    channels: &[u16],
    announced: impl Iterator<Item = &'a Announced>,
) -> Media {
    let Some(local) = &stream.data else {
        return media;
    };
    let setup = match (core_offer, stream.core_role) {
        (None, _) => Setup::ActPass,
        (Some(_), Some(DtlsRole::Server)) => Setup::Passive,
        (Some(_), _) => Setup::Active,
    };
    retain(&mut media, channels);
    for one in announced {
        let options = one.parameters().to_string();
        media.push_attribute(&Dcmap {
            stream: one.id,
            options: &options,
        });
    }
    form(&mut media, local, core_offer);
    place(&mut media, stream.core.rtp);
    // RFC 8839 §4.2.5: an answer has ICE only when its offer has.
    if core_offer.is_none_or(|offer| offer.has(IceUfrag::NAME)) {
        ice(&mut media, &local.core_ice, &[stream.core.rtp]);
    }
    dtls(&mut media, &local.core_fingerprint, setup);
    // RFC 8842 §5.3: an answer has it when its offer has.
    if core_offer.is_none_or(|offer| offer.has(TlsId::NAME)) && !local.core_tls_id.is_empty() {
        media.push_attribute(&TlsId(&local.core_tls_id));
    }
    media
}

/// The m-line towards the WIC: an offer under this identification, or the answer to the WIC's own. Of the core's
/// channels these are there.
pub(in crate::ims_alg) fn to_wic(
    mut media: Media,
    stream: &Stream,
    mid: Option<&str>,
    wic_offer: Option<&Media>,
    channels: &[u16],
) -> Media {
    let Some(local) = &stream.data else {
        return media;
    };
    let setup = match (wic_offer, stream.role) {
        (None, _) => Setup::ActPass,
        (Some(_), Some(DtlsRole::Client)) => Setup::Active,
        (Some(_), _) => Setup::Passive,
    };
    retain(&mut media, channels);
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
    if wic_offer.is_none_or(|offer| offer.has(TlsId::NAME)) && !local.w3_tls_id.is_empty() {
        media.push_attribute(&TlsId(&local.w3_tls_id));
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

/// RFC 8864 §5.1, §5.2 — leaves what describes these channels, and takes what describes others.
fn retain(media: &mut Media, channels: &[u16]) {
    let names = [Dcmap::NAME, Dcsa::NAME];
    media.retain(|line| {
        let described = names.iter().find_map(|name| line.attribute_value(name));
        described.is_none_or(|value| {
            let id = value.trim_start().split(' ').next().unwrap_or_default();
            id.parse().is_ok_and(|id| channels.contains(&id))
        })
    });
}
