//! RFC 6749 §2.3 — how a client proves who it is.

use crate::door::{Door, REDIRECT, SECRET, VERIFIER, basic, error, form, header};

fn trade(door: &mut Door, authorization: Option<&str>, more: &[(&str, &str)]) -> nf_waf::Reply {
    let code = door.code("alice");
    let mut parameters = vec![
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    parameters.extend(more);
    door.token_as(authorization, &form(&parameters))
}

#[test]
fn basic_and_post_are_both_taken() {
    let mut door = Door::new();
    assert_eq!(
        trade(&mut door, Some(&basic("wwsf", SECRET)), &[]).status(),
        200
    );
    let in_body = [("client_id", "wwsf"), ("client_secret", SECRET)];
    assert_eq!(trade(&mut door, None, &in_body).status(), 200);
}

#[test]
fn a_client_must_not_use_two_methods_at_once() {
    let mut door = Door::new();
    let in_body = [("client_id", "wwsf"), ("client_secret", SECRET)];
    let reply = trade(&mut door, Some(&basic("wwsf", SECRET)), &in_body);
    assert_eq!(error(&reply), "invalid_request");
}

#[test]
fn a_client_that_fails_gets_401_and_is_told_the_scheme() {
    let mut door = Door::new();
    let (wrong, unknown) = (basic("wwsf", "wrong"), basic("nobody", SECRET));
    for authorization in [
        Some(wrong.as_str()),
        Some(&unknown),
        Some("Bearer x"),
        Some(""),
        None,
    ] {
        let reply = trade(&mut door, authorization, &[]);
        assert_eq!(error(&reply), "invalid_client", "{authorization:?}");
        assert_eq!(reply.status(), 401);
        assert!(header(&reply, "www-authenticate").starts_with("Basic "));
    }
    // A name in the body that is not the one of the header.
    let reply = trade(
        &mut door,
        Some(&basic("wwsf", SECRET)),
        &[("client_id", "other")],
    );
    assert_eq!(error(&reply), "invalid_client");
}

#[test]
fn a_code_of_one_client_is_no_use_to_another() {
    let mut door = Door::new();
    let reply = trade(&mut door, Some(&basic("other", SECRET)), &[]);
    assert_eq!(error(&reply), "invalid_grant");
}
