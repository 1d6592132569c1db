//! `[epcscf]`: what an operator decides of the eP-CSCF.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use core_credentials::Secret;
use core_sip::Transport;
use core_sip::next_hop::NextHop;
use nf_epcscf::ims_alg::DataChannels;
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

use super::SipTlsConfig;
use super::issuers::IssuerConfig;
use crate::fault::Fault;
use crate::repository::{RemoteRepository, RepositoryConfig};

/// `[epcscf]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EpcscfConfig {
    /// SIP towards the core, UDP and TCP.
    pub(crate) mw_listen: SocketAddr,
    /// The host that the core is told instead of the one listened on.
    pub(crate) mw_host: Option<String>,
    /// SIP over TLS towards the core, beside them.
    pub(crate) mw_tls: Option<SipTlsConfig>,
    /// Requests of one address of the core's in a second; the rest is dropped, or waits in its
    /// connection. 0: any number.
    pub(crate) mw_requests_per_second: u32,
    /// Where REGISTER goes: the I-CSCF or another entry of the core, as a SIP URI.
    pub(crate) next_hop: String,
    /// Threads; 0: one a processor.
    pub(crate) shards: usize,
    /// Origins of pages that may open W2, as `https://phone.example.net`. Empty: that of this
    /// server alone.
    pub(crate) origins: Vec<String>,
    /// Whether a client that names no origin (which no browser is) may open W2.
    pub(crate) allow_no_origin: bool,
    /// How a lost WIC's calls wait for it.
    pub(crate) reconnect_seconds: u64,
    /// The session timer of calls whose ends ask for none; 0 leaves them alone.
    pub(crate) session_expires_seconds: u64,
    /// Which data channels cross the edge.
    pub(crate) data_channels: DataChannelsConfig,
    /// Who serves the WICs' bootstrap channels: `edge`, this server with its application repository, or `core`. The edge
    /// does when it has a repository and nothing else is said.
    pub(crate) bootstrap: Option<BootstrapConfig>,
    /// The application repository, when the enabler is in another process.
    pub(crate) repository: Option<RepositoryConfig>,
    /// What P-Visited-Network-ID says; the home domain when absent (TS 24.229 §5.2.2.1).
    pub(crate) visited_network: Option<String>,
    /// What `integrity-protected` says of a TLS association: `tls-yes` (TS 24.229 §7.2A.2), or
    /// `tls-protected` as TS 24.371 §6.4.1.2 writes it.
    pub(crate) integrity_protected: String,
    /// Numbers that are emergency calls; `urn:service:sos` always is.
    pub(crate) emergency_numbers: Vec<String>,
    /// Older clients may do IMS-AKA by AKAv1-MD5.
    pub(crate) akav1: bool,
    /// Whose tokens are good, besides: see [`IssuerConfig`].
    pub(crate) issuer: Vec<IssuerConfig>,
    /// How the core is told of a third party's WAF and WWSF: `jwt`, or `authorization-entity` as version
    /// 12.3 of TS 24.371 has it.
    pub(crate) third_party_form: ThirdParty,
    /// Registrations that begin in a second, over all shards; who is too many is told when to come again.
    pub(crate) registrations_per_second: u32,
    /// How long a WebSocket stays open whose registration has ended.
    pub(crate) linger_seconds: u64,
    /// Whose tokens are good.
    pub(crate) token: TokenConfig,
    /// Requests of one address in a second, above which the rest is dropped.
    pub(crate) requests_per_second: u32,
}

impl Default for EpcscfConfig {
    fn default() -> Self {
        Self {
            mw_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 5070)),
            mw_tls: None,
            mw_requests_per_second: 10_000,
            mw_host: None,
            next_hop: "sip:127.0.0.1:5060".to_owned(),
            shards: 0,
            origins: Vec::new(),
            allow_no_origin: false,
            reconnect_seconds: 30,
            session_expires_seconds: 1800,
            data_channels: DataChannelsConfig::Announced,
            bootstrap: None,
            repository: None,
            visited_network: None,
            integrity_protected: "tls-yes".to_owned(),
            emergency_numbers: ["112", "911", "999", "110", "118", "119", "000"]
                .map(str::to_owned)
                .to_vec(),
            akav1: false,
            issuer: Vec::new(),
            third_party_form: ThirdParty::Jwt,
            registrations_per_second: 2_000,
            linger_seconds: 10,
            token: TokenConfig::default(),
            requests_per_second: 200,
        }
    }
}

impl super::Config {
    /// Who asks the enabler of another process for applications.
    pub(crate) fn repository(&self) -> Result<Option<RemoteRepository>, Fault> {
        let repository = self.epcscf.repository.as_ref();
        let opened = repository.map(RepositoryConfig::open).transpose();
        opened.map_err(|(key, error)| self.fault(key, &format!("{error:#}")))
    }

    /// Without an enabler in the process, bootstrap channels are answered from one elsewhere.
    pub(crate) fn bootstrap_alone(&self) -> Result<(), Fault> {
        let edge = self.epcscf.bootstrap == Some(BootstrapConfig::Edge);
        if edge && self.epcscf.repository.is_none() {
            let why = "`edge` wants [epcscf.repository]: there is no enabler in this process";
            return Err(self.fault("epcscf.bootstrap", why));
        }
        Ok(())
    }
}

impl EpcscfConfig {
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if matches!(self.session_expires_seconds, 1..90 | 86_401..) {
            return Err((
                "epcscf.session_expires_seconds",
                "must be 0 or 90 to 86400".into(),
            ));
        }
        if self.reconnect_seconds == 0 || self.reconnect_seconds > 600 {
            return Err(("epcscf.reconnect_seconds", "must be 1 to 600".into()));
        }
        if !matches!(
            self.integrity_protected.as_str(),
            "tls-yes" | "tls-protected"
        ) {
            return Err((
                "epcscf.integrity_protected",
                "must be `tls-yes` or `tls-protected`".into(),
            ));
        }
        if !self.next_hop.starts_with("sip:") && !self.next_hop.starts_with("sips:") {
            return Err((
                "epcscf.next_hop",
                "must be a SIP URI like `sip:icscf.example.net`".into(),
            ));
        }
        for issuer in &self.issuer {
            issuer.check().map_err(|why| ("epcscf.issuer", why))?;
        }
        if self.linger_seconds > 600 {
            return Err(("epcscf.linger_seconds", "must be 0 to 600".into()));
        }
        if let Some(repository) = &self.repository {
            repository.check()?;
        }
        let hop = NextHop::of_uri(&self.next_hop);
        let transport = hop.as_ref().and_then(|hop| hop.transport);
        match (hop, transport) {
            (None, _) => {
                let why = "names a transport that there is not: udp, tcp or tls".to_owned();
                return Err(("epcscf.next_hop", why));
            }
            (_, Some(Transport::Ws | Transport::Wss)) => {
                let why = "is reached by udp, tcp or tls, not by WebSocket".to_owned();
                return Err(("epcscf.next_hop", why));
            }
            (_, Some(Transport::Tls)) if self.mw_tls.is_none() => {
                let why = "is reached by TLS, and [epcscf.mw_tls] is missing".to_owned();
                return Err(("epcscf.next_hop", why));
            }
            _ => {}
        }
        if let Some(tls) = &self.mw_tls {
            tls.check().map_err(|why| ("epcscf.mw_tls.mutual", why))?;
            if tls.trust.is_empty() {
                let why = "names nobody: who signs the core's certificate?".to_owned();
                return Err(("epcscf.mw_tls.trust", why));
            }
        }
        if let Some(origin) = self
            .origins
            .iter()
            .find(|o| !o.contains("://") || o.ends_with('/'))
        {
            return Err((
                "epcscf.origins",
                format!("`{origin}` is no origin: write `https://host` or `https://host:port`"),
            ));
        }
        Ok(())
    }
}

/// `epcscf.data_channels`: a word, or `true` and `false` for the first and the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DataChannelsConfig {
    Never,
    Announced,
    Always,
}

impl<'a> Deserialize<'a> for DataChannelsConfig {
    fn deserialize<D: Deserializer<'a>>(from: D) -> Result<Self, D::Error> {
        struct Words;

        impl Visitor<'_> for Words {
            type Value = DataChannelsConfig;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"always\", \"announced\" or \"never\"")
            }

            fn visit_bool<E: de::Error>(self, always: bool) -> Result<Self::Value, E> {
                Ok(if always {
                    DataChannelsConfig::Always
                } else {
                    DataChannelsConfig::Never
                })
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
                match word {
                    "always" => Ok(DataChannelsConfig::Always),
                    "announced" => Ok(DataChannelsConfig::Announced),
                    "never" => Ok(DataChannelsConfig::Never),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }
        }
        from.deserialize_any(Words)
    }
}

impl From<DataChannelsConfig> for DataChannels {
    fn from(config: DataChannelsConfig) -> Self {
        match config {
            DataChannelsConfig::Never => Self::Never,
            DataChannelsConfig::Announced => Self::Announced,
            DataChannelsConfig::Always => Self::Always,
        }
    }
}

/// `epcscf.bootstrap`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum BootstrapConfig {
    Edge,
    Core,
}

/// `epcscf.third_party_form`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) enum ThirdParty {
    #[serde(rename = "jwt")]
    Jwt,
    #[serde(rename = "authorization-entity")]
    AuthorizationEntity,
}

/// `[epcscf.token]`: the access tokens that let a WIC in (TS 24.371 §6.4.2).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TokenConfig {
    /// `iss` of the WAF's tokens; without one, that of the WAF in this process.
    pub(crate) issuer: Option<String>,
    /// `aud` that names this eP-CSCF.
    pub(crate) audience: String,
    /// PEM files with the certificates that the WAF is trusted by, in place of the system's.
    pub(crate) trust: Vec<PathBuf>,
    /// Our name at the WAF, where we give identities of its pool back; without one they run out.
    pub(crate) client_id: String,
    /// Our password there.
    pub(crate) client_secret: Secret,
}

impl Default for TokenConfig {
    fn default() -> Self {
        Self {
            issuer: None,
            audience: "eP-CSCF".to_owned(),
            trust: Vec::new(),
            client_id: String::new(),
            client_secret: Secret::default(),
        }
    }
}
