//! What the operator says about the MMTel Enabler Server.

use std::collections::HashMap;

use core_credentials::Secret;
use nf_mmtel_es::package::Limits;
use nf_mmtel_es::{Provider, Settings};
use serde::Deserialize;

use super::calls::CallsConfig;

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
    /// Calls of applications.
    pub calls: CallsConfig,
    /// Providers of applications.
    pub providers: Vec<ProviderConfig>,
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
            calls: CallsConfig::default(),
            providers: Vec::new(),
        }
    }
}

impl EnablerConfig {
    /// What parses and still cannot be: the key, and why.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        if let Some(root) = &self.api_root {
            let url = url::Url::parse(root).ok();
            let good = url.is_some_and(|url| {
                matches!(url.scheme(), "https" | "http")
                    && url.host().is_some()
                    && url.query().is_none()
                    && url.fragment().is_none()
            });
            if !good || root.ends_with('/') {
                let why = "must be a URL without query, fragment or slash at its end";
                return Err(("mmtel_es.api_root", why.into()));
            }
        }
        if self.max_body < 64 * 1024 {
            return Err(("mmtel_es.max_body", "must be 65536 at least".into()));
        }
        self.calls.check()?;
        let mut names: Vec<&str> = self.providers.iter().map(|one| one.id.as_str()).collect();
        names.sort_unstable();
        if names.windows(2).any(|two| two[0] == two[1]) {
            return Err(("mmtel_es.providers.id", "must be there once".into()));
        }
        Ok(())
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
        }
    }
}
