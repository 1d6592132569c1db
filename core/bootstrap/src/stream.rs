//! Which bootstrap channel is whose (TS 26.114 §6.2.10.1, table).

/// Whom a bootstrap channel's applications come from, seen from the UE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// 0 — the provider of the UE's own network.
    LocalNetwork,
    /// 10 — the user of the UE.
    LocalUser,
    /// 100 — the provider of the far end's network.
    RemoteNetwork,
    /// 110 — the user at the far end.
    RemoteUser,
}

/// The subprotocol of every bootstrap channel.
pub const SUBPROTOCOL: &str = "http";

/// TS 26.114 §6.2.10.1 — the first id of an application's channels; those below are bootstrap
/// channels, or reserved.
pub const FIRST_APPLICATION: u16 = 1000;

impl Source {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::LocalNetwork,
        Self::LocalUser,
        Self::RemoteNetwork,
        Self::RemoteUser,
    ];

    /// The stream of that channel.
    pub fn id(self) -> u16 {
        match self {
            Self::LocalNetwork => 0,
            Self::LocalUser => 10,
            Self::RemoteNetwork => 100,
            Self::RemoteUser => 110,
        }
    }

    /// The channel of that stream, if it is a bootstrap channel.
    pub fn of(id: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.id() == id)
    }

    /// Whether it is the far end's network that answers.
    pub fn is_remote(self) -> bool {
        matches!(self, Self::RemoteNetwork | Self::RemoteUser)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TS 26.114 §6.2.10.1
    #[test]
    fn four_streams_are_bootstrap_channels_and_no_other() {
        let ids: Vec<u16> = (0..=u16::MAX)
            .filter(|id| Source::of(*id).is_some())
            .collect();
        assert_eq!(ids, [0, 10, 100, 110]);
        assert!(ids.iter().all(|id| *id < FIRST_APPLICATION));
        assert!(Source::of(100).is_some_and(Source::is_remote));
        assert!(!Source::of(10).is_some_and(Source::is_remote));
    }
}
