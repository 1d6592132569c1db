//! What every function's configuration may say.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use core_credentials::Secret;
use serde::Deserialize;

use super::{EpcscfConfig, LabCoreConfig};
use crate::certificate::{self, ServerTls};
use crate::cli::LogForm;
use crate::fault::Fault;
use crate::gateway::{GatewayConfig, IqConfig};
use crate::mes::EnablerConfig;
use crate::store::Place;
use crate::web::{WafConfig, WwsfConfig};

/// The laboratory's home domain (TS 23.003 §13.2 for MCC 001, MNC 001).
const LAB_DOMAIN: &str = "ims.mnc001.mcc001.3gppnetwork.org";

/// A whole configuration file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// The file that says all this.
    #[serde(skip)]
    pub(crate) file: Option<PathBuf>,
    /// The home network's domain: realm, host of the public identities, Request-URI of REGISTER.
    pub(crate) home_domain: String,
    /// Where the store, the certificate and the passwords are kept.
    pub(crate) data_dir: PathBuf,
    /// How long calls may go on after the process was told to end.
    pub(crate) drain_seconds: u64,
    /// What is logged.
    pub(crate) log: LogConfig,
    /// Metrics, liveness, readiness.
    pub(crate) admin: AdminConfig,
    /// The server's certificate; without one it is made and kept in the data folder.
    pub(crate) tls: TlsConfig,
    /// Where pages and WebSockets are served.
    pub(crate) http: HttpConfig,
    /// The eP-CSCF.
    pub(crate) epcscf: EpcscfConfig,
    /// The eIMS-AGW.
    pub(crate) gateway: GatewayConfig,
    /// Iq between two machines: the gateway listens, the eP-CSCF connects.
    pub(crate) iq: Option<IqConfig>,
    /// The WWSF.
    pub(crate) wwsf: WwsfConfig,
    /// The WAF.
    pub(crate) waf: WafConfig,
    /// The laboratory's core.
    pub(crate) lab_core: LabCoreConfig,
    /// The MMTel Enabler Server.
    pub(crate) mmtel_es: EnablerConfig,
    /// Where what was accepted is kept.
    pub(crate) store: StoreConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            home_domain: LAB_DOMAIN.to_owned(),
            file: None,
            data_dir: PathBuf::from("data"),
            drain_seconds: 10,
            log: LogConfig::default(),
            admin: AdminConfig::default(),
            tls: TlsConfig::default(),
            http: HttpConfig::default(),
            epcscf: EpcscfConfig::default(),
            gateway: GatewayConfig::default(),
            iq: None,
            wwsf: WwsfConfig::default(),
            waf: WafConfig::default(),
            lab_core: LabCoreConfig::default(),
            mmtel_es: EnablerConfig::default(),
            store: StoreConfig::default(),
        }
    }
}

impl Config {
    /// Paths in a file are from the folder of the file.
    pub(super) fn resolve_paths(&mut self, folder: &Path) {
        let mut from_file = |path: &mut PathBuf| {
            if path.is_relative() {
                *path = folder.join(&*path);
            }
        };
        from_file(&mut self.data_dir);
        for path in [
            &mut self.tls.certificate,
            &mut self.tls.key,
            &mut self.lab_core.subscribers,
            &mut self.wwsf.client_key,
            &mut self.mmtel_es.signing_key,
            &mut self.mmtel_es.repository_secret,
        ] {
            path.as_mut().map(&mut from_file);
        }
        let mw = self.epcscf.mw_tls.iter_mut();
        for tls in mw.chain(&mut self.lab_core.tls) {
            tls.files().for_each(&mut from_file);
        }
        if let Some(repository) = &mut self.epcscf.repository {
            from_file(&mut repository.secret);
            repository.trust.iter_mut().for_each(&mut from_file);
        }
        let secret = self.iq.as_mut().and_then(|iq| iq.secret_file.as_mut());
        let trust = self.epcscf.token.trust.iter_mut();
        let introspection = self.epcscf.issuer.iter_mut();
        let secrets = introspection
            .filter_map(|issuer| issuer.introspection.as_mut()?.client_secret_file.as_mut());
        let all = secret
            .into_iter()
            .chain(trust)
            .chain(secrets)
            .chain(&mut self.wwsf.w4_trust)
            .chain(&mut self.tls.client_trust)
            .chain(&mut self.mmtel_es.notifications.trust)
            .chain(&mut self.mmtel_es.token.trust)
            .chain(
                self.waf
                    .clients
                    .iter_mut()
                    .flat_map(|one| &mut one.public_keys),
            );
        all.for_each(from_file);
    }

    /// How long calls may go on after the process was told to end.
    pub(crate) fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }

    /// Where the store is.
    pub(crate) fn place(&self) -> Place {
        match &self.store.url {
            Some(url) => Place::Postgres(url.expose().to_owned()),
            None => Place::File(self.data_dir.join("isthmus.sqlite")),
        }
    }

    /// A fault of this key, with its line when a file says it.
    pub(crate) fn fault(&self, key: &str, why: &str) -> Fault {
        self.fault_in(key, format!("{key}: {why}"))
    }

    /// A sentence about this key, or this section, with its line when a file says it.
    pub(crate) fn fault_in(&self, key: &str, sentence: String) -> Fault {
        match &self.file {
            None => Fault::new(sentence),
            Some(file) => {
                let text = std::fs::read_to_string(file).unwrap_or_default();
                Fault::at(file, super::line_of_key(&text, key), sentence)
            }
        }
    }

    /// The server's certificate and key, those that are named or our own.
    pub(crate) fn server_tls(&self) -> Result<ServerTls, Fault> {
        let named = |fault: Fault| {
            let keys = [
                ("tls.certificate", self.tls.certificate.as_slice()),
                ("tls.key", self.tls.key.as_slice()),
                ("tls.client_trust", self.tls.client_trust.as_slice()),
            ];
            let blamed = |files: &[PathBuf]| files.iter().any(|file| fault.is_of(file));
            match keys.iter().find(|(_, files)| blamed(files)) {
                Some((key, _)) => self.fault(key, &fault.to_string()),
                None => fault,
            }
        };
        certificate::server_tls(&self.tls, &self.data_dir).map_err(named)
    }

    /// Whether HTTP, HTTPS and the operators have a port each: when flags have had their say, of a function that
    /// has all of them.
    pub(crate) fn check_listeners(&self) -> Result<(), Fault> {
        let checked = self.http.check(self.admin.listen);
        checked.map_err(|(key, why)| self.fault(key, &why))
    }

    /// What parses and still cannot be: the key, and why.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let label = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
        if self.home_domain.is_empty() || !self.home_domain.chars().all(label) {
            return Err((
                "home_domain",
                "must be a domain name like `ims.example.net`".into(),
            ));
        }
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            return Err(("tls.certificate", "goes together with tls.key".into()));
        }
        if !self
            .admin
            .hosts
            .iter()
            .all(|host| host.split('.').all(|part| !part.is_empty()) && host.chars().all(label))
        {
            let why = "must be names of hosts like `admin.example.net`, without scheme and port";
            return Err(("admin.hosts", why.into()));
        }
        if self.drain_seconds > 3600 {
            return Err(("drain_seconds", "must be 3600 at most".into()));
        }
        self.log.check_level().map_err(|why| ("log.level", why))?;
        self.epcscf.check()?;
        self.mmtel_es.check()?;
        self.store.check()?;
        if let Some(tls) = &self.lab_core.tls {
            tls.check().map_err(|why| ("lab_core.tls.mutual", why))?;
        }
        self.gateway.check()
    }
}

/// `[log]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LogConfig {
    /// `text` or `json`.
    pub(crate) form: LogForm,
    /// A filter: `info`, `info,nf_epcscf=debug`.
    pub(crate) level: String,
    /// Names and numbers of people are written, not redacted.
    pub(crate) identities: bool,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self {
            form: LogForm::Text,
            level: "info".to_owned(),
            identities: false,
        }
    }
}

impl LogConfig {
    /// A word that is neither a level nor `PLACE=LEVEL` would be taken for a place, and all else be silent.
    pub(crate) fn check_level(&self) -> Result<(), String> {
        let levels = ["off", "error", "warn", "info", "debug", "trace"];
        let mut words = self.level.split(',').map(str::trim);
        let wrong = words.find(|word| {
            !word.is_empty()
                && !word.contains('=')
                && !levels.iter().any(|level| word.eq_ignore_ascii_case(level))
        });
        wrong.map_or(Ok(()), |word| {
            let levels = levels.join(", ");
            Err(format!(
                "`{word}` is no level: say {levels}, or PLACE=LEVEL"
            ))
        })
    }
}

/// `[admin]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AdminConfig {
    /// Where metrics and health are served, for operators alone.
    pub(crate) listen: SocketAddr,
    /// Names, besides addresses and `localhost`, under which operators ask more than these.
    pub(crate) hosts: Vec<String>,
}

impl Default for AdminConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)),
            hosts: Vec::new(),
        }
    }
}

/// `[tls]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TlsConfig {
    /// PEM: the server's certificate and those above it.
    pub(crate) certificate: Option<PathBuf>,
    /// PEM: its key.
    pub(crate) key: Option<PathBuf>,
    /// PEM files with the authorities that sign clients' certificates: whoever connects must show one.
    pub(crate) client_trust: Vec<PathBuf>,
}

/// `[store]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct StoreConfig {
    /// A PostgreSQL, `postgres://user:password@host/database`; without it, a file in the data folder.
    pub(crate) url: Option<Secret>,
}

impl StoreConfig {
    fn check(&self) -> Result<(), (&'static str, String)> {
        let schemes = ["postgres://", "postgresql://"];
        let good = |url: &Secret| {
            schemes
                .iter()
                .any(|scheme| url.expose().starts_with(scheme))
        };
        if self.url.as_ref().is_some_and(|url| !good(url)) {
            let why = "must be `postgres://user:password@host/database`";
            return Err(("store.url", why.into()));
        }
        Ok(())
    }
}

/// `[http]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HttpConfig {
    /// HTTPS and WSS.
    pub(crate) listen: SocketAddr,
    /// HTTP and WS without TLS: for a laboratory, on loopback, where a browser counts it as secure.
    pub(crate) plain_listen: Option<SocketAddr>,
    /// The address that people open, without a path, when it is not the one listened on.
    pub(crate) public_url: Option<String>,
    /// Connections of one address at a time.
    pub(crate) connections_per_address: usize,
}

impl Default for HttpConfig {
    fn default() -> Self {
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self {
            listen: SocketAddr::from((loopback, 8443)),
            plain_listen: None,
            public_url: None,
            connections_per_address: 1024,
        }
    }
}

impl HttpConfig {
    /// Ports that are shared among threads can be opened twice: the system would not say so.
    fn check(&self, admin: SocketAddr) -> Result<(), (&'static str, String)> {
        let covers = |one: SocketAddr, other: SocketAddr| {
            one.ip() == other.ip()
                || one.ip().is_unspecified() && (one.is_ipv6() || other.is_ipv4())
        };
        let same = |one: SocketAddr, other: SocketAddr| {
            one.port() != 0
                && one.port() == other.port()
                && (covers(one, other) || covers(other, one))
        };
        let taken = |by: &str| format!("is the port of {by}, too; choose another one");
        if self
            .plain_listen
            .is_some_and(|plain| same(plain, self.listen))
        {
            return Err(("http.plain_listen", taken("http.listen")));
        }
        if same(self.listen, admin) {
            return Err(("http.listen", taken("admin.listen")));
        }
        if self.plain_listen.is_some_and(|plain| same(plain, admin)) {
            return Err(("http.plain_listen", taken("admin.listen")));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(listen: &str, plain: &str, admin: &str) -> Option<&'static str> {
        let http = HttpConfig {
            listen: listen.parse().unwrap(),
            plain_listen: Some(plain.parse().unwrap()),
            ..HttpConfig::default()
        };
        http.check(admin.parse().unwrap()).err().map(|(key, _)| key)
    }

    #[test]
    fn two_listeners_on_one_port_are_found() {
        let admin = "127.0.0.1:9090";
        for plain in ["127.0.0.1:8443", "0.0.0.0:8443", "[::]:8443"] {
            let found = refused("127.0.0.1:8443", plain, admin);
            assert_eq!(found, Some("http.plain_listen"), "{plain}");
        }
        for plain in ["127.0.0.1:8080", "127.0.0.2:8443", "[::1]:8443"] {
            assert_eq!(refused("127.0.0.1:8443", plain, admin), None, "{plain}");
        }
        assert_eq!(refused("0.0.0.0:8443", "[::1]:8443", admin), None);
        let all = "127.0.0.1:0";
        assert_eq!(refused(all, all, all), None, "free ones");
        assert_eq!(refused(admin, "127.0.0.1:8080", admin), Some("http.listen"));
        assert_eq!(
            refused("127.0.0.1:8443", admin, admin),
            Some("http.plain_listen")
        );
    }

    #[test]
    fn levels_are_words_or_places() {
        let checked = |level: &str| {
            let level = level.to_owned();
            LogConfig {
                level,
                ..LogConfig::default()
            }
            .check_level()
        };
        for level in ["info", "info,", "", "WARN, nf_epcscf=debug"] {
            assert_eq!(checked(level), Ok(()), "{level}");
        }
        assert!(checked("info,loud").is_err());
    }
}
