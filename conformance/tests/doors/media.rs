//! The eP-CSCF and the eIMS-AGW as far as media go: SDP on W2 and Mw, Iq between the two.

use std::net::SocketAddr;
use std::time::Instant;

use core_iq::{Command, Refusal, Reply, RequestId, ReservedStream, StreamSettings};
use core_w3::dtls::Certificate;
use nf_eims_agw::{BoundPorts, Config, Gateway, Identity, Limits, Output, SocketId, W3Socket};
use nf_epcscf::ims_alg::{Finality, Leg, Negotiation, Next, Policy, Refused};
use wire_sdp::Session;

/// A browser's offer of audio and video, bundled.
pub(crate) const BROWSER: &str = include_str!("../../../wire/sdp/tests/data/chromium.sdp");
/// A browser's offer whose second m-line is bundle-only.
pub(crate) const BROWSER_BUNDLE_ONLY: &str =
    include_str!("../../../wire/sdp/tests/data/firefox.sdp");
/// An IMS phone's offer of audio.
pub(crate) const PHONE: &str = include_str!("../../../wire/sdp/tests/data/phone.sdp");

/// One call at the eP-CSCF, with a gateway of its own.
pub(crate) struct Call {
    negotiation: Negotiation,
    gateway: Gateway,
    now: Instant,
    sockets: u32,
    /// What went over Iq.
    pub(crate) iq: Vec<Command>,
    /// What the gateway told, the last of each stream last.
    pub(crate) told: Vec<ReservedStream>,
}

impl Call {
    pub(crate) fn new() -> Call {
        Call::with(Policy::default())
    }

    pub(crate) fn with(policy: Policy) -> Call {
        let identity = Identity::new(Certificate::generate().expect("keys")).expect("DTLS");
        let config = Config {
            worker: 0,
            w3: vec![W3Socket {
                socket: SocketId(0),
                candidate: SocketAddr::from(([198, 51, 100, 20], 3478)),
            }],
            core_address: [203, 0, 113, 20].into(),
            core_public_address: None,
            core_ports: Some(30000..=30099),
            symmetric_rtp: false,
            silence: Config::SILENCE,
            limits: Limits::default(),
            seed: [7; 32],
        };
        Call {
            negotiation: Negotiation::new(policy, 11, 22),
            gateway: Gateway::new(config, identity),
            now: Instant::now(),
            sockets: 0,
            iq: Vec::new(),
            told: Vec::new(),
        }
    }

    /// An offer on one door; what leaves by the other.
    pub(crate) fn offer(&mut self, from: Leg, sdp: &str) -> Result<Session, Refused> {
        let next = self.negotiation.offer(from, sdp.as_bytes())?;
        self.through(next)
    }

    /// An answer on one door; what leaves by the other.
    pub(crate) fn answer(&mut self, from: Leg, sdp: &str) -> Result<Session, Refused> {
        let next = self
            .negotiation
            .answer(from, sdp.as_bytes(), Finality::Final)?;
        self.through(next)
    }

    /// The offer was refused by the other side.
    pub(crate) fn refuse(&mut self) {
        for command in self.negotiation.rollback() {
            self.ask(command).expect("the gateway goes back");
        }
    }

    /// What the gateway told last of this stream.
    pub(crate) fn gateway_side(&self, stream: u16) -> &ReservedStream {
        self.told
            .iter()
            .rfind(|told| told.stream.0 == stream)
            .expect("the gateway has the stream")
    }

    /// What the gateway was last told of this stream.
    pub(crate) fn settings(&self, stream: u16) -> &StreamSettings {
        let streams = self.iq.iter().rev().flat_map(|command| match command {
            Command::Reserve { streams, .. } | Command::Configure { streams, .. } => {
                streams.as_slice()
            }
            Command::Subtract { .. } | Command::Release { .. } | Command::Channel { .. } => &[],
        });
        streams
            .into_iter()
            .find(|settings| settings.stream.0 == stream)
            .expect("told of the stream")
    }

    fn through(&mut self, mut next: Next) -> Result<Session, Refused> {
        loop {
            match next {
                Next::Gateway(command) => {
                    let reply = self.ask(command);
                    if let Ok(Reply::Reserved(reserved) | Reply::Configured(reserved)) = &reply {
                        self.told.extend(reserved.streams.iter().cloned());
                    }
                    next = self.negotiation.replied(reply)?;
                }
                Next::Forward(sdp) => return Ok(Session::parse(&sdp).expect("SDP")),
                Next::Settled => unreachable!("no offer of the edge's own was made"),
            }
        }
    }

    fn ask(&mut self, command: Command) -> Result<Reply, Refusal> {
        self.iq.push(command.clone());
        self.gateway.handle_iq(self.now, RequestId(1), command);
        let mut reply = None;
        while let Some(output) = self.gateway.poll_output() {
            match output {
                Output::IqReply { result, .. } => reply = Some(result),
                Output::BindPorts { request, rtp, rtcp } => {
                    self.sockets += 2;
                    let bound = BoundPorts {
                        rtp: (SocketId(self.sockets - 1), rtp),
                        rtcp: (SocketId(self.sockets), rtcp),
                    };
                    self.gateway
                        .handle_ports_bound(self.now, request, Ok(bound));
                }
                Output::ReleasePorts { .. } | Output::Transmit { .. } | Output::Notification(_) => {
                }
            }
        }
        reply.expect("the gateway answers once its ports are open")
    }
}

/// What a phone answers to an offer: every m-line, with its first format.
pub(crate) fn phone_answers(offer: &Session) -> String {
    let mut text =
        "v=0\r\no=- 5 1 IN IP4 192.0.2.80\r\ns=-\r\nc=IN IP4 192.0.2.80\r\nt=0 0\r\n".to_owned();
    for media in offer.medias() {
        let line = media.line();
        let format = line.formats().next().expect("a format");
        text.extend(["m=", line.media, " 6000 RTP/AVP ", format, "\r\n"]);
        for map in media
            .values("rtpmap")
            .filter(|map| map.split(' ').next() == Some(format))
        {
            text.extend(["a=rtpmap:", map, "\r\n"]);
        }
    }
    text
}

/// What a browser answers to an offer: every m-line, with its first format.
pub(crate) fn browser_answers(offer: &Session) -> String {
    let mut text = "v=0\r\no=- 6 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n".to_owned();
    for media in offer.medias() {
        let line = media.line();
        let format = line.formats().next().expect("a format");
        text.extend([
            "m=",
            line.media,
            " 9 ",
            line.proto,
            " ",
            format,
            "\r\nc=IN IP4 0.0.0.0\r\n",
        ]);
        text.push_str(
            "a=ice-ufrag:EsAw\r\na=ice-pwd:bP+XJMM09aR8AiX1jdukzR6Y\r\na=ice-options:trickle\r\n",
        );
        text.push_str(
            "a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\r\n",
        );
        text.push_str("a=setup:active\r\na=rtcp-mux\r\n");
        if line.media == "application" {
            text.push_str("a=sctp-port:5000\r\na=max-message-size:262144\r\n");
        }
        for map in media
            .values("rtpmap")
            .filter(|map| map.split(' ').next() == Some(format))
        {
            text.extend(["a=rtpmap:", map, "\r\n"]);
        }
    }
    text
}
