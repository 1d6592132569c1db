//! One delivery: `POST` to a target that may be told, and what came of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use api_mmtel_es::common::Uri;
use api_mmtel_es::{Cause, ProblemDetails, read};
use axum::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use bytes::Bytes;
use nf_mmtel_es::{Answer, Targets};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use rustls_pki_types::CertificateDer;

use crate::mes::EnablerError;

/// A connection must stand by then.
const CONNECT: Duration = Duration::from_secs(5);
/// The whole exchange must be over by then.
const PATIENCE: Duration = Duration::from_secs(20);
/// When the status is there, so long is waited for the rest.
const REST: Duration = Duration::from_secs(2);
/// So much of an answer is read; a longer one counts all the same.
const MAX_ANSWER: usize = 64 * 1024;
/// Connections to one target that wait for the next notification.
const IDLE: usize = 64;

/// What delivers: a pool of connections, HTTP/2 where a target has it.
pub(in crate::mes) struct Client {
    http: reqwest::Client,
    targets: Targets,
}

impl Client {
    /// Trusts `trust` beside the system's certificates.
    pub(in crate::mes) fn new(
        targets: Targets,
        trust: &[CertificateDer<'static>],
    ) -> Result<Self, EnablerError> {
        // Done once; later calls find it there.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let extra = trust.iter().map(|der| reqwest::Certificate::from_der(der));
        let extra = extra.collect::<Result<Vec<_>, _>>();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .timeout(PATIENCE)
            .connect_timeout(CONNECT)
            .pool_max_idle_per_host(IDLE)
            .pool_idle_timeout(Duration::from_secs(30))
            .tcp_nodelay(true)
            .dns_resolver(Arc::new(Guarded(targets.clone())))
            .tls_certs_merge(extra.map_err(EnablerError::Client)?)
            .user_agent(concat!("isthmus/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(EnablerError::Client)?;
        Ok(Self { http, targets })
    }

    /// TS 29.122 §5.2.5: the JSON text by POST. Whatever comes back, and if nothing does, is an answer.
    pub(super) async fn deliver(&self, target: &Uri, body: Bytes) -> Answer {
        // An address in the URL is not resolved, so it is looked at here.
        let Ok(url) = self.targets.uri(target) else {
            return Answer::None;
        };
        let request = self.http.post(url).header(CONTENT_TYPE, "application/json");
        let Ok(mut response) = request.body(body).send().await else {
            return Answer::None;
        };
        let header = |name| {
            let value = response.headers().get(name);
            value
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned)
        };
        let (location, retry_after) = (header(LOCATION), header(RETRY_AFTER));
        let status = response.status().as_u16();
        let mut text = Vec::new();
        // To its end, for then the connection can be used again; an end that does not come, or lies
        // about its length, changes nothing about the status.
        let rest = async {
            while let Ok(Some(chunk)) = response.chunk().await {
                if text.len() + chunk.len() > MAX_ANSWER {
                    break;
                }
                text.extend_from_slice(&chunk);
            }
        };
        let _ = tokio::time::timeout(REST, rest).await;
        Answer::Response {
            status,
            location,
            retry_after: retry_after.and_then(|value| pause(&value, SystemTime::now())),
            cause: cause(status, &text),
        }
    }
}

/// RFC 9110 §10.2.3: seconds, or a time.
fn pause(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = httpdate::parse_http_date(value).ok()?;
    Some(at.duration_since(now).unwrap_or_default())
}

/// TS 29.392 §6.3.7.3
fn cause(status: u16, text: &[u8]) -> Option<Cause> {
    if status < 400 {
        return None;
    }
    let problem: ProblemDetails = read(text).ok()?;
    problem.cause.map(|cause| Cause::from(cause.as_str()))
}

/// A resolver whose addresses may all be told. The connection is made to these and to no others, so
/// a name cannot be one thing when it is looked at and another when it is used.
struct Guarded(Targets);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let targets = self.0.clone();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let found: Vec<SocketAddr> = found
                .filter(|address| targets.address(address.ip()).is_ok())
                .collect();
            if found.is_empty() {
                return Err("no address that may be told".into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_in_seconds_or_until_a_time() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        assert_eq!(pause(" 120", now), Some(Duration::from_mins(2)));
        let date = "Sun, 06 Nov 1994 08:50:37 GMT";
        assert_eq!(pause(date, now), Some(Duration::from_mins(1)));
        let past = "Sun, 06 Nov 1994 08:40:37 GMT";
        assert_eq!(pause(past, now), Some(Duration::ZERO));
        assert_eq!(pause("-1", now), None);
        assert_eq!(pause("soon", now), None);
    }

    #[test]
    fn a_cause_is_read_from_an_error_alone() {
        let problem = br#"{"cause":"USER_NOT_FOUND"}"#;
        assert_eq!(cause(404, problem), Some(Cause::UserNotFound));
        assert_eq!(cause(200, problem), None);
        assert_eq!(cause(404, b"<html>"), None);
    }

    /// A name that leads to an address of this machine is not told, whatever it is called.
    #[tokio::test]
    async fn names_are_looked_at_where_they_are_connected_to() {
        use std::str::FromStr as _;
        let name = || Name::from_str("localhost").unwrap();
        assert!(Guarded(Targets::default()).resolve(name()).await.is_err());
        let private = Targets {
            private: true,
            ..Targets::default()
        };
        assert!(Guarded(private).resolve(name()).await.is_ok());
    }
}
