//! What the operator says about the MMTel Enabler Server.

use std::collections::HashMap;
use std::path::PathBuf;

use core_credentials::Secret;
use core_credentials::token::{ClaimNames, IssuerRules, ServiceVerifier};
use nf_mmtel_es::package::Limits;
use nf_mmtel_es::{OutboxSettings, Provider, Settings, Targets};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;

use super::EnablerError;
use super::calls::CallsConfig;
use super::http::{Door, Redirect};
use super::repository::Repository;

/// What tokens call this server.
pub(crate) const AUDIENCE: &str = "mmtel-es";
/// Clocks may differ by so many seconds.
const SKEW: u64 = 10;

/// `[mmtel_es]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnablerConfig {
    /// The apiRoot that consumers use (TS 29.122 §5.2.4); `http.public_url` without it.
    pub api_root: Option<String>,
    /// The longest body that is taken, in bytes.
    pub max_body: usize,
    /// The largest package, packed, in bytes.
    pub max_package: usize,
    /// How many applications one provider may have.
    pub max_applications: usize,
    /// How many bytes the packages of one provider may have together.
    pub max_package_bytes: u64,
    /// Only the providers named here are served.
    pub closed: bool,
    /// PEM file with the operator's key (Ed25519, PKCS #8): the list says by it whose packages are.
    pub signing_key: Option<PathBuf>,
    /// A file whose first line is what edges in other processes show to ask for applications; without it none may.
    pub repository_secret: Option<PathBuf>,
    /// Calls of applications.
    pub calls: CallsConfig,
    /// Requests a second of one consumer; 0: any number.
    pub requests_per_second: u32,
    /// Questions a second of the pages of one address; 0: any number.
    pub pages_per_second: u32,
    /// Another enabler's apiRoot, to which all requests are sent (307).
    pub redirect: Option<String>,
    /// They are sent there for good (308).
    pub redirect_for_good: bool,
    /// The access tokens that consumers show.
    pub token: TokenConfig,
    /// How application servers are told of things.
    pub notifications: NotificationsConfig,
    /// Providers of applications.
    pub providers: Vec<ProviderConfig>,
}

/// `[mmtel_es.token]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TokenConfig {
    /// Consumers must show one; so they must when there is an issuer.
    pub required: bool,
    /// `iss` of the tokens; its keys are fetched, by its metadata. Left out: the WAF of this process.
    pub issuer: String,
    /// `aud` that names this server.
    pub audience: String,
    /// PEM files with the certificates that the issuer is trusted by, in place of the system's.
    pub trust: Vec<PathBuf>,
    /// Its access tokens are plain JWTs, as those of many identity providers.
    pub plain_jwt: bool,
    /// The claim with what a token allows.
    pub scope_claim: String,
    /// The claim with the client.
    pub client_claim: String,
}

impl Default for TokenConfig {
    fn default() -> Self {
        let names = ClaimNames::default();
        Self {
            required: false,
            issuer: String::new(),
            audience: AUDIENCE.to_owned(),
            trust: Vec::new(),
            plain_jwt: false,
            scope_claim: names.scope,
            client_claim: names.client_id,
        }
    }
}

impl TokenConfig {
    pub(super) fn door(&self) -> Option<Door> {
        if self.issuer.is_empty() {
            return None;
        }
        let mut verifier = ServiceVerifier::new(&self.audience, SKEW);
        let rules = IssuerRules {
            claims: ClaimNames {
                scope: self.scope_claim.clone(),
                client_id: self.client_claim.clone(),
                ..ClaimNames::default()
            },
            plain_jwt: self.plain_jwt,
            ..IssuerRules::default()
        };
        verifier.set_rules(&self.issuer, rules);
        Some(Door::new(&self.issuer, verifier))
    }

    pub(super) fn token_url(&self) -> Option<String> {
        let issuer = self.issuer.trim_end_matches('/');
        (!issuer.is_empty()).then(|| format!("{issuer}/token"))
    }
}

/// `[mmtel_es.notifications]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotificationsConfig {
    /// Hosts that may be told; `.example.com` stands for all below it. All may when it is empty.
    pub hosts: Vec<String>,
    /// Addresses that are not public may be told, this machine's among them. Left out: all in one.
    pub private: Option<bool>,
    /// Plain HTTP is good enough. Left out: all in one.
    pub plain: Option<bool>,
    /// PEM files with certificates that are trusted beside the system's.
    pub trust: Vec<PathBuf>,
    /// The texts of the last ones are shown to operators. Left out: all in one.
    pub show_texts: Option<bool>,
    /// How long one is tried, in seconds.
    pub max_age_seconds: u64,
    /// How many are on their way at a time, to all targets.
    pub at_once: usize,
    /// How many are on their way at a time, to one target.
    pub at_once_per_target: usize,
}

impl Default for NotificationsConfig {
    fn default() -> Self {
        let settings = OutboxSettings::default();
        Self {
            hosts: Vec::new(),
            private: None,
            plain: None,
            show_texts: None,
            trust: Vec::new(),
            max_age_seconds: 24 * 3600,
            at_once: settings.at_once,
            at_once_per_target: settings.at_once_per_target,
        }
    }
}

impl NotificationsConfig {
    /// A laboratory: application servers are on this machine, and have no certificate.
    pub(crate) fn for_laboratory(&mut self) {
        self.private.get_or_insert(true);
        self.plain.get_or_insert(true);
        self.show_texts.get_or_insert(true);
    }

    /// Where notifications may go.
    pub(crate) fn targets(&self) -> Targets {
        Targets {
            hosts: self.hosts.clone(),
            private: self.private.unwrap_or(false),
            plain: self.plain.unwrap_or(false),
        }
    }

    pub(super) fn outbox(&self) -> OutboxSettings {
        OutboxSettings {
            targets: self.targets(),
            at_once: self.at_once,
            at_once_per_target: self.at_once_per_target,
            ..OutboxSettings::default()
        }
    }

    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, EnablerError> {
        let mut all = Vec::new();
        for file in &self.trust {
            let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
            let read: Result<Vec<_>, _> = read;
            let some = read.ok().filter(|read| !read.is_empty());
            all.extend(some.ok_or_else(|| EnablerError::Certificate(file.display().to_string()))?);
        }
        Ok(all)
    }
}

/// `[[mmtel_es.providers]]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderConfig {
    /// Its `reqId`.
    pub id: String,
    /// The OAuth clients that may speak for it; the one of the same name without any.
    #[serde(default)]
    pub clients: Vec<String>,
    /// What `secCred` must be.
    #[serde(default)]
    pub credential: Option<Secret>,
}

impl Default for EnablerConfig {
    fn default() -> Self {
        let settings = Settings::default();
        Self {
            api_root: None,
            // A package of the largest size in base64, and a profile.
            max_body: 24 * 1024 * 1024,
            max_package: settings.package.packed,
            max_applications: settings.max_applications,
            max_package_bytes: settings.max_package_bytes,
            closed: false,
            signing_key: None,
            repository_secret: None,
            calls: CallsConfig::default(),
            requests_per_second: 0,
            pages_per_second: 200,
            redirect: None,
            redirect_for_good: false,
            token: TokenConfig::default(),
            notifications: NotificationsConfig::default(),
            providers: Vec::new(),
        }
    }
}

impl EnablerConfig {
    /// What parses and still cannot be: the key, and why.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, root) in [
            ("mmtel_es.api_root", &self.api_root),
            ("mmtel_es.redirect", &self.redirect),
        ] {
            let Some(root) = root else {
                continue;
            };
            let url = url::Url::parse(root).ok();
            let good = url.is_some_and(|url| {
                matches!(url.scheme(), "https" | "http")
                    && url.host().is_some()
                    && url.query().is_none()
                    && url.fragment().is_none()
            });
            if !good || root.ends_with('/') {
                let why = "must be a URL without query, fragment or slash at its end";
                return Err((key, why.into()));
            }
        }
        if self.max_body < 64 * 1024 {
            return Err(("mmtel_es.max_body", "must be 65536 at least".into()));
        }
        self.calls.check()?;
        let notifications = &self.notifications;
        if notifications.at_once == 0 || notifications.at_once_per_target == 0 {
            return Err((
                "mmtel_es.notifications.at_once",
                "must be 1 at least".into(),
            ));
        }
        if notifications.max_age_seconds > 366 * 24 * 3600 {
            let why = "must be a year at most";
            return Err(("mmtel_es.notifications.max_age_seconds", why.into()));
        }
        let mut names: Vec<&str> = self.providers.iter().map(|one| one.id.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|two| two[0] == two[1]) {
            return Err(("mmtel_es.providers.id", "must be there once".into()));
        }
        Ok(())
    }

    /// What its files hold that cannot be used.
    pub(crate) fn check_files(&self) -> Result<(), EnablerError> {
        let (key, secret) = (&self.signing_key, &self.repository_secret);
        Repository::open(key.as_deref(), secret.as_deref())?;
        self.notifications.certificates().map(drop)
    }

    pub(super) fn redirect(&self) -> Option<Redirect> {
        let to = self.redirect.clone()?;
        let permanent = self.redirect_for_good;
        Some(Redirect { to, permanent })
    }

    /// As the function takes it.
    pub(super) fn settings(&self) -> Settings {
        let providers = self.providers.iter().map(|one| {
            let provider = Provider {
                clients: one.clients.clone(),
                credential: one.credential.clone(),
            };
            (one.id.clone(), provider)
        });
        Settings {
            providers: providers.collect::<HashMap<_, _>>(),
            closed: self.closed,
            package: Limits {
                packed: self.max_package,
                ..Limits::default()
            },
            max_applications: self.max_applications,
            max_package_bytes: self.max_package_bytes,
            ..Settings::default()
        }
    }
}
