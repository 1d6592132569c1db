//! OAuth clients: the WWSFs that this WAF serves (RFC 6749 §2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_credentials::Secret;
use url::{Host, Url, form_urlencoded};

use crate::form::Form;
use crate::reply::OAuthError;
use crate::waf::Waf;

/// A confidential client (RFC 6749 §2.1).
#[derive(Debug, Clone)]
pub struct Client {
    /// Its name.
    pub id: String,
    /// Its password.
    pub secret: Secret,
    /// Where codes may be sent, each compared as [`redirect_matches`] says.
    pub redirect_uris: Vec<String>,
    /// Its identity as a WWSF: the claim `3gpp-wwsf` (TS 24.229 §7.13.3).
    pub wwsf: Option<String>,
    /// Whether it is a resource server, which may ask about the tokens of others (RFC 7662 §2.1).
    pub resource_server: bool,
}

/// RFC 6749 §3.1.2.3, RFC 9700 §4.1.3: whether a redirection URI is the registered one, character by
/// character; of a loopback host the port does not matter.
///
/// Deviates: RFC 8252 §7.3 frees the port of 127.0.0.1 and ::1, and calls `localhost` unwise. The lab
/// is opened as `localhost`, whose name browsers resolve to loopback without asking anybody.
pub fn redirect_matches(registered: &str, asked: &str) -> bool {
    if registered == asked {
        return true;
    }
    let (Ok(registered), Ok(mut asked_url)) = (Url::parse(registered), Url::parse(asked)) else {
        return false;
    };
    // What is compared below is what was asked, not what a parser made of it.
    if asked_url.as_str() != asked || !is_loopback(&registered) {
        return false;
    }
    asked_url.set_port(registered.port()).is_ok() && asked_url == registered
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

impl Waf {
    /// RFC 6749 §2.3.1: `client_secret_basic` or `client_secret_post`, and never both.
    pub(crate) fn authenticate_client(
        &self,
        authorization: Option<&str>,
        form: &Form,
    ) -> Result<&Client, (OAuthError, &'static str)> {
        let in_body = form.value("client_secret");
        let (id, secret) = match (authorization, in_body) {
            (Some(_), Some(_)) => {
                return Err((
                    OAuthError::InvalidRequest,
                    "two ways of authentication at once",
                ));
            }
            (Some(authorization), None) => basic(authorization).ok_or((
                OAuthError::InvalidClient,
                "the Authorization header cannot be read",
            ))?,
            (None, Some(secret)) => (
                form.value("client_id").unwrap_or_default().to_owned(),
                Secret::new(secret),
            ),
            (None, None) => {
                return Err((OAuthError::InvalidClient, "the client must authenticate"));
            }
        };
        // RFC 6749 §2.3: a `client_id` in the body must not be somebody else's.
        let named = form.value("client_id").is_none_or(|named| named == id);
        self.clients
            .get(&id)
            .filter(|client| !secret.expose().is_empty() && client.secret == secret && named)
            .ok_or((
                OAuthError::InvalidClient,
                "no such client, or not its secret",
            ))
    }
}

/// RFC 6749 §2.3.1: both parts of the Basic credentials are form-encoded first.
fn basic(authorization: &str) -> Option<(String, Secret)> {
    let (scheme, encoded) = authorization.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((form_decode(id), Secret::new(form_decode(secret))))
}

fn form_decode(text: &str) -> String {
    // `text` as a name without a value; `&` and `=` in it are percent-encoded by the rule above.
    form_urlencoded::parse(text.as_bytes())
        .next()
        .map_or_else(String::new, |(name, _)| name.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_go_where_they_were_registered() {
        let lab = "https://localhost/signed-in";
        for (registered, asked, expected) in [
            ("https://a.example/cb", "https://a.example/cb", true),
            ("https://a.example/cb", "https://a.example/cb/", false),
            ("https://a.example/cb", "https://a.example/cb?x=1", false),
            ("https://a.example/cb", "https://a.example:8443/cb", false),
            ("https://a.example/cb", "http://a.example/cb", false),
            (
                "https://a.example/cb",
                "https://a.example@evil.example/cb",
                false,
            ),
            (
                "https://a.example/cb",
                "https://a.example.evil.example/cb",
                false,
            ),
            ("https://a.example/cb", "//a.example/cb", false),
            (lab, "https://localhost:8443/signed-in", true),
            (lab, "http://localhost:8443/signed-in", false),
            (lab, "https://localhost:8443/signed-in#x", false),
            (lab, "https://localhost:8443/other", false),
            (lab, "https://localhost.evil.example:8443/signed-in", false),
            (lab, "https://user@localhost:8443/signed-in", false),
            (lab, "https://localhost:8443/x/../signed-in", false),
            (lab, "javascript:alert(1)", false),
            (
                "http://127.0.0.1/signed-in",
                "http://127.0.0.1:1234/signed-in",
                true,
            ),
            (
                "http://[::1]/signed-in",
                "http://[::1]:1234/signed-in",
                true,
            ),
        ] {
            assert_eq!(redirect_matches(registered, asked), expected, "{asked}");
        }
    }

    #[test]
    fn basic_credentials_are_form_encoded() {
        let encoded = STANDARD.encode("w%3Awsf:s%26e%3Dc+%25ret");
        let (id, secret) = basic(&format!("basic {encoded}")).unwrap();
        assert_eq!((id.as_str(), secret.expose()), ("w:wsf", "s&e=c %ret"));
        for odd in ["", "Basic", "Basic !", "Bearer abc", "Basic bm9jb2xvbg=="] {
            assert!(basic(odd).is_none(), "{odd}");
        }
    }
}
