//! TS 24.371 §6.3.1 — WWSF and WAF, individual public user identity using web credentials.

use core_credentials::Random;
use core_credentials::bearer::{self, Presented};
use core_credentials::token::Verifier;
use nf_wwsf::w4::{Granted, Introspection, Tokens};
use nf_wwsf::{
    Asset, Cookies, Origin, Origins, Request, Returned, Server, Settings, Step, Wwsf, etag,
};
use serde_json::Value;

use crate::waf_door::{AUDIENCE, Door, ISSUER, REDIRECT, SECRET, basic};

/// A WWSF beside a WAF, and the browser between them.
struct Bed {
    door: Door,
    wwsf: Wwsf,
    random: Random,
    jar: Vec<(String, String)>,
}

impl Bed {
    fn new() -> Self {
        let origin = Origin::parse(REDIRECT.strip_suffix("/signed-in").expect("it ends so"));
        let settings = Settings {
            server: Some(Server::below(ISSUER, ISSUER, None)),
            w2: Some("wss://epcscf.example.net/w2".into()),
            origins: Origins::Only(origin.into_iter().collect()),
            ..Settings::new("wwsf", "home1.net")
        };
        Self {
            door: Door::new(),
            wwsf: Wwsf::new(settings, Vec::new()),
            random: Random::new([3; 32]),
            jar: Vec::new(),
        }
    }

    fn ask<T>(
        &mut self,
        ask: impl FnOnce(&mut Wwsf, &mut Random, &mut Door, &Request<'_>) -> T,
    ) -> T {
        let line: Vec<_> = self
            .jar
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let line = line.join("; ");
        let cookies = Cookies::parse([line.as_str()]);
        let request = Request {
            origin: Origin::new(true, "wwsf.example.net").expect("an origin"),
            cookies: &cookies,
            said_origin: Some("https://wwsf.example.net"),
            fetch_site: Some("same-origin"),
            address: std::net::Ipv4Addr::LOCALHOST.into(),
            requested_with: Some("wic"),
            if_none_match: None,
        };
        ask(&mut self.wwsf, &mut self.random, &mut self.door, &request)
    }

    fn take_cookies(&mut self, reply: &nf_wwsf::Reply) {
        for cookie in reply.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            let (name, value) = cookie
                .split(';')
                .next()
                .and_then(|c| c.split_once('='))
                .expect("one");
            self.jar.retain(|(known, _)| known != name);
            if !cookie.contains("Max-Age=0") {
                self.jar.push((name.into(), value.into()));
            }
        }
    }

    /// Signs somebody in; the name of the session that the page keeps.
    fn sign_in(&mut self, name: &str) -> String {
        let away = self.ask(|wwsf, random, _, request| wwsf.begin_sign_in(request, random));
        self.take_cookies(&away);
        let (_, query) = location(&away).split_once('?').expect("a query");
        let back = self.door.sign_in(query, name, &format!("{name}-password"));
        let back = back.headers()["location"].to_str().expect("text");
        let (_, query) = back.split_once('?').expect("a query");
        let (reply, state) = self.ask(|wwsf, random, door, request| {
            let Returned::Trade { form, state } = wwsf.returned(request, query) else {
                panic!("the sign-in goes on");
            };
            let granted = grant(door, form);
            let now = door.now;
            (
                wwsf.signed_in(now, random, request, &state, Ok(granted))
                    .reply,
                state,
            )
        });
        assert!(!state.is_empty());
        self.take_cookies(&reply);
        location(&reply)
            .strip_prefix("/#session=")
            .expect("signed in")
            .to_owned()
    }

    /// What the page is given for its session.
    fn token(&mut self, sid: &str) -> Value {
        let reply = self.ask(
            |wwsf, _, door, request| match wwsf.token(door.now, request, sid) {
                Step::Reply(reply) => reply,
                Step::Refresh(form) => {
                    let granted = grant(door, form);
                    let now = door.now;
                    wwsf.refreshed(now, request, sid, Ok(granted)).reply
                }
            },
        );
        assert_eq!(reply.status(), 200);
        serde_json::from_slice(reply.body()).expect("JSON")
    }
}

/// W4, both calls.
fn grant(door: &mut Door, form: nf_wwsf::w4::Form) -> Granted {
    let client = basic("wwsf", SECRET);
    let reply = door.token_as(Some(&client), &form.into_body());
    let tokens = Tokens::read(reply.status().as_u16(), reply.body().as_bytes()).expect("tokens");
    let body = nf_wwsf::w4::Form::introspect(&tokens).into_body();
    let reply = door.waf.introspect(door.now, Some(&client), &body);
    let introspection = Introspection::read(reply.status().as_u16(), reply.body().as_bytes());
    Granted {
        tokens,
        introspection: introspection.expect("an answer"),
    }
}

fn location(reply: &nf_wwsf::Reply) -> &str {
    assert_eq!(reply.status(), 303);
    reply.headers()["location"].to_str().expect("text")
}

/// "The WWSF pushes WebRTC JavaScript to the WIC"
#[test]
fn the_wwsf_gives_the_browser_its_client() {
    let mut bed = Bed::new();
    let file = "lib/wic.js";
    let reply = bed.ask(|wwsf, _, _, request| {
        assert_eq!(wwsf.file_of("/wic/lib/wic.js"), Some(file));
        let data = b"export class Wic {}".to_vec();
        wwsf.asset(
            request,
            file,
            Some(Asset {
                etag: etag(&data),
                data,
            }),
        )
    });
    assert_eq!(reply.status(), 200);
    assert_eq!(
        reply.headers()["content-type"],
        "text/javascript; charset=utf-8"
    );
    let policy = reply.headers()["content-security-policy"]
        .to_str()
        .expect("text");
    assert!(policy.contains("script-src 'self';"), "{policy}");
    assert!(policy.contains("wss://epcscf.example.net/w2"), "{policy}");
}

/// "authenticates the WIC's web credentials and forwards the authorization token to the WIC which is
/// issued by WAF"
#[test]
fn the_token_that_the_waf_issued_is_handed_to_the_wic() {
    let mut bed = Bed::new();
    let sid = bed.sign_in("alice");
    let given = bed.token(&sid);
    let token = given["access_token"].as_str().expect("a token");
    let mut verifier = Verifier::new(AUDIENCE, 0);
    verifier
        .set_keys(ISSUER, &bed.door.waf.key_set())
        .expect("keys");
    let claims = verifier.verify(token, bed.door.now).expect("a good token");
    assert_eq!(claims.wwsf.as_deref(), Some("wwsf.example.net"));
    // RFC 8898 §4: it rides in Authorization as it is.
    assert_eq!(
        bearer::presented(&bearer::authorization(token)),
        Presented::Token(token)
    );
}

/// TS 24.371 §A.3.2 step 1: "The WWSF forwards the access token and the IMS identity to the WIC."
#[test]
fn the_ims_identity_is_the_one_of_the_token() {
    let mut bed = Bed::new();
    let sids = ["alice", "bob"].map(|name| (name, bed.sign_in(name)));
    // Both are signed in from one browser, and stay who they are when tokens are renewed (§6.2.2).
    for _ in 0..3 {
        for (name, sid) in &sids {
            let given = bed.token(sid);
            assert_eq!(given["impi"], format!("{name}@home1.net"));
            assert_eq!(given["impus"][0], format!("sip:{name}@home1.net"));
            let claims = bed
                .door
                .claims(given["access_token"].as_str().expect("a token"));
            assert_eq!(claims.impi, format!("{name}@home1.net"));
        }
        bed.door.now += 241;
    }
}

/// TS 24.371 §6.2.2: "obtain a new access token … before the access token expiry period"
#[test]
fn a_wic_that_asks_in_time_never_holds_an_expired_token() {
    let mut bed = Bed::new();
    let sid = bed.sign_in("alice");
    for _ in 0..20 {
        let given = bed.token(&sid);
        let left = given["expires_in"].as_u64().expect("seconds");
        assert!(left > 60, "{left}");
        bed.door.now += left - 60;
    }
}
