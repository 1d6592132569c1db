//! `[lab_core]`: the laboratory's core.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

/// `[lab_core]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LabCoreConfig {
    /// SIP, UDP and TCP.
    pub(crate) listen: SocketAddr,
    /// eP-CSCFs that are believed when they say that they have authenticated somebody.
    pub(crate) trusted: Vec<SocketAddr>,
    /// The subscribers, a TOML file; without one, four are made in the data folder.
    pub(crate) subscribers: Option<PathBuf>,
}

impl Default for LabCoreConfig {
    fn default() -> Self {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self {
            listen: SocketAddr::from((loopback, 5060)),
            trusted: vec![SocketAddr::from((loopback, 5070))],
            subscribers: None,
        }
    }
}
