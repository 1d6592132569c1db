//! What the operator decides.

/// Which data channels are carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DataChannels {
    /// None, on either leg.
    Never,
    /// Those that the core offers, and the WIC's once the core has said that it knows them
    /// ([`Negotiation::core_has_channels`](super::Negotiation::core_has_channels)).
    #[default]
    Announced,
    /// All.
    Always,
}

/// Operator policy of the IMS-ALG.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// TS 24.371 §7.4.2 — whether media without `a=3ge2ae:requested` is served too. Browsers and foreign
    /// WICs do not write it.
    pub without_3ge2ae: bool,
    /// Whether data channels are carried. Else their m-lines are answered with port 0 (TS 24.371 §8.4.2, without
    /// any interworking).
    pub data_channels: DataChannels,
    /// TS 26.114 §6.2.10 — whether the edge ends the WIC's bootstrap channels itself. Else they are the core's, as others
    /// are.
    pub bootstrap: bool,
    /// How many m-lines of one call are carried; what comes after is rejected with port 0.
    pub streams: usize,
    /// `b=AS` of a video m-line that came without one, in kbit/s.
    pub video_bandwidth: u64,
}

impl Policy {
    /// Whether the edge ends any bootstrap channel itself.
    #[must_use]
    pub fn serves_bootstrap(&self) -> bool {
        self.bootstrap && self.data_channels != DataChannels::Never
    }
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            without_3ge2ae: true,
            data_channels: DataChannels::Announced,
            bootstrap: false,
            streams: 8,
            video_bandwidth: 2048,
        }
    }
}
