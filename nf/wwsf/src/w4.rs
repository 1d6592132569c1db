//! W4: what the WWSF says to the WAF, and what the answers mean (RFC 6749, RFC 7009, RFC 7662).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core_credentials::token::ASSERTION_TYPE;
use core_credentials::{Secret, bearer};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::{Dialect, Identity};

/// A form to post to one of the WAF's endpoints, with the client's own credentials.
pub struct Form(String);

/// What a token endpoint grants (RFC 6749 §5.1).
#[derive(Clone, Deserialize)]
pub struct Tokens {
    pub(crate) access_token: Secret,
    pub(crate) token_type: String,
    /// RFC 6749 §5.1 recommends it and does not require it.
    #[serde(default = "usual_lifetime")]
    pub(crate) expires_in: u64,
    /// None, and there is no session beyond this token; or, of a refresh, the one before stays.
    #[serde(default)]
    pub(crate) refresh_token: Secret,
}

/// What an access token is for, as introspection tells it (RFC 7662 §2.2) or as it says itself.
#[derive(Clone, Default)]
pub struct Introspection(Map<String, Value>);

/// Why W4 gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The WAF does not take the code or refresh token: the person has to sign in (again).
    #[error("the WAF refused the grant")]
    Refused,
    /// The WAF cannot be reached, does not know us or makes no sense: later it may.
    #[error("the WAF gave no usable answer")]
    Unavailable,
    /// Every identity of the pool is in use.
    #[error("every identity of the pool is in use")]
    Exhausted,
}

/// Both answers that a session needs.
pub struct Granted {
    /// From the token endpoint.
    pub tokens: Tokens,
    /// Of its access token.
    pub introspection: Introspection,
}

impl Form {
    /// RFC 6749 §4.1.3 with RFC 7636 §4.5.
    pub(crate) fn code(code: &str, redirect_uri: &str, verifier: &str) -> Self {
        Self::of(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ])
    }

    /// RFC 6749 §6
    pub(crate) fn refresh(refresh_token: &Secret, scope: &str) -> Self {
        Self::of(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose()),
            ("scope", scope),
        ])
    }

    /// RFC 6749 §4.4, TS 24.371 §6.3.2: an identity of the pool for this visitor.
    pub(crate) fn visit(visitor: &Secret) -> Self {
        Self::of(&[
            ("grant_type", "client_credentials"),
            ("scope", bearer::SCOPE),
            ("visitor", visitor.expose()),
        ])
    }

    /// The visitor has left.
    pub(crate) fn leave(visitor: &Secret) -> Self {
        Self::of(&[("token", visitor.expose()), ("token_type_hint", "visitor")])
    }

    /// TS 24.371 §6A.3: nobody is registered by this lease any more.
    pub fn release(lease: &str) -> Self {
        Self::of(&[("lease", lease)])
    }

    /// RFC 7009 §2.1
    pub(crate) fn revoke(refresh_token: &Secret) -> Self {
        Self::of(&[
            ("token", refresh_token.expose()),
            ("token_type_hint", "refresh_token"),
        ])
    }

    /// RFC 7662 §2.1
    pub fn introspect(tokens: &Tokens) -> Self {
        Self::of(&[
            ("token", tokens.access_token.expose()),
            ("token_type_hint", "access_token"),
        ])
    }

    /// RFC 7521 §4.2: with the assertion that proves who asks, in place of a password.
    #[must_use]
    pub fn asserted(self, client: &str, assertion: &Secret) -> Self {
        let proof = Self::of(&[
            ("client_id", client),
            ("client_assertion_type", ASSERTION_TYPE),
            ("client_assertion", assertion.expose()),
        ]);
        Self(format!("{}&{}", self.0, proof.0))
    }

    fn of(parameters: &[(&str, &str)]) -> Self {
        Self(
            form_urlencoded::Serializer::new(String::new())
                .extend_pairs(parameters)
                .finish(),
        )
    }

    /// The body, `application/x-www-form-urlencoded`.
    pub fn into_body(self) -> String {
        self.0
    }
}

impl Tokens {
    /// Reads the answer of the token endpoint.
    pub fn read(status: u16, body: &[u8]) -> Result<Self, Failure> {
        #[derive(Deserialize)]
        struct Error {
            error: String,
        }
        if status == 200 {
            let tokens: Self = serde_json::from_slice(body).map_err(|_| Failure::Unavailable)?;
            let usable = tokens.token_type.eq_ignore_ascii_case("Bearer");
            return if usable {
                Ok(tokens)
            } else {
                Err(Failure::Unavailable)
            };
        }
        match serde_json::from_slice::<Error>(body) {
            Ok(error) if error.error == "invalid_grant" => Err(Failure::Refused),
            Ok(error) if error.error == "temporarily_unavailable" => Err(Failure::Exhausted),
            _ => Err(Failure::Unavailable),
        }
    }
}

impl Introspection {
    /// Reads the answer of the introspection endpoint.
    pub fn read(status: u16, body: &[u8]) -> Result<Self, Failure> {
        let read = serde_json::from_slice(body).ok().filter(|_| status == 200);
        read.map(Self).ok_or(Failure::Unavailable)
    }

    /// What the access token says itself, for a server without introspection. It comes straight from
    /// the token endpoint over TLS, which stands in for its signature (OpenID Connect Core 1.0
    /// §3.1.3.7); the eP-CSCF will verify that.
    pub fn of_token(tokens: &Tokens) -> Result<Self, Failure> {
        let mut parts = tokens.access_token.expose().split('.');
        let payload = parts
            .nth(1)
            .and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
        let mut said: Map<String, Value> = payload
            .and_then(|json| serde_json::from_slice(&json).ok())
            .ok_or(Failure::Unavailable)?;
        said.insert("active".into(), true.into());
        Ok(Self(said))
    }

    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(crate) fn display_name(&self, dialect: &Dialect) -> Option<String> {
        dialect.display_name(&self.0)
    }

    /// Who the token was issued for, if it lets them into the IMS.
    pub(crate) fn identity(&self, dialect: &Dialect) -> Result<Identity, Failure> {
        let said = &self.0;
        let scope = dialect.scope(said);
        let allowed = scope.split(' ').any(|word| word == bearer::SCOPE);
        let active = said.get("active") == Some(&Value::Bool(true));
        let account = said.get("sub").and_then(Value::as_str).unwrap_or_default();
        let (impi, impus) = (dialect.impi(said), dialect.impus(said));
        if !active || !allowed || impi.is_empty() || impus.is_empty() {
            return Err(Failure::Refused);
        }
        Ok(Identity {
            display_name: dialect
                .display_name(said)
                .unwrap_or_else(|| account.to_owned()),
            account: account.to_owned(),
            impi,
            impus,
        })
    }
}

/// What an access token lives for if the server does not say, in seconds.
fn usual_lifetime() -> u64 {
    300
}

impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Form(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_by_what_they_mean_for_the_person() {
        let good = br#"{"access_token":"a","token_type":"bearer","expires_in":300,"refresh_token":"r","scope":"s"}"#;
        assert_eq!(Tokens::read(200, good).unwrap().expires_in, 300);
        let failure = |status, body: &str| Tokens::read(status, body.as_bytes()).err().unwrap();
        assert_eq!(
            failure(400, r#"{"error":"invalid_grant"}"#),
            Failure::Refused
        );
        let body = r#"{"error":"temporarily_unavailable"}"#;
        assert_eq!(failure(503, body), Failure::Exhausted);
        for (status, body) in [
            (401, r#"{"error":"invalid_client"}"#),
            (503, ""),
            (503, r#"{"error":"server_error"}"#),
            (200, "{}"),
            (200, "<html>"),
            (
                200,
                r#"{"access_token":"a","token_type":"mac","expires_in":1,"refresh_token":"r"}"#,
            ),
        ] {
            assert_eq!(failure(status, body), Failure::Unavailable, "{body}");
        }
    }

    #[test]
    fn an_identity_is_a_whole_one() {
        let read = |body: &str| {
            Introspection::read(200, body.as_bytes())
                .unwrap()
                .identity(&Dialect::default())
        };
        let whole = r#"{"active":true,"scope":"x webrtc-ims-client-access-to-ims","sub":"alice","name":"Alice","impi":"alice@h","impu":["sip:alice@h"]}"#;
        assert_eq!(read(whole).unwrap().display_name, "Alice");
        for part in [
            "\"active\":true",
            "webrtc-ims-client-access-to-ims",
            "alice@h\",",
            "\"sip:alice@h\"",
        ] {
            let replacement = match part {
                "\"active\":true" => "\"active\":false",
                "alice@h\"," => "\",",
                _ => "",
            };
            assert_eq!(
                read(&whole.replacen(part, replacement, 1)).err(),
                Some(Failure::Refused),
                "{part}"
            );
        }
        assert!(Introspection::read(500, whole.as_bytes()).is_err());
    }

    /// An identity provider of the operator's: no introspection, no refresh token, names of its own.
    #[test]
    fn a_token_is_read_where_nobody_tells_what_it_says() {
        let said =
            r#"{"sub":"7f","scope":"openid phone","ims":{"a":"alice@h","b":["sip:alice@h"]}}"#;
        let token = format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(said));
        let body = format!(r#"{{"access_token":"{token}","token_type":"Bearer"}}"#);
        let tokens = Tokens::read(200, body.as_bytes()).unwrap();
        assert_eq!(tokens.expires_in, 300);
        assert!(tokens.refresh_token.expose().is_empty());
        let dialect = Dialect {
            impi: "ims.a".into(),
            impu: "ims.b".into(),
            ims_scope: "phone".into(),
            ..Dialect::default()
        };
        let told = Introspection::of_token(&tokens).unwrap();
        let identity = told.identity(&dialect).unwrap();
        assert_eq!(
            (identity.impi.as_str(), identity.account.as_str()),
            ("alice@h", "7f")
        );
        assert_eq!(
            told.identity(&Dialect::default()).err(),
            Some(Failure::Refused)
        );
        let opaque = Tokens::read(200, br#"{"access_token":"opaque","token_type":"Bearer"}"#);
        assert!(Introspection::of_token(&opaque.unwrap()).is_err());
    }
}
