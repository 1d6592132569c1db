//! What flows through a stream, and what is changed on the way.

use serde::{Deserialize, Serialize};

/// The media of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MediaKind {
    /// `m=audio`.
    Audio,
    /// `m=video`: the gateway asks for a key frame when a gate opens.
    Video,
    /// `m=application` with `webrtc-datachannel` (RFC 8841).
    Data,
}

/// TS 23.334 §5.4 (gate control) — which way packets may pass at a Termination, seen from the
/// gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Gate {
    /// What arrives at this Termination goes on.
    pub receive: bool,
    /// What the other Termination received leaves here.
    pub send: bool,
}

impl Gate {
    /// Nothing passes.
    pub const CLOSED: Self = Self {
        receive: false,
        send: false,
    };
    /// Both ways.
    pub const OPEN: Self = Self {
        receive: true,
        send: true,
    };
}

/// Payload types that differ between the two sides of a stream. What is not in the map passes as
/// it is; at most [`PayloadMap::MAX`] entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayloadMap(pub Vec<PayloadMapping>);

impl PayloadMap {
    /// More dynamic payload types than this nobody offers.
    pub const MAX: usize = 64;
}

/// One pair of payload types (0 to 127) that mean the same format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayloadMapping {
    /// As it is called on W3.
    pub w3: u8,
    /// As it is called towards the core.
    pub core: u8,
}

/// RTCP feedback (RFC 4585, RFC 5104) that a stream's two sides agreed to take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feedback {
    /// The WIC takes generic NACK.
    pub w3_nack: bool,
    /// The WIC takes PLI.
    pub w3_pli: bool,
    /// The WIC takes FIR.
    pub w3_fir: bool,
    /// The far end takes generic NACK.
    pub core_nack: bool,
    /// The far end takes PLI.
    pub core_pli: bool,
    /// The far end takes FIR.
    pub core_fir: bool,
}
