//! What the WIC sees: DTLS-SRTP at the gateway's candidates, one transport an m-line (TS 24.371 §7.4.2, §7.4.3).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use core_iq::{DtlsRole, MediaKind, W3Local};
use wire_sdp::attribute::{
    Candidate, CandidateType, Direction, EndOfCandidates, EndToAccessEdge, Fingerprint, IceLite,
    IcePwd, IceUfrag, Mid, RtcpMux, Setup,
};
use wire_sdp::{AddressFamily, Connection, Line, Media, MediaLine, Session};

use super::stream::Stream;
use super::{feedback, payloads};

/// RFC 5764 §8 — the profile of every m-line that is offered on W2 (TS 24.371 §7.4.3).
const PROFILE: &str = "UDP/TLS/RTP/SAVPF";

/// An m-line of the core's offer as the WIC is offered it. It comes cleaned of what is the core's alone.
pub(super) fn offered(
    mut media: Media,
    kind: MediaKind,
    stream: &Stream,
    numbers: &[(u8, u8)],
    direction: Direction,
    mid: &str,
) -> Media {
    let far = feedback::taken(&media, numbers);
    payloads::renumber(&mut media, numbers);
    feedback::write(
        &mut media,
        kind,
        &far,
        numbers.iter().map(|(_, w3)| *w3),
        |_, _| true,
    );
    place(
        &mut media,
        PROFILE,
        &stream.w3,
        Setup::ActPass,
        direction,
        Some(mid),
    );
    media.push_attribute(&EndToAccessEdge::APPLIED);
    media
}

/// An m-line of the core's answer as the WIC gets it, in answer to the WIC's own.
pub(super) fn answered(
    mut media: Media,
    kind: MediaKind,
    stream: &Stream,
    numbers: &[(u8, u8)],
    direction: Direction,
    wic_offer: &Media,
) -> Media {
    let far = feedback::taken(&media, numbers);
    payloads::renumber(&mut media, numbers);
    // RFC 4585 §4.2: an answer has no feedback that its offer had not.
    let offered = |payload: u8, words: &str| feedback::takes(wic_offer, payload, words);
    feedback::write(
        &mut media,
        kind,
        &far,
        numbers.iter().map(|(_, w3)| *w3),
        offered,
    );
    let setup = match stream.role {
        Some(DtlsRole::Client) => Setup::Active,
        Some(DtlsRole::Server) | None => Setup::Passive,
    };
    let mid = wic_offer.value("mid");
    place(
        &mut media,
        wic_offer.line().proto,
        &stream.w3,
        setup,
        direction,
        mid,
    );
    media
}

/// An m-line that is not carried: port 0, with the identification that it was offered under.
pub(super) fn rejected(line: &MediaLine<'_>, mid: Option<&str>) -> Option<Media> {
    let mut media = Media::new(&MediaLine {
        port: 0,
        ports: None,
        ..*line
    })
    .ok()?;
    let address = Ipv4Addr::UNSPECIFIED.to_string();
    media.set_connection(Some(&Connection {
        family: AddressFamily::Ip4,
        address: &address,
    }));
    media.insert(Line::new('a', Direction::Inactive));
    if let Some(mid) = mid {
        media.push_attribute(&Mid(mid));
    }
    Some(media)
}

/// The description: session lines of the core's, cleaned, with `a=ice-lite` (RFC 8839 §5.3) and these m-lines.
/// There is no group: TS 24.371 §7.4.2 rejects bundling.
pub(super) fn assembled(template: &Session, media: Vec<Media>) -> Session {
    let mut session = template.clone();
    session.retain_media(|_, _| false);
    let section = session.section_mut();
    section.retain(|line| {
        line.attribute_name()
            .and_then(Direction::from_name)
            .is_none()
    });
    section.set_connection(None);
    section.push_attribute(&IceLite);
    for media in media {
        session.push_media(media);
    }
    session
}

/// Where the gateway listens for the WIC, for `o=`.
pub(super) fn address(w3: &W3Local) -> IpAddr {
    w3.candidates
        .first()
        .map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |candidate| {
            candidate.ip()
        })
}

fn place(
    media: &mut Media,
    profile: &str,
    w3: &W3Local,
    setup: Setup,
    direction: Direction,
    mid: Option<&str>,
) {
    media.set_proto(profile);
    // RFC 8839 §4.1.1.1: m= and c= are the default candidate's.
    let address = address(w3);
    media.set_port(w3.candidates.first().map_or(9, SocketAddr::port));
    let text = address.to_string();
    media.set_connection(Some(&Connection {
        family: AddressFamily::of(address),
        address: &text,
    }));
    media.set_direction(direction);
    if let Some(mid) = mid {
        media.push_attribute(&Mid(mid));
    }
    media.push_attribute(&RtcpMux);
    media.push_attribute(&IceUfrag(&w3.ice.ufrag));
    media.push_attribute(&IcePwd(&w3.ice.pwd));
    for (at, candidate) in w3.candidates.iter().enumerate() {
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
    let text = w3.fingerprint.to_sdp();
    let (algorithm, digest) = text.split_once(' ').unwrap_or((text.as_str(), ""));
    media.push_attribute(&Fingerprint {
        algorithm,
        text: digest,
    });
    media.push_attribute(&setup);
}
