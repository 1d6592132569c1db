//! What the eP-CSCF does to SDP, between W2 and Mw, with a gateway of paper on Iq.

use std::net::SocketAddr;

use core_iq::{
    Command, ContextId, CoreLocal, Fingerprint, IceCredentials, Reply, Reserved, ReservedStream,
    StreamSettings, W3Local,
};
use nf_epcscf::ims_alg::{Finality, Leg, Negotiation, Next, Policy, Refused};
use wire_sdp::Session;

/// A browser's offer of audio and video, bundled.
pub(crate) const BROWSER: &str = include_str!("../../../wire/sdp/tests/data/chromium.sdp");
/// A browser's offer whose second m-line is bundle-only.
pub(crate) const BROWSER_BUNDLE_ONLY: &str =
    include_str!("../../../wire/sdp/tests/data/firefox.sdp");
/// An IMS phone's offer of audio.
pub(crate) const PHONE: &str = include_str!("../../../wire/sdp/tests/data/phone.sdp");

/// The fingerprint of the gateway of paper.
pub(crate) const GATEWAY_FINGERPRINT: &str = "sha-256 5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:\
5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A:5A";

/// One call at the eP-CSCF.
pub(crate) struct Call {
    negotiation: Negotiation,
    /// What went over Iq.
    pub(crate) iq: Vec<Command>,
}

impl Call {
    pub(crate) fn new() -> Call {
        Call::with(Policy::default())
    }

    pub(crate) fn with(policy: Policy) -> Call {
        Call {
            negotiation: Negotiation::new(policy, 11, 22),
            iq: Vec::new(),
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

    fn through(&mut self, mut next: Next) -> Result<Session, Refused> {
        loop {
            match next {
                Next::Gateway(command) => {
                    let reply = reply(&command);
                    self.iq.push(command);
                    next = self.negotiation.replied(Ok(reply))?;
                }
                Next::Forward(sdp) => return Ok(Session::parse(&sdp).expect("SDP")),
                Next::Settled => unreachable!("no offer of the edge's own was made"),
            }
        }
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
        for map in media
            .values("rtpmap")
            .filter(|map| map.split(' ').next() == Some(format))
        {
            text.extend(["a=rtpmap:", map, "\r\n"]);
        }
    }
    text
}

fn reply(command: &Command) -> Reply {
    let told = |settings: &StreamSettings| {
        let port = 30000 + settings.stream.0 * 2;
        ReservedStream {
            stream: settings.stream,
            w3: W3Local {
                ice: IceCredentials {
                    ufrag: "edge".into(),
                    pwd: "edgeedgeedgeedgeedgeedge".into(),
                },
                fingerprint: Fingerprint {
                    algorithm: "sha-256".into(),
                    digest: vec![0x5A; 32],
                },
                candidates: vec![SocketAddr::from(([198, 51, 100, 20], 3478))],
            },
            core: CoreLocal {
                rtp: SocketAddr::from(([203, 0, 113, 20], port)),
                rtcp: SocketAddr::from(([203, 0, 113, 20], port + 1)),
            },
        }
    };
    let context = ContextId(1);
    match command {
        Command::Reserve { streams, .. } => Reply::Reserved(Reserved {
            context,
            streams: streams.iter().map(told).collect(),
        }),
        Command::Configure { .. } | Command::Subtract { .. } => Reply::Configured(Reserved {
            context,
            streams: Vec::new(),
        }),
        Command::Release { .. } => Reply::Released,
    }
}
