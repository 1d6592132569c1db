//! Which web functions of others stand behind a registration: what an eP-CSCF tells the core in a JWT
//! without a signature (TS 24.371 §6.4.2, TS 24.229 §7.13).
//!
//! Taken within the trust domain only, and never as an access token.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

/// Longest JWT that is read.
const MAX_LENGTH: usize = 4 * 1024;

/// The identities of WAF and WWSF, as far as they are in a third party's domain.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entities {
    /// TS 24.229 §7.13.2.
    #[serde(default, rename = "3gpp-waf", skip_serializing_if = "Option::is_none")]
    pub waf: Option<String>,
    /// TS 24.229 §7.13.3.
    #[serde(default, rename = "3gpp-wwsf", skip_serializing_if = "Option::is_none")]
    pub wwsf: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Header {
    alg: String,
}

impl Entities {
    /// The media type of a body that is one.
    pub const CONTENT_TYPE: &str = "application/jwt";

    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        self.waf.is_none() && self.wwsf.is_none()
    }

    /// RFC 7519 §6.1 — the compact form, which ends with a dot.
    pub fn to_jwt(&self) -> String {
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let claims = serde_json::to_vec(self).unwrap_or_default();
        format!("{header}.{}.", URL_SAFE_NO_PAD.encode(claims))
    }

    /// Reads one; `None` for anything else, and for one that pretends to be signed.
    pub fn from_jwt(jwt: &[u8]) -> Option<Self> {
        let jwt = std::str::from_utf8(jwt).ok()?.trim();
        if jwt.len() > MAX_LENGTH {
            return None;
        }
        let (header, rest) = jwt.split_once('.')?;
        let claims = rest.strip_suffix('.')?;
        let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header.alg != "none" {
            return None;
        }
        // An object: serde would read an array of two as one too.
        let claims: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        serde_json::from_value(claims.into()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_are_in_one_jwt() {
        let both = Entities {
            waf: Some("waf.example.net".into()),
            wwsf: Some("wwsf.example.net".into()),
        };
        let jwt = "eyJhbGciOiJub25lIn0.eyIzZ3BwLXdhZiI6IndhZi5leGFtcGxlLm5ldCIsIjNncHAtd3dzZiI6Ind3c2YuZXhhbXBsZS5uZXQifQ.";
        assert_eq!(both.to_jwt(), jwt);
        assert_eq!(Entities::from_jwt(jwt.as_bytes()), Some(both));
        let none = Entities::default();
        assert!(none.is_empty());
        assert_eq!(Entities::from_jwt(none.to_jwt().as_bytes()), Some(none));
    }

    #[test]
    fn what_is_signed_or_is_none_is_not_taken() {
        let claims = "eyIzZ3BwLXdhZiI6IndhZi5leGFtcGxlLm5ldCJ9";
        for jwt in [
            String::new(),
            "..".to_owned(),
            format!("eyJhbGciOiJub25lIn0.{claims}"),
            format!("eyJhbGciOiJub25lIn0.{claims}.AAAA"),
            // {"alg":"ES256"}
            format!("eyJhbGciOiJFUzI1NiJ9.{claims}."),
            "eyJhbGciOiJub25lIn0.W10.".to_owned(),
            "x".repeat(MAX_LENGTH + 1),
        ] {
            assert_eq!(Entities::from_jwt(jwt.as_bytes()), None, "{jwt}");
        }
        assert_eq!(Entities::from_jwt(&[0xff, 0xfe]), None);
    }
}
