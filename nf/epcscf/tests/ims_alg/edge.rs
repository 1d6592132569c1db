//! Descriptions of browsers and phones, and a gateway of paper: it answers what a real one would.

use std::net::SocketAddr;

use core_iq::{
    Command, ContextId, CoreLocal, DataLocal, Fingerprint, IceCredentials, MediaKind, Refusal,
    Reply, Reserved, ReservedStream, StreamId, StreamSettings, W3Local,
};
use nf_epcscf::ims_alg::{Finality, Leg, Negotiation, Next, Policy, Refused};
use wire_sdp::Session;

pub(crate) const CHROMIUM: &str = include_str!("../../../../wire/sdp/tests/data/chromium.sdp");
pub(crate) const FIREFOX_MAX_BUNDLE: &str =
    include_str!("../../../../wire/sdp/tests/data/firefox.sdp");
pub(crate) const PHONE: &str = include_str!("../../../../wire/sdp/tests/data/phone.sdp");

/// What a phone answers to [`CHROMIUM`].
pub(crate) const AUDIO_VIDEO_ANSWER: &str = "m=audio 50000 RTP/AVP 0 126\r\na=rtpmap:126 telephone-event/8000\r\na=ptime:20\r\n\
    m=video 50002 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack pli\r\n";

/// The gateway's side of one call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gateway {
    pub(crate) commands: Vec<Command>,
    streams: Vec<(StreamId, Option<IceCredentials>, u16)>,
    generation: u16,
    kinds: Vec<(StreamId, MediaKind)>,
    /// Negotiated channels that cannot be.
    pub(crate) refused: Vec<u16>,
}

impl Gateway {
    pub(crate) fn handle(&mut self, command: &Command) -> Result<Reply, Refusal> {
        self.commands.push(command.clone());
        let context = ContextId(7);
        match command {
            Command::Channel { .. } => Ok(Reply::ChannelDone),
            Command::Reserve { streams, .. } => {
                for s in streams {
                    if self.streams.iter().any(|(id, ..)| *id == s.stream) {
                        return Err(Refusal::StreamExists);
                    }
                    let ice = s.w3.as_ref().and_then(|w3| w3.remote_ice.clone());
                    self.streams.push((s.stream, ice, self.generation));
                    self.kinds.push((s.stream, s.media));
                }
                let told = streams.iter().map(|s| self.told(s.stream)).collect();
                Ok(Reply::Reserved(Reserved {
                    streams: told,
                    ..Reserved::nothing(context)
                }))
            }
            Command::Configure { streams, .. } => {
                let mut told = Vec::new();
                for s in streams {
                    if s.payloads
                        .iter()
                        .flat_map(|map| &map.0)
                        .any(|m| (64..96).contains(&m.w3))
                    {
                        return Err(Refusal::Invalid("a payload type like RTCP's".into()));
                    }
                    if self
                        .kinds
                        .iter()
                        .rfind(|(id, _)| *id == s.stream)
                        .is_some_and(|(_, kind)| *kind != s.media)
                    {
                        return Err(Refusal::Invalid("another kind of media".into()));
                    }
                    let f = s.feedback.unwrap_or_default();
                    let key_frames = f.w3_pli || f.w3_fir || f.core_pli || f.core_fir;
                    if s.media == MediaKind::Audio && key_frames {
                        return Err(Refusal::Invalid("key frames of audio".into()));
                    }
                    let Some(known) = self.streams.iter_mut().find(|(id, ..)| *id == s.stream)
                    else {
                        return Err(Refusal::UnknownStream);
                    };
                    let ice = s.w3.as_ref().and_then(|w3| w3.remote_ice.clone());
                    let restart = known.1.is_some() && ice.is_some() && known.1 != ice;
                    if ice.is_some() {
                        known.1 = ice;
                    }
                    if restart {
                        self.generation += 1;
                        known.2 = self.generation;
                    }
                    if restart || !self.refused.is_empty() {
                        told.push(s.stream);
                    }
                }
                let streams = told.into_iter().map(|id| self.told(id)).collect();
                Ok(Reply::Configured(Reserved {
                    streams,
                    ..Reserved::nothing(context)
                }))
            }
            Command::Subtract { streams, .. } => {
                self.streams.retain(|(id, ..)| !streams.contains(id));
                Ok(Reply::Configured(Reserved::nothing(context)))
            }
            Command::Release { .. } => Ok(Reply::Released),
        }
    }

    /// The settings of this stream in the last Configure or Reserve.
    pub(crate) fn last(&self, stream: u16) -> StreamSettings {
        let all = self
            .commands
            .iter()
            .rev()
            .flat_map(|command| match command {
                Command::Reserve { streams, .. } | Command::Configure { streams, .. } => {
                    streams.as_slice()
                }
                _ => &[],
            });
        all.into_iter()
            .find(|s| s.stream == StreamId(stream))
            .expect("the gateway knows the stream")
            .clone()
    }

    pub(crate) fn streams(&self) -> Vec<u16> {
        self.streams.iter().map(|(id, ..)| id.0).collect()
    }

    fn told(&self, stream: StreamId) -> ReservedStream {
        let generation = self
            .streams
            .iter()
            .find(|(id, ..)| *id == stream)
            .map_or(0, |s| s.2);
        let port = 20000 + stream.0 * 2;
        let kind = self.kinds.iter().rfind(|(id, _)| *id == stream);
        let data = kind.is_some_and(|(_, kind)| *kind == MediaKind::Data);
        let address = |ip: [u8; 4], port| SocketAddr::from((ip, port));
        ReservedStream {
            stream,
            w3: W3Local {
                ice: IceCredentials {
                    ufrag: format!("gw{}g{generation}", stream.0),
                    pwd: format!("gatewaypassword{generation:07}"),
                },
                fingerprint: Fingerprint {
                    algorithm: "sha-256".into(),
                    digest: vec![0xAB; 32],
                },
                candidates: vec![
                    address([198, 51, 100, 7], 40000),
                    address([127, 0, 0, 1], 40000),
                ],
            },
            core: CoreLocal {
                rtp: address([203, 0, 113, 5], port),
                rtcp: address([203, 0, 113, 5], port + 1),
            },
            data: data.then(|| DataLocal {
                core_ice: IceCredentials {
                    ufrag: format!("gwcore{}", stream.0),
                    pwd: "gatewaypasswordtothecore".into(),
                },
                core_fingerprint: Fingerprint {
                    algorithm: "sha-256".into(),
                    digest: vec![0xCD; 32],
                },
                sctp_port: 5000,
                w3_tls_id: format!("{generation:032}"),
                core_tls_id: format!("{generation:032}"),
                max_message_size: 262_144,
                refused: self.refused.clone(),
            }),
        }
    }
}

/// A dialog's use of the negotiation: everything is driven to its end.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    pub(crate) negotiation: Negotiation,
    pub(crate) gateway: Gateway,
}

impl Edge {
    pub(crate) fn new() -> Edge {
        Edge::with(Policy::default())
    }

    pub(crate) fn with(policy: Policy) -> Edge {
        Edge {
            negotiation: Negotiation::new(policy, 1001, 2002),
            gateway: Gateway::default(),
        }
    }

    pub(crate) fn offer(&mut self, from: Leg, sdp: &str) -> Result<Session, Refused> {
        let next = self.negotiation.offer(from, sdp.as_bytes());
        self.drive(next)
    }

    pub(crate) fn answer(&mut self, from: Leg, sdp: &str) -> Result<Session, Refused> {
        self.answer_with(from, sdp, Finality::Final)
    }

    pub(crate) fn answer_with(
        &mut self,
        from: Leg,
        sdp: &str,
        finality: Finality,
    ) -> Result<Session, Refused> {
        let next = self.negotiation.answer(from, sdp.as_bytes(), finality);
        self.drive(next)
    }

    /// An answer that goes no further.
    pub(crate) fn settle(&mut self, from: Leg, sdp: &str) -> Result<(), Refused> {
        let mut next = self
            .negotiation
            .answer(from, sdp.as_bytes(), Finality::Final)?;
        while let Next::Gateway(command) = next {
            next = self.negotiation.replied(self.gateway.handle(&command))?;
        }
        assert_eq!(next, Next::Settled);
        Ok(())
    }

    pub(crate) fn reoffer(&mut self, to: Leg) -> Result<Session, Refused> {
        let next = self.negotiation.reoffer(to);
        self.drive(next)
    }

    pub(crate) fn rollback(&mut self) {
        for command in self.negotiation.rollback() {
            self.gateway
                .handle(&command)
                .expect("the gateway knows what it is told");
        }
    }

    fn drive(&mut self, mut next: Result<Next, Refused>) -> Result<Session, Refused> {
        loop {
            match next? {
                Next::Gateway(command) => {
                    next = self.negotiation.replied(self.gateway.handle(&command));
                }
                Next::Settled => panic!("an answer that somebody waits for"),
                Next::Forward(sdp) => {
                    return Ok(Session::parse(&sdp).expect("what we write is SDP"));
                }
            }
        }
    }
}

/// The same offer without its video.
pub(crate) fn audio_of(offer: &str) -> String {
    offer
        .split("m=video")
        .next()
        .expect("the part before")
        .replace("BUNDLE 0 1", "BUNDLE 0")
}

/// All lines as text, for assertions on what is there and what is not.
pub(crate) fn text(session: &Session) -> String {
    String::from_utf8(session.to_bytes().to_vec()).expect("text")
}

/// The lines of one media description, `m=` first.
pub(crate) fn media_text(session: &Session, index: usize) -> String {
    let media = session.media(index).expect("a test's own index");
    format!("m={}\n{}", media.line(), media.section())
}

/// A phone's description with these m-lines.
pub(crate) fn phone(version: u64, media: &str) -> String {
    format!(
        "v=0\r\no=phone 99 {version} IN IP4 192.0.2.99\r\ns=-\r\nc=IN IP4 192.0.2.99\r\nt=0 0\r\n{media}"
    )
}

/// Names that the core must never see.
pub(crate) const ACCESS_ONLY: [&str; 17] = [
    "fingerprint",
    "setup",
    "tls-id",
    "ice-ufrag",
    "ice-pwd",
    "ice-options",
    "ice-lite",
    "candidate",
    "end-of-candidates",
    "rtcp-mux",
    "group",
    "mid",
    "msid",
    "ssrc",
    "extmap",
    "3ge2ae",
    "crypto",
];

pub(crate) fn assert_nothing_of_the_access(session: &Session) {
    for (_, line) in session.lines() {
        let name = line
            .attribute_name()
            .unwrap_or("")
            .trim()
            .to_ascii_lowercase();
        assert!(
            !ACCESS_ONLY.contains(&name.as_str()) && !name.starts_with("ice-"),
            "{line:?} reached the core"
        );
    }
}
