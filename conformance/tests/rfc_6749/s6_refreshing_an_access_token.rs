//! RFC 6749 §6 with RFC 9700 §4.14.2 — refresh tokens turn over, and one that comes back ends it all.

use core_credentials::bearer;

use crate::door::{Door, SECRET, Tokens, basic, error, form};

#[test]
fn each_use_gives_the_next() {
    let mut door = Door::new();
    let mut tokens = door.tokens("alice");
    for _ in 0..5 {
        door.now += 240;
        let next = Tokens::of(&door.refresh(&tokens.refresh));
        assert_ne!(next.refresh, tokens.refresh);
        assert_eq!(door.claims(&next.access).impi, "alice@home1.net");
        tokens = next;
    }
}

#[test]
fn an_old_one_ends_the_grant() {
    for killed in [false, true] {
        let mut door = Door::new();
        let first = door.tokens("alice");
        let second = Tokens::of(&door.refresh(&first.refresh));
        let third = Tokens::of(&door.refresh(&second.refresh));
        if killed {
            door.restart();
        }
        assert_eq!(error(&door.refresh(&first.refresh)), "invalid_grant");
        assert_eq!(error(&door.refresh(&third.refresh)), "invalid_grant");
        assert_eq!(door.introspect("wwsf", &third.access)["active"], false);
    }
}

#[test]
fn the_last_one_after_a_minute_ends_the_grant() {
    let mut door = Door::new();
    let first = door.tokens("alice");
    let second = Tokens::of(&door.refresh(&first.refresh));
    door.now += 60;
    assert_eq!(error(&door.refresh(&first.refresh)), "invalid_grant");
    assert_eq!(error(&door.refresh(&second.refresh)), "invalid_grant");
}

/// A client that was killed before it wrote the answer down asks again with what it has.
#[test]
fn an_answer_that_was_lost_is_given_again_once() {
    let mut door = Door::new();
    let first = door.tokens("alice");
    let lost = Tokens::of(&door.refresh(&first.refresh));
    let again = Tokens::of(&door.refresh(&first.refresh));
    // A thief has one of the two: whichever is used second tells.
    assert_eq!(error(&door.refresh(&lost.refresh)), "invalid_grant");
    assert_eq!(error(&door.refresh(&again.refresh)), "invalid_grant");

    let first = door.tokens("alice");
    let _ = door.refresh(&first.refresh);
    let again = Tokens::of(&door.refresh(&first.refresh));
    assert_eq!(door.refresh(&again.refresh).status(), 200);
    let first = door.tokens("alice");
    let _ = door.refresh(&first.refresh);
    let _ = door.refresh(&first.refresh);
    assert_eq!(
        error(&door.refresh(&first.refresh)),
        "invalid_grant",
        "once only"
    );
}

#[test]
fn it_ends_when_it_is_not_used_and_in_the_end_anyway() {
    let mut door = Door::new();
    let tokens = door.tokens("alice");
    door.now += 12 * 3600;
    assert_eq!(error(&door.refresh(&tokens.refresh)), "invalid_grant");
    let mut tokens = door.tokens("alice");
    for _ in 0..62 {
        door.now += 12 * 3600 - 1;
        let reply = door.refresh(&tokens.refresh);
        if reply.status() != 200 {
            return assert_eq!(error(&reply), "invalid_grant");
        }
        tokens = Tokens::of(&reply);
    }
    panic!("a grant lives for thirty days");
}

#[test]
fn it_is_of_one_client() {
    let mut door = Door::new();
    let tokens = door.tokens("alice");
    let body = form(&[
        ("grant_type", "refresh_token"),
        ("refresh_token", &tokens.refresh),
    ]);
    let reply = door.token_as(Some(&basic("other", SECRET)), &body);
    assert_eq!(error(&reply), "invalid_grant");
    assert_eq!(
        door.refresh(&tokens.refresh).status(),
        200,
        "nothing has happened to it"
    );
}

#[test]
fn the_scope_can_shrink_and_not_grow() {
    let mut door = Door::new();
    let tokens = door.tokens("alice");
    let asked = |door: &mut Door, scope: &str| {
        door.token(&[
            ("grant_type", "refresh_token"),
            ("refresh_token", &tokens.refresh),
            ("scope", scope),
        ])
    };
    assert_eq!(error(&asked(&mut door, "everything")), "invalid_scope");
    assert_eq!(asked(&mut door, bearer::SCOPE).status(), 200);
}

#[test]
fn what_is_none_is_refused() {
    let mut door = Door::new();
    let tokens = door.tokens("alice");
    for token in ["x", "x.y", ".", &tokens.access] {
        assert_eq!(error(&door.refresh(token)), "invalid_grant");
    }
    assert_eq!(door.refresh(&tokens.refresh).status(), 200);
}
