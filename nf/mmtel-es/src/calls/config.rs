use std::net::SocketAddr;
use std::time::Duration;

use wire_sdp::Attribute as _;
use wire_sdp::attribute::Rtpmap;

use super::observer::CallEvents;
use crate::Targets;

/// What the calls of the enabler are told once.
#[derive(Clone, Debug)]
pub struct CallsConfig {
    /// Where it listens for SIP, UDP and TCP. Written into Via and Contact.
    pub address: SocketAddr,
    /// The way into the core: the URI of an I-CSCF or S-CSCF.
    pub core: String,
    /// The public service identity under which it calls when an application does.
    pub identity: String,
    /// What people read of who calls.
    pub name: String,
    /// Whose calls are told to whom (TS 29.392 §5.4).
    pub call_events: Vec<CallEvents>,
    /// Where notifications may go.
    pub targets: Targets,
    /// How many calls there may be.
    pub max_calls: usize,
    /// How many calls one consumer may have.
    pub max_calls_of_consumer: usize,
    /// How long a UE may ring.
    pub answer_within: Duration,
    /// How long a data channel may take to open.
    pub channel_within: Duration,
    /// How long a UE is waited for that is to open one.
    pub ue_channel_within: Duration,
    /// How long the same request gets the same call, after it was answered.
    pub same_within: Duration,
    /// RFC 4028 §4: how long a session lives without a refresh.
    pub session_expires: u32,
    /// What is offered of sound, the best first.
    pub audio: Vec<Format>,
    /// What is offered of pictures, the best first.
    pub video: Vec<Format>,
}

impl CallsConfig {
    /// The defaults, with this address, core and identity.
    pub fn new(address: SocketAddr, core: &str, identity: &str) -> Self {
        Self {
            address,
            core: core.to_owned(),
            identity: identity.to_owned(),
            name: "Network service".to_owned(),
            call_events: Vec::new(),
            targets: Targets::default(),
            max_calls: 10_000,
            max_calls_of_consumer: 1_000,
            answer_within: Duration::from_mins(1),
            channel_within: Duration::from_secs(15),
            ue_channel_within: Duration::from_mins(1),
            same_within: Duration::from_secs(30),
            session_expires: 1800,
            audio: vec![
                Format::new(111, "opus/48000/2", Some("useinbandfec=1")),
                Format::new(
                    104,
                    "AMR-WB/16000",
                    Some("mode-change-capability=2;max-red=0"),
                ),
                Format::new(102, "AMR/8000", Some("mode-change-capability=2;max-red=0")),
                Format::new(8, "PCMA/8000", None),
                Format::new(0, "PCMU/8000", None),
                Format::new(101, "telephone-event/8000", Some("0-15")),
                Format::new(105, "telephone-event/48000", Some("0-15")),
            ],
            video: vec![
                Format::new(120, "VP8/90000", None),
                Format::new(
                    122,
                    "H264/90000",
                    Some("profile-level-id=42e01f;packetization-mode=1"),
                ),
            ],
        }
    }
}

/// A format of RTP, as SDP names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// Its payload type.
    pub payload: u8,
    /// Encoding, clock rate and channels: `opus/48000/2`.
    pub encoding: String,
    /// Its `a=fmtp`.
    pub parameters: Option<String>,
}

impl Format {
    /// A format.
    pub fn new(payload: u8, encoding: &str, parameters: Option<&str>) -> Self {
        Self {
            payload,
            encoding: encoding.to_owned(),
            parameters: parameters.map(str::to_owned),
        }
    }

    /// Whether both name the same encoding, whatever their numbers (RFC 8866 §6.6: in any case).
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let read = |format: &Self| format!("{} {}", format.payload, format.encoding);
        let (one, two) = (read(self), read(other));
        match (Rtpmap::parse(&one), Rtpmap::parse(&two)) {
            (Ok(one), Ok(two)) => one.same_format(&two),
            _ => false,
        }
    }
}
