//! RFC 6749 §4.1.2 — the code: what it comes with, how long and how often it is good.

use crate::door::{Door, ISSUER, Tokens, authorization, error, header, parameters};

#[test]
fn the_code_comes_with_the_state_as_it_was() {
    let mut door = Door::new();
    for state in ["a state", "&=?#% é", "x"] {
        let request = authorization(&[("state", state)]);
        let back = parameters(&door.sign_in(&request, "alice", "alice-password"));
        assert_eq!(back["state"], state);
        // RFC 9207 §2
        assert_eq!(back["iss"], ISSUER);
        assert!(back["code"].len() >= 43);
    }
}

/// RFC 9700 §4.12: the password does not go along with the redirection.
#[test]
fn the_browser_goes_back_by_get() {
    let mut door = Door::new();
    let reply = door.sign_in(&authorization(&[]), "alice", "alice-password");
    assert_eq!(reply.status(), 303);
    assert!(!header(&reply, "location").contains("alice"));
}

#[test]
fn a_code_is_good_for_a_minute() {
    let mut door = Door::new();
    let (early, late) = (door.code("alice"), door.code("alice"));
    door.now += 59;
    assert_eq!(door.trade(&early).status(), 200);
    door.now += 1;
    assert_eq!(error(&door.trade(&late)), "invalid_grant");
}

/// "If an authorization code is used more than once, the authorization server MUST deny the request
/// and SHOULD revoke all tokens previously issued".
#[test]
fn a_code_used_twice_takes_back_what_it_gave() {
    for killed in [false, true] {
        let mut door = Door::new();
        let code = door.code("alice");
        let tokens = Tokens::of(&door.trade(&code));
        if killed {
            door.restart();
        }
        assert_eq!(error(&door.trade(&code)), "invalid_grant");
        assert_eq!(error(&door.refresh(&tokens.refresh)), "invalid_grant");
        assert_eq!(door.introspect("wwsf", &tokens.access)["active"], false);
    }
}

#[test]
fn a_wrong_password_gets_the_page_again_and_no_code() {
    let mut door = Door::new();
    for (name, password) in [
        ("alice", "wrong"),
        ("nobody", "alice-password"),
        ("alice", ""),
    ] {
        let reply = door.sign_in(&authorization(&[]), name, password);
        assert!(reply.status().is_client_error());
        assert_eq!(header(&reply, "location"), "");
        assert!(reply.body().contains("role=\"alert\""));
        assert!(
            !reply.body().contains("alice-password"),
            "what was typed is not shown again"
        );
    }
    // Names are not case sensitive, and a space at the end is a finger's.
    let reply = door.sign_in(&authorization(&[]), "Alice ", "alice-password");
    assert!(parameters(&reply).contains_key("code"));
}
