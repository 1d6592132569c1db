//! RFC 8414 §2 — the metadata, and that it is true.

use crate::door::{Door, ISSUER, authorization, error, json, parameters};

#[test]
fn what_must_be_there_is_there() {
    let door = Door::new();
    let metadata = json(&door.waf.metadata());
    assert_eq!(metadata["issuer"], ISSUER);
    for (name, path) in [
        ("authorization_endpoint", "authorize"),
        ("token_endpoint", "token"),
        ("revocation_endpoint", "revoke"),
        ("introspection_endpoint", "introspect"),
        ("jwks_uri", "jwks"),
    ] {
        assert_eq!(metadata[name], format!("{ISSUER}/{path}"));
    }
    assert_eq!(
        metadata["response_types_supported"],
        serde_json::json!(["code"])
    );
}

#[test]
fn what_is_not_offered_is_not_served() {
    let mut door = Door::new();
    let metadata = json(&door.waf.metadata());
    let offers = |name: &str, value: &str| {
        metadata[name]
            .as_array()
            .expect("a list")
            .iter()
            .any(|offered| offered == value)
    };
    for response_type in ["token", "id_token", "code token"] {
        assert!(!offers("response_types_supported", response_type));
        let request = authorization(&[("response_type", response_type)]);
        assert_eq!(
            parameters(&door.waf.authorize(&request))["error"],
            "unsupported_response_type"
        );
    }
    for grant_type in ["password", "client_credentials"] {
        assert!(!offers("grant_types_supported", grant_type));
        let reply = door.token(&[("grant_type", grant_type)]);
        assert_eq!(error(&reply), "unsupported_grant_type");
    }
    assert!(offers("code_challenge_methods_supported", "S256"));
    assert!(!offers("code_challenge_methods_supported", "plain"));
}

/// RFC 7517 §5, and no private part among it.
#[test]
fn the_keys_are_public_ones() {
    let door = Door::new();
    let keys = json(&door.waf.jwks());
    let keys = keys["keys"].as_array().expect("keys");
    assert_eq!(keys.len(), 1);
    for key in keys {
        assert_eq!(key["use"], "sig");
        assert_eq!(key["alg"], "ES256");
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{private}");
        }
    }
}
