//! TS 24.371 §6.3.2 — WWSF and WAF, individual public user identity from a pool.

use std::net::{IpAddr, Ipv4Addr};

use core_credentials::Random;
use core_credentials::token::{Algorithm, SigningKey, Verifier};
use nf_waf::{Client, ClientProof, Loaded, PoolIdentity, PoolSettings, Waf};
use nf_wwsf::w4::{Failure, Form, Granted, Introspection, Tokens};
use nf_wwsf::{Cookies, Guests, Origin, Reply, Request, Server, Settings, Visit, Wwsf};
use serde_json::Value;

use crate::waf_door::{AUDIENCE, ISSUER, SECRET, START, basic};

/// A WWSF for guests beside a WAF with a pool of two.
struct Bed {
    waf: Waf,
    wwsf: Wwsf,
    random: Random,
    /// Where whoever comes next is.
    address: IpAddr,
}

impl Bed {
    fn new(guests: Guests) -> Self {
        Self::with(guests, None)
    }

    fn with(guests: Guests, guests_per_address: Option<usize>) -> Self {
        let identity = |number: u8| PoolIdentity {
            impi: format!("guest{number}@home1.net"),
            impus: vec![format!("sip:guest{number}@home1.net")],
            display_name: format!("Guest {number}"),
        };
        let settings = nf_waf::Settings {
            pool: PoolSettings {
                identities: vec![identity(1), identity(2)],
                token_lifetime: 120,
                grace: 60,
                reuse_at_once: true,
            },
            ..nf_waf::Settings::new(ISSUER, AUDIENCE)
        };
        let client = Client {
            pool: true,
            ..Client::new("wwsf", ClientProof::Secret(SECRET.into()))
        };
        let mut waf = Waf::new(settings, vec![client], Loaded::default());
        let _ = waf.adopt_key(
            START,
            SigningKey::generate(Algorithm::ES256).expect("a key"),
        );
        let settings = Settings {
            server: Some(Server::below(ISSUER, ISSUER, None)),
            guests,
            guests_per_address,
            ..Settings::new("wwsf", "home1.net")
        };
        Self {
            waf,
            wwsf: Wwsf::new(settings, Vec::new()),
            random: Random::new([5; 32]),
            address: Ipv4Addr::LOCALHOST.into(),
        }
    }

    /// W4, both calls, as this client with this secret.
    fn grant(&mut self, form: Form, secret: &str) -> Result<Granted, Failure> {
        let client = basic("wwsf", secret);
        let form = form.into_body();
        let outcome = self
            .waf
            .token(START, &mut self.random, Some(&client), &form);
        let reply = outcome.reply;
        let tokens = Tokens::read(reply.status().as_u16(), reply.body().as_bytes())?;
        let body = Form::introspect(&tokens).into_body();
        let reply = self.waf.introspect(START, Some(&client), &body);
        let introspection = Introspection::read(reply.status().as_u16(), reply.body().as_bytes())?;
        Ok(Granted {
            tokens,
            introspection,
        })
    }

    /// Somebody presses "Call as a guest".
    fn guest(&mut self, secret: &str) -> Reply {
        let cookies = Cookies::default();
        let request = Request {
            address: self.address,
            ..request(&cookies)
        };
        match self.wwsf.begin_visit(START, &request, &mut self.random) {
            Visit::Reply(reply) => reply,
            Visit::Ask { form, visitor } => {
                let granted = self.grant(form, secret);
                let random = &mut self.random;
                self.wwsf
                    .visited(START, random, &request, visitor, granted)
                    .reply
            }
        }
    }

    /// What the page is then given.
    fn token(&mut self, reply: &Reply) -> Value {
        assert_eq!(reply.status(), 200);
        let sid = body(reply)["session"]
            .as_str()
            .expect("a session")
            .to_owned();
        let cookie = reply.headers()["set-cookie"].to_str().expect("text");
        let cookies = Cookies::parse([cookie.split(';').next().expect("a cookie")]);
        match self.wwsf.token(START, &request(&cookies), &sid) {
            nf_wwsf::Step::Reply(reply) => body(&reply),
            nf_wwsf::Step::Refresh(_) => panic!("it is fresh"),
        }
    }
}

fn request<'a>(cookies: &'a Cookies<'a>) -> Request<'a> {
    Request {
        origin: Origin::new(true, "localhost:8443").expect("an origin"),
        cookies,
        said_origin: Some("https://localhost:8443"),
        fetch_site: Some("same-origin"),
        address: Ipv4Addr::LOCALHOST.into(),
        requested_with: Some("wic"),
        if_none_match: None,
    }
}

fn body(reply: &Reply) -> Value {
    serde_json::from_slice(reply.body()).expect("JSON")
}

/// "the WWSF may choose not to authenticate the user if the user is to remain anonymous"
#[test]
fn an_anonymous_visitor_is_given_an_identity_and_a_token_for_it() {
    let mut bed = Bed::new(Guests::Anonymous);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let reply = bed.guest(SECRET);
        let given = bed.token(&reply);
        let token = given["access_token"].as_str().expect("a token");
        let mut verifier = Verifier::new(AUDIENCE, 0);
        let keys = bed.waf.key_set();
        verifier.set_keys(ISSUER, &keys).expect("good keys");
        let claims = verifier.verify(token, START).expect("a good token");
        assert_eq!(given["impi"], claims.impi);
        assert_eq!(given["impus"][0], claims.impu[0]);
        assert!(claims.lease.is_some());
        seen.push(claims.impi);
    }
    assert_ne!(seen[0], seen[1], "each has one of their own");
    // And where there is none left, that is what is said.
    let reply = bed.guest(SECRET);
    assert_eq!(reply.status(), 503);
    assert_eq!(body(&reply)["error"], "pool_exhausted");
}

/// "the WAF authenticates only the WWSF without user involvement": no page, no password, but the
/// WWSF's own proof.
#[test]
fn the_waf_authenticates_the_wwsf() {
    let mut bed = Bed::new(Guests::Anonymous);
    let reply = bed.guest("another secret");
    assert_eq!(reply.status(), 503);
    assert_eq!(body(&reply)["error"], "waf_unavailable");
    assert_eq!(bed.guest(SECRET).status(), 200);
}

/// "may choose": a WWSF that does not lets nobody in without signing in.
#[test]
fn a_wwsf_that_authenticates_its_users_has_no_anonymous_ones() {
    for guests in [Guests::No, Guests::SignedIn] {
        let mut bed = Bed::new(guests);
        let reply = bed.guest(SECRET);
        assert_eq!(reply.status(), 404);
        assert_eq!(body(&reply)["error"], "no_guests");
    }
}

/// A pool is for many: one address has its share of it and no more, until it gives something back.
#[test]
fn one_address_has_its_share_of_the_pool() {
    let mut bed = Bed::with(Guests::Anonymous, Some(1));
    let first = bed.guest(SECRET);
    assert_eq!(first.status(), 200);
    let second = bed.guest(SECRET);
    assert_eq!(second.status(), 429);
    assert_eq!(body(&second)["error"], "too_many_guests");
    bed.address = Ipv4Addr::new(192, 0, 2, 7).into();
    assert_eq!(bed.guest(SECRET).status(), 200, "another one has its own");
    assert_eq!(bed.wwsf.counters().too_many_guests, 1);
    // Whoever leaves makes room, and whoever is there is not counted again.
    bed.address = Ipv4Addr::LOCALHOST.into();
    let sid = body(&first)["session"].as_str().expect("one").to_owned();
    let cookie = first.headers()["set-cookie"].to_str().expect("text");
    let cookies = Cookies::parse([cookie.split(';').next().expect("a cookie")]);
    let page = request(&cookies);
    let renewed = bed.wwsf.another_token(START, &page, &sid);
    assert!(matches!(renewed, nf_wwsf::Step::Refresh(_)));
    let (outcome, leaves) = bed.wwsf.end(START, &page, &sid);
    assert_eq!(outcome.reply.status(), 204);
    let client = basic("wwsf", SECRET);
    let _ = bed.waf.revoke(
        START,
        Some(&client),
        &leaves.expect("it leaves").into_body(),
    );
    assert_ne!(bed.guest(SECRET).status(), 429);
}
