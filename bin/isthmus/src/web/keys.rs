//! The WAF's public keys, for an eP-CSCF (RFC 8414 §3, RFC 7517).

use std::time::Duration;

use anyhow::{Context as _, ensure};
use core_credentials::jwk::JwkSet;
use rustls_pki_types::CertificateDer;
use serde::Deserialize;

use super::{WebError, w4};

/// Fetches the keys of one issuer: at start, now and then, and when a token names a key that is new.
#[derive(Debug, Clone)]
pub struct KeyFetcher {
    client: reqwest::Client,
    issuer: String,
}

impl KeyFetcher {
    /// For this issuer; `trust` in place of the system's certificates, if there are any.
    pub fn new(issuer: &str, trust: &[CertificateDer<'static>]) -> Result<Self, WebError> {
        Ok(Self {
            client: w4::http_client(trust)?,
            issuer: issuer.to_owned(),
        })
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Asks the issuer's metadata where the keys are, and fetches them.
    pub async fn fetch(&self) -> anyhow::Result<JwkSet> {
        #[derive(Deserialize)]
        struct Metadata {
            issuer: String,
            jwks_uri: String,
        }
        let mut url = url::Url::parse(&self.issuer).context("the issuer is no URL")?;
        url.set_path(&nf_waf::Waf::metadata_path(&self.issuer));
        let metadata: Metadata = self.get(url.as_str()).await.context("no metadata")?;
        // RFC 8414 §3.3
        ensure!(
            metadata.issuer == self.issuer,
            "the metadata is of {}",
            metadata.issuer
        );
        self.get(&metadata.jwks_uri).await.context("no keys")
    }

    async fn get<T: for<'de> Deserialize<'de>>(&self, url: &str) -> anyhow::Result<T> {
        let reply = self
            .client
            .get(url)
            .timeout(Duration::from_secs(5))
            .send()
            .await?;
        Ok(reply.error_for_status()?.json().await?)
    }
}
