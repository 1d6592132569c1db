//! What the core sees: plain RTP at the gateway's address, one port for RTP and one for RTCP.

use std::net::IpAddr;

use core_iq::{CoreLocal, MediaKind};
use wire_sdp::attribute::{Direction, IceLite, IceUfrag, Rtcp};
use wire_sdp::{AddressFamily, Attribute, Connection, Media, MediaLine, Session};

use super::stream::Stream;
use super::{Policy, bandwidth, feedback, payloads, precondition};

/// TS 23.334 §6.2.10.5 — the profile that is offered towards the core.
const OFFERED_PROFILE: &str = "RTP/AVP";

/// An m-line of the WIC's offer as the core is offered it. It comes cleaned of what is the access's alone.
pub(super) fn offered(
    mut media: Media,
    kind: MediaKind,
    stream: &Stream,
    numbers: &[(u8, u8)],
    direction: Direction,
    policy: &Policy,
) -> Media {
    payloads::renumber(&mut media, numbers);
    feedback::retain(&mut media, |_, _| true);
    place(
        &mut media,
        kind,
        OFFERED_PROFILE,
        &stream.core,
        direction,
        policy,
    );
    media
}

/// An m-line of the WIC's answer as the core gets it, in answer to the core's own.
pub(super) fn answered(
    mut media: Media,
    kind: MediaKind,
    stream: &Stream,
    numbers: &[(u8, u8)],
    direction: Direction,
    core_offer: &Media,
    policy: &Policy,
) -> Media {
    let far = feedback::taken(&media, numbers);
    payloads::renumber(&mut media, numbers);
    // RFC 4585 §4.2: an answer has no feedback that its offer had not.
    let offered = |payload: u8, words: &str| feedback::takes(core_offer, payload, words);
    feedback::write(
        &mut media,
        kind,
        &far,
        numbers.iter().map(|(_, core)| *core),
        offered,
    );
    // RFC 3264 §6: the transport of an answer is that of its offer.
    place(
        &mut media,
        kind,
        core_offer.line().proto,
        &stream.core,
        direction,
        policy,
    );
    precondition::answer(core_offer, &mut media);
    media
}

/// An m-line that is not carried: port 0, and nothing below it.
pub(super) fn rejected(line: &MediaLine<'_>) -> Option<Media> {
    let proto = if line.proto.contains("TLS") && !line.proto.ends_with("SCTP") {
        OFFERED_PROFILE
    } else {
        line.proto
    };
    Media::new(&MediaLine {
        port: 0,
        ports: None,
        proto,
        ..*line
    })
    .ok()
}

/// The description: session lines of the WIC's, cleaned, with the gateway's address and these m-lines.
pub(super) fn assembled(template: &Session, media: Vec<Media>, address: IpAddr) -> Session {
    let mut session = template.clone();
    session.retain_media(|_, _| false);
    let section = session.section_mut();
    // The direction stands in every m-line, so one for all is left over.
    section.retain(|line| {
        line.attribute_name()
            .and_then(Direction::from_name)
            .is_none()
    });
    let text = address.to_string();
    section.set_connection(Some(&Connection {
        family: AddressFamily::of(address),
        address: &text,
    }));
    // RFC 8839 §5.3: media without ICE are none the wiser for it.
    if media.iter().any(|media| media.has(IceUfrag::NAME)) {
        section.push_attribute(&IceLite);
    }
    for media in media {
        session.push_media(media);
    }
    session
}

fn place(
    media: &mut Media,
    kind: MediaKind,
    profile: &str,
    local: &CoreLocal,
    direction: Direction,
    policy: &Policy,
) {
    media.set_proto(profile);
    media.set_port(local.rtp.port());
    let address = local.rtp.ip().to_string();
    let family = AddressFamily::of(local.rtp.ip());
    media.set_connection(Some(&Connection {
        family,
        address: &address,
    }));
    bandwidth::insert(media, kind, local.rtp.is_ipv6(), policy);
    let address = local.rtcp.ip().to_string();
    let connection = (local.rtcp.ip() != local.rtp.ip()).then_some(Connection {
        family: AddressFamily::of(local.rtcp.ip()),
        address: &address,
    });
    media.set_attribute(&Rtcp {
        port: local.rtcp.port(),
        connection,
    });
    media.set_direction(direction);
}
