//! Asking others over HTTPS: in bounded time, for bounded answers, and only where they said they are.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use nf_wwsf::Server;
use rustls_pki_types::CertificateDer;

use super::WebError;

/// Longer answers are no answers.
const MAX_ANSWER: usize = 256 * 1024;
/// An answer takes this long at most, from the first octet asked to the last one got.
const PATIENCE: Duration = Duration::from_secs(10);

/// A client that follows no redirect and trusts `trust`, or the system if that is empty.
pub(super) fn http_client(trust: &[CertificateDer<'static>]) -> Result<reqwest::Client, WebError> {
    // Done once; later calls find it there.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(PATIENCE)
        .connect_timeout(PATIENCE / 2)
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

/// Sends a request; the status and the whole answer.
pub(super) async fn send(request: reqwest::RequestBuilder) -> anyhow::Result<(u16, Vec<u8>)> {
    // Without the URL: it is ours and says nothing new, and a query could.
    let mut reply = request.send().await.map_err(reqwest::Error::without_url)?;
    let status = reply.status().as_u16();
    let mut body = Vec::new();
    while let Some(chunk) = reply.chunk().await.map_err(reqwest::Error::without_url)? {
        ensure!(
            body.len() + chunk.len() <= MAX_ANSWER,
            "the answer is too long"
        );
        body.extend_from_slice(&chunk);
    }
    Ok((status, body))
}

/// Fetches what has to be there.
pub(super) async fn get(client: &reqwest::Client, url: &str) -> anyhow::Result<Vec<u8>> {
    match send(client.get(url)).await? {
        (200, body) => Ok(body),
        (status, _) => bail!("the server answers {status}"),
    }
}

/// An issuer's metadata, from the first of its places that has it (RFC 8414 §3, §5).
pub(super) async fn metadata<T>(
    client: &reqwest::Client,
    issuer: &str,
    read: impl Fn(&[u8]) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let [first, second] = Server::metadata_urls(issuer).context("the issuer is no URL")?;
    let found = match get(client, &first).await {
        Ok(body) => read(&body),
        Err(error) => Err(error),
    };
    match found {
        Ok(metadata) => Ok(metadata),
        // What the first place says counts, should both fail.
        Err(error) => match get(client, &second).await {
            Ok(body) => read(&body).context("no metadata"),
            Err(_) => Err(error).context("no metadata"),
        },
    }
}
