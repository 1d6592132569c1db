//! The public keys of a WAF, for an eP-CSCF (RFC 8414 §3, RFC 7517).

use anyhow::{Context as _, ensure};
use core_credentials::jwk::JwkSet;
use nf_wwsf::is_endpoint;
use rustls_pki_types::CertificateDer;
use serde::Deserialize;

use super::WebError;
use super::fetch::{self, http_client};

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
            client: http_client(trust)?,
            issuer: issuer.to_owned(),
        })
    }

    /// The issuer.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Asks the issuer's metadata where the keys are, and fetches them. It takes half a minute at most,
    /// and reads a quarter of a megabyte at most, whatever the issuer does.
    pub async fn fetch(&self) -> anyhow::Result<JwkSet> {
        #[derive(Deserialize)]
        struct Metadata {
            issuer: String,
            jwks_uri: String,
        }
        let place = fetch::metadata(&self.client, &self.issuer, |body| {
            let metadata: Metadata = serde_json::from_slice(body).context("it cannot be read")?;
            // RFC 8414 §3.3
            ensure!(
                metadata.issuer == self.issuer,
                "it names another issuer, {}",
                metadata.issuer
            );
            ensure!(
                is_endpoint(&self.issuer, &metadata.jwks_uri),
                "the address of the keys cannot be used"
            );
            Ok(metadata.jwks_uri)
        })
        .await?;
        let body = fetch::get(&self.client, &place).await.context("no keys")?;
        serde_json::from_slice(&body).context("the keys cannot be read")
    }
}
