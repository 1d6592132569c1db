//! What an access token says.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Secret, bearer};

/// RFC 9068 §2.2 with the claims of IMS. Times are seconds since 1970.
///
/// `impi` and `impu` are names of our own: no standard has any. `3gpp-waf` and `3gpp-wwsf` are those
/// of TS 24.229 §7.13.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The WAF's issuer identifier.
    pub iss: String,
    /// The account at the WAF.
    pub sub: String,
    /// Who may take the token: the eP-CSCF.
    #[serde(deserialize_with = "one_or_many")]
    pub aud: Vec<String>,
    /// The OAuth client: the WWSF.
    pub client_id: String,
    /// Issued at.
    pub iat: u64,
    /// Good until (not included).
    pub exp: u64,
    /// Good from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<u64>,
    /// The token's own name.
    pub jti: String,
    /// What it allows, separated by spaces.
    #[serde(default)]
    pub scope: String,
    /// The private user identity.
    #[serde(default)]
    pub impi: String,
    /// The public user identities, the default first.
    #[serde(default)]
    pub impu: Vec<String>,
    /// TS 24.229 §7.13.2: the WAF's identity.
    #[serde(default, rename = "3gpp-waf", skip_serializing_if = "Option::is_none")]
    pub waf: Option<String>,
    /// TS 24.229 §7.13.3: the WWSF's identity.
    #[serde(default, rename = "3gpp-wwsf", skip_serializing_if = "Option::is_none")]
    pub wwsf: Option<String>,
    /// Which lease of an identity from a pool this token belongs to (TS 24.371 §6.4.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
}

impl Claims {
    /// Whether the scope holds this value.
    pub fn allows(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|s| s == scope)
    }

    /// Whether the token lets a WIC into the IMS (TS 33.203 Annex X.3).
    pub fn allows_ims_access(&self) -> bool {
        self.allows(bearer::SCOPE)
    }
}

/// Says nothing about the person.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("iss", &self.iss)
            .field("client_id", &self.client_id)
            .field("exp", &self.exp)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// A token in its compact form: to be sent, never to be printed.
pub type AccessToken = Secret;

/// RFC 7519 §4.1.3: `aud` is a string or an array of them.
pub(super) fn one_or_many<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Audience {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Audience::deserialize(deserializer)? {
        Audience::One(one) => vec![one],
        Audience::Many(many) => many,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn audience_is_one_or_many() {
        let claims = |aud: &str| {
            let json = format!(
                r#"{{"iss":"i","sub":"s","aud":{aud},"client_id":"c","iat":1,"exp":2,"jti":"j"}}"#
            );
            serde_json::from_str::<Claims>(&json).map(|claims| claims.aud)
        };
        assert_eq!(claims(r#""a""#).unwrap(), ["a"]);
        assert_eq!(claims(r#"["a","b"]"#).unwrap(), ["a", "b"]);
        assert!(claims("7").is_err());
    }

    #[test]
    fn a_scope_is_a_whole_word() {
        let claims = |scope: &str| Claims {
            scope: scope.into(),
            ..Claims::default()
        };
        assert!(claims("openid webrtc-ims-client-access-to-ims").allows_ims_access());
        assert!(!claims("webrtc-ims-client-access-to-ims-not").allows_ims_access());
        assert!(!claims("").allows_ims_access());
    }

    #[test]
    fn debug_names_nobody() {
        let claims = Claims {
            sub: "alice".into(),
            impi: "alice@x".into(),
            ..Claims::default()
        };
        assert!(!format!("{claims:?}").contains("alice"));
    }
}
