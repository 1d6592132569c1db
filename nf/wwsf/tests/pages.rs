//! What pages may ask of the WWSF, and what strangers get.

use core_credentials::Random;
use http::StatusCode;
use nf_wwsf::w4::{Failure, Granted, Introspection, Tokens};
use nf_wwsf::{Change, Cookies, Origin, Reply, Request, Returned, Server, Settings, Step, Wwsf};

const ISSUER: &str = "https://waf.example.net/oauth2";

fn wwsf() -> Wwsf {
    let settings = Settings {
        server: Some(Server::below(ISSUER, ISSUER, None)),
        ..Settings::new("wwsf", "home1.net")
    };
    Wwsf::new(settings, Vec::new())
}

fn request<'a>(cookies: &'a Cookies<'a>) -> Request<'a> {
    Request {
        origin: Origin::parse("https://localhost:8443").expect("an origin"),
        cookies,
        said_origin: None,
        fetch_site: None,
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        requested_with: Some("wic"),
        if_none_match: None,
    }
}

fn granted(account: &str, number: u32) -> Granted {
    let tokens = format!(
        r#"{{"access_token":"a{number}","token_type":"Bearer","expires_in":300,"refresh_token":"r{number}"}}"#
    );
    let introspection = format!(
        r#"{{"active":true,"scope":"webrtc-ims-client-access-to-ims","sub":"{account}","impi":"{account}@h","impu":["sip:{account}@h"]}}"#
    );
    Granted {
        tokens: Tokens::read(200, tokens.as_bytes()).expect("tokens"),
        introspection: Introspection::read(200, introspection.as_bytes()).expect("an answer"),
    }
}

/// Signs somebody in: the session's name and its cookie.
fn sign_in(wwsf: &mut Wwsf, now: u64, seed: u8, account: &str) -> (String, String) {
    let cookies = Cookies::default();
    let mut random = Random::new([seed; 32]);
    let outcome = wwsf.signed_in(
        now,
        &mut random,
        &request(&cookies),
        "",
        Ok(granted(account, 0)),
    );
    assert!(matches!(&outcome.changes[..], [Change::PutSession(_)]));
    let location = outcome.reply.headers()["location"].to_str().expect("text");
    let sid = location
        .strip_prefix("/#session=")
        .expect("a session")
        .to_owned();
    let cookie = outcome.reply.headers()["set-cookie"]
        .to_str()
        .expect("text");
    let cookie = cookie.split(';').next().expect("a cookie").to_owned();
    (sid, cookie)
}

fn body(reply: &Reply) -> serde_json::Value {
    serde_json::from_slice(reply.body()).expect("JSON")
}

fn reply(step: Step) -> Reply {
    match step {
        Step::Reply(reply) => reply,
        Step::Refresh(_) => panic!("it is answered at once"),
    }
}

#[test]
fn a_refused_refresh_ends_the_session_and_its_cookie() {
    let mut wwsf = wwsf();
    let (sid, cookie) = sign_in(&mut wwsf, 0, 1, "alice");
    let cookies = Cookies::parse([cookie.as_str()]);
    assert!(matches!(
        wwsf.token(240, &request(&cookies), &sid),
        Step::Refresh(_)
    ));
    let outcome = wwsf.refreshed(240, &request(&cookies), &sid, Err(Failure::Refused));
    assert_eq!(outcome.reply.status(), StatusCode::UNAUTHORIZED);
    assert!(matches!(&outcome.changes[..], [Change::RemoveSession(gone)] if *gone == sid));
    let gone = outcome.reply.headers()["set-cookie"]
        .to_str()
        .expect("text");
    assert!(gone.starts_with(&format!("__Host-wic-{sid}=;")) && gone.contains("Max-Age=0"));
    assert_eq!(
        body(&reply(wwsf.token(240, &request(&cookies), &sid)))["error"],
        "signed_out"
    );
}

#[test]
fn a_waf_that_is_away_changes_nothing() {
    let mut wwsf = wwsf();
    let (sid, cookie) = sign_in(&mut wwsf, 0, 1, "alice");
    let cookies = Cookies::parse([cookie.as_str()]);
    let outcome = wwsf.refreshed(240, &request(&cookies), &sid, Err(Failure::Unavailable));
    assert_eq!(outcome.reply.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(outcome.changes.is_empty());
    assert!(matches!(
        wwsf.token(240, &request(&cookies), &sid),
        Step::Refresh(_)
    ));
}

/// Whatever the WAF says, a page never becomes somebody else.
#[test]
fn a_session_is_one_persons() {
    let mut wwsf = wwsf();
    let (sid, cookie) = sign_in(&mut wwsf, 0, 1, "alice");
    let cookies = Cookies::parse([cookie.as_str()]);
    let outcome = wwsf.refreshed(240, &request(&cookies), &sid, Ok(granted("bob", 1)));
    assert_eq!(outcome.reply.status(), StatusCode::UNAUTHORIZED);
    assert!(matches!(&outcome.changes[..], [Change::RemoveSession(_)]));
}

#[test]
fn a_refresh_that_comes_after_the_end_changes_nothing() {
    let mut wwsf = wwsf();
    let (sid, cookie) = sign_in(&mut wwsf, 0, 1, "alice");
    let cookies = Cookies::parse([cookie.as_str()]);
    let (outcome, revocation) = wwsf.end(1, &request(&cookies), &sid);
    assert_eq!(outcome.reply.status(), StatusCode::NO_CONTENT);
    assert!(
        revocation
            .expect("tokens to give back")
            .into_body()
            .contains("token=r0")
    );
    let outcome = wwsf.refreshed(2, &request(&cookies), &sid, Ok(granted("alice", 1)));
    assert_eq!(outcome.reply.status(), StatusCode::UNAUTHORIZED);
    assert!(outcome.changes.is_empty());
}

#[test]
fn a_stranger_ends_no_session() {
    let mut wwsf = wwsf();
    let (sid, cookie) = sign_in(&mut wwsf, 0, 1, "alice");
    let (_, other) = sign_in(&mut wwsf, 0, 2, "bob");
    for cookies in [Cookies::default(), Cookies::parse([other.as_str()])] {
        let (outcome, revocation) = wwsf.end(1, &request(&cookies), &sid);
        assert!(outcome.changes.is_empty() && revocation.is_none());
    }
    let cookies = Cookies::parse([cookie.as_str()]);
    assert_eq!(
        reply(wwsf.token(1, &request(&cookies), &sid)).status(),
        StatusCode::OK
    );
}

#[test]
fn sessions_end_in_time() {
    let mut wwsf = wwsf();
    let (sid, cookie) = sign_in(&mut wwsf, 0, 1, "alice");
    let cookies = Cookies::parse([cookie.as_str()]);
    assert!(wwsf.handle_timeout(3599).is_empty());
    let refusal = reply(wwsf.token(3600, &request(&cookies), &sid));
    assert_eq!(refusal.status(), StatusCode::UNAUTHORIZED);
    assert!(
        matches!(&wwsf.handle_timeout(3600)[..], [Change::RemoveSession(gone)] if *gone == sid)
    );

    // One that is used ends too, a day after it began.
    let (sid, cookie) = sign_in(&mut wwsf, 0, 2, "alice");
    let cookies = Cookies::parse([cookie.as_str()]);
    for now in (0..86_400).step_by(3000) {
        let outcome = wwsf.refreshed(now, &request(&cookies), &sid, Ok(granted("alice", 1)));
        assert_eq!(outcome.reply.status(), StatusCode::OK);
    }
    let refusal = reply(wwsf.token(86_400, &request(&cookies), &sid));
    assert_eq!(refusal.status(), StatusCode::UNAUTHORIZED);
}

#[test]
fn what_comes_back_from_the_waf_is_explained_in_one_word() {
    let wwsf = wwsf();
    let begun = Cookies::parse(["__Host-signin-s=verifier"]);
    let come_back =
        |cookies: &Cookies<'_>, query: &str| match wwsf.returned(&request(cookies), query) {
            Returned::Reply(reply) => reply.headers()["location"]
                .to_str()
                .expect("text")
                .trim_start_matches("/#")
                .to_owned(),
            Returned::Trade { state, .. } => format!("trade {state}"),
        };
    let iss = format!("iss={ISSUER}");
    for (query, expected) in [
        (format!("code=c&state=s&{iss}"), "trade s"),
        (format!("code=c&state=other&{iss}"), "error=state"),
        (format!("code=c&{iss}"), "error=state"),
        (format!("code=c&state=s&state=s&{iss}"), "error=state"),
        ("code=c&state=s".into(), "error=issuer"),
        (
            "code=c&state=s&iss=https://evil.example".into(),
            "error=issuer",
        ),
        (
            format!("error=access_denied&state=s&{iss}"),
            "error=access_denied",
        ),
        (format!("error=server_error&state=s&{iss}"), "error=waf"),
        (format!("code=c&error=x&state=s&{iss}"), "error=waf"),
        (format!("state=s&{iss}"), "error=waf"),
        (String::new(), "error=state"),
    ] {
        assert_eq!(come_back(&begun, &query), expected, "{query}");
    }
    assert_eq!(
        come_back(&Cookies::default(), &format!("code=c&state=s&{iss}")),
        "error=state"
    );
}

#[test]
fn a_browser_does_not_collect_cookies() {
    let mut wwsf = wwsf();
    let many: Vec<_> = (0..20).map(|i| format!("__Host-signin-{i}=v")).collect();
    let many = many.join("; ");
    let cookies = Cookies::parse([many.as_str()]);
    let reply = wwsf.begin_sign_in(&request(&cookies), &mut Random::new([0; 32]));
    let gone = |reply: &Reply| {
        let cookies = reply.headers().get_all("set-cookie").iter();
        cookies
            .filter(|value| value.to_str().is_ok_and(|v| v.contains("Max-Age=0")))
            .count()
    };
    assert_eq!(gone(&reply), 13, "seven stay beside the new one");
    let cookies = Cookies::parse(["__Host-wic-gone1=x; __Host-wic-gone2=x; __Host-signin-s=v"]);
    let mut random = Random::new([0; 32]);
    let outcome = wwsf.signed_in(
        0,
        &mut random,
        &request(&cookies),
        "s",
        Ok(granted("alice", 0)),
    );
    assert_eq!(gone(&outcome.reply), 3);
}

#[test]
fn strict_transport_is_asked_for_outside_the_lab_only() {
    let wwsf = wwsf();
    let cookies = Cookies::default();
    let strict = |origin: &str| {
        let origin = Origin::parse(origin).expect("an origin");
        let request = Request {
            origin,
            ..request(&cookies)
        };
        wwsf.not_found(&request)
            .headers()
            .contains_key("strict-transport-security")
    };
    assert!(strict("https://phone.example.net"));
    assert!(!strict("http://phone.example.net"));
    assert!(!strict("https://localhost:8443"));
}
