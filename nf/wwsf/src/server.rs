//! The WAF as it describes itself (RFC 8414, OpenID Connect Discovery 1.0): ours, or an operator's own
//! identity provider.

use serde::Deserialize;
use url::{Host, Url};

/// Where the endpoints of an authorization server are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Its issuer identifier.
    pub issuer: String,
    /// Where browsers are sent to sign in: a URL, or a path behind the WWSF's own door.
    pub authorize: String,
    /// Where codes and refresh tokens are traded.
    pub token: String,
    /// Where it tells what a token is worth, if it does.
    pub introspect: Option<String>,
    /// Where it takes grants back, if it does.
    pub revoke: Option<String>,
    /// Whether it names itself in what browsers bring back (RFC 9207).
    pub names_itself: bool,
}

/// Metadata that is not that of the issuer, or not to be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WrongMetadata {
    /// No JSON object with the endpoints that are needed.
    #[error("it cannot be read")]
    Unreadable,
    /// RFC 8414 §3.3: it is another issuer's.
    #[error("it names another issuer")]
    OtherIssuer,
    /// An endpoint is no URL, or without TLS though the issuer has it.
    #[error("an endpoint's address cannot be used")]
    Endpoint,
    /// It does not serve the code flow with PKCE.
    #[error("the server has no code flow with PKCE and S256")]
    NoCodeFlow,
}

#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    introspection_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    response_types_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Server {
    /// A WAF of ours, with all its endpoints below one address.
    pub fn below(issuer: &str, base: &str, authorize: Option<&str>) -> Self {
        let at = |endpoint: &str| format!("{}/{endpoint}", base.trim_end_matches('/'));
        let page = || format!("{}/authorize", issuer.trim_end_matches('/'));
        Self {
            issuer: issuer.to_owned(),
            authorize: authorize.map_or_else(page, str::to_owned),
            token: at("token"),
            introspect: Some(at("introspect")),
            revoke: Some(at("revoke")),
            names_itself: true,
        }
    }

    /// Where an issuer's metadata may be, the first place first: RFC 8414 §3.1, then OpenID Connect
    /// Discovery 1.0 §4.1. Nothing for an issuer that is no URL.
    pub fn metadata_urls(issuer: &str) -> Option<[String; 2]> {
        let mut url = Url::parse(issuer).ok().filter(Url::has_host)?;
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
        let oauth = url.to_string();
        url.set_path(&format!("{path}/.well-known/openid-configuration"));
        Some([oauth, url.to_string()])
    }

    /// Reads an issuer's metadata (RFC 8414 §2, §3.3).
    pub fn read(issuer: &str, body: &[u8]) -> Result<Self, WrongMetadata> {
        let metadata: Metadata =
            serde_json::from_slice(body).map_err(|_| WrongMetadata::Unreadable)?;
        if metadata.issuer != issuer {
            return Err(WrongMetadata::OtherIssuer);
        }
        let serves = |list: &Option<Vec<String>>, value: &str| {
            list.as_ref()
                .is_none_or(|list| list.iter().any(|one| one == value))
        };
        if !serves(&metadata.response_types_supported, "code")
            || !serves(&metadata.code_challenge_methods_supported, "S256")
        {
            return Err(WrongMetadata::NoCodeFlow);
        }
        let usable = |endpoint: String| {
            is_endpoint(issuer, &endpoint)
                .then_some(endpoint)
                .ok_or(WrongMetadata::Endpoint)
        };
        Ok(Self {
            authorize: usable(metadata.authorization_endpoint)?,
            token: usable(metadata.token_endpoint)?,
            introspect: metadata.introspection_endpoint.map(usable).transpose()?,
            revoke: metadata.revocation_endpoint.map(usable).transpose()?,
            names_itself: metadata.authorization_response_iss_parameter_supported,
            issuer: metadata.issuer,
        })
    }
}

/// Whether an address that an issuer gives is good to send secrets to: with TLS, unless the issuer
/// itself is on this machine and without.
pub fn is_endpoint(issuer: &str, endpoint: &str) -> bool {
    let Ok(url) = Url::parse(endpoint) else {
        return false;
    };
    if url.fragment().is_some() || !url.has_host() {
        return false;
    }
    match url.scheme() {
        "https" => true,
        "http" => is_loopback(&url) && issuer.starts_with("http://"),
        _ => false,
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ISSUER: &str = "https://login.example.net/realms/phones";

    fn metadata(name: &str, value: serde_json::Value) -> Vec<u8> {
        let mut metadata = json!({
            "issuer": ISSUER,
            "authorization_endpoint": format!("{ISSUER}/protocol/auth"),
            "token_endpoint": format!("{ISSUER}/protocol/token"),
            "response_types_supported": ["code", "id_token"],
            "code_challenge_methods_supported": ["plain", "S256"],
        });
        metadata[name] = value;
        metadata.to_string().into_bytes()
    }

    #[test]
    fn metadata_is_looked_for_in_both_places() {
        assert_eq!(
            Server::metadata_urls(ISSUER).unwrap(),
            [
                "https://login.example.net/.well-known/oauth-authorization-server/realms/phones",
                "https://login.example.net/realms/phones/.well-known/openid-configuration",
            ]
        );
        assert_eq!(
            Server::metadata_urls("https://login.example.net/").unwrap()[1],
            "https://login.example.net/.well-known/openid-configuration"
        );
        assert_eq!(Server::metadata_urls("login.example.net"), None);
        assert_eq!(Server::metadata_urls("mailto:a@b"), None);
    }

    #[test]
    fn what_a_server_leaves_out_is_not_asked_of_it() {
        let server = Server::read(ISSUER, &metadata("x", json!(1))).unwrap();
        assert_eq!(server.token, format!("{ISSUER}/protocol/token"));
        assert_eq!((server.introspect, server.revoke), (None, None));
        assert!(!server.names_itself);
    }

    #[test]
    fn metadata_of_somebody_else_is_not_believed() {
        for (name, value, expected) in [
            (
                "issuer",
                json!("https://evil.example"),
                WrongMetadata::OtherIssuer,
            ),
            (
                "issuer",
                json!(format!("{ISSUER}/")),
                WrongMetadata::OtherIssuer,
            ),
            ("token_endpoint", json!(7), WrongMetadata::Unreadable),
            (
                "token_endpoint",
                json!("http://login.example.net/t"),
                WrongMetadata::Endpoint,
            ),
            (
                "token_endpoint",
                json!("http://127.0.0.1/t"),
                WrongMetadata::Endpoint,
            ),
            ("token_endpoint", json!("/token"), WrongMetadata::Endpoint),
            (
                "authorization_endpoint",
                json!("javascript:alert(1)"),
                WrongMetadata::Endpoint,
            ),
            (
                "revocation_endpoint",
                json!("file:///etc/passwd"),
                WrongMetadata::Endpoint,
            ),
            (
                "response_types_supported",
                json!(["token"]),
                WrongMetadata::NoCodeFlow,
            ),
            (
                "code_challenge_methods_supported",
                json!(["plain"]),
                WrongMetadata::NoCodeFlow,
            ),
        ] {
            let read = Server::read(ISSUER, &metadata(name, value));
            assert_eq!(read, Err(expected), "{name}");
        }
        assert_eq!(
            Server::read(ISSUER, b"<html>"),
            Err(WrongMetadata::Unreadable)
        );
    }

    #[test]
    fn only_a_lab_goes_without_tls() {
        assert!(is_endpoint(
            "http://localhost:1/x",
            "http://127.0.0.1:2/token"
        ));
        assert!(!is_endpoint(
            "http://localhost:1/x",
            "http://192.0.2.1/token"
        ));
        assert!(!is_endpoint(
            "https://localhost:1/x",
            "http://127.0.0.1:2/token"
        ));
    }
}
