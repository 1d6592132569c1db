//! How an issuer that is not ours says who somebody is: the names of its claims.
//!
//! No standard names the claims for IMS identities (TS 33.203 Annex X.3.2 asks for the information and
//! leaves the form open), so an operator's identity provider writes them under names of its own.

use core_credentials::bearer;
use serde::Deserialize;
use serde_json::{Map, Value};

/// The names of an issuer's claims. A dot leads into an object: `ims.impi`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Dialect {
    /// The private user identity.
    pub impi: String,
    /// The public user identities: one, or an array.
    pub impu: String,
    /// What the token allows: words between spaces, or an array.
    pub scope: String,
    /// What to call the person.
    pub name: String,
    /// The value of `scope` that lets a WIC in, in place of TS 33.203's.
    pub ims_scope: String,
}

impl Default for Dialect {
    fn default() -> Self {
        Self {
            impi: "impi".into(),
            impu: "impu".into(),
            scope: "scope".into(),
            name: "name".into(),
            ims_scope: bearer::SCOPE.into(),
        }
    }
}

/// Most public user identities that are read.
const MAX_IMPUS: usize = 32;

impl Dialect {
    /// The key of the configuration that makes no sense, if there is one.
    pub fn fault(&self) -> Option<&'static str> {
        [
            ("impi", &self.impi),
            ("impu", &self.impu),
            ("scope", &self.scope),
            ("name", &self.name),
            ("ims_scope", &self.ims_scope),
        ]
        .into_iter()
        .find(|(_, value)| value.is_empty() || value.contains(char::is_whitespace))
        .map(|(key, _)| key)
    }

    /// The private user identity, or nothing.
    pub fn impi(&self, said: &Map<String, Value>) -> String {
        let impi = find(said, &self.impi).and_then(Value::as_str);
        impi.unwrap_or_default().trim().to_owned()
    }

    /// The public user identities: those that are URIs of SIP or telephones.
    pub fn impus(&self, said: &Map<String, Value>) -> Vec<String> {
        let is_identity = |text: &&str| {
            text.split_once(':').is_some_and(|(scheme, rest)| {
                !rest.is_empty()
                    && ["sip", "sips", "tel"]
                        .iter()
                        .any(|s| scheme.eq_ignore_ascii_case(s))
            })
        };
        words(find(said, &self.impu), false)
            .into_iter()
            .filter(is_identity)
            .take(MAX_IMPUS)
            .map(str::to_owned)
            .collect()
    }

    /// What to call the person, or nothing.
    pub fn display_name(&self, said: &Map<String, Value>) -> Option<String> {
        let name = find(said, &self.name).and_then(Value::as_str)?.trim();
        (!name.is_empty()).then(|| name.to_owned())
    }

    /// The scope with TS 33.203's word for the one that lets a WIC in.
    pub fn scope(&self, said: &Map<String, Value>) -> String {
        let ours = |word| {
            if word == self.ims_scope {
                bearer::SCOPE
            } else if word == bearer::SCOPE {
                // The operator has said which word it is, and this is another.
                ""
            } else {
                word
            }
        };
        let words = words(find(said, &self.scope), true).into_iter().map(ours);
        words
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// A claim by its name, or else by the path that its name may be.
fn find<'a>(said: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = said.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    find(said.get(first)?.as_object()?, rest)
}

/// The strings of an array, or the words of a string.
fn words(value: Option<&Value>, split: bool) -> Vec<&str> {
    match value {
        Some(Value::String(text)) if split => text.split_ascii_whitespace().collect(),
        Some(Value::String(text)) => vec![text.trim()],
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keycloak() -> Dialect {
        Dialect {
            impi: "ims.private".into(),
            impu: "ims.public".into(),
            ims_scope: "phone-line".into(),
            name: "preferred_username".into(),
            ..Dialect::default()
        }
    }

    #[test]
    fn another_issuers_claims_are_read_by_its_names() {
        let said = json!({
            "iss": "https://login.example.net/realms/phones", "sub": "7f", "aud": "eP-CSCF",
            "azp": "wwsf", "iat": 1, "exp": 2, "scope": "openid phone-line",
            "preferred_username": "Alice",
            "ims": { "private": "alice@h", "public": ["sip:alice@h", "tel:+15550100", "mailto:a@h"] },
        });
        let said = said.as_object().unwrap();
        let dialect = keycloak();
        assert_eq!(dialect.impi(said), "alice@h");
        assert_eq!(dialect.impus(said), ["sip:alice@h", "tel:+15550100"]);
        assert_eq!(dialect.scope(said), format!("openid {}", bearer::SCOPE));
        assert_eq!(dialect.display_name(said).as_deref(), Some("Alice"));
        // The same by our own names says nothing.
        assert_eq!(Dialect::default().impi(said), "");
    }

    #[test]
    fn only_the_word_that_the_operator_named_lets_in() {
        let of = |scope: Value| keycloak().scope(json!({ "scope": scope }).as_object().unwrap());
        assert_eq!(of(json!("phone-line")), bearer::SCOPE);
        assert_eq!(
            of(json!(["a", "phone-line"])),
            format!("a {}", bearer::SCOPE)
        );
        assert_eq!(of(json!(bearer::SCOPE)), "");
        assert_eq!(of(json!(7)), "");
    }

    #[test]
    fn an_identity_is_text_of_the_right_kind() {
        let dialect = Dialect::default();
        for (impu, expected) in [
            (json!("sip:alice@h"), 1),
            (
                json!(["sip:alice@h", 7, "alice@h", "tel:", "javascript:x"]),
                1,
            ),
            (json!({ "a": "sip:alice@h" }), 0),
            (json!(null), 0),
        ] {
            let said = json!({ "impu": impu, "impi": ["alice@h"] });
            let said = said.as_object().unwrap();
            assert_eq!(dialect.impus(said).len(), expected, "{said:?}");
            assert_eq!(dialect.impi(said), "");
        }
    }

    #[test]
    fn a_name_that_names_nothing_is_a_fault() {
        assert_eq!(Dialect::default().fault(), None);
        let dialect = Dialect {
            impu: String::new(),
            ..Dialect::default()
        };
        assert_eq!(dialect.fault(), Some("impu"));
    }
}
