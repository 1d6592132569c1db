//! RFC 7009 §2 — what is revoked, for whom, and what is said.

use crate::door::{Door, SECRET, basic, error, form};

#[test]
fn a_refresh_token_ends_with_all_that_came_of_it() {
    let mut door = Door::new();
    let tokens = door.tokens("alice");
    let others = door.tokens("alice");
    let reply = door.revoke("wwsf", &tokens.refresh);
    assert_eq!((reply.status().as_u16(), reply.body().as_str()), (200, ""));
    assert_eq!(error(&door.refresh(&tokens.refresh)), "invalid_grant");
    assert_eq!(door.introspect("wwsf", &tokens.access)["active"], false);
    // Another page of the same person is another grant.
    assert_eq!(door.refresh(&others.refresh).status(), 200);
    door.restart();
    assert_eq!(error(&door.refresh(&tokens.refresh)), "invalid_grant");
}

#[test]
fn an_access_token_ends_its_grant_too() {
    let mut door = Door::new();
    let tokens = door.tokens("alice");
    assert_eq!(door.revoke("wwsf", &tokens.access).status(), 200);
    assert_eq!(error(&door.refresh(&tokens.refresh)), "invalid_grant");
}

/// RFC 7009 §2.2: invalid tokens do not cause an error response.
#[test]
fn a_token_that_is_none_is_revoked_already() {
    let mut door = Door::new();
    for token in ["x", "x.y", "a.b.c"] {
        assert_eq!(door.revoke("wwsf", token).status(), 200);
    }
    let tokens = door.tokens("alice");
    for _ in 0..2 {
        assert_eq!(door.revoke("wwsf", &tokens.refresh).status(), 200);
    }
}

/// RFC 7009 §2.1: the token must have been issued to the client that revokes it.
#[test]
fn another_client_revokes_nothing() {
    let mut door = Door::new();
    let tokens = door.tokens("alice");
    for token in [&tokens.refresh, &tokens.access] {
        assert_eq!(error(&door.revoke("other", token)), "unauthorized_client");
    }
    assert_eq!(door.refresh(&tokens.refresh).status(), 200);
}

#[test]
fn the_client_proves_who_it_is_and_says_what_to_revoke() {
    let mut door = Door::new();
    let body = form(&[("token", "x")]);
    let now = door.now;
    assert_eq!(
        error(&door.waf.revoke(now, None, &body).reply),
        "invalid_client"
    );
    let wrong = basic("wwsf", "wrong");
    assert_eq!(
        error(&door.waf.revoke(now, Some(&wrong), &body).reply),
        "invalid_client"
    );
    let right = basic("wwsf", SECRET);
    assert_eq!(
        error(&door.waf.revoke(now, Some(&right), "").reply),
        "invalid_request"
    );
}
