//! OAuth clients: the WWSFs that this WAF serves (RFC 6749 §2).

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_credentials::Secret;
use core_credentials::token::{ASSERTION_TYPE, AssertionKeys, ClientAssertion, TokenError};
use url::{Host, Url, form_urlencoded};

use crate::form::Form;
use crate::reply::OAuthError;
use crate::waf::Waf;

/// A confidential client (RFC 6749 §2.1).
#[derive(Debug)]
pub struct Client {
    /// Its name.
    pub id: String,
    /// How it proves who it is.
    pub proof: ClientProof,
    /// Where codes may be sent, each compared as [`redirect_matches`] says.
    pub redirect_uris: Vec<String>,
    /// Its identity as a WWSF: the claim `3gpp-wwsf` (TS 24.229 §7.13.3).
    pub wwsf: Option<String>,
    /// Whether it is a resource server, which may ask about the tokens of others (RFC 7662 §2.1).
    pub resource_server: bool,
    /// Whether it is a WWSF that may have identities of the pool (TS 24.371 §6.3.2).
    pub pool: bool,
    /// Whether it is an eP-CSCF, which gives identities of the pool back (TS 24.371 §6A.3).
    pub edge: bool,
    /// What it may ask for in its own name; nothing, if it is no program of an API (TS 29.122 §6).
    pub scopes: Vec<String>,
    /// Who takes those tokens.
    pub audience: String,
}

/// How a client proves who it is on W4: one way each, so that the weaker never stands in for the other.
#[derive(Debug)]
pub enum ClientProof {
    /// A password: `client_secret_basic` or `client_secret_post` (RFC 6749 §2.3.1).
    Secret(Secret),
    /// A key of its own: `private_key_jwt` (RFC 7523 §2.2).
    Keys(AssertionKeys),
}

impl Client {
    /// A client without any rights.
    pub fn new(id: impl Into<String>, proof: ClientProof) -> Self {
        Self {
            id: id.into(),
            proof,
            redirect_uris: Vec::new(),
            wwsf: None,
            resource_server: false,
            pool: false,
            edge: false,
            scopes: Vec::new(),
            audience: String::new(),
        }
    }
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

/// Clocks of clients may differ by so many seconds.
const SKEW: u64 = 10;

const WRONG: (OAuthError, &str) = (
    OAuthError::InvalidClient,
    "no such client, or not its credentials",
);

impl Waf {
    /// RFC 6749 §2.3, RFC 7521 §4.2: `client_secret_basic`, `client_secret_post` or `private_key_jwt`,
    /// never two of them, and the one that the client was registered with.
    pub(crate) fn authenticate_client(
        &mut self,
        now: u64,
        authorization: Option<&str>,
        form: &Form,
    ) -> Result<Arc<Client>, (OAuthError, &'static str)> {
        let in_body = form.value("client_secret");
        let assertion = form.value("client_assertion");
        let named = form.value("client_id");
        let (id, secret) = match (authorization, in_body, assertion) {
            (None, None, Some(assertion)) => {
                return self.authenticate_by_assertion(now, assertion, form);
            }
            (Some(authorization), None, None) => basic(authorization).ok_or((
                OAuthError::InvalidClient,
                "the Authorization header cannot be read",
            ))?,
            (None, Some(secret), None) => {
                (named.unwrap_or_default().to_owned(), Secret::new(secret))
            }
            (None, None, None) => {
                return Err((OAuthError::InvalidClient, "the client must authenticate"));
            }
            _ => {
                return Err((
                    OAuthError::InvalidRequest,
                    "two ways of authentication at once",
                ));
            }
        };
        let client = self.clients.get(&id).ok_or(WRONG)?;
        let right = matches!(
            &client.proof,
            ClientProof::Secret(own) if !secret.expose().is_empty() && *own == secret
        );
        // RFC 6749 §2.3: a `client_id` in the body must not be somebody else's.
        if right && named.is_none_or(|named| named == id) {
            Ok(Arc::clone(client))
        } else {
            Err(WRONG)
        }
    }

    /// RFC 7523 §3, RFC 7521 §4.2.
    fn authenticate_by_assertion(
        &mut self,
        now: u64,
        assertion: &str,
        form: &Form,
    ) -> Result<Arc<Client>, (OAuthError, &'static str)> {
        if form.value("client_assertion_type") != Some(ASSERTION_TYPE) {
            return Err((
                OAuthError::InvalidRequest,
                "client_assertion_type is not the one for JWTs",
            ));
        }
        let id = ClientAssertion::claimed_client(assertion).ok_or(WRONG)?;
        let named = form.value("client_id").is_none_or(|named| named == id);
        let client = self.clients.get(&id).filter(|_| named).ok_or(WRONG)?;
        let ClientProof::Keys(keys) = &client.proof else {
            return Err(WRONG);
        };
        let client = Arc::clone(client);
        let issuer = self.settings.issuer.as_str();
        let token_endpoint = format!("{issuer}/token");
        let audiences = [issuer, token_endpoint.as_str()];
        let said = keys.verify(assertion, &id, &audiences, now, SKEW);
        let said = said.map_err(|error| match error {
            TokenError::WrongAudience => (
                OAuthError::InvalidClient,
                "the assertion is for another server",
            ),
            TokenError::Expired | TokenError::NotYetValid => {
                (OAuthError::InvalidClient, "the assertion's time is wrong")
            }
            _ => WRONG,
        })?;
        let until = said.exp.saturating_add(SKEW);
        if !self
            .assertions
            .use_once(now, said.iat, until, &id, &said.jti)
        {
            self.counters.replayed += 1;
            return Err((
                OAuthError::InvalidClient,
                "the assertion was used before; make a new one",
            ));
        }
        Ok(client)
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
