/// Names a channel: its SCTP stream, the same number in both directions (RFC 8831 §6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelId(pub u16);

impl ChannelId {
    /// The highest id there is. 65,535 streams are agreed, counted from 0 (RFC 8831 §6.2).
    pub const MAX: Self = Self(65_534);

    /// Whether it can name a channel.
    pub fn is_valid(self) -> bool {
        self <= Self::MAX
    }
}

/// What a channel is, whoever opened it and however.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Channel {
    /// What applications call it. Need not be unique.
    pub label: String,
    /// The subprotocol, as the WebSocket registry names it, or nothing (RFC 8832 §8.2.1).
    pub protocol: String,
    /// Messages arrive in the order in which they were sent.
    pub ordered: bool,
    /// What is done for a message that is lost.
    pub reliability: Reliability,
    /// Before whom it may send.
    pub priority: Priority,
}

impl Channel {
    /// A reliable, ordered channel.
    pub fn new(label: impl Into<String>) -> Self {
        Self {
            label: label.into(),
            ordered: true,
            ..Self::default()
        }
    }
}

/// RFC 8831 §6.1 — what is done for a message that is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Reliability {
    /// Everything: it arrives.
    #[default]
    Reliable,
    /// It is sent again that often, then given up (RFC 3758, RFC 7496 §3.2).
    MaxRetransmits(u32),
    /// It is sent again for so many milliseconds, then given up (RFC 3758 §4).
    MaxLifetime(u32),
}

/// RFC 8831 §6.4 — a weight: 128 below normal, 256 normal, 512 high, 1024 extra high.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Priority(pub u16);

impl Priority {
    /// Below normal.
    pub const BELOW_NORMAL: Self = Self(128);
    /// Normal, also when nothing is said (RFC 8864 §5.1.7).
    pub const NORMAL: Self = Self(256);
    /// High.
    pub const HIGH: Self = Self(512);
    /// Extra high.
    pub const EXTRA_HIGH: Self = Self(1024);
}

impl Default for Priority {
    fn default() -> Self {
        Self::NORMAL
    }
}

/// RFC 8832 §6 — our role in DTLS decides which ids we choose for the channels that we open in band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Even ids; begins the SCTP association.
    Client,
    /// Odd ids.
    Server,
}

impl Role {
    /// Whether this role opens a channel under that id.
    pub fn opens(self, id: ChannelId) -> bool {
        match self {
            Self::Client => id.0.is_multiple_of(2),
            Self::Server => !id.0.is_multiple_of(2),
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }
}
