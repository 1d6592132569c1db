//! Issuers that are asked about their tokens (RFC 7662), for an eP-CSCF.

use std::collections::HashMap;
use std::time::Duration;

use core_credentials::Secret;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use rustls_pki_types::CertificateDer;

use super::{WebError, fetch};

/// Shorter than the eP-CSCF waits.
const PATIENCE: Duration = Duration::from_secs(8);

/// Where an issuer is asked, and by whom.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// RFC 7662 §2.
    pub url: String,
    /// RFC 6749 §2.3.1.
    pub client_id: String,
    /// RFC 6749 §2.3.1.
    pub client_secret: Secret,
}

/// Asks issuers.
#[derive(Debug, Clone)]
pub struct Introspector {
    client: reqwest::Client,
    endpoints: HashMap<String, Endpoint>,
}

impl Introspector {
    /// Endpoints by issuer; `trust` in place of the system's certificates, if there are any.
    pub fn new(
        endpoints: HashMap<String, Endpoint>,
        trust: &[CertificateDer<'static>],
    ) -> Result<Self, WebError> {
        Ok(Self {
            client: fetch::http_client(trust)?,
            endpoints,
        })
    }

    /// RFC 7662 §2.1 — what the issuer says with 200; `None` when it says nothing of use.
    pub async fn ask(&self, issuer: &str, token: &Secret) -> Option<Vec<u8>> {
        let endpoint = self.endpoints.get(issuer)?;
        match tokio::time::timeout(PATIENCE, self.post(endpoint, token)).await {
            Ok(Ok((200, answer))) => Some(answer),
            Ok(Ok((status, _))) => {
                tracing::warn!(issuer, status, "introspection was refused");
                None
            }
            Ok(Err(error)) => {
                tracing::warn!(issuer, error = format!("{error:#}"), "introspection failed");
                None
            }
            Err(_) => {
                tracing::warn!(issuer, "introspection took too long");
                None
            }
        }
    }

    async fn post(&self, endpoint: &Endpoint, token: &Secret) -> anyhow::Result<(u16, Vec<u8>)> {
        let encode =
            |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let body = format!(
            "token={}&token_type_hint=access_token",
            encode(token.expose())
        );
        let request = self
            .client
            .post(&endpoint.url)
            .basic_auth(
                encode(&endpoint.client_id),
                Some(encode(endpoint.client_secret.expose())),
            )
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(ACCEPT, "application/json")
            .body(body);
        fetch::send(request).await
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// One issuer that answers `reply` and gives what it was asked.
    async fn asked(reply: &'static str) -> (Option<Vec<u8>>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let issuer = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut said = Vec::new();
            let mut buffer = [0; 2048];
            while !String::from_utf8_lossy(&said).contains("access_token") {
                let read = stream.read(&mut buffer).await.expect("a request");
                said.extend_from_slice(&buffer[..read]);
            }
            stream.write_all(reply.as_bytes()).await.expect("read");
            stream.shutdown().await.expect("open");
            String::from_utf8_lossy(&said).into_owned()
        });
        let endpoint = Endpoint {
            url: format!("http://{address}/introspect"),
            client_id: "edge".into(),
            client_secret: "s&cret".into(),
        };
        let endpoints = HashMap::from([("https://idp".to_owned(), endpoint)]);
        let introspector = Introspector::new(endpoints, &[]).expect("a client");
        let answer = introspector.ask("https://idp", &"a/b+c".into()).await;
        (answer, issuer.await.expect("it served"))
    }

    #[tokio::test]
    async fn an_issuer_is_asked_with_our_credentials() {
        let reply = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n{\"active\":false}";
        let (answer, said) = asked(reply).await;
        assert_eq!(answer.as_deref(), Some(&b"{\"active\":false}"[..]));
        assert!(said.starts_with("POST /introspect HTTP/1.1"), "{said}");
        assert!(said.ends_with("token=a%2Fb%2Bc&token_type_hint=access_token"));
        // edge:s%26cret
        assert!(said.contains("Basic ZWRnZTpzJTI2Y3JldA=="), "{said}");
    }

    #[tokio::test]
    async fn anything_but_200_says_nothing() {
        let reply = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(asked(reply).await.0, None);
        let garbage = "no HTTP at all";
        assert_eq!(asked(garbage).await.0, None);
    }
}
