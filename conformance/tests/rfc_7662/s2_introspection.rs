//! RFC 7662 §2 — who may ask, and what is told.

use core_credentials::bearer;
use serde_json::json;

use crate::door::{AUDIENCE, Door, ISSUER, SECRET, START, Tokens, basic, error, form};

#[test]
fn a_good_access_token_is_described() {
    let mut door = Door::new();
    let tokens = door.tokens("alice");
    let told = door.introspect("wwsf", &tokens.access);
    assert_eq!(told["active"], true);
    assert_eq!(told["scope"], bearer::SCOPE);
    assert_eq!(told["client_id"], "wwsf");
    assert_eq!(
        (&told["username"], &told["sub"]),
        (&json!("alice"), &json!("alice"))
    );
    assert_eq!(
        (&told["iss"], &told["aud"]),
        (&json!(ISSUER), &json!([AUDIENCE]))
    );
    assert_eq!(
        (&told["iat"], &told["exp"]),
        (&json!(START), &json!(START + 300))
    );
    assert_eq!(told["token_type"], "Bearer");
    // TS 33.203 Annex X.3: the identities belong to the token.
    assert_eq!(told["impi"], "alice@home1.net");
    assert_eq!(told["impu"], json!(["sip:alice@home1.net"]));
    assert_eq!(told["name"], "ALICE");
}

#[test]
fn a_refresh_token_is_described_until_it_is_used() {
    let mut door = Door::new();
    let tokens = door.tokens("alice");
    assert_eq!(door.introspect("wwsf", &tokens.refresh)["active"], true);
    let next = Tokens::of(&door.refresh(&tokens.refresh));
    assert_eq!(
        door.introspect("wwsf", &tokens.refresh),
        json!({ "active": false })
    );
    assert_eq!(door.introspect("wwsf", &next.refresh)["active"], true);
}

/// RFC 7662 §2.2: of an inactive token nothing more is told.
#[test]
fn nothing_is_told_of_a_token_that_is_not_active() {
    let mut door = Door::new();
    let tokens = door.tokens("alice");
    let inactive = json!({ "active": false });
    for token in ["x", "x.y", "a.b.c", &tokens.access[1..]] {
        assert_eq!(door.introspect("wwsf", token), inactive);
    }
    door.now += 300;
    assert_eq!(door.introspect("wwsf", &tokens.access), inactive);
}

/// RFC 7662 §4: another client's tokens are not its business, unless it is who takes them.
#[test]
fn only_the_client_and_resource_servers_may_ask() {
    let mut door = Door::new();
    let tokens = door.tokens("alice");
    for token in [&tokens.access, &tokens.refresh] {
        assert_eq!(door.introspect("other", token), json!({ "active": false }));
        assert_eq!(door.introspect("epcscf", token)["active"], true);
    }
}

#[test]
fn who_asks_proves_who_they_are() {
    let mut door = Door::new();
    let body = form(&[("token", "x")]);
    assert_eq!(
        error(&door.waf.introspect(door.now, None, &body)),
        "invalid_client"
    );
    let wrong = basic("wwsf", "wrong");
    assert_eq!(
        error(&door.waf.introspect(door.now, Some(&wrong), &body)),
        "invalid_client"
    );
    let right = basic("wwsf", SECRET);
    assert_eq!(
        error(&door.waf.introspect(door.now, Some(&right), "")),
        "invalid_request"
    );
}
