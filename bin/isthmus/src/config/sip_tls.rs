//! `[epcscf.mw_tls]` and `[lab_core.tls]`: SIP over TLS between elements of the core.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Deserialize;

/// TLS beside UDP and TCP, for what comes and what goes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SipTlsConfig {
    /// Where it is listened for.
    pub(crate) listen: SocketAddr,
    /// PEM: our certificate and those above it, shown in both directions.
    pub(crate) certificate: PathBuf,
    /// PEM: its key.
    pub(crate) key: PathBuf,
    /// PEM files with the authorities that sign our peers' certificates.
    #[serde(default)]
    pub(crate) trust: Vec<PathBuf>,
    /// Who connects shows a certificate of theirs too (TS 33.310 §6.2).
    #[serde(default = "yes")]
    pub(crate) mutual: bool,
    /// Names of which the certificate of a peer that we connect to has one. Empty: the host of the
    /// configured next hop, or the address that we connect to.
    #[serde(default)]
    pub(crate) peer_names: Vec<String>,
}

fn yes() -> bool {
    true
}

impl SipTlsConfig {
    /// The files that it names.
    pub(super) fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let own = [&mut self.certificate, &mut self.key];
        own.into_iter().chain(&mut self.trust)
    }

    /// Whether a peer can be known at all.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.mutual && self.trust.is_empty() {
            let why = "needs `trust`: who signs the certificates that peers show?";
            return Err(why.to_owned());
        }
        Ok(())
    }
}
