//! WWSF and WAF over their real routes: what browsers send, with one jar of cookies, W4 over a socket.

mod support;

use std::collections::HashSet;

use axum::http::StatusCode;
use support::{Browser, Lab, PAGE};

#[tokio::test]
async fn two_pages_of_one_browser_are_two_people() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let alice = browser.sign_in("alice").await;
    let bob = browser.sign_in("bob").await;
    let (first_a, first_b) = (browser.token(&alice).await, browser.token(&bob).await);
    assert_eq!(first_a["impi"], "alice@home1.net");
    assert_eq!(first_b["impi"], "bob@home1.net");
    assert_eq!(first_a["impus"][0], "sip:alice@home1.net");
    assert_eq!(first_a["display_name"], "Alice");
    assert_eq!(first_a["home_domain"], "home1.net");
    assert_eq!(first_a["w2"], "wss://localhost:8443/w2");
    assert_eq!(first_a["token_type"], "Bearer");

    // As it is while more than a minute is left.
    lab.pass(239);
    assert_eq!(
        browser.token(&alice).await["access_token"],
        first_a["access_token"]
    );
    assert_eq!(browser.token(&alice).await["expires_in"], 61);

    // Then both are refreshed, and each stays who they are: the token says so too.
    lab.pass(1);
    let mut seen = HashSet::new();
    for _ in 0..5 {
        for (session, impi) in [(&alice, "alice@home1.net"), (&bob, "bob@home1.net")] {
            let reply = browser.token(session).await;
            let token = reply["access_token"].as_str().unwrap().to_owned();
            assert_eq!(reply["impi"], impi);
            assert_eq!(lab.verify(&token).impi, impi);
            assert!(seen.insert(token), "a fresh token each time");
        }
        lab.pass(250);
    }
}

#[tokio::test]
async fn signing_out_ends_one_page_and_not_the_other() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let alice = browser.sign_in("alice").await;
    let bob = browser.sign_in("bob").await;
    assert_eq!(
        browser.post(&format!("/session/{alice}/end")).await.status,
        StatusCode::NO_CONTENT
    );
    let reply = browser.post(&format!("/session/{alice}/token")).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(reply.json()["error"], "signed_out");
    assert!(!browser.has_cookie(&format!("__Host-wic-{alice}")));
    assert_eq!(browser.token(&bob).await["impi"], "bob@home1.net");
}

#[tokio::test]
async fn a_session_is_of_no_use_without_its_cookie() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let alice = browser.sign_in("alice").await;
    let mut stranger = Browser::new(&lab);
    let reply = stranger.post(&format!("/session/{alice}/token")).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    // Nor with the cookie of another session.
    let bob = stranger.sign_in("bob").await;
    let secret = stranger.cookie(&format!("__Host-wic-{bob}")).unwrap();
    stranger.set_cookie(&format!("__Host-wic-{alice}"), &secret);
    let reply = stranger.post(&format!("/session/{alice}/token")).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(browser.token(&alice).await["impi"], "alice@home1.net");
}

#[tokio::test]
async fn another_site_can_post_nothing() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let alice = browser.sign_in("alice").await;
    for path in [
        format!("/session/{alice}/token"),
        format!("/session/{alice}/end"),
    ] {
        for headers in [
            &[][..],
            &[("x-requested-with", "other")],
            &[
                ("x-requested-with", "wic"),
                ("origin", "https://evil.example"),
            ],
            &[("x-requested-with", "wic"), ("origin", "null")],
            &[
                ("x-requested-with", "wic"),
                ("origin", "http://localhost:8443"),
            ],
            &[
                ("x-requested-with", "wic"),
                ("sec-fetch-site", "cross-site"),
            ],
            &[("x-requested-with", "wic"), ("sec-fetch-site", "same-site")],
        ] {
            let reply = browser.request("POST", &path, headers, None).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{headers:?}");
        }
    }
    assert_eq!(browser.token(&alice).await["impi"], "alice@home1.net");
    // The sign-in form of the WAF, posted from elsewhere.
    let page = browser.authorization().await;
    for headers in [
        [("origin", "https://evil.example")],
        [("sec-fetch-site", "cross-site")],
    ] {
        let reply = browser
            .submit(&page, "alice", "alice-password", &headers)
            .await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn a_browser_that_did_not_start_here_gets_no_session() {
    let lab = Lab::start().await;
    let mut alice = Browser::new(&lab);
    let page = alice.authorization().await;
    let reply = alice.submit(&page, "alice", "alice-password", &[]).await;
    let back = reply.location();
    // Alice's code, in a link that bob follows: he has not her state.
    let mut bob = Browser::new(&lab);
    assert_eq!(bob.get(&back).await.location(), "/#error=state");
    // Nor if he has begun a sign-in of his own.
    bob.authorization().await;
    assert_eq!(bob.get(&back).await.location(), "/#error=state");
    // Another server's answer, and one that is doubled.
    let other = back.replace("iss=http", "iss=https");
    assert_eq!(alice.get(&other).await.location(), "/#error=issuer");
    let page = alice.authorization().await;
    let back = alice
        .submit(&page, "alice", "alice-password", &[])
        .await
        .location();
    let doubled = format!("{back}&code=x");
    assert_eq!(alice.get(&doubled).await.location(), "/#error=waf");
}

#[tokio::test]
async fn a_code_is_good_once() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let page = browser.authorization().await;
    let jar = browser.jar();
    let back = browser
        .submit(&page, "alice", "alice-password", &[])
        .await
        .location();
    let first = browser.get(&back).await.location();
    let session = first.strip_prefix("/#session=").unwrap().to_owned();
    assert_eq!(browser.token(&session).await["impi"], "alice@home1.net");
    // The same answer again, from a copy of the jar of before.
    let mut copy = Browser::new(&lab);
    copy.set_jar(jar);
    assert_eq!(copy.get(&back).await.location(), "/#error=refused");
    // And the grant made of it is taken back (RFC 6749 §4.1.2).
    lab.pass(250);
    let reply = browser.post(&format!("/session/{session}/token")).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn guesses_cost_more_each_time_and_words_say_so() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let page = browser.authorization().await;
    for _ in 0..5 {
        let reply = browser.submit(&page, "alice", "wrong", &[]).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        assert!(
            reply
                .text()
                .contains("role=\"alert\">The user name or the password is wrong.")
        );
    }
    // The right one has to wait too, or the wait would tell.
    let reply = browser.submit(&page, "alice", "alice-password", &[]).await;
    assert_eq!(reply.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(reply.header("retry-after"), "1");
    assert!(reply.text().contains("Please try again in 1 second."));
    lab.pass(1);
    let reply = browser.submit(&page, "alice", "alice-password", &[]).await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER);
    // A name that does not exist is answered alike.
    let known = browser.submit(&page, "bob", "wrong", &[]).await;
    let unknown = browser.submit(&page, "nobody", "wrong", &[]).await;
    assert_eq!(known.status, unknown.status);
    assert_eq!(known.text().replace("bob", "nobody"), unknown.text());
}

#[tokio::test]
async fn what_happened_is_counted() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let alice = browser.sign_in("alice").await;
    lab.pass(250);
    browser.token(&alice).await;
    let page = browser.authorization().await;
    browser.submit(&page, "alice", "wrong", &[]).await;
    browser
        .request("POST", &format!("/session/{alice}/end"), &[], None)
        .await;
    browser.post(&format!("/session/{alice}/end")).await;
    for name in [
        "waf_signed_in",
        "waf_refused",
        "waf_granted",
        "waf_refreshed",
        "waf_revoked",
        "wwsf_signed_in",
        "wwsf_refreshed",
        "wwsf_cross_site",
        "wwsf_signed_out",
    ] {
        assert_eq!(lab.figure(name), 1, "{name}");
    }
    assert_eq!(lab.figure("waf_replayed"), 0);
}

#[tokio::test]
async fn every_reply_has_the_rules_for_browsers() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/wic/nothing.js"),
        ("GET", "/nowhere"),
        ("GET", "/signin"),
        ("GET", "/signed-in"),
        ("POST", "/session/x/token"),
        ("POST", "/session/x/end"),
        ("PUT", "/signin"),
        ("GET", "/oauth2/authorize"),
        ("GET", "/oauth2/icon.svg"),
        ("GET", "/oauth2/token"),
        ("POST", "/oauth2/token"),
    ] {
        let reply = browser.request(method, path, &[], None).await;
        for name in [
            "content-security-policy",
            "x-content-type-options",
            "referrer-policy",
        ] {
            assert!(!reply.header(name).is_empty(), "{method} {path}: {name}");
        }
        let policy = reply.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert!(
            reply.header("strict-transport-security").is_empty(),
            "not in the lab"
        );
    }
    let page = browser.get("/").await;
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("connect-src 'self' wss://localhost:8443/w2"),
        "{policy}"
    );
}

#[tokio::test]
async fn a_name_that_is_not_ours_is_not_served() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    for host in ["evil.example", "localhost.evil.example:8443", "", "a b"] {
        let reply = browser
            .request("GET", "/signin", &[("host", host)], None)
            .await;
        assert_eq!(reply.status, StatusCode::MISDIRECTED_REQUEST, "{host}");
    }
    // The lab has two doors and three names, and comes back where it was.
    for host in ["localhost:8443", "127.0.0.1:8443", "[::1]:8443"] {
        let reply = browser
            .request("GET", "/signin", &[("host", host)], None)
            .await;
        let redirect = format!(
            "redirect_uri={}",
            support::encode(&format!("https://{host}/signed-in"))
        );
        assert!(reply.location().contains(&redirect), "{}", reply.location());
    }
}

#[tokio::test]
async fn pages_stay_signed_in_over_a_restart() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let alice = browser.sign_in("alice").await;
    let before = browser.token(&alice).await;
    let lab = lab.restart().await;
    browser.move_to(&lab);
    let after = browser.token(&alice).await;
    assert_eq!(after["impi"], "alice@home1.net");
    assert_ne!(after["access_token"], before["access_token"]);
    // The signing key is the one of before: tokens that are out stay good.
    assert_eq!(
        lab.verify(before["access_token"].as_str().unwrap()).sub,
        "alice"
    );
}

#[tokio::test]
async fn a_waf_that_is_away_signs_nobody_out() {
    let mut lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let alice = browser.sign_in("alice").await;
    lab.pass(250);
    lab.stop_waf().await;
    let reply = browser.post(&format!("/session/{alice}/token")).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.json()["error"], "waf_unavailable");
    lab.start_waf().await;
    assert_eq!(browser.token(&alice).await["impi"], "alice@home1.net");
}

#[tokio::test]
async fn many_refreshes_at_once_are_one() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let alice = browser.sign_in("alice").await;
    lab.pass(250);
    let path = format!("/session/{alice}/token");
    let asks = (0..8).map(|_| {
        let mut tab = browser.clone();
        let path = path.clone();
        tokio::spawn(async move { tab.post(&path).await.json()["access_token"].to_string() })
    });
    let asks: Vec<_> = asks.collect();
    let mut tokens = HashSet::new();
    for ask in asks {
        tokens.insert(ask.await.unwrap());
    }
    assert_eq!(tokens.len(), 1);
    lab.pass(250);
    assert_eq!(browser.token(&alice).await["impi"], "alice@home1.net");
}

#[tokio::test]
async fn sessions_end_when_nobody_uses_them() {
    let lab = Lab::start().await;
    let mut browser = Browser::new(&lab);
    let alice = browser.sign_in("alice").await;
    lab.pass(12 * 3600 + 1);
    let reply = browser.post(&format!("/session/{alice}/token")).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert!(PAGE.starts_with("https://localhost"));
}
