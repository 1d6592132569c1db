//! RFC 6749 §4.1.3, §4.1.4, §5 — the code becomes tokens.

use core_credentials::bearer;

use crate::door::{Door, REDIRECT, START, Tokens, VERIFIER, error, header, json};

#[test]
fn a_good_code_becomes_both_tokens_and_nobody_keeps_them() {
    let mut door = Door::new();
    let code = door.code("alice");
    let reply = door.trade(&code);
    assert_eq!(header(&reply, "cache-control"), "no-store");
    assert_eq!(header(&reply, "pragma"), "no-cache");
    let body = json(&reply);
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["expires_in"], 300);
    assert_eq!(body["scope"], bearer::SCOPE);
}

/// TS 33.203 Annex X.3: what the eP-CSCF needs is in the token. RFC 9068 §2.2.
#[test]
fn the_access_token_says_who_and_for_whom() {
    let mut door = Door::new();
    let tokens = door.tokens("bob");
    let claims = door.claims(&tokens.access);
    assert_eq!(claims.sub, "bob");
    assert_eq!(claims.impi, "bob@home1.net");
    assert_eq!(claims.impu, ["sip:bob@home1.net"]);
    assert_eq!(claims.client_id, "wwsf");
    assert_eq!((claims.iat, claims.exp), (START, START + 300));
    assert_eq!(claims.waf.as_deref(), Some("waf.example.net"));
    assert_eq!(claims.wwsf.as_deref(), Some("wwsf.example.net"));
    assert!(claims.allows_ims_access());
    let again = door.tokens("bob");
    assert_ne!(door.claims(&again.access).jti, claims.jti);
}

#[test]
fn the_redirection_address_is_the_one_of_the_request() {
    let mut door = Door::new();
    let code = door.code("alice");
    let reply = door.token(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", "https://other.example.net/signed-in"),
        ("code_verifier", VERIFIER),
    ]);
    assert_eq!(error(&reply), "invalid_grant");
    // It was one attempt too many: the code is spent.
    assert_eq!(error(&door.trade(&code)), "invalid_grant");
}

#[test]
fn what_is_missing_or_unknown_is_named() {
    let mut door = Door::new();
    let good = [
        ("grant_type", "authorization_code"),
        ("code", "x"),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    for left_out in 0..good.len() {
        let mut parameters = good.to_vec();
        parameters.remove(left_out);
        assert_eq!(
            error(&door.token(&parameters)),
            "invalid_request",
            "{:?}",
            good[left_out]
        );
    }
    for grant_type in ["password", "client_credentials", "implicit"] {
        let reply = door.token(&[("grant_type", grant_type)]);
        assert_eq!(error(&reply), "unsupported_grant_type");
    }
    assert_eq!(error(&door.token(&good)), "invalid_grant");
}

#[test]
fn what_was_granted_survives_the_process() {
    let mut door = Door::new();
    let code = door.code("alice");
    door.restart();
    let tokens = Tokens::of(&door.trade(&code));
    door.restart();
    assert_eq!(door.claims(&tokens.access).sub, "alice");
    assert_eq!(door.introspect("wwsf", &tokens.access)["active"], true);
    assert_eq!(door.refresh(&tokens.refresh).status(), 200);
}
