//! W4 over HTTPS: the WWSF's calls to the WAF.

use std::time::Duration;

use core_credentials::Secret;
use nf_wwsf::w4::{Failure, Form, Granted, Introspection, Tokens};
use reqwest::header::CONTENT_TYPE;
use rustls_pki_types::CertificateDer;

use super::WebError;

/// Longer answers are no answers.
const MAX_ANSWER: usize = 64 * 1024;

/// The WAF, as the WWSF sees it.
pub(super) struct W4 {
    client: reqwest::Client,
    base: String,
    client_id: String,
    client_secret: Secret,
}

impl W4 {
    pub(super) fn new(
        base: &str,
        client_id: &str,
        client_secret: &Secret,
        trust: &[CertificateDer<'static>],
    ) -> Result<Self, WebError> {
        Ok(Self {
            client: http_client(trust)?,
            base: base.trim_end_matches('/').to_owned(),
            client_id: client_id.to_owned(),
            client_secret: client_secret.clone(),
        })
    }

    /// Asks for tokens, then what they are for.
    pub(super) async fn grant(&self, form: Form) -> Result<Granted, Failure> {
        let (status, body) = self.post("token", form).await?;
        let tokens = Tokens::read(status, &body)?;
        let (status, body) = self.post("introspect", Form::introspect(&tokens)).await?;
        let introspection = Introspection::read(status, &body)?;
        Ok(Granted {
            tokens,
            introspection,
        })
    }

    /// Gives tokens back. The session has ended whether the WAF hears of it or not.
    pub(super) async fn revoke(&self, form: Form) {
        match self.post("revoke", form).await {
            Ok((200, _)) => {}
            Ok((status, _)) => tracing::warn!(status, "the WAF did not revoke a grant"),
            Err(error) => tracing::warn!(%error, "the WAF did not hear of a sign-out"),
        }
    }

    async fn post(&self, endpoint: &str, form: Form) -> Result<(u16, Vec<u8>), Failure> {
        let url = format!("{}/{endpoint}", self.base);
        let unavailable = |error: reqwest::Error| {
            // Without the URL: it is ours and says nothing new, and a query could.
            tracing::warn!(endpoint, error = %error.without_url(), "W4 failed");
            Failure::Unavailable
        };
        // RFC 6749 §2.3.1: both are form-encoded before they are Basic credentials.
        let encode =
            |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let request = self
            .client
            .post(url)
            .basic_auth(
                encode(&self.client_id),
                Some(encode(self.client_secret.expose())),
            )
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.into_body());
        let mut reply = request.send().await.map_err(unavailable)?;
        let status = reply.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = reply.chunk().await.map_err(unavailable)? {
            if body.len() + chunk.len() > MAX_ANSWER {
                return Err(Failure::Unavailable);
            }
            body.extend_from_slice(&chunk);
        }
        if !matches!(status, 200..=499) {
            tracing::warn!(endpoint, status, "W4 failed");
        }
        Ok((status, body))
    }
}

/// A client that follows no redirect and trusts `trust`, or the system if that is empty.
pub(super) fn http_client(trust: &[CertificateDer<'static>]) -> Result<reqwest::Client, WebError> {
    // Done once; later calls find it there.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .connect_timeout(Duration::from_secs(5))
        // Each call its own connection: calls are rare, and shards come and go with their runtimes.
        .pool_max_idle_per_host(0)
        .user_agent(concat!("isthmus/", env!("CARGO_PKG_VERSION")));
    if !trust.is_empty() {
        let certificates = trust.iter().map(|der| reqwest::Certificate::from_der(der));
        let certificates = certificates
            .collect::<Result<Vec<_>, _>>()
            .map_err(WebError::Client)?;
        builder = builder.tls_certs_only(certificates);
    }
    builder.build().map_err(WebError::Client)
}
