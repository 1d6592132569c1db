//! Bearer tokens in SIP (RFC 8898) and HTTP (RFC 6750).

use std::fmt;

use crate::auth_header::{AuthHeader, Malformed};

/// TS 33.203 Annex X: the scope that lets a WIC in.
pub const SCOPE: &str = "webrtc-ims-client-access-to-ims";

/// RFC 8898 §4: the challenge that says where to get a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Challenge {
    /// Who asks.
    pub realm: String,
    /// What the token must allow.
    pub scope: Option<String>,
    /// The HTTPS address of the authorization server.
    pub authz_server: Option<String>,
    /// RFC 6750 §3.1: `invalid_token` and its like.
    pub error: Option<String>,
    /// RFC 6750 §3: for developers, never for people.
    pub error_description: Option<String>,
}

/// What an `Authorization` value says about Bearer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Presented<'a> {
    /// Another scheme.
    OtherScheme,
    /// The Bearer scheme without a token that can be read.
    Unreadable,
    /// A token.
    Token(&'a str),
}

impl Challenge {
    /// RFC 8898 §4: reads a `WWW-Authenticate` or `Proxy-Authenticate` value; `None` for another scheme.
    pub fn parse(value: &str) -> Result<Option<Self>, Malformed> {
        let header = AuthHeader::parse(value)?;
        if !header.is("Bearer") {
            return Ok(None);
        }
        let text = |name: &str| {
            header
                .params()
                .value(name)
                .map(std::borrow::Cow::into_owned)
        };
        Ok(Some(Self {
            realm: text("realm").unwrap_or_default(),
            scope: text("scope"),
            authz_server: text("authz_server"),
            error: text("error"),
            error_description: text("error_description"),
        }))
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut header = AuthHeader::new("Bearer");
        let params = header.params_mut();
        params.set_quoted("realm", &self.realm);
        for (name, value) in [
            ("scope", &self.scope),
            ("authz_server", &self.authz_server),
            ("error", &self.error),
            ("error_description", &self.error_description),
        ] {
            if let Some(value) = value {
                params.set_quoted(name, value);
            }
        }
        header.fmt(f)
    }
}

/// Finds the access token in an `Authorization` value, without copying it.
///
/// RFC 8898 §4 and RFC 6750 §2.1 write `Bearer <token>`. TS 24.371 Table A.3.2-1 draws
/// `Bearer access_token="<token>"`: that is read too, and never written.
pub fn presented(value: &str) -> Presented<'_> {
    let value = value.trim_matches(SPACE);
    let (scheme, rest) = value.split_once(SPACE).unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Presented::OtherScheme;
    }
    let rest = rest.trim_start_matches(SPACE);
    let token = match rest.split_once('=') {
        Some((name, value))
            if name
                .trim_end_matches(SPACE)
                .eq_ignore_ascii_case("access_token") =>
        {
            let value = value.trim_start_matches(SPACE);
            value
                .strip_prefix('"')
                .and_then(|v| v.strip_suffix('"'))
                .unwrap_or(value)
        }
        _ => rest,
    };
    if is_b64token(token) {
        Presented::Token(token)
    } else {
        Presented::Unreadable
    }
}

/// The `Authorization` value that presents `token` (RFC 8898 §4).
pub fn authorization(token: &str) -> String {
    format!("Bearer {token}")
}

/// RFC 6750 §2.1 `b64token`.
fn is_b64token(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty()
        && body
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b))
}

const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Shows which of the three it is, never the token.
impl fmt::Debug for Presented<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherScheme => "OtherScheme",
            Self::Unreadable => "Unreadable",
            Self::Token(_) => "Token(..)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_spellings() {
        for value in [
            "Bearer 091G451HZ0V83opz6udiSEjchPynd2Ss9",
            "bearer   091G451HZ0V83opz6udiSEjchPynd2Ss9 ",
            "Bearer access_token=\"091G451HZ0V83opz6udiSEjchPynd2Ss9\"",
            "Bearer access_token = 091G451HZ0V83opz6udiSEjchPynd2Ss9",
        ] {
            assert_eq!(
                presented(value),
                Presented::Token("091G451HZ0V83opz6udiSEjchPynd2Ss9")
            );
        }
        assert_eq!(
            presented("Bearer a.b-c_d~e+f/g=="),
            Presented::Token("a.b-c_d~e+f/g==")
        );
    }

    #[test]
    fn tells_other_schemes_from_bad_tokens() {
        assert_eq!(presented("Digest username=\"a\""), Presented::OtherScheme);
        assert_eq!(presented("Bearertoken"), Presented::OtherScheme);
        for value in [
            "Bearer",
            "Bearer ",
            "Bearer a b",
            "Bearer \"a\"",
            "Bearer access_token=\"\"",
        ] {
            assert_eq!(presented(value), Presented::Unreadable, "{value:?}");
        }
    }

    #[test]
    fn challenge_names_the_server_and_the_scope() {
        let challenge = Challenge {
            realm: "home1.net".into(),
            scope: Some(SCOPE.into()),
            authz_server: Some("https://waf.example.net".into()),
            error: Some("invalid_token".into()),
            error_description: None,
        };
        let printed = challenge.to_string();
        assert_eq!(
            printed,
            "Bearer realm=\"home1.net\", scope=\"webrtc-ims-client-access-to-ims\", \
             authz_server=\"https://waf.example.net\", error=\"invalid_token\""
        );
        assert_eq!(Challenge::parse(&printed).unwrap(), Some(challenge));
        assert_eq!(Challenge::parse("Digest realm=\"a\"").unwrap(), None);
    }

    #[test]
    fn debug_hides_the_token() {
        assert_eq!(format!("{:?}", presented("Bearer abc")), "Token(..)");
    }
}
