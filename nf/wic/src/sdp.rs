//! Offers and answers of a WIC: TS 24.371 §7.2.2 and §7.2.3, RFC 8829 without BUNDLE.
//!
//! One audio m-line is ours, and one for video where it is wanted; what else is offered is refused with
//! port 0.

use std::fmt::Write;
use std::net::SocketAddr;

use wire_sdp::Session;
use wire_sdp::attribute::{Candidate, Direction, Setup};

use crate::Config;
use crate::media::{Codec, Line, MediaPlan, MediaSession, RemoteTransport, VideoSession};

/// The number that we offer telephone-event with.
const TELEPHONE_EVENT: u8 = 101;

/// The number that we offer VP8 with.
const VP8: u8 = 100;

/// RFC 5764 §8.
const PROTO: &str = "UDP/TLS/RTP/SAVPF";

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
    session_id: u64,
    version: u64,
    codecs: Vec<Codec>,
    /// The m-lines of the session, which stay in their places (RFC 3264 §8).
    slots: Vec<Slot>,
    /// How many `a=mid` values were given out.
    mids: u32,
    /// What was said last, after its o= line.
    said: String,
}

/// The m-lines of a session, to be put back when an offer was refused.
#[derive(Clone, Debug)]
pub(crate) struct Slots(Vec<Slot>);

/// An m-line, and what it is for.
#[derive(Clone, Debug)]
struct Slot {
    role: Role,
    media: String,
    proto: String,
    formats: String,
    mid: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Audio,
    Video,
    Refused,
}

/// What the peer's description says of the m-lines that are ours.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) transport: RemoteTransport,
    pub(crate) plan: MediaPlan,
    /// As its writer sees it.
    pub(crate) direction: Direction,
    pub(crate) video: Option<RemoteVideo>,
    /// All m-lines, for the answer.
    slots: Vec<Slot>,
}

/// What it says of video.
#[derive(Clone, Debug)]
pub(crate) struct RemoteVideo {
    pub(crate) transport: RemoteTransport,
    pub(crate) payload_type: u8,
    /// As its writer sees it.
    pub(crate) direction: Direction,
}

impl Describe {
    /// The first description will have this session identifier.
    pub(crate) fn new(session_id: u64, codecs: &[Codec]) -> Self {
        Self {
            session_id,
            version: 0,
            codecs: codecs.to_vec(),
            slots: Vec::new(),
            mids: 0,
            said: String::new(),
        }
    }

    /// The m-lines as they are.
    pub(crate) fn slots(&self) -> Slots {
        Slots(self.slots.clone())
    }

    /// RFC 3264 §8 — an offer was refused: the m-lines are those of before.
    pub(crate) fn restore(&mut self, slots: Slots) {
        self.slots = slots.0;
    }

    /// TS 24.371 §7.2.2 — UDP/TLS/RTP/SAVPF, rtcp-mux, `3ge2ae:requested`, no BUNDLE.
    pub(crate) fn offer(
        &mut self,
        audio: &mut MediaSession,
        video: Option<&mut VideoSession>,
        direction: Direction,
    ) -> String {
        if self.slots.is_empty() {
            self.add(Role::Audio);
        }
        let at = self.slots.iter().position(|slot| slot.role == Role::Video);
        match (at, &video) {
            (None, Some(_)) => self.add(Role::Video),
            // RFC 3264 §8.2: a stream that is removed leaves its m-line.
            (Some(at), None) => self.slots[at].role = Role::Refused,
            _ => {}
        }
        let codecs: Vec<(u8, Codec)> = self
            .codecs
            .iter()
            .map(|codec| (codec.payload_type(), *codec))
            .collect();
        let audio_payloads = audio_payloads(&codecs, Some(TELEPHONE_EVENT));
        let number = video.as_ref().and_then(|video| video.payload_type());
        let video_payloads = video_payloads(number.unwrap_or(VP8));
        let terms = |payloads| Terms {
            payloads,
            direction,
            setup: Setup::ActPass,
            offer: true,
        };
        self.write(
            audio,
            &terms(audio_payloads),
            video.map(|video| (video, terms(video_payloads))),
        )
    }

    /// RFC 3264 §8.1 — another m-line: in the place of one that is refused, or at the end.
    fn add(&mut self, role: Role) {
        let mid = loop {
            let mid = self.mids.to_string();
            self.mids += 1;
            if !self
                .slots
                .iter()
                .any(|slot| slot.mid.as_ref() == Some(&mid))
            {
                break mid;
            }
        };
        let media = if role == Role::Video {
            "video"
        } else {
            "audio"
        };
        let slot = Slot {
            role,
            media: media.into(),
            proto: PROTO.into(),
            formats: VP8.to_string(),
            mid: Some(mid),
        };
        let free = |slot: &&mut Slot| slot.role == Role::Refused && slot.media == media;
        match self.slots.iter_mut().find(free) {
            Some(place) => *place = slot,
            None => self.slots.push(slot),
        }
    }

    /// RFC 3264 §6 — as many m-lines as the offer has, those with media that are ours.
    pub(crate) fn answer(
        &mut self,
        audio: &mut MediaSession,
        video: Option<&mut VideoSession>,
        offer: &Remote,
        wish: Direction,
    ) -> String {
        self.slots.clone_from(&offer.slots);
        let terms = |payloads, theirs: Direction, line: &Line, transport: &RemoteTransport| Terms {
            payloads,
            direction: theirs.reversed().intersection(wish),
            setup: if line.role().unwrap_or(transport.active) {
                Setup::Active
            } else {
                Setup::Passive
            },
            offer: false,
        };
        let plan = &offer.plan;
        let payloads = audio_payloads(&[(plan.payload_type, plan.codec)], plan.telephone_event);
        let audio_terms = terms(payloads, offer.direction, audio.line(), &offer.transport);
        let video = video.zip(offer.video.as_ref()).map(|(video, theirs)| {
            let payloads = video_payloads(theirs.payload_type);
            let terms = terms(payloads, theirs.direction, video.line(), &theirs.transport);
            (video, terms)
        });
        if video.is_none() {
            for slot in self
                .slots
                .iter_mut()
                .filter(|slot| slot.role == Role::Video)
            {
                slot.role = Role::Refused;
            }
        }
        self.write(audio, &audio_terms, video)
    }

    fn write(
        &mut self,
        audio: &mut MediaSession,
        audio_terms: &Terms,
        mut video: Option<(&mut VideoSession, Terms)>,
    ) -> String {
        let (family, ip) = family(audio.line().described());
        let mut sdp = "s=-\r\nt=0 0\r\n".to_owned();
        for slot in &self.slots {
            match (slot.role, &mut video) {
                (Role::Audio, _) => {
                    audio_terms.write(&mut sdp, "audio", slot.mid.as_deref(), audio.line());
                }
                (Role::Video, Some((video, terms))) => {
                    let mut terms = terms.clone();
                    // RFC 3264 §5.1: who shows nothing wants to see only.
                    if !video.sends() {
                        terms.direction = terms.direction.intersection(Direction::RecvOnly);
                    }
                    terms.write(&mut sdp, "video", slot.mid.as_deref(), video.line());
                }
                (Role::Video | Role::Refused, _) => slot.refuse(&mut sdp),
            }
        }
        // RFC 3264 §8: what is the same has the same version, and what is not the next one.
        if sdp != self.said {
            self.version += 1;
            self.said.clone_from(&sdp);
        }
        let (id, version) = (self.session_id, self.version);
        format!("v=0\r\no=- {id} {version} IN {family} {ip}\r\n{sdp}")
    }
}

impl Slot {
    fn refuse(&self, sdp: &mut String) {
        let Self {
            media,
            proto,
            formats,
            ..
        } = self;
        let _ = write!(sdp, "m={media} 0 {proto} {formats}\r\nc=IN IP4 0.0.0.0\r\n");
        if let Some(mid) = &self.mid {
            let _ = write!(sdp, "a=mid:{mid}\r\n");
        }
    }
}

/// What is said of an m-line with media, beside its transport.
#[derive(Clone)]
struct Terms {
    /// The formats of the m-line, and their attributes.
    payloads: (Vec<u8>, Vec<String>),
    direction: Direction,
    setup: Setup,
    offer: bool,
}

fn audio_payloads(codecs: &[(u8, Codec)], telephone_event: Option<u8>) -> (Vec<u8>, Vec<String>) {
    let mut numbers = Vec::new();
    let mut lines = Vec::new();
    for (number, codec) in codecs {
        numbers.push(*number);
        lines.push(format!("rtpmap:{number} {}/8000", codec.name()));
    }
    if let Some(number) = telephone_event {
        numbers.push(number);
        lines.push(format!("rtpmap:{number} telephone-event/8000"));
        lines.push(format!("fmtp:{number} 0-15"));
    }
    lines.push("ptime:20".into());
    (numbers, lines)
}

/// RFC 7741 §6.2, RFC 4585 §4.2, RFC 5104 §7.1 — lost pictures are asked for, lost packets are not.
fn video_payloads(number: u8) -> (Vec<u8>, Vec<String>) {
    let lines = vec![
        format!("rtpmap:{number} VP8/90000"),
        format!("rtcp-fb:{number} nack pli"),
        format!("rtcp-fb:{number} ccm fir"),
    ];
    (vec![number], lines)
}

impl Terms {
    fn write(&self, sdp: &mut String, media: &str, mid: Option<&str>, transport: &mut Line) {
        let local = transport.described();
        let (family, ip) = family(local);
        let port = local.port();
        let (numbers, lines) = &self.payloads;
        let formats: Vec<String> = numbers.iter().map(u8::to_string).collect();
        let (ufrag, pwd) = transport.credentials();
        let fingerprint = transport.fingerprint();
        let mut line = |text: std::fmt::Arguments<'_>| {
            let _ = write!(sdp, "{text}\r\n");
        };
        let formats = formats.join(" ");
        line(format_args!("m={media} {port} {PROTO} {formats}"));
        line(format_args!("c=IN {family} {ip}"));
        if let Some(mid) = mid {
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
        for attribute in lines {
            line(format_args!("a={attribute}"));
        }
        line(format_args!(
            "a=ssrc:{} cname:isthmus-wic",
            transport.ssrc()
        ));
    }
}

impl Config {
    /// Reads the peer's description; `offered`: it answers ours.
    pub(crate) fn read(&self, body: &[u8], offered: bool) -> Result<Remote, SdpError> {
        read(body, &self.codecs, offered)
    }
}

fn read(body: &[u8], codecs: &[Codec], offered: bool) -> Result<Remote, SdpError> {
    let bad = |error: wire_sdp::Malformed| SdpError::Malformed(error.to_string());
    let session = Session::parse(body).map_err(bad)?;
    let first = |kind: &str| {
        let mut medias = session.medias().iter();
        medias.position(|media| media.line().media == kind && media.line().port != 0)
    };
    let index = first("audio").ok_or(SdpError::NothingInCommon("no audio"))?;
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
    let transport = read_transport(&session, index, offered)?;

    // Video that cannot be served is refused, and the call goes on.
    let video_at = first("video");
    let video = video_at.and_then(|at| {
        let mut payloads = session.medias()[at].payloads();
        let vp8 =
            payloads.find_map(|(number, map)| map.filter(|map| map.is("VP8")).map(|_| number));
        Some(RemoteVideo {
            transport: read_transport(&session, at, offered).ok()?,
            payload_type: vp8?,
            direction: session.media_direction(at),
        })
    });
    let slots = session.medias().iter().enumerate().map(|(at, media)| {
        let role = if at == index {
            Role::Audio
        } else if Some(at) == video_at && video.is_some() {
            Role::Video
        } else {
            Role::Refused
        };
        slot(role, media)
    });
    let direction = session.media_direction(index);
    Ok(Remote {
        transport,
        plan: MediaPlan {
            codec,
            payload_type,
            telephone_event,
            send: direction.receives(),
        },
        direction,
        slots: slots.collect(),
        video,
    })
}

fn read_transport(
    session: &Session,
    index: usize,
    offered: bool,
) -> Result<RemoteTransport, SdpError> {
    let bad = |error: wire_sdp::Malformed| SdpError::Malformed(error.to_string());
    let media = &session.medias()[index];
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
    Ok(RemoteTransport {
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
    })
}

fn slot(role: Role, media: &wire_sdp::Media) -> Slot {
    let line = media.line();
    let formats: Vec<&str> = line.formats().collect();
    Slot {
        role,
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
