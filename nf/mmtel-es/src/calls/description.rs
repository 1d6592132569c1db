//! The SDP that the enabler writes, with the gateway's addresses, and what it reads of a UE's (RFC 3264,
//! RFC 8841, RFC 8864).

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use core_iq::{Fingerprint, IceCredentials, MediaKind, SctpSettings};
use wire_sdp::attribute::{
    Candidate, CandidateType, ChannelParameters, Dcmap, Direction, MaxMessageSize, Rtcp, SctpPort,
    Setup, TlsId,
};
use wire_sdp::{AddressFamily, Connection, Media, MediaLine, Session};

use super::asked::Described;
use super::config::Format;

/// RFC 8841 §4.3.
const DATA_PROTO: &str = "UDP/DTLS/SCTP";
const DATA_FORMAT: &str = "webrtc-datachannel";

/// One m-line of ours.
#[derive(Clone, Debug)]
pub(crate) struct OurLine<'a> {
    pub(crate) kind: MediaKind,
    /// The gateway's side; `None` for a line that is not in use.
    pub(crate) local: Option<&'a Local>,
    pub(crate) formats: &'a [Format],
    pub(crate) direction: Direction,
    pub(crate) channels: Vec<&'a Described>,
    /// Who begins DTLS.
    pub(crate) setup: Setup,
    /// The line of the offer that this answers.
    pub(crate) offer: Option<MediaLine<'a>>,
    /// RFC 8839 §4.2.5: an answer has ICE only when its offer has.
    pub(crate) ice: bool,
}

impl OurLine<'_> {
    /// The m-line alone.
    pub(crate) fn to_media(&self) -> Option<Media> {
        let mut text = String::from("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
        write_line(&mut text, self);
        let mut media = Session::parse(text.as_bytes()).ok()?.media(0)?.clone();
        if let Some(local) = self.local {
            let address = local.rtp.ip();
            media.set_connection(Some(&Connection {
                family: AddressFamily::of(address),
                address: &address.to_string(),
            }));
        }
        Some(media)
    }
}

/// The gateway's side of one m-line of one UE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Local {
    pub(crate) rtp: SocketAddr,
    pub(crate) rtcp: SocketAddr,
    pub(crate) data: Option<LocalData>,
}

/// What it says of data channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LocalData {
    pub(crate) ice: IceCredentials,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) sctp_port: u16,
    pub(crate) max_message_size: u32,
    /// RFC 8842 §5.1: the name of our DTLS association.
    pub(crate) tls_id: String,
}

/// RFC 8866 §5.2: who describes, and the how-manieth time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) session: u64,
    pub(crate) version: u64,
}

/// Puts a description together.
pub(crate) fn write(origin: Origin, lines: &[OurLine<'_>]) -> Bytes {
    let address = lines
        .iter()
        .find_map(|line| line.local)
        .map_or(IpAddr::from([127, 0, 0, 1]), |local| local.rtp.ip());
    let family = AddressFamily::of(address);
    let Origin { session, version } = origin;
    let mut text = String::with_capacity(1200);
    let _ = write!(
        text,
        "v=0\r\no=- {session} {version} IN {family} {address}\r\ns=-\r\nc=IN {family} {address}\r\nt=0 0\r\n",
    );
    if lines
        .iter()
        .any(|line| line.ice && line.kind == MediaKind::Data && line.local.is_some())
    {
        text.push_str("a=ice-lite\r\n");
    }
    for line in lines {
        write_line(&mut text, line);
    }
    Bytes::from(text)
}

fn write_line(text: &mut String, line: &OurLine<'_>) {
    let media = match line.kind {
        MediaKind::Audio => "audio",
        MediaKind::Video => "video",
        MediaKind::Data => "application",
    };
    let Some(local) = line.local else {
        // RFC 3264 §6: a line that is not taken has port 0, and the transport of its offer.
        let (media, proto, formats) = match &line.offer {
            Some(offer) => (offer.media, offer.proto, offer.formats),
            None if line.kind == MediaKind::Data => (media, DATA_PROTO, DATA_FORMAT),
            None => (media, "RTP/AVP", "0"),
        };
        let _ = write!(text, "m={media} 0 {proto} {formats}\r\n");
        return;
    };
    let port = local.rtp.port();
    if line.kind == MediaKind::Data {
        write_data(text, line, local);
        return;
    }
    let proto = line.offer.as_ref().map_or("RTP/AVP", |offer| offer.proto);
    let _ = write!(text, "m={media} {port} {proto}");
    for format in line.formats {
        let _ = write!(text, " {}", format.payload);
    }
    text.push_str("\r\n");
    for format in line.formats {
        let payload = format.payload;
        let _ = write!(text, "a=rtpmap:{payload} {}\r\n", format.encoding);
        if let Some(parameters) = &format.parameters {
            let _ = write!(text, "a=fmtp:{payload} {parameters}\r\n");
        }
        if line.kind == MediaKind::Video && line.offer.is_none() {
            for feedback in ["nack", "nack pli", "ccm fir"] {
                let _ = write!(text, "a=rtcp-fb:{payload} {feedback}\r\n");
            }
        }
    }
    let _ = write!(
        text,
        "a=rtcp:{}\r\na={}\r\n",
        local.rtcp.port(),
        line.direction
    );
}

fn write_data(text: &mut String, line: &OurLine<'_>, local: &Local) {
    let Some(data) = &local.data else { return };
    let port = local.rtp.port();
    let offered = line.offer.as_ref();
    let (proto, formats) = offered.map_or((DATA_PROTO, DATA_FORMAT), |o| (o.proto, o.formats));
    let _ = write!(
        text,
        "m=application {port} {proto} {formats}\r\na=sctp-port:{}\r\na=max-message-size:{}\r\n",
        data.sctp_port, data.max_message_size
    );
    if line.ice {
        let candidate = Candidate {
            foundation: "1",
            component: 1,
            transport: "UDP",
            priority: Candidate::host_priority(u16::MAX),
            address: &local.rtp.ip().to_string(),
            port,
            kind: CandidateType::Host,
            extensions: "",
        };
        let _ = write!(
            text,
            "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=candidate:{candidate}\r\na=end-of-candidates\r\n",
            data.ice.ufrag, data.ice.pwd
        );
    }
    let _ = write!(
        text,
        "a=fingerprint:{}\r\na=setup:{}\r\n",
        data.fingerprint.to_sdp(),
        line.setup
    );
    if !data.tls_id.is_empty() {
        let _ = write!(text, "a=tls-id:{}\r\n", data.tls_id);
    }
    for one in &line.channels {
        write_channel(text, one);
    }
}

/// RFC 8864 §5.1, TS 26.114 §6.2.10.
fn write_channel(text: &mut String, described: &Described) {
    let Described { one, app } = described;
    let parameters = ChannelParameters::from(&one.channel);
    let id = one.id;
    let _ = write!(text, "a=dcmap:{id} {parameters}\r\n");
    // TS 26.114 §6.2.10: the application that it belongs to, and that its other end is no UE.
    if let Some(app) = app
        && app
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    {
        let _ = write!(
            text,
            "a=3gpp-req-app:{app};adc-stream-id-endpoint={id}:Server\r\n"
        );
    }
}

/// What one m-line of a UE says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Far {
    /// Where RTP goes; absent while the UE holds by `c=0.0.0.0`.
    pub(crate) rtp: Option<SocketAddr>,
    pub(crate) rtcp: Option<SocketAddr>,
    pub(crate) direction: Direction,
    pub(crate) formats: Vec<Format>,
    pub(crate) data: Option<FarData>,
}

/// What it says of data channels.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FarData {
    pub(crate) sctp: SctpSettings,
    pub(crate) ice: Option<IceCredentials>,
    pub(crate) fingerprints: Vec<Fingerprint>,
    pub(crate) setup: Setup,
    /// RFC 8842 §5.1.
    pub(crate) tls_id: Option<String>,
    /// The streams that `a=dcmap` names.
    pub(crate) streams: Vec<u16>,
}

impl FarData {
    /// RFC 8842 §5.1 — whether this is another DTLS association than before.
    pub(crate) fn is_other(&self, before: &Self) -> bool {
        self.tls_id != before.tls_id || self.fingerprints != before.fingerprints
    }

    /// RFC 8839 §4.4.1.1.1, RFC 8842 §4 — whether what we say of ourselves must be new, too.
    pub(crate) fn restarts(&self, before: &Self) -> bool {
        self.ice.is_some() && self.ice != before.ice || self.is_other(before)
    }

    /// RFC 8842 §5.3 — who begins: one who offers either goes on as it was, and is waited for by us in
    /// a new association.
    pub(crate) fn settle(&mut self, before: Option<&Self>) {
        if self.setup == Setup::ActPass {
            let same = before.filter(|before| !self.is_other(before));
            self.setup = match same.map(|before| before.setup) {
                Some(Setup::Active | Setup::HoldConn) => Setup::Active,
                _ => Setup::Passive,
            };
        }
    }
}

/// Which kind of medium an m-line is, of those that there are here.
pub(crate) fn kind(line: &MediaLine<'_>) -> Option<MediaKind> {
    let rtp = matches!(line.proto, "RTP/AVP" | "RTP/AVPF");
    match line.media {
        "audio" if rtp => Some(MediaKind::Audio),
        "video" if rtp => Some(MediaKind::Video),
        "application" if line.proto == DATA_PROTO && line.formats == DATA_FORMAT => {
            Some(MediaKind::Data)
        }
        _ => None,
    }
}

/// Reads an m-line. `Ok(None)` for one that is refused (port 0); the error is for people.
pub(crate) fn read(session: &Session, index: usize) -> Result<Option<Far>, &'static str> {
    let media = session.media(index).ok_or("an m-line is missing")?;
    let line = media.line();
    if line.port == 0 {
        return Ok(None);
    }
    let kind = kind(&line).ok_or("an m-line of another transport")?;
    let connection = session
        .media_connection(index)
        .ok()
        .flatten()
        .and_then(|connection| connection.ip())
        .filter(|ip| !ip.is_multicast())
        .ok_or("an m-line without an address")?;
    let held = connection.is_unspecified();
    let stated = session.media_direction(index);
    let data = match kind {
        MediaKind::Data => Some(read_data(session, index)?),
        MediaKind::Audio | MediaKind::Video => None,
    };
    let formats = media.payloads().filter_map(|(payload, map)| {
        let map = map?.to_string();
        let (_, encoding) = map.split_once(' ')?;
        let fmtp = media.fmtp(payload).map(|fmtp| fmtp.to_string());
        let parameters = fmtp.as_deref().and_then(|fmtp| fmtp.split_once(' '));
        Some(Format::new(
            payload,
            encoding,
            parameters.map(|(_, text)| text),
        ))
    });
    let rtcp = media.attribute::<Rtcp<'_>>().ok().flatten();
    let rtcp_port = rtcp.map_or(line.port.checked_add(1), |rtcp| Some(rtcp.port));
    Ok(Some(Far {
        rtp: (!held).then(|| SocketAddr::new(connection, line.port)),
        rtcp: rtcp_port
            .filter(|port| !held && *port != 0)
            .map(|port| SocketAddr::new(connection, port)),
        // RFC 3264 §8.4: 0.0.0.0 is the old way to hold.
        direction: if held {
            Direction::new(stated.sends(), false)
        } else {
            stated
        },
        formats: formats.collect(),
        data,
    }))
}

fn read_data(session: &Session, index: usize) -> Result<FarData, &'static str> {
    let media = session.media(index).ok_or("an m-line is missing")?;
    let fingerprints = session.media_fingerprints(index).unwrap_or_default();
    let fingerprints: Vec<Fingerprint> = fingerprints
        .iter()
        .take(16)
        .map(|one| Fingerprint {
            algorithm: one.algorithm.to_ascii_lowercase(),
            digest: one.digest(),
        })
        .collect();
    if fingerprints.is_empty() {
        return Err("data channels without a fingerprint");
    }
    let ice = session.media_ice(index).ok().flatten();
    let port = media.attribute::<SctpPort>().ok().flatten();
    let size = media.attribute::<MaxMessageSize>().ok().flatten();
    let setup = session.media_attribute::<Setup>(index).ok().flatten();
    let tls_id = media.attribute::<TlsId<'_>>().ok().flatten();
    let streams = media.attributes::<Dcmap<'_>>();
    Ok(FarData {
        sctp: SctpSettings {
            port: port
                .map_or(Some(5000), |port| Some(port.0).filter(|port| *port != 0))
                .ok_or("an SCTP port of 0")?,
            max_message_size: size.map(|size| size.0),
        },
        ice: ice.map(|ice| IceCredentials {
            ufrag: ice.ufrag.to_owned(),
            pwd: ice.pwd.to_owned(),
        }),
        fingerprints,
        setup: setup.unwrap_or(Setup::Active),
        tls_id: tls_id.map(|id| id.0.to_owned()),
        streams: streams
            .filter_map(Result::ok)
            .map(|map| map.stream)
            .take(256)
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use core_iq::{ChannelDescription, ChannelPlace, ChannelReliability, NegotiatedChannel};

    use super::*;

    fn local() -> Local {
        Local {
            rtp: "192.0.2.1:20000".parse().unwrap(),
            rtcp: "192.0.2.1:20001".parse().unwrap(),
            data: Some(LocalData {
                ice: IceCredentials {
                    ufrag: "abcd".into(),
                    pwd: "0123456789012345678901".into(),
                },
                fingerprint: Fingerprint {
                    algorithm: "sha-256".into(),
                    digest: vec![0xab; 32],
                },
                sctp_port: 5000,
                max_message_size: 262_144,
                tls_id: "0123456789abcdef0123".into(),
            }),
        }
    }

    /// What one enabler writes, another one reads.
    #[test]
    fn what_is_written_is_read() {
        let local = local();
        let formats = [
            Format::new(111, "opus/48000/2", Some("useinbandfec=1")),
            Format::new(0, "PCMU/8000", None),
        ];
        let channel = |id, label: &str| Described {
            one: NegotiatedChannel {
                id,
                channel: ChannelDescription {
                    label: label.into(),
                    protocol: String::new(),
                    ordered: true,
                    reliability: ChannelReliability::Reliable,
                    priority: 256,
                },
                place: ChannelPlace::default(),
            },
            app: Some(label.into()),
        };
        let channels = [channel(1000, "a \"b\" ü"), channel(1002, "chess")];
        let line = |kind| OurLine {
            kind,
            local: Some(&local),
            formats: &formats,
            direction: Direction::SendRecv,
            channels: channels.iter().collect(),
            setup: Setup::ActPass,
            offer: None,
            ice: true,
        };
        let refused = OurLine {
            local: None,
            ..line(MediaKind::Video)
        };
        let origin = Origin {
            session: 7,
            version: 1,
        };
        let lines = [line(MediaKind::Audio), refused, line(MediaKind::Data)];
        let text = write(origin, &lines);
        let session = Session::parse(&text).expect("it is SDP");
        let audio = read(&session, 0).expect("well").expect("in use");
        assert_eq!(audio.rtp, Some("192.0.2.1:20000".parse().unwrap()));
        assert_eq!(audio.rtcp, Some("192.0.2.1:20001".parse().unwrap()));
        assert_eq!(audio.formats, formats);
        assert_eq!(read(&session, 1), Ok(None));
        let data = read(&session, 2).expect("well").expect("in use");
        let data = data.data.expect("data channels");
        assert_eq!(data.streams, [1000, 1002]);
        assert_eq!(data.tls_id.as_deref(), Some("0123456789abcdef0123"));
        assert_eq!(data.setup, Setup::ActPass);
        assert_eq!(data.fingerprints[0].digest, [0xab; 32]);
        let text = String::from_utf8(text.to_vec()).expect("text");
        assert!(text.contains("label=\"a %22b%22 %C3%BC\"\r\n"), "{text}");
        // What is no name of an application is left out.
        let bound: Vec<&str> = text.lines().filter(|l| l.contains("req-app")).collect();
        assert_eq!(
            bound,
            ["a=3gpp-req-app:chess;adc-stream-id-endpoint=1002:Server"]
        );
    }

    #[test]
    fn a_far_end_that_holds_has_no_address() {
        let text = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n\
                    m=audio 4000 RTP/AVP 0\r\n";
        let session = Session::parse(text.as_bytes()).expect("SDP");
        let far = read(&session, 0).expect("well").expect("in use");
        assert_eq!((far.rtp, far.direction), (None, Direction::SendOnly));
    }
}
