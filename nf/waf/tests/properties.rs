//! What holds for every request and every order of requests.

use std::net::{IpAddr, Ipv4Addr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core_credentials::token::{Algorithm, SigningKey};
use core_credentials::{Random, password, pkce};
use nf_waf::{
    Account, Caller, Client, ClientProof, Loaded, Reply, Settings, SignIn, Waf, redirect_matches,
};
use proptest::prelude::*;

const REDIRECT: &str = "https://wwsf.example.net/signed-in";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn waf() -> Waf {
    let client = Client {
        redirect_uris: vec![REDIRECT.into()],
        ..Client::new("wwsf", ClientProof::Secret("secret".into()))
    };
    let settings = Settings::new("https://waf.example.net/oauth2", "eP-CSCF");
    let mut waf = Waf::new(settings, vec![client], Loaded::default());
    let _ = waf.adopt_key(0, SigningKey::generate(Algorithm::ES256).expect("a key"));
    let cost = password::Cost {
        memory: 8,
        passes: 1,
    };
    let hash = password::hash("password", [0; 16], cost).expect("a hash");
    let _ = waf.put_account(Account {
        name: "alice".into(),
        password_hash: hash.into(),
        display_name: "Alice".into(),
        impi: "alice@home1.net".into(),
        impus: vec!["sip:alice@home1.net".into()],
    });
    waf
}

fn caller(last: u8) -> Caller {
    Caller {
        address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)),
        cross_site: false,
    }
}

fn authorization() -> String {
    format!(
        "response_type=code&client_id=wwsf&redirect_uri={REDIRECT}&state=s&code_challenge={}\
         &code_challenge_method=S256",
        pkce::challenge(VERIFIER)
    )
}

fn basic() -> String {
    format!("Basic {}", STANDARD.encode("wwsf:secret"))
}

fn refresh_token(reply: &Reply) -> Option<String> {
    let body: serde_json::Value = serde_json::from_str(reply.body()).ok()?;
    Some(body["refresh_token"].as_str()?.to_owned())
}

/// Reads `text` at every door. Nothing falls over, nobody is sent elsewhere, no token is given.
fn fuzz(waf: &mut Waf, text: &str) {
    let mut random = Random::new([0; 32]);
    let elsewhere = |reply: &Reply| {
        let location = reply
            .headers()
            .get("location")
            .map(http::HeaderValue::as_bytes);
        location.is_some_and(|location| !location.starts_with(format!("{REDIRECT}?").as_bytes()))
    };
    let page = waf.authorize(text);
    assert!(!elsewhere(&page));
    if let SignIn::Reply(reply) = waf.begin_sign_in(0, &caller(1), text) {
        assert!(!elsewhere(&reply));
    }
    for authorization in [None, Some(text), Some(&basic())] {
        assert!(refresh_token(&waf.token(0, &mut random, authorization, text).reply).is_none());
        let _ = waf.introspect(0, authorization, text);
        assert!(waf.revoke(0, authorization, text).changes.is_empty());
    }
    let _ = redirect_matches(text, text);
    let _ = redirect_matches(REDIRECT, text);
    let _ = Waf::metadata_path(text);
}

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "response_type=code",
        "&",
        "client_id=wwsf",
        "redirect_uri=https://wwsf.example.net/signed-in",
        "redirect_uri=https://evil.example/",
        "code_challenge=",
        "code_challenge_method=S256",
        "=",
        "%",
        "grant_type=authorization_code",
        "grant_type=refresh_token",
        "refresh_token=a.b",
        "code=x",
        "code_verifier=x",
        "username=alice",
        "password=x",
        "token=a.b",
        "state=\u{0}",
        "%0d%0a",
        "é",
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    ]);
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

/// One of the things that a client, or a thief with everything it ever saw, can do.
#[derive(Debug, Clone)]
enum Move {
    Use(prop::sample::Index),
    Wait(u64),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let one = prop_oneof![
        4 => any::<prop::sample::Index>().prop_map(Move::Use),
        1 => (1..120_u64).prop_map(Move::Wait),
    ];
    prop::collection::vec(one, 0..12)
}

proptest! {
    #[test]
    fn no_door_falls_over_noise(text in "\\PC{0,200}", almost in pieces()) {
        let mut waf = waf();
        fuzz(&mut waf, &text);
        fuzz(&mut waf, &almost);
    }

    /// However tokens are used, in any order and by anybody: one grant never has two refresh tokens
    /// that are both good, and once an old one was shown to a grant that had moved on, none is.
    #[test]
    fn a_grant_has_at_most_one_good_refresh_token(moves in moves()) {
        let mut waf = waf();
        let mut random = Random::new([1; 32]);
        let mut now = 0;
        let body = format!("{}&username=alice&password=password", authorization());
        let SignIn::Verify(pending) = waf.begin_sign_in(now, &caller(1), &body) else {
            panic!("the form is good");
        };
        let verified = pending.verify();
        let reply = waf.finish_sign_in(now, &mut random, &pending, verified).reply;
        let location = reply.headers()["location"].to_str().expect("text").to_owned();
        let code = location.split("code=").nth(1).and_then(|rest| rest.split('&').next());
        let body = format!(
            "grant_type=authorization_code&code={}&redirect_uri={REDIRECT}&code_verifier={VERIFIER}",
            code.expect("a code")
        );
        let reply = waf.token(now, &mut random, Some(&basic()), &body).reply;
        let mut seen = vec![refresh_token(&reply).expect("a token")];
        for step in moves {
            match step {
                Move::Wait(seconds) => now += seconds,
                Move::Use(index) => {
                    let token = &seen[index.index(seen.len())];
                    let body = format!("grant_type=refresh_token&refresh_token={token}");
                    let reply = waf.token(now, &mut random, Some(&basic()), &body).reply;
                    seen.extend(refresh_token(&reply));
                }
            }
            let good = seen.iter().filter(|token| {
                let body = format!("token={token}");
                waf.introspect(now, Some(&basic()), &body).body().contains("\"active\":true")
            });
            prop_assert!(good.count() <= 1);
        }
        // Two uses of tokens that are not the newest or the one before end it for good.
        if seen.len() > 3 {
            let body = format!("grant_type=refresh_token&refresh_token={}", seen[0]);
            let _ = waf.token(now, &mut random, Some(&basic()), &body);
            for token in &seen {
                let body = format!("grant_type=refresh_token&refresh_token={token}");
                let reply = waf.token(now, &mut random, Some(&basic()), &body).reply;
                prop_assert!(refresh_token(&reply).is_none());
            }
        }
    }
}
