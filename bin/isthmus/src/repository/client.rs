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
/// An answer of so many bytes needs no room of its own: a list, or a small package.
const SMALL: usize = 64 * 1024;
/// Larger answers that one thread reads at a time, 16 MiB each at most; the others wait.
const LARGE_AT_ONCE: usize = 4;
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
    /// For answers that are not small.
    room: Semaphore,
    patience: Duration,
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
            room: Semaphore::new(LARGE_AT_ONCE),
            patience,
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
        let mut room = None;
        let mut waited = false;
        loop {
            let chunk = match reply.chunk().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                // It had its time while we let it wait: it is not to blame.
                Err(error) if waited && error.is_timeout() => return Ok(unavailable()),
                Err(error) => return Err(error.without_url().into()),
            };
            ensure!(body.len() + chunk.len() <= most, "its answer is too long");
            if room.is_none() && body.len() + chunk.len() > SMALL {
                waited = self.room.available_permits() == 0;
                let turn = tokio::time::timeout(self.patience, self.room.acquire()).await;
                let Ok(Ok(turn)) = turn else {
                    return Ok(unavailable());
                };
                room = Some(turn);
            }
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

#[cfg(test)]
mod tests {
    use core_bootstrap::stream::Source;
    use core_bootstrap::{Method, Request};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// Answers a question for a package with half of it, and any other with a list.
    async fn answer(mut connection: TcpStream) -> std::io::Result<()> {
        let mut question = vec![0; 8192];
        let mut length = 0;
        while !question[..length].ends_with(b"}") {
            length += connection.read(&mut question[length..]).await?;
        }
        let head = "HTTP/1.1 200 OK\r\nisthmus-status: 200\r\nContent-Length: ";
        let package = question[..length].windows(7).any(|part| part == b"package");
        if package {
            let head = format!("{head}{}\r\n\r\n", 4 * SMALL);
            connection.write_all(head.as_bytes()).await?;
            connection.write_all(&vec![0; 2 * SMALL]).await?;
            std::future::pending::<()>().await;
        }
        let list = format!("{head}2\r\n\r\n{{}}");
        connection.write_all(list.as_bytes()).await
    }

    async fn enabler() -> RemoteRepository {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("it is bound");
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer(connection));
            }
        });
        let config = RepositoryConfig {
            url: format!("http://{address}"),
            secret: PathBuf::new(),
            trust: Vec::new(),
            timeout_seconds: 3,
        };
        config.with(Secret::new("a secret")).expect("a client")
    }

    fn query(target: &str) -> ApplicationsQuery {
        ApplicationsQuery {
            source: Source::of(0).expect("a bootstrap channel"),
            user: vec!["sip:alice@home1.net".to_owned()],
            established: true,
            video: false,
            peer_has_data_channels: None,
            request: Request {
                method: Method::Get,
                target: target.to_owned(),
                if_none_match: None,
                content_type: None,
                body: Vec::new().into(),
            },
        }
    }

    #[tokio::test]
    async fn packages_that_are_slow_leave_room_for_lists() {
        let repository = enabler().await;
        let package = async || repository.give(query("/package")).await.status.0;
        let list = async {
            // When all the room is taken.
            while repository.room.available_permits() > 0 {
                tokio::task::yield_now().await;
            }
            let answer = repository.give(query("/applicationlist")).await;
            (answer.status.0, repository.down.get())
        };
        let packages = async {
            let five = tokio::join!(package(), package(), package(), package(), package());
            <[u16; 5]>::from(five)
        };
        let (mut packages, list) = tokio::join!(packages, list);
        assert_eq!(list, (200, false));
        packages.sort_unstable();
        assert_eq!(packages, [503, 504, 504, 504, 504]);
    }
}
