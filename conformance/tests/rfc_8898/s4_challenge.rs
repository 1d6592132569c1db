//! RFC 8898 §4 — the WWW-Authenticate challenge.

use conformance::{HOME, Subject, Waf};
use core_credentials::bearer::{Challenge, SCOPE};
use wire_sip::HeaderName;

fn challenge(register: &str, waf: &Waf) -> Challenge {
    let subject = Subject::trusting(waf);
    let mut wic = subject.wic("alice");
    let register = wic.register(register);
    wic.send(&register);
    let answer = wic.status(401);
    let value = answer.header(HeaderName::WwwAuthenticate).expect("one");
    let parsed = Challenge::parse(value).expect("well-formed");
    parsed.expect("the scheme is Bearer")
}

/// Realm, scope and where to get a token.
#[test]
fn it_says_what_is_wanted_and_where_to_get_it() {
    let waf = Waf::start();
    let mut old = waf.claims("alice");
    old.exp = old.iat - 60;
    let lines = format!("Authorization: Bearer {}\r\n", waf.issue(&old));
    let challenge = challenge(&lines, &waf);
    assert_eq!(challenge.realm, HOME);
    assert_eq!(challenge.scope.as_deref(), Some(SCOPE));
    assert_eq!(challenge.error.as_deref(), Some("invalid_token"));
    assert_eq!(challenge.authz_server.as_deref(), Some(waf.issuer()));
}

/// RFC 6750 §3.1: which error it is.
#[test]
fn a_token_for_something_else_lacks_scope() {
    let waf = Waf::start();
    let mut claims = waf.claims("alice");
    claims.scope = "openid".to_owned();
    let lines = format!("Authorization: Bearer {}\r\n", waf.issue(&claims));
    assert_eq!(
        challenge(&lines, &waf).error.as_deref(),
        Some("insufficient_scope")
    );
}

/// RFC 6750 §3.1: who brought no token made no error.
#[test]
fn without_a_token_no_error_is_named() {
    let waf = Waf::start();
    let challenge = challenge("Authorization: Bearer\r\n", &waf);
    assert_eq!(challenge.error, None);
}
