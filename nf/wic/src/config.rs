use std::net::SocketAddr;
use std::time::Duration;

use core_credentials::aka::{Usim, Version};
use core_sip::Transport;

use crate::data::{ChannelRule, DataChannelInit};
use crate::media::{AudioSource, Codec, VideoSource};

/// What a WIC begins with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who it is.
    pub identity: Identity,
    /// How it proves that.
    pub credentials: Credentials,
    /// How it reaches the eP-CSCF: [`Transport::Ws`] or [`Transport::Wss`].
    pub transport: Transport,
    /// Sockets for media, which are open: one for each m-line of each call, the first ones first. More
    /// can be added.
    pub sockets: Vec<SocketAddr>,
    /// So many calls at once; one more is refused as busy.
    pub calls: usize,
    /// What is shown, if calls have video from the beginning; and then video that the other end adds
    /// is taken, too.
    pub video: Option<VideoSource>,
    /// How many bytes of frames are kept of a call.
    pub keep_bytes: usize,
    /// Channels that each call of ours has from the beginning.
    pub channels: Vec<DataChannelInit>,
    /// Which channels of the other end are taken; none without a rule.
    pub accept_channels: Vec<ChannelRule>,
    /// About which other channels the owner is asked, in a call that stands:
    /// [`ChannelEvent::Requested`](crate::ChannelEvent::Requested).
    pub ask_channels: Vec<ChannelRule>,
    /// Whether the network hears in our Contact that we know data channels, where we do; clients of the first release do
    /// not say so, and are spoken to in band.
    pub tells_channels: bool,
    /// Codecs for audio, the best first.
    pub codecs: Vec<Codec>,
    /// What is said in a call.
    pub source: AudioSource,
    /// How many samples of a call are kept.
    pub keep_samples: usize,
    /// A call that comes is answered after that time; without, it rings until told, as does a second one.
    pub answer_after: Option<Duration>,
    /// TS 24.371 §7.2.4 — numbers that are not called, digits only; see
    /// [`EMERGENCY_NUMBERS`](crate::EMERGENCY_NUMBERS).
    pub emergency_numbers: Vec<String>,
    /// How long a registration is asked for.
    pub expires: Duration,
    /// For tags, branches, nonces and identifiers.
    pub seed: [u8; 32],
}

impl Config {
    /// TS 26.114 §6.2.10.1 — what a Contact says of one who knows data channels.
    pub(crate) fn feature(&self) -> &'static str {
        let rules = self.accept_channels.is_empty() && self.ask_channels.is_empty();
        if !self.tells_channels || (rules && self.channels.is_empty()) {
            ""
        } else {
            ";+sip.app-subtype=\"webrtc-datachannel\""
        }
    }
}

/// Who a WIC is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The public user identity that it registers: `sip:alice@…`.
    pub public: String,
    /// The private user identity: `alice@…`.
    pub private: String,
    /// The home domain.
    pub home_domain: String,
}

/// How a WIC proves who it is (TS 24.371 §6.2).
#[derive(Clone)]
pub enum Credentials {
    /// SIP Digest with the private user identity's password.
    Digest {
        /// The password.
        password: String,
    },
    /// An access token of the WAF.
    Token {
        /// The token.
        token: String,
    },
    /// IMS-AKA with a SIM in software (TS 24.371 §6.2.1).
    Usim {
        /// The SIM.
        usim: Box<Usim>,
        /// Which version is asked for, and no other one answered.
        version: Version,
    },
}

/// Passwords and tokens stay out of logs.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Digest { .. } => "Digest",
            Self::Token { .. } => "Token",
            Self::Usim { .. } => "Usim",
        })
    }
}
