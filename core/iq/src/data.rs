//! Data channels: a stream of [`MediaKind::Data`](crate::MediaKind::Data) has an SCTP association
//! over DTLS at each of its two Terminations, and channels in each.
//!
//! ```text
//!   eP-CSCF, or an application server           eIMS-AGW
//!      │ Reserve, Configure { data: SCTP, channels, far end } │
//!      │ ───────────────────────────────────────────────────▶ │
//!      │                   Notification { ChannelRequested }  │   in band, and nobody announced it
//!      │ ◀─────────────────────────────────────────────────── │
//!      │ Channel { Accept, Close, Open, Send, Credit }        │
//!      │ ───────────────────────────────────────────────────▶ │
//!      │      Notification { ChannelMessage, ChannelWritable } │
//!      │ ◀─────────────────────────────────────────────────── │
//! ```

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{DtlsRole, Fingerprint, IceCredentials};

/// What the eP-CSCF tells the gateway of a stream's data channels. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSettings {
    /// SCTP towards the WIC.
    pub w3: Option<SctpSettings>,
    /// The WIC's `a=tls-id`. Another one than before is a new association (RFC 8842 §3.1).
    #[serde(default)]
    pub w3_tls_id: Option<String>,
    /// SCTP towards the core.
    pub core: Option<SctpSettings>,
    /// DTLS towards the core, and ICE if the far end has it.
    pub core_dtls: Option<DtlsSettings>,
    /// Whose offer all this is from. When it restarts ICE or DTLS at that end, the gateway makes new
    /// credentials or a new name of its own there, and tells them in the reply; an answer has the
    /// gateway's already, and changes only what the gateway knows of the peer.
    #[serde(default)]
    pub offered: Option<StreamEnd>,
    /// RFC 8864 — the channels that SDP negotiated. `Some` replaces the whole list: a channel that is
    /// no longer in it is closed. At most [`Self::MAX_CHANNELS`]. One whose id is in use already is told
    /// in [`DataLocal::refused`].
    pub channels: Option<Vec<NegotiatedChannel>>,
    /// What the channels are joined with.
    pub far_end: Option<FarEnd>,
    /// Channels that the application waits for: whatever [`Self::far_end`] says, one that its peer opens in band
    /// is told ([`Event::ChannelRequested`](crate::Event::ChannelRequested)) and waits. `Some` replaces the whole
    /// list. At most [`Self::MAX_CHANNELS`].
    #[serde(default)]
    pub awaited: Option<Vec<AwaitedChannel>>,
}

/// A channel that a peer is to open in band, for the application.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AwaitedChannel {
    /// At which end.
    pub end: StreamEnd,
    /// Its label.
    pub label: String,
}

impl DataSettings {
    /// More channels than this a stream does not have.
    pub const MAX_CHANNELS: usize = 256;
    /// Longer labels and subprotocols, in octets, a channel does not have.
    pub const MAX_NAME: usize = 1024;
}

/// What one side's SDP says of SCTP (RFC 8841).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SctpSettings {
    /// `a=sctp-port`.
    pub port: u16,
    /// `a=max-message-size`, if it is there; 0 is any size.
    pub max_message_size: Option<u64>,
}

/// What the far end's SDP says of DTLS and ICE. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DtlsSettings {
    /// `a=ice-ufrag` and `a=ice-pwd`. Checks of the far end are answered; the gateway sends none, and
    /// uses the address of `c=` and `m=` until the far end nominates another.
    pub remote_ice: Option<IceCredentials>,
    /// The `a=fingerprint` lines; one must fit.
    pub remote_fingerprints: Option<Vec<Fingerprint>>,
    /// `a=tls-id`. Another one than before is a new association (RFC 8842 §3.1).
    #[serde(default)]
    pub remote_tls_id: Option<String>,
    /// The gateway's role.
    pub dtls_role: Option<DtlsRole>,
}

/// What the channels of a stream are joined with (TS 24.371 §8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FarEnd {
    /// With nothing: what is opened in band is refused.
    Nobody,
    /// With those of the other Termination, channel by channel, message by message.
    Relay {
        /// What is opened in band is told, and waits until it is among the negotiated channels or is
        /// closed. Else it is opened in band at the other Termination too.
        announce: bool,
    },
    /// With whoever speaks Iq: each end by itself.
    Application,
}

/// A channel of `a=dcmap` (RFC 8864 §5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NegotiatedChannel {
    /// Its stream id, not 65,535.
    pub id: u16,
    /// What it is.
    pub channel: ChannelDescription,
    /// Where it is.
    #[serde(default)]
    pub place: ChannelPlace,
}

/// Where a negotiated channel is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChannelPlace {
    /// At both ends, under one id: joined with one another as [`FarEnd`] says.
    #[default]
    Both,
    /// At this end alone; what comes in it is the application's, whatever [`FarEnd`] says of others.
    At(StreamEnd),
    /// At the other end alone, joined with this one, which was requested in band
    /// ([`Event::ChannelRequested`](crate::Event::ChannelRequested)) and is accepted with it.
    For(ChannelAt),
}

/// What a channel is (RFC 8832 §5.1, RFC 8864 §5.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelDescription {
    /// Its label.
    pub label: String,
    /// Its subprotocol.
    pub protocol: String,
    /// Messages arrive in order.
    pub ordered: bool,
    /// What is done for lost messages.
    pub reliability: ChannelReliability,
    /// Its weight, 256 if nothing is said.
    pub priority: u16,
}

/// What is done for a lost message (RFC 8831 §6.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ChannelReliability {
    /// It arrives.
    Reliable,
    /// It is sent again that often.
    MaxRetransmits(u32),
    /// It is sent again for so many milliseconds.
    MaxLifetime(u32),
}

/// One of the two ends of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum StreamEnd {
    /// Towards the WIC.
    W3,
    /// Towards the core.
    Core,
}

/// Names a channel of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChannelAt {
    /// At which end.
    pub end: StreamEnd,
    /// Its id there.
    pub id: u16,
}

/// What is asked of a channel by whoever speaks for the far end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelAction {
    /// Opens one in band. Answered by [`Reply::ChannelOpening`](crate::Reply::ChannelOpening).
    Open {
        /// At which end.
        end: StreamEnd,
        /// What it is to be.
        channel: ChannelDescription,
    },
    /// Accepts one that was requested.
    Accept(ChannelAt),
    /// Closes one, or refuses one that was requested.
    Close(ChannelAt),
    /// Sends a message. Refused with [`Refusal::ChannelFull`](crate::Refusal::ChannelFull) when too
    /// much waits already; [`Event::ChannelWritable`](crate::Event::ChannelWritable) says when it is
    /// worth another try.
    Send(ChannelAt, ChannelMessage),
    /// So many messages more may be told. A channel begins with none: what is not taken waits with
    /// the peer.
    Credit(ChannelAt, u32),
}

/// A message of a channel. Its `Debug` has the length alone: what people say to one another is for no log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelMessage {
    /// Characters, as they came: a peer that sends other than UTF-8 is heard so.
    Text(#[serde(with = "octets")] Vec<u8>),
    /// Bytes.
    Binary(#[serde(with = "octets")] Vec<u8>),
}

impl fmt::Debug for ChannelMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(octets) => write!(f, "Text({} octets)", octets.len()),
            Self::Binary(octets) => write!(f, "Binary({} octets)", octets.len()),
        }
    }
}

/// What the SDP towards the core says of the gateway's data channels; what is towards the WIC is in
/// [`W3Local`](crate::W3Local).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataLocal {
    /// `a=ice-ufrag` and `a=ice-pwd` towards the core, with `a=ice-lite`.
    pub core_ice: IceCredentials,
    /// `a=fingerprint` towards the core.
    pub core_fingerprint: Fingerprint,
    /// `a=tls-id` towards the WIC: one for the life of a DTLS association.
    #[serde(default)]
    pub w3_tls_id: String,
    /// `a=tls-id` towards the core.
    #[serde(default)]
    pub core_tls_id: String,
    /// `a=sctp-port` on both sides.
    pub sctp_port: u16,
    /// `a=max-message-size` on both sides.
    pub max_message_size: u32,
    /// Negotiated channels of the last [`DataSettings::channels`] that cannot be: their ids are in use.
    #[serde(default)]
    pub refused: Vec<u16>,
}

/// Why a channel is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChannelEnd {
    /// It was asked for, or its counterpart was closed.
    ByUs,
    /// The peer closed it, or refused it.
    ByPeer,
    /// The peer broke a rule, in words for a log.
    Failed(String),
}

/// Octets as base64, RFC 4648 §4: JSON has no better.
mod octets {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(octets: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(octets))
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::ChannelMessage;

    #[test]
    fn what_people_say_is_not_shown() {
        let said = ChannelMessage::Text(b"my secret".to_vec());
        assert_eq!(format!("{said:?}"), "Text(9 octets)");
    }
}
