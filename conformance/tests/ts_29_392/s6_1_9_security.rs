//! TS 29.392 §6.1.9 — enabler, who may ask of MMTel_DCAppManagement.

use conformance::Waf;
use serde_json::json;

use super::common_rules::{token, trusting};
use super::{DCAPPS, configuration, ids};

const KIND: &str = "Content-Type: application/json\r\n";

/// TS 29.392 §6.1.9, TS 29.122 §6: the token is verified, its audience and its scope are ours, and its client is
/// the provider.
#[test]
fn a_token_says_who_asks() {
    let waf = Waf::start();
    let enabler = trusting(&waf);
    let configure = format!("{DCAPPS}/configure");
    let body = |provider: &str| {
        configuration(provider, &json!([{ "appIndex": "1", "appName": "Chess" }])).to_string()
    };
    let send =
        |lines: &str, provider: &str| enabler.send("POST", &configure, lines, &body(provider));
    let good = token(&waf, "games", |_| {});
    send(&good, "games").ok();
    let challenge = |answer: conformance::Answer, status: u16| {
        answer.problem(status);
        answer
            .header("www-authenticate")
            .expect("a challenge")
            .to_owned()
    };
    assert_eq!(challenge(send(KIND, "games"), 401), "Bearer");
    let basic = format!("Authorization: Basic Z2FtZXM6eA==\r\n{KIND}");
    assert_eq!(challenge(send(&basic, "games"), 401), "Bearer");
    for wrong in [
        token(&waf, "games", |claims| claims.aud = vec!["eP-CSCF".into()]),
        token(&waf, "games", |claims| claims.exp = claims.iat - 100),
        token(&waf, "games", |claims| {
            claims.iss = "https://other.example".into();
        }),
        format!("Authorization: Bearer nonsense\r\n{KIND}"),
    ] {
        let challenge = challenge(send(&wrong, "games"), 401);
        assert!(
            challenge.starts_with("Bearer error=\"invalid_token\""),
            "{challenge}"
        );
    }
    let narrow = token(&waf, "games", |claims| {
        claims.scope = "mmtel-dcappcall".into();
    });
    let narrow = challenge(send(&narrow, "games"), 403);
    assert_eq!(
        narrow,
        "Bearer error=\"insufficient_scope\", scope=\"mmtel-dcappmgmt\""
    );
    // A token of the one is not the other.
    let problem = send(&good, "movies").problem(403);
    assert_eq!(problem["invalidParams"][0]["param"], "/reqId");
    let retrieval = format!("{DCAPPS}/retrieval");
    let mine = ids("games", &["x"]).to_string();
    enabler.send("POST", &retrieval, &good, &mine).ok();
    let (_, secret) = good.trim().split_once("Bearer ").expect("a token");
    let secret = secret.split("\r\n").next().expect("a token");
    assert!(!enabler.log().contains(secret));
}
