//! What the two sides write.

use std::fmt::Write;

use wire_sip::{HeaderName, Message};

use crate::agent::Side;

pub(crate) const HOME: &str = "home.example";
pub(crate) const CORE: &str = "192.0.2.10:5060";

pub(crate) const DIRECTIONS: [&str; 4] = ["sendrecv", "sendonly", "recvonly", "inactive"];

/// One m-line of a description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Section {
    Audio,
    /// Data channels under these ids; none: the m-line is there with port 0.
    Data(Option<Channels>),
}

/// The channels that `a=dcmap` lists: ids of the ends' own, and those that the edge gives (from 1000 on).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Channels(u16);

const OWN: u16 = 100;
const ANNOUNCED: u16 = 1000;

impl Channels {
    /// The ends' own ids are the first so many.
    pub(crate) const OWN: u64 = 6;

    fn bit(id: u16) -> Option<u16> {
        match id {
            OWN..108 => Some(1 << (id - OWN)),
            ANNOUNCED..1008 => Some(1 << (8 + id - ANNOUNCED)),
            _ => None,
        }
    }

    pub(crate) fn of(ids: impl Iterator<Item = u16>) -> Self {
        Self(ids.filter_map(Self::bit).fold(0, |all, bit| all | bit))
    }

    pub(crate) fn ids(self) -> impl Iterator<Item = u16> {
        let own = (OWN..OWN + 8).chain(ANNOUNCED..ANNOUNCED + 8);
        own.filter(move |id| Self::bit(*id).is_some_and(|bit| self.0 & bit != 0))
    }

    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// One of the ends' own is there if it was not, or is not any more.
    pub(crate) fn change(self, nth: u64) -> Self {
        Self(self.0 ^ (1 << nth))
    }

    pub(crate) fn announced(self) -> Self {
        Self(self.0 & 0xff00)
    }

    /// Whether the other has one that this has not.
    pub(crate) fn lacks(self, other: Self) -> bool {
        other.0 & !self.0 != 0
    }
}

/// The m-lines of a description.
pub(crate) fn sections(body: &[u8]) -> Vec<Section> {
    let text = String::from_utf8_lossy(body);
    let medias = text.split("\r\nm=").skip(1);
    let section = |media: &str| {
        if !media.starts_with("application ") {
            return Section::Audio;
        }
        let maps = media.split("\r\na=dcmap:").skip(1);
        let ids = maps.filter_map(|map| map.split([' ', '\r']).next()?.parse().ok());
        let live = !media.starts_with("application 0 ");
        Section::Data(live.then(|| Channels::of(ids)))
    };
    medias.map(section).collect()
}

/// Its data channels; none where there is no such m-line, or with port 0.
pub(crate) fn channels(sections: &[Section]) -> Option<Channels> {
    sections.iter().find_map(|section| match section {
        Section::Data(channels) => *channels,
        Section::Audio => None,
    })
}

/// One description; `port` tells the core's apart, and every one has a version of its own.
pub(crate) fn sdp(
    side: Side,
    version: u32,
    port: u16,
    direction: &str,
    offer: bool,
    sections: &[Section],
) -> String {
    let mut text = match side {
        Side::Wic => format!("v=0\r\no=- 77 {version} IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"),
        Side::Core => format!(
            "v=0\r\no=far 5 {version} IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n"
        ),
    };
    let setup = match (offer, side) {
        (true, _) => "actpass",
        (false, Side::Wic) => "active",
        (false, Side::Core) => "passive",
    };
    for (line, section) in sections.iter().enumerate() {
        let _ = match (section, side) {
            (Section::Audio, Side::Wic) => write!(
                text,
                "m=audio 9 UDP/TLS/RTP/SAVPF 8\r\n{}a=mid:{line}\r\na={direction}\r\na=rtcp-mux\r\n\
                 a=rtpmap:8 PCMA/8000\r\n",
                transport(setup)
            ),
            (Section::Audio, Side::Core) => write!(
                text,
                "m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na={direction}\r\n"
            ),
            (Section::Data(None), _) => {
                write!(text, "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n")
            }
            (Section::Data(Some(channels)), _) => {
                let (port, place) = match side {
                    Side::Wic => (9, format!("{}a=mid:{line}\r\n", transport(setup))),
                    Side::Core => (
                        31_000,
                        format!(
                            "a=fingerprint:sha-256 {FINGERPRINT}\r\na=setup:{setup}\r\n\
                             a=tls-id:far-00000000000000001\r\n"
                        ),
                    ),
                };
                let _ = write!(
                    text,
                    "m=application {port} UDP/DTLS/SCTP webrtc-datachannel\r\n{place}a=sctp-port:5000\r\n"
                );
                for id in channels.ids() {
                    let _ = write!(text, "a=dcmap:{id} label=\"c{id}\"\r\n");
                }
                Ok(())
            }
        };
    }
    text
}

/// How the WIC is reached.
fn transport(setup: &str) -> String {
    format!(
        "c=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n\
         a=fingerprint:sha-256 {FINGERPRINT}\r\na=setup:{setup}\r\n"
    )
}

const FINGERPRINT: &str = "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB";

/// The direction of the first m-line; none when it is rejected.
pub(crate) fn direction(body: &[u8]) -> Option<&'static str> {
    let text = std::str::from_utf8(body).ok()?;
    let media = &text[text.find("m=")?..];
    if media.split(' ').nth(1) == Some("0") {
        return None;
    }
    let said = |direction: &&&str| media.contains(&format!("a={direction}\r\n"));
    Some(DIRECTIONS.iter().find(said).copied().unwrap_or("sendrecv"))
}

/// Session id, version and the rest.
pub(crate) fn origin(body: &[u8]) -> (String, u64, String) {
    let text = String::from_utf8_lossy(body).into_owned();
    let at = text.find("o=").expect("an o= line");
    let end = at + text[at..].find('\r').expect("its end");
    let words: Vec<&str> = text[at..end].split(' ').collect();
    let version = words[2].parse().expect("a version");
    let id = format!("{} {}", words[1], words[5]);
    (id, version, format!("{}{}", &text[..at], &text[end..]))
}

pub(crate) fn message(text: &str) -> Message {
    Message::parse(bytes::Bytes::copy_from_slice(text.as_bytes())).expect("a model writes well")
}

/// The WIC's REGISTER.
pub(crate) fn register(cseq: u32) -> Message {
    message(&format!(
        "REGISTER sip:{HOME} SIP/2.0\r\nVia: SIP/2.0/WS alice.invalid;branch=z9hG4bKreg{cseq};rport\r\n\
         Max-Forwards: 70\r\nFrom: <sip:alice@{HOME}>;tag=reg\r\nTo: <sip:alice@{HOME}>\r\n\
         Call-ID: registration\r\nCSeq: {cseq} REGISTER\r\n\
         Contact: <sip:alice@alice.invalid;transport=ws>;reg-id=1;\
         +sip.instance=\"<urn:uuid:00000000-0000-4000-8000-000000000001>\"\r\n\
         Supported: path, outbound\r\nExpires: 60000000\r\n\
         Authorization: Digest username=\"alice@{HOME}\", realm=\"{HOME}\", nonce=\"n\", \
         uri=\"sip:{HOME}\", response=\"6629fae49393a05397450978507c4ef1\"\r\nContent-Length: 0\r\n\r\n"
    ))
}

pub(crate) fn registered(request: &Message) -> Message {
    let mut response = Message::response_to(request, wire_sip::StatusCode::OK, None);
    let contact = request.header(HeaderName::Contact).expect("a Contact");
    response.push_back(
        HeaderName::Contact,
        format_args!("{contact};expires=60000000"),
    );
    response.push_back(
        HeaderName::ServiceRoute,
        format_args!("<sip:orig@{CORE};lr>"),
    );
    response.push_back(
        HeaderName::PAssociatedUri,
        format_args!("<sip:alice@{HOME}>"),
    );
    response
}
