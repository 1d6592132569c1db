//! Offers and answers of a WIC: TS 24.371 §7.2.2 and §7.2.3, RFC 8829 without BUNDLE.
//!
//! One audio m-line is ours; what else is offered is refused with port 0.

use std::fmt::Write;
use std::net::SocketAddr;

use wire_sdp::Session;
use wire_sdp::attribute::{Candidate, Direction, Setup};

use crate::media::{Codec, MediaPlan, MediaSession, RemoteTransport};

/// The number that we offer telephone-event with.
const TELEPHONE_EVENT: u8 = 101;

/// Why a description cannot be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SdpError {
    /// It is not SDP, or a line of it is not what it should be.
    #[error("malformed SDP: {0}")]
    Malformed(String),
    /// No audio, no codec of ours, or no DTLS-SRTP.
    #[error("nothing in common: {0}")]
    NothingInCommon(&'static str),
}

/// Our description of the moment.
#[derive(Debug)]
pub(crate) struct Describe {
    pub(crate) session_id: u64,
    pub(crate) version: u64,
    pub(crate) codecs: Vec<Codec>,
}

/// What the peer's description says of the m-line that is ours.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) transport: RemoteTransport,
    pub(crate) plan: MediaPlan,
    /// As its writer sees it.
    pub(crate) direction: Direction,
    /// Media, port and proto of each m-line, for the answer; and which is ours.
    lines: Vec<Refused>,
    index: usize,
    mid: Option<String>,
}

#[derive(Clone, Debug)]
struct Refused {
    media: String,
    proto: String,
    formats: String,
    mid: Option<String>,
}

impl Describe {
    /// TS 24.371 §7.2.2 — UDP/TLS/RTP/SAVPF, rtcp-mux, `3ge2ae:requested`, no BUNDLE.
    pub(crate) fn offer(&mut self, media: &mut MediaSession, direction: Direction) -> String {
        let mut sdp = self.head(media.local());
        let codecs: Vec<(u8, Codec)> = self
            .codecs
            .iter()
            .map(|codec| (codec.payload_type(), *codec))
            .collect();
        let line = Line {
            codecs: &codecs,
            telephone_event: Some(TELEPHONE_EVENT),
            direction,
            setup: Setup::ActPass,
            mid: Some("0"),
            offer: true,
        };
        line.write(&mut sdp, media);
        sdp
    }

    /// RFC 3264 §6 — as many m-lines as the offer has, one of them with media.
    pub(crate) fn answer(
        &mut self,
        media: &mut MediaSession,
        offer: &Remote,
        direction: Direction,
    ) -> String {
        let mut sdp = self.head(media.local());
        for (index, refused) in offer.lines.iter().enumerate() {
            if index == offer.index {
                let line = Line {
                    codecs: &[(offer.plan.payload_type, offer.plan.codec)],
                    telephone_event: offer.plan.telephone_event,
                    direction,
                    setup: if offer.transport.active {
                        Setup::Active
                    } else {
                        Setup::Passive
                    },
                    mid: offer.mid.as_deref(),
                    offer: false,
                };
                line.write(&mut sdp, media);
                continue;
            }
            let Refused {
                media: kind,
                proto,
                formats,
                mid,
            } = refused;
            let _ = write!(sdp, "m={kind} 0 {proto} {formats}\r\nc=IN IP4 0.0.0.0\r\n");
            if let Some(mid) = mid {
                let _ = write!(sdp, "a=mid:{mid}\r\n");
            }
        }
        sdp
    }

    fn head(&mut self, local: SocketAddr) -> String {
        self.version += 1;
        let (id, version) = (self.session_id, self.version);
        let (family, ip) = family(local);
        format!("v=0\r\no=- {id} {version} IN {family} {ip}\r\ns=-\r\nt=0 0\r\n")
    }
}

struct Line<'a> {
    codecs: &'a [(u8, Codec)],
    telephone_event: Option<u8>,
    direction: Direction,
    setup: Setup,
    mid: Option<&'a str>,
    offer: bool,
}

impl Line<'_> {
    fn write(&self, sdp: &mut String, media: &mut MediaSession) {
        let local = media.local();
        let (family, ip) = family(local);
        let port = local.port();
        let numbers = self.codecs.iter().map(|(number, _)| *number);
        let formats: Vec<String> = numbers
            .chain(self.telephone_event)
            .map(|number| number.to_string())
            .collect();
        let (ufrag, pwd) = media.credentials();
        let fingerprint = media.fingerprint();
        let mut line = |text: std::fmt::Arguments<'_>| {
            let _ = write!(sdp, "{text}\r\n");
        };
        let formats = formats.join(" ");
        line(format_args!("m=audio {port} UDP/TLS/RTP/SAVPF {formats}"));
        line(format_args!("c=IN {family} {ip}"));
        if let Some(mid) = self.mid {
            line(format_args!("a=mid:{mid}"));
        }
        line(format_args!("a={}", self.direction));
        line(format_args!("a=rtcp-mux"));
        if self.offer {
            line(format_args!("a=3ge2ae:requested"));
        }
        line(format_args!("a=ice-ufrag:{ufrag}"));
        line(format_args!("a=ice-pwd:{pwd}"));
        let priority = Candidate::host_priority(65535);
        line(format_args!(
            "a=candidate:1 1 udp {priority} {ip} {port} typ host"
        ));
        line(format_args!("a=end-of-candidates"));
        line(format_args!("a=fingerprint:{fingerprint}"));
        line(format_args!("a=setup:{}", self.setup));
        for (number, codec) in self.codecs {
            line(format_args!("a=rtpmap:{number} {}/8000", codec.name()));
        }
        if let Some(number) = self.telephone_event {
            line(format_args!("a=rtpmap:{number} telephone-event/8000"));
            line(format_args!("a=fmtp:{number} 0-15"));
        }
        line(format_args!("a=ptime:20"));
        line(format_args!("a=ssrc:{} cname:isthmus-wic", media.ssrc()));
    }
}

/// Reads the peer's description; `offered`: it answers ours.
pub(crate) fn read(body: &[u8], codecs: &[Codec], offered: bool) -> Result<Remote, SdpError> {
    let bad = |error: wire_sdp::Malformed| SdpError::Malformed(error.to_string());
    let session = Session::parse(body).map_err(bad)?;
    let index = session
        .medias()
        .iter()
        .position(|media| media.line().media == "audio" && media.line().port != 0)
        .ok_or(SdpError::NothingInCommon("no audio"))?;
    let media = &session.medias()[index];

    // The order of the peer's preference (RFC 3264 §6.1).
    let (payload_type, codec) = media
        .line()
        .payload_types()
        .find_map(|number| {
            let codec = codecs.iter().find(|codec| codec.payload_type() == number)?;
            Some((number, *codec))
        })
        .ok_or(SdpError::NothingInCommon("no codec"))?;
    let telephone_event = media.payloads().find_map(|(number, map)| {
        map.filter(|map| map.is("telephone-event") && map.clock == 8000)
            .map(|_| number)
    });

    let ice = session.media_ice(index).map_err(bad)?;
    let ice = ice.ok_or(SdpError::NothingInCommon("no ICE"))?;
    let fingerprints = session.media_fingerprints(index).map_err(bad)?;
    let fingerprint = fingerprints
        .iter()
        .find(|fingerprint| fingerprint.algorithm.eq_ignore_ascii_case("sha-256"))
        .or(fingerprints.first())
        .ok_or(SdpError::NothingInCommon("no fingerprint"))?;
    let setup = session.media_attribute::<Setup>(index).map_err(bad)?;
    // RFC 5763 §5: who answers an offer of actpass should begin.
    let active = match setup {
        Some(Setup::Active) => false,
        Some(Setup::Passive) => true,
        _ => !offered,
    };
    let candidates = media
        .attributes::<Candidate<'_>>()
        .flatten()
        .filter(|candidate| candidate.component == 1)
        .filter(|candidate| candidate.transport.eq_ignore_ascii_case("udp"))
        .filter_map(|candidate| candidate.socket_address())
        .collect();
    let direction = session.media_direction(index);
    Ok(Remote {
        transport: RemoteTransport {
            ufrag: ice.ufrag.to_owned(),
            pwd: ice.pwd.to_owned(),
            lite: session.section().has("ice-lite"),
            fingerprint: (
                fingerprint.algorithm.to_ascii_lowercase(),
                fingerprint.digest(),
            ),
            candidates,
            active,
            offered,
        },
        plan: MediaPlan {
            codec,
            payload_type,
            telephone_event,
            send: direction.receives(),
        },
        direction,
        lines: session.medias().iter().map(refused).collect(),
        index,
        mid: media.value("mid").map(str::to_owned),
    })
}

fn refused(media: &wire_sdp::Media) -> Refused {
    let line = media.line();
    let formats: Vec<&str> = line.formats().collect();
    Refused {
        media: line.media.to_owned(),
        proto: line.proto.to_owned(),
        formats: formats.join(" "),
        mid: media.value("mid").map(str::to_owned),
    }
}

fn family(address: SocketAddr) -> (&'static str, String) {
    let ip = address.ip().to_string();
    (if address.is_ipv4() { "IP4" } else { "IP6" }, ip)
}
