//! W4 over HTTPS: the WWSF's calls to the WAF.

use std::sync::Arc;
use std::time::{Duration, Instant};

use core_credentials::Secret;
use core_credentials::token::{ClientAssertion, SigningKey};
use nf_wwsf::Server;
use nf_wwsf::w4::{Failure, Form, Granted, Introspection, Tokens};
use reqwest::header::CONTENT_TYPE;
use rustls_pki_types::CertificateDer;
use tokio::sync::Mutex;

use super::WebError;
use super::fetch::{self, http_client};
use super::state::{Clock, random};

/// How often the WAF is asked where its endpoints are.
const METADATA_EVERY: Duration = Duration::from_hours(1);
/// How soon again after it gave no answer.
const METADATA_RETRY: Duration = Duration::from_secs(5);
/// An assertion is made for one request.
const ASSERTION_LIFETIME: u64 = 60;

/// The WAF, as the WWSF sees it.
pub(super) struct W4 {
    client: reqwest::Client,
    issuer: String,
    client_id: String,
    proof: Proof,
    place: Place,
    clock: Clock,
}

/// How the WWSF proves who it is.
pub(super) enum Proof {
    /// `client_secret_basic` (RFC 6749 §2.3.1).
    Secret(Secret),
    /// `private_key_jwt` (RFC 7523 §2.2).
    Key(Box<SigningKey>),
}

/// Where the WAF's endpoints are.
enum Place {
    /// As configured.
    Known(Arc<Server>),
    /// As its metadata says.
    Asked(Mutex<Asked>),
}

/// What the metadata said, and when it was asked for last.
#[derive(Default)]
struct Asked {
    server: Option<Arc<Server>>,
    at: Option<Instant>,
}

impl W4 {
    /// To this issuer. Without `server` its metadata is asked for where that is.
    pub(super) fn new(
        issuer: &str,
        server: Option<Server>,
        client_id: &str,
        proof: Proof,
        trust: &[CertificateDer<'static>],
        clock: Clock,
    ) -> Result<Self, WebError> {
        Ok(Self {
            clock,
            client: http_client(trust)?,
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            proof,
            place: match server {
                Some(server) => Place::Known(Arc::new(server)),
                None => Place::Asked(Mutex::default()),
            },
        })
    }

    /// RFC 8414 §3: where the WAF is. What was learnt once is good until something newer is learnt.
    pub(super) async fn server(&self) -> Result<Arc<Server>, Failure> {
        let asked = match &self.place {
            Place::Known(server) => return Ok(Arc::clone(server)),
            Place::Asked(asked) => asked,
        };
        // One asks, the others wait for its answer.
        let mut asked = asked.lock().await;
        let age = asked.at.map(|at| at.elapsed());
        let patience = match asked.server {
            Some(_) => METADATA_EVERY,
            None => METADATA_RETRY,
        };
        if age.is_none_or(|age| age >= patience) {
            match self.ask_for_metadata().await {
                Ok(server) => asked.server = Some(Arc::new(server)),
                Err(error) => {
                    let error = format!("{error:#}");
                    tracing::warn!(issuer = self.issuer, error, "the WAF's metadata");
                }
            }
            asked.at = Some(Instant::now());
        }
        asked.server.clone().ok_or(Failure::Unavailable)
    }

    async fn ask_for_metadata(&self) -> anyhow::Result<Server> {
        fetch::metadata(&self.client, &self.issuer, |body| {
            Ok(Server::read(&self.issuer, body)?)
        })
        .await
    }

    /// Asks for tokens, then what they are for.
    pub(super) async fn grant(&self, form: Form) -> Result<Granted, Failure> {
        let server = self.server().await?;
        let (status, body) = self.post(&server.token, form).await?;
        let tokens = Tokens::read(status, &body)?;
        let introspection = match &server.introspect {
            Some(endpoint) => {
                let (status, body) = self.post(endpoint, Form::introspect(&tokens)).await?;
                Introspection::read(status, &body)?
            }
            None => Introspection::of_token(&tokens)?,
        };
        Ok(Granted {
            tokens,
            introspection,
        })
    }

    /// Gives tokens back. The session has ended whether the WAF hears of it or not.
    pub(super) async fn revoke(&self, form: Form) {
        let Ok(server) = self.server().await else {
            return;
        };
        let Some(endpoint) = &server.revoke else {
            return;
        };
        match self.post(endpoint, form).await {
            Ok((200, _)) => {}
            Ok((status, _)) => tracing::warn!(status, "the WAF did not revoke a grant"),
            Err(error) => tracing::warn!(%error, "the WAF did not hear of a sign-out"),
        }
    }

    /// TS 24.371 §6A.3: an identity of the pool is given back. Whether the WAF has taken it.
    pub(super) async fn release(&self, lease: &str) -> bool {
        let url = format!("{}/release", self.issuer);
        matches!(self.post(&url, Form::release(lease)).await, Ok((200, _)))
    }

    async fn post(&self, url: &str, form: Form) -> Result<(u16, Vec<u8>), Failure> {
        let unavailable = |error: anyhow::Error| {
            tracing::warn!(url, error = format!("{error:#}"), "W4 failed");
            Failure::Unavailable
        };
        let request = self.client.post(url);
        let request = match &self.proof {
            Proof::Secret(secret) => request
                .basic_auth(encode(&self.client_id), Some(encode(secret.expose())))
                .body(form.into_body()),
            Proof::Key(key) => {
                let assertion = self.assertion(key).ok_or(Failure::Unavailable)?;
                request.body(form.asserted(&self.client_id, &assertion).into_body())
            }
        };
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let (status, body) = fetch::send(request).await.map_err(unavailable)?;
        if !matches!(status, 200..=499) {
            tracing::warn!(url, status, "W4 failed");
        }
        Ok((status, body))
    }

    /// RFC 7523 §3
    fn assertion(&self, key: &SigningKey) -> Option<Secret> {
        let now = (self.clock)();
        key.assert(&ClientAssertion {
            iss: self.client_id.clone(),
            sub: self.client_id.clone(),
            aud: vec![self.issuer.clone()],
            jti: random().ok()?.token(),
            iat: now,
            exp: now + ASSERTION_LIFETIME,
        })
    }
}

/// RFC 6749 §2.3.1: name and password are form-encoded before they are Basic credentials.
fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
