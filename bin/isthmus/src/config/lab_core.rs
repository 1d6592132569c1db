//! `[lab_core]`: the laboratory's core.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

use super::SipTlsConfig;

/// `[lab_core]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LabCoreConfig {
    /// SIP, UDP and TCP.
    pub(crate) listen: SocketAddr,
    /// SIP over TLS, beside them.
    pub(crate) tls: Option<SipTlsConfig>,
    /// Requests of one address in a second; the rest is dropped, or waits in its connection. 0: any
    /// number.
    pub(crate) requests_per_second: u32,
    /// eP-CSCFs that are believed when they say that they have authenticated somebody.
    pub(crate) trusted: Vec<SocketAddr>,
    /// Application servers: they may call under identities of services.
    pub(crate) application_servers: Vec<SocketAddr>,
    /// Which of them see what subscribers ask, and are asked, the first first.
    pub(crate) filter_criteria: Vec<nf_lab_core::FilterCriterion>,
    /// WAFs and WWSFs in third parties' domains that may stand behind a registration; `*` is all.
    pub(crate) allowed_web_functions: Vec<String>,
    /// Those that may not, allowed or not.
    pub(crate) barred_web_functions: Vec<String>,
    /// The subscribers, a TOML file; without one, four are made in the data folder.
    pub(crate) subscribers: Option<PathBuf>,
}

impl Default for LabCoreConfig {
    fn default() -> Self {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self {
            listen: SocketAddr::from((loopback, 5060)),
            tls: None,
            requests_per_second: 10_000,
            trusted: vec![SocketAddr::from((loopback, 5070))],
            application_servers: Vec::new(),
            filter_criteria: Vec::new(),
            allowed_web_functions: Vec::new(),
            barred_web_functions: Vec::new(),
            subscribers: None,
        }
    }
}

impl LabCoreConfig {
    pub(crate) fn web_functions(&self) -> nf_lab_core::WebFunctions {
        nf_lab_core::WebFunctions {
            allowed: self.allowed_web_functions.clone(),
            barred: self.barred_web_functions.clone(),
        }
    }
}
