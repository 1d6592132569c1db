//! Offers and answers of a WIC: TS 24.371 §7.2.2 and §7.2.3, RFC 8829 without BUNDLE.
//!
//! One audio m-line is ours, and one for video and one for data channels where they are wanted; what else
//! is offered is refused with port 0.

use std::fmt::Write;
use std::net::SocketAddr;

use wire_sdp::Session;
use wire_sdp::attribute::{Candidate, Direction, Setup};

use crate::Config;
use crate::data::{self, DataTransport, NegotiatedChannel, RemoteData};
use crate::media::{
    Codec, Described, Line, MediaPlan, MediaSession, RemoteTransport, VideoSession,
};

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
    Data,
    Refused,
}

/// What we have to describe.
pub(crate) struct Ours<'a> {
    pub(crate) audio: &'a mut MediaSession,
    pub(crate) video: Option<&'a mut VideoSession>,
    /// The transport of the data channels, and those that there are.
    pub(crate) data: Option<(&'a mut DataTransport, Vec<NegotiatedChannel>)>,
}

/// What the peer's description says of the m-lines that are ours.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    /// It answers ours.
    pub(crate) answers: bool,
    /// A call of data channels may be without.
    pub(crate) audio: Option<RemoteAudio>,
    pub(crate) video: Option<RemoteVideo>,
    pub(crate) data: Option<RemoteData>,
    /// All m-lines, for the answer.
    slots: Vec<Slot>,
}

/// What it says of audio.
#[derive(Clone, Debug)]
pub(crate) struct RemoteAudio {
    pub(crate) transport: RemoteTransport,
    pub(crate) plan: MediaPlan,
    /// As its writer sees it.
    pub(crate) direction: Direction,
}

impl Remote {
    /// Whether its writer wants to hear nothing of a call that has audio.
    pub(crate) fn holds(&self) -> bool {
        let audio = self.audio.as_ref();
        audio.is_some_and(|audio| !audio.direction.receives())
    }
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
    pub(crate) fn offer(&mut self, ours: Ours<'_>, direction: Direction) -> String {
        if self.slots.is_empty() {
            self.add(Role::Audio);
        }
        let there = [
            (Role::Video, ours.video.is_some()),
            (Role::Data, ours.data.is_some()),
        ];
        for (role, wanted) in there {
            let at = self.slots.iter().position(|slot| slot.role == role);
            match (at, wanted) {
                (None, true) => self.add(role),
                // RFC 3264 §8.2: a stream that is removed leaves its m-line.
                (Some(at), false) => self.slots[at].role = Role::Refused,
                _ => {}
            }
        }
        let codecs: Vec<(u8, Codec)> = self
            .codecs
            .iter()
            .map(|codec| (codec.payload_type(), *codec))
            .collect();
        let audio_payloads = audio_payloads(&codecs, Some(TELEPHONE_EVENT));
        let video = ours.video.as_ref();
        let number = video.and_then(|video| video.payload_type());
        let video_payloads = video_payloads(number.unwrap_or(VP8));
        let terms = |payloads| Terms {
            payloads,
            direction,
            setup: Setup::ActPass,
            offer: true,
        };
        self.write(
            ours,
            &terms(audio_payloads),
            &terms(video_payloads),
            Setup::ActPass,
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
        let (media, proto) = match role {
            Role::Video => ("video", PROTO),
            Role::Data => ("application", data::PROTO),
            Role::Audio | Role::Refused => ("audio", PROTO),
        };
        let slot = Slot {
            role,
            media: media.into(),
            proto: proto.into(),
            formats: if role == Role::Data {
                data::FORMAT.into()
            } else {
                VP8.to_string()
            },
            mid: Some(mid),
        };
        let free = |slot: &&mut Slot| slot.role == Role::Refused && slot.media == media;
        match self.slots.iter_mut().find(free) {
            Some(place) => *place = slot,
            None => self.slots.push(slot),
        }
    }

    /// RFC 3264 §6 — as many m-lines as the offer has, those with media that are ours.
    pub(crate) fn answer(&mut self, mut ours: Ours<'_>, offer: &Remote, wish: Direction) -> String {
        self.slots.clone_from(&offer.slots);
        let setup = |line: &dyn Described, transport: &RemoteTransport| {
            if line.role().unwrap_or(transport.active) {
                Setup::Active
            } else {
                Setup::Passive
            }
        };
        let terms = |payloads, theirs: Direction, setup| Terms {
            payloads,
            direction: theirs.reversed().intersection(wish),
            setup,
            offer: false,
        };
        // Of what is not there nothing is written.
        let none = terms(Default::default(), Direction::Inactive, Setup::ActPass);
        let audio_terms = offer.audio.as_ref().map_or(none.clone(), |theirs| {
            let plan = &theirs.plan;
            let payloads = audio_payloads(&[(plan.payload_type, plan.codec)], plan.telephone_event);
            let role = setup(ours.audio.line(), &theirs.transport);
            terms(payloads, theirs.direction, role)
        });
        let video_terms = if let (Some(video), Some(theirs)) = (&mut ours.video, &offer.video) {
            let payloads = video_payloads(theirs.payload_type);
            let role = setup(video.line(), &theirs.transport);
            terms(payloads, theirs.direction, role)
        } else {
            ours.video = None;
            none
        };
        let data_setup = if let (Some((data, _)), Some(theirs)) = (&ours.data, &offer.data) {
            setup(*data, &theirs.transport)
        } else {
            ours.data = None;
            Setup::ActPass
        };
        for slot in &mut self.slots {
            let video = slot.role == Role::Video && ours.video.is_none();
            let data = slot.role == Role::Data && ours.data.is_none();
            if video || data {
                slot.role = Role::Refused;
            }
        }
        self.write(ours, &audio_terms, &video_terms, data_setup)
    }

    fn write(
        &mut self,
        ours: Ours<'_>,
        audio_terms: &Terms,
        video_terms: &Terms,
        data_setup: Setup,
    ) -> String {
        let Ours {
            audio,
            mut video,
            mut data,
        } = ours;
        let (family, ip) = family(audio.line().described());
        let mut sdp = "s=-\r\nt=0 0\r\n".to_owned();
        for slot in &self.slots {
            let mid = slot.mid.as_deref();
            match (slot.role, &mut video, &mut data) {
                (Role::Audio, _, _) => audio_terms.write(&mut sdp, "audio", mid, audio.line()),
                (Role::Video, Some(video), _) => {
                    let mut terms = video_terms.clone();
                    // RFC 3264 §5.1: who shows nothing wants to see only.
                    if !video.sends() {
                        terms.direction = terms.direction.intersection(Direction::RecvOnly);
                    }
                    terms.write(&mut sdp, "video", mid, video.line());
                }
                (Role::Data, _, Some((data, channels))) => {
                    let formats = data::FORMAT;
                    begin(&mut sdp, ("application", data::PROTO, formats), mid, *data);
                    transport(&mut sdp, *data, data_setup);
                    data::write(&mut sdp, data.tls_id(), channels);
                }
                (Role::Video | Role::Data | Role::Refused, _, _) => slot.refuse(&mut sdp),
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
    fn write(&self, sdp: &mut String, media: &str, mid: Option<&str>, line: &mut Line) {
        let (numbers, lines) = &self.payloads;
        let formats: Vec<String> = numbers.iter().map(u8::to_string).collect();
        begin(sdp, (media, PROTO, &formats.join(" ")), mid, line);
        let _ = write!(sdp, "a={}\r\na=rtcp-mux\r\n", self.direction);
        if self.offer {
            sdp.push_str("a=3ge2ae:requested\r\n");
        }
        transport(sdp, line, self.setup);
        for attribute in lines {
            let _ = write!(sdp, "a={attribute}\r\n");
        }
        let _ = write!(sdp, "a=ssrc:{} cname:isthmus-wic\r\n", line.ssrc());
    }
}

/// Where an m-line begins: what it is, where it is, and its identification.
fn begin(
    sdp: &mut String,
    (media, proto, formats): (&str, &str, &str),
    mid: Option<&str>,
    line: &dyn Described,
) {
    let local = line.described();
    let (family, ip) = family(local);
    let port = local.port();
    let _ = write!(sdp, "m={media} {port} {proto} {formats}\r\n");
    let _ = write!(sdp, "c=IN {family} {ip}\r\n");
    if let Some(mid) = mid {
        let _ = write!(sdp, "a=mid:{mid}\r\n");
    }
}

/// ICE (RFC 8839) and DTLS (RFC 8122, RFC 8842) of an m-line.
fn transport(sdp: &mut String, line: &mut dyn Described, setup: Setup) {
    let local = line.described();
    let (ip, port) = (local.ip(), local.port());
    let (ufrag, pwd) = line.credentials();
    let _ = write!(sdp, "a=ice-ufrag:{ufrag}\r\na=ice-pwd:{pwd}\r\n");
    let priority = Candidate::host_priority(65535);
    let _ = write!(
        sdp,
        "a=candidate:1 1 udp {priority} {ip} {port} typ host\r\na=end-of-candidates\r\n"
    );
    let fingerprint = line.fingerprint();
    let _ = write!(sdp, "a=fingerprint:{fingerprint}\r\na=setup:{setup}\r\n");
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
    let audio_at = first("audio");
    let audio = audio_at.map(|at| read_audio(&session, at, codecs, offered));
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
    // So are data channels.
    let mut medias = session.medias().iter();
    let data_at = medias.position(|media| data::is_data(media) && media.line().port != 0);
    let data = data_at.and_then(|at| {
        let (sctp, channels) = data::read(&session.medias()[at]).ok()?;
        Some(RemoteData {
            transport: read_transport(&session, at, offered).ok()?,
            sctp,
            channels,
        })
    });
    let audio = match audio {
        // A call may be one of data channels alone.
        None if data.is_some() => None,
        None => return Err(SdpError::NothingInCommon("no audio")),
        Some(audio) => Some(audio?),
    };
    let slots = session.medias().iter().enumerate().map(|(at, media)| {
        let role = if Some(at) == audio_at {
            Role::Audio
        } else if Some(at) == video_at && video.is_some() {
            Role::Video
        } else if Some(at) == data_at && data.is_some() {
            Role::Data
        } else {
            Role::Refused
        };
        slot(role, media)
    });
    Ok(Remote {
        answers: offered,
        audio,
        slots: slots.collect(),
        video,
        data,
    })
}

fn read_audio(
    session: &Session,
    index: usize,
    codecs: &[Codec],
    offered: bool,
) -> Result<RemoteAudio, SdpError> {
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
    let direction = session.media_direction(index);
    Ok(RemoteAudio {
        transport: read_transport(session, index, offered)?,
        plan: MediaPlan {
            codec,
            payload_type,
            telephone_event,
            send: direction.receives(),
        },
        direction,
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
