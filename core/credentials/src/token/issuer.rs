//! What is agreed with one issuer: how its claims are called, what scope lets in, and who judges its tokens.

use serde_json::Value;

use super::Claims;
use crate::bearer;

/// The names of claims that no standard fixes. A name with dots that no claim has leads into objects:
/// `ims.impi` is `impi` in `ims`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    /// The private user identity.
    pub impi: String,
    /// The public user identities, one or many.
    pub impu: String,
    /// What the token allows: words in one string, or many strings.
    pub scope: String,
    /// The OAuth client, which is the WWSF.
    pub client_id: String,
    /// The WWSF's identity.
    pub wwsf: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            impi: "impi".to_owned(),
            impu: "impu".to_owned(),
            scope: "scope".to_owned(),
            client_id: "client_id".to_owned(),
            wwsf: "3gpp-wwsf".to_owned(),
        }
    }
}

/// How the tokens of one issuer are judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerRules {
    /// What its claims are called.
    pub claims: ClaimNames,
    /// The scope that lets a WIC in; TS 33.203 §X.3.2 calls its own a placeholder.
    pub scope: String,
    /// Its access tokens say `typ: JWT` and may lack what only RFC 9068 requires, as those of many
    /// identity providers do. An ID token cannot be told from them by its type: its audience must.
    pub plain_jwt: bool,
    /// It is asked about every token (RFC 7662); signatures are not looked at.
    pub introspect: bool,
}

impl Default for IssuerRules {
    fn default() -> Self {
        Self {
            claims: ClaimNames::default(),
            scope: bearer::SCOPE.to_owned(),
            plain_jwt: false,
            introspect: false,
        }
    }
}

impl IssuerRules {
    /// RFC 9068 §2.2 by this issuer's names; `None` when something is missing that must be there.
    pub(super) fn read(&self, json: &Value) -> Option<Claims> {
        let strict = !self.plain_jwt && !self.introspect;
        let text = |name: &str| find(json, name).and_then(Value::as_str).map(str::to_owned);
        let time = |name: &str| json.get(name).and_then(Value::as_u64);
        let needed = |value: Option<String>| match value {
            None if strict => None,
            value => Some(value.unwrap_or_default()),
        };
        let names = &self.claims;
        Some(Claims {
            iss: text("iss")?,
            sub: needed(text("sub"))?,
            aud: words(json.get("aud")),
            client_id: needed(text(&names.client_id))?,
            iat: match time("iat") {
                None if strict => return None,
                at => at.unwrap_or_default(),
            },
            exp: time("exp")?,
            nbf: match json.get("nbf") {
                None | Some(Value::Null) => None,
                Some(at) => Some(at.as_u64()?),
            },
            jti: needed(text("jti"))?,
            scope: words(find(json, &names.scope)).join(" "),
            impi: text(&names.impi).unwrap_or_default(),
            impu: words(find(json, &names.impu)),
            waf: text("3gpp-waf"),
            wwsf: text(&names.wwsf),
            // A pool is our own WAF's: whoever is no WAF of that kind lends nothing.
            lease: text("lease").filter(|_| !self.plain_jwt),
        })
    }
}

/// A claim by its name, or by its way through objects.
fn find<'a>(json: &'a Value, name: &str) -> Option<&'a Value> {
    json.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        find(json.get(first)?, rest)
    })
}

/// One string or many.
fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => many
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As an identity provider of the wide world writes one.
    const FOREIGN: &str = r#"{"iss":"https://idp.example/realms/ims","aud":["eP-CSCF","account"],"azp":"phone",
        "exp":1800000300,"typ":"Bearer","scp":["openid","ims"],
        "ims":{"private":"alice@home1.net","public":"sip:alice@home1.net"},"org.wwsf":"wwsf.example"}"#;

    fn foreign() -> IssuerRules {
        IssuerRules {
            claims: ClaimNames {
                impi: "ims.private".into(),
                impu: "ims.public".into(),
                scope: "scp".into(),
                client_id: "azp".into(),
                wwsf: "org.wwsf".into(),
            },
            scope: "ims".into(),
            plain_jwt: true,
            introspect: false,
        }
    }

    #[test]
    fn claims_are_found_by_their_names() {
        let json = serde_json::from_str(FOREIGN).unwrap();
        let claims = foreign().read(&json).unwrap();
        assert_eq!(claims.impi, "alice@home1.net");
        assert_eq!(claims.impu, ["sip:alice@home1.net"]);
        assert_eq!(claims.aud, ["eP-CSCF", "account"]);
        assert_eq!(claims.client_id, "phone");
        assert_eq!(claims.wwsf.as_deref(), Some("wwsf.example"));
        assert!(claims.allows("ims") && !claims.allows("im"));
    }

    #[test]
    fn what_rfc_9068_requires_is_required_unless_agreed_otherwise() {
        let json: Value = serde_json::from_str(FOREIGN).unwrap();
        assert_eq!(IssuerRules::default().read(&json), None);
        for name in ["iss", "exp"] {
            let mut json = json.clone();
            json.as_object_mut().unwrap().remove(name);
            assert_eq!(foreign().read(&json), None, "{name}");
        }
        let mut json = json.clone();
        json["nbf"] = "soon".into();
        assert_eq!(foreign().read(&json), None);
    }

    #[test]
    fn what_is_no_object_has_no_claims() {
        for text in ["7", "[]", "null", "\"iss\"", "{}"] {
            let json = serde_json::from_str(text).unwrap();
            assert_eq!(foreign().read(&json), None, "{text}");
        }
    }
}
