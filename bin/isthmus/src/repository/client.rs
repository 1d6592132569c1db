//! The edge's half: it asks, in bounded time, for bounded answers.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use core_bootstrap::{EntityTag, Limits, Response, StatusCode};
use core_credentials::Secret;
use nf_epcscf::ApplicationsQuery;
use reqwest::header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tracing::{info, warn};

use super::words::{ASK, Question, STATUS};

/// Questions of one thread that are under way at a time; more are refused.
const AT_ONCE: usize = 256;
/// Bytes of answers that one thread reads at a time; more are refused.
const BYTES_AT_ONCE: usize = 64 * 1024 * 1024;
/// A secret that can be guessed is none.
const SHORTEST: usize = 16;

/// `[epcscf.repository]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RepositoryConfig {
    /// Where the enabler is: `https://enabler.example.net`.
    pub(crate) url: String,
    /// A file whose first line is what the enabler knows this edge by, as `mmtel_es.repository_secret` there.
    pub(crate) secret: PathBuf,
    /// PEM files with the certificates that the enabler is trusted by, in place of the system's.
    #[serde(default)]
    pub(crate) trust: Vec<PathBuf>,
    /// How long an answer may take.
    #[serde(default = "patience")]
    pub(crate) timeout_seconds: u64,
}

fn patience() -> u64 {
    10
}

/// The first line of a file with a secret in it.
pub(crate) fn secret(file: &std::path::Path) -> anyhow::Result<Secret> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    let line = text.lines().next().unwrap_or_default().trim();
    let visible = line.bytes().all(|byte| byte.is_ascii_graphic());
    ensure!(
        line.len() >= SHORTEST && visible,
        "{} must begin with a line of {SHORTEST} visible ASCII characters at least",
        file.display()
    );
    Ok(Secret::new(line))
}

/// The repository of an enabler elsewhere.
#[derive(Debug)]
pub(crate) struct RemoteRepository {
    client: reqwest::Client,
    url: String,
    secret: Secret,
    turns: Semaphore,
    /// A permit a byte.
    room: Semaphore,
    /// The last question was not answered: the log has it once.
    down: Cell<bool>,
}

impl RepositoryConfig {
    /// What parses and still cannot be: the key, and why.
    pub(crate) fn check(&self) -> Result<(), (&'static str, String)> {
        let url = url::Url::parse(&self.url).ok().filter(|url| {
            let plain = url.query().is_none() && url.fragment().is_none();
            matches!(url.scheme(), "http" | "https") && url.host().is_some() && plain
        });
        if url.is_none() {
            let why = "must be an http or https URL without query or fragment";
            return Err(("epcscf.repository.url", why.into()));
        }
        if !(1..=60).contains(&self.timeout_seconds) {
            let why = "must be 1 to 60";
            return Err(("epcscf.repository.timeout_seconds", why.into()));
        }
        Ok(())
    }

    /// Makes the client of one thread; which key is wrong, and why, if it cannot be made.
    pub(crate) fn open(&self) -> Result<RemoteRepository, (&'static str, anyhow::Error)> {
        let secret = secret(&self.secret).map_err(|error| ("epcscf.repository.secret", error))?;
        let opened = self.with(secret);
        opened.map_err(|error| ("epcscf.repository.trust", error))
    }

    fn with(&self, secret: Secret) -> anyhow::Result<RemoteRepository> {
        let patience = Duration::from_secs(self.timeout_seconds);
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(patience)
            .user_agent(concat!("isthmus/", env!("CARGO_PKG_VERSION")));
        let mut trusted = Vec::new();
        for file in &self.trust {
            let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
            let read: Option<Vec<CertificateDer<'static>>> = read.ok();
            let read = read
                .filter(|read| !read.is_empty())
                .with_context(|| format!("{} has no certificates", file.display()))?;
            for certificate in read {
                trusted.push(reqwest::Certificate::from_der(&certificate)?);
            }
        }
        if !trusted.is_empty() {
            builder = builder.tls_certs_only(trusted);
        }
        Ok(RemoteRepository {
            client: builder.build()?,
            url: format!("{}{ASK}", self.url.trim_end_matches('/')),
            secret,
            turns: Semaphore::new(AT_ONCE),
            room: Semaphore::new(BYTES_AT_ONCE),
            down: Cell::new(false),
        })
    }
}

impl RemoteRepository {
    /// TS 26.114 §6.2.10 — what the enabler answers; 503 or 504 where it does not.
    pub(crate) async fn give(&self, query: ApplicationsQuery) -> Response {
        let Ok(_turn) = self.turns.try_acquire() else {
            return unavailable();
        };
        match self.ask(query).await {
            Ok(response) => {
                if self.down.replace(false) {
                    info!("the application repository answers again");
                }
                response
            }
            Err(error) => {
                let late = error
                    .downcast_ref::<reqwest::Error>()
                    .is_some_and(reqwest::Error::is_timeout);
                if !self.down.replace(true) {
                    warn!(
                        error = format!("{error:#}"),
                        "the application repository does not answer"
                    );
                }
                if late {
                    let sentence = "The applications' server does not answer.";
                    Response::sentence(StatusCode::GATEWAY_TIMEOUT, sentence)
                } else {
                    unavailable()
                }
            }
        }
    }

    async fn ask(&self, query: ApplicationsQuery) -> anyhow::Result<Response> {
        let secret = self.secret.expose();
        let request = self.client.post(&self.url);
        let request = request.header(AUTHORIZATION, format!("Bearer {secret}"));
        let request = request.json(&Question::from(query));
        let mut reply = request.send().await.map_err(reqwest::Error::without_url)?;
        let outer = reply.status().as_u16();
        ensure!(outer == 200, "it answers {outer}");
        let headers = reply.headers();
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let status = text(HeaderName::from_static(STATUS)).and_then(|value| value.parse().ok());
        let status = status.filter(|status| (200..600).contains(status));
        let mut response = Response {
            status: StatusCode(status.context("it answers without a status")?),
            etag: text(ETAG).and_then(EntityTag::parse),
            content_type: text(CONTENT_TYPE).map(str::to_owned),
            allow: text(ALLOW).map(str::to_owned),
            body: bytes::Bytes::new(),
        };
        let most = Limits::default().response_body;
        let mut body = Vec::new();
        let mut taken = Vec::new();
        while let Some(chunk) = reply.chunk().await.map_err(reqwest::Error::without_url)? {
            ensure!(body.len() + chunk.len() <= most, "its answer is too long");
            // Who waits for room that others wait for, too, would wait for ever.
            let room = self.room.try_acquire_many(u32::try_from(chunk.len())?);
            taken.push(room.context("it answers more than there is room for")?);
            body.extend_from_slice(&chunk);
        }
        response.body = body.into();
        Ok(response)
    }
}

fn unavailable() -> Response {
    let sentence = "The applications cannot be read now.";
    Response::sentence(StatusCode::SERVICE_UNAVAILABLE, sentence)
}
