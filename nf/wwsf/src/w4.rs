//! W4: what the WWSF says to the WAF, and what the answers mean (RFC 6749, RFC 7009, RFC 7662).

use std::fmt;

use core_credentials::{Secret, bearer};
use serde::Deserialize;
use url::form_urlencoded;

use crate::Identity;

/// A form to post to one of the WAF's endpoints, with the client's own credentials.
pub struct Form(String);

/// What a token endpoint grants (RFC 6749 §5.1).
#[derive(Clone, Deserialize)]
pub struct Tokens {
    pub(crate) access_token: Secret,
    pub(crate) token_type: String,
    pub(crate) expires_in: u64,
    pub(crate) refresh_token: Secret,
}

/// What introspection tells of an access token (RFC 7662 §2.2).
#[derive(Clone, Default, Deserialize)]
pub struct Introspection {
    active: bool,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    sub: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    impi: String,
    #[serde(default)]
    impu: Vec<String>,
}

/// Why W4 gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The WAF does not take the code or refresh token: the person has to sign in (again).
    #[error("the WAF refused the grant")]
    Refused,
    /// The WAF cannot be reached, does not know us or makes no sense: later it may.
    #[error("the WAF gave no usable answer")]
    Unavailable,
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
    pub(crate) fn refresh(refresh_token: &Secret) -> Self {
        Self::of(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh_token.expose()),
            ("scope", bearer::SCOPE),
        ])
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
            _ => Err(Failure::Unavailable),
        }
    }
}

impl Introspection {
    /// Reads the answer of the introspection endpoint.
    pub fn read(status: u16, body: &[u8]) -> Result<Self, Failure> {
        let read = serde_json::from_slice(body).ok().filter(|_| status == 200);
        read.ok_or(Failure::Unavailable)
    }

    /// Who the token was issued for, if it lets them into the IMS.
    pub(crate) fn identity(self) -> Result<Identity, Failure> {
        let allowed = self.scope.split(' ').any(|scope| scope == bearer::SCOPE);
        if !self.active || !allowed || self.impi.is_empty() || self.impu.is_empty() {
            return Err(Failure::Refused);
        }
        Ok(Identity {
            display_name: self.name.unwrap_or_else(|| self.sub.clone()),
            account: self.sub,
            impi: self.impi,
            impus: self.impu,
        })
    }
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
        for (status, body) in [
            (401, r#"{"error":"invalid_client"}"#),
            (503, ""),
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
                .identity()
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
}
