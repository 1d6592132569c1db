use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use core_credentials::{Secret, aka::Sqn, digest::Algorithm};
use core_sip::{Transport, proxy::own_uri};
use serde::{Deserialize, Serialize};

use crate::FilterCriterion;

/// Somebody who has an account here, as the subscriber file says.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscriber {
    /// What people type as user name.
    pub name: String,
    /// In the clear: this is a laboratory, and prints it at start.
    pub password: String,
    /// The private user identity, `name@domain`.
    pub impi: String,
    /// The public user identities, `sip:` and `tel:`; the first is the default one.
    pub impus: Vec<String>,
    /// The secret of its SIM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sim: Option<Sim>,
}

/// What the home knows of a SIM with the algorithms of TS 35.206.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sim {
    /// K, 32 hexadecimal digits.
    pub k: Secret,
    /// OPc, 32 hexadecimal digits.
    pub opc: Secret,
}

/// WAFs and WWSFs in third parties' domains (TS 33.203 §X.3.2).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WebFunctions {
    /// Those that may stand behind a registration; `*` is all.
    pub allowed: Vec<String>,
    /// Those that may not, allowed or not.
    pub barred: Vec<String>,
}

impl WebFunctions {
    /// Whether this one may.
    pub(crate) fn allow(&self, name: &str) -> bool {
        let listed = |list: &[String], all: &str| list.iter().any(|one| one == name || one == all);
        listed(&self.allowed, "*") && !listed(&self.barred, name)
    }
}

impl fmt::Debug for Sim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sim(..)")
    }
}

impl Subscriber {
    /// With the private identity `name@domain`, and `sip:name@domain` before the `others`.
    pub fn new(name: &str, password: &str, domain: &str, others: &[&str]) -> Self {
        let mut impus = vec![format!("sip:{name}@{domain}")];
        impus.extend(others.iter().map(|&impu| impu.to_owned()));
        Self {
            name: name.to_owned(),
            password: password.to_owned(),
            impi: format!("{name}@{domain}"),
            impus,
            sim: None,
        }
    }

    /// With a SIM of this K and OPc, in hexadecimal.
    #[must_use]
    pub fn with_sim(mut self, k: &str, opc: &str) -> Self {
        let (k, opc) = (k.into(), opc.into());
        self.sim = Some(Sim { k, opc });
        self
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subscriber(..)")
    }
}

/// What the core is told once.
#[derive(Debug, Clone)]
pub struct LabCoreConfig {
    /// The home network's domain, which is also the realm of its passwords.
    pub home_domain: String,
    /// Where it listens, UDP and TCP. Written into Via, Record-Route and Service-Route.
    pub address: SocketAddr,
    /// The same for TLS, when it listens for it.
    pub tls: Option<SocketAddr>,
    /// More addresses and names that mean this core, with their port.
    pub aliases: Vec<(String, u16)>,
    /// Trusted nodes: eP-CSCFs whose `auth-done` and P-Asserted-Identity are believed
    /// (TS 33.203 Annex U). One is known by its address and, where the port differs because it
    /// opened a connection, by the sent-by of its Via. That is good enough for a laboratory only.
    pub trusted: Vec<SocketAddr>,
    /// Application servers: trusted as eP-CSCFs are, and known in the same way. They may call under
    /// identities of services, whom nobody has registered.
    pub application_servers: Vec<SocketAddr>,
    /// Which of them see what subscribers ask, and are asked, in the order of their priority.
    pub filter_criteria: Vec<FilterCriterion>,
    /// RFC 3261 §10.3: a shorter registration gets 423.
    pub min_expires: Duration,
    /// For a REGISTER that names no expiry.
    pub default_expires: Duration,
    /// A longer registration is shortened.
    pub max_expires: Duration,
    /// How many contacts one subscriber may have.
    pub max_contacts: usize,
    /// What passwords are asked for by, in this order; of these, phones that name none are asked by
    /// those with MD5 only.
    pub algorithms: Vec<Algorithm>,
    /// Third parties' WAFs and WWSFs.
    pub web_functions: WebFunctions,
    /// Where the sequence of every SIM begins: nothing is kept, so it should be that of the clock,
    /// [`Sqn::of_clock`], which is ahead of what was dealt out before.
    pub first_sequence: Sqn,
}

impl LabCoreConfig {
    /// The defaults of a laboratory on one machine.
    pub fn new(home_domain: &str, address: SocketAddr) -> Self {
        Self {
            home_domain: home_domain.to_owned(),
            address,
            tls: None,
            aliases: vec![("localhost".to_owned(), address.port())],
            trusted: Vec::new(),
            application_servers: Vec::new(),
            filter_criteria: Vec::new(),
            min_expires: Duration::from_mins(1),
            default_expires: Duration::from_hours(1),
            max_expires: Duration::from_mins(10_000),
            max_contacts: 10,
            algorithms: vec![Algorithm::SHA_256, Algorithm::MD5],
            web_functions: WebFunctions::default(),
            first_sequence: Sqn::default(),
        }
    }

    /// Whether a host and port of a URI are this core.
    pub(crate) fn is_us(&self, host: &str, port: Option<u16>) -> bool {
        if host.eq_ignore_ascii_case(&self.home_domain) {
            return true;
        }
        let port = port.unwrap_or(5060);
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
        let here = |address: &SocketAddr| ip == Ok(address.ip()) && port == address.port();
        let alias = |(name, at): &(String, u16)| name.eq_ignore_ascii_case(host) && *at == port;
        here(&self.address) || self.tls.as_ref().is_some_and(here) || self.aliases.iter().any(alias)
    }

    /// Where it listens for a transport, as in Via.
    pub(crate) fn sent_by(&self, transport: Transport) -> String {
        let tls = self.tls.filter(|_| transport == Transport::Tls);
        tls.unwrap_or(self.address).to_string()
    }

    /// A URI of its own that leads back by the same transport.
    pub(crate) fn own_uri(&self, user: Option<&str>, transport: Transport) -> String {
        own_uri(user, &self.sent_by(transport), transport)
    }
}
