//! RFC 7636 §4 — challenge and verifier, S256 and nothing else.

use core_credentials::pkce;

use crate::door::{Door, REDIRECT, VERIFIER, authorization, error, parameters};

fn trade(door: &mut Door, code: &str, verifier: &str) -> nf_waf::Reply {
    door.token(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", verifier),
    ])
}

/// RFC 7636 §4.4.1
#[test]
fn a_request_without_a_challenge_is_refused() {
    let door = Door::new();
    for changes in [
        ("code_challenge", ""),
        ("code_challenge", "too short"),
        ("code_challenge_method", ""),
        ("code_challenge_method", "plain"),
        ("code_challenge_method", "s256"),
    ] {
        let back = parameters(&door.waf.authorize(&authorization(&[changes])));
        assert_eq!(back["error"], "invalid_request", "{changes:?}");
    }
}

/// RFC 7636 §4.6
#[test]
fn the_verifier_must_be_the_one_behind_the_challenge() {
    let mut door = Door::new();
    let other = VERIFIER.replace('d', "e");
    for wrong in [other.as_str(), &pkce::challenge(VERIFIER), "short"] {
        let code = door.code("alice");
        assert_eq!(error(&trade(&mut door, &code, wrong)), "invalid_grant");
        // The right one comes too late.
        assert_eq!(error(&trade(&mut door, &code, VERIFIER)), "invalid_grant");
    }
    let code = door.code("alice");
    assert_eq!(trade(&mut door, &code, VERIFIER).status(), 200);
}
