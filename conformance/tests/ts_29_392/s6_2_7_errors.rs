//! TS 29.392 §6.2.7, §6.2.9 — enabler, refusals of MMTel_DCAppCall.

use conformance::{Enabler, Waf};
use serde_json::json;

use super::common_rules::{token, trusting};
use super::silent_core::{self as bench, DCCALL, Silent, UPDATE};

/// TS 29.392 §6.2.7: a session that is not there, or is another's, is not found.
#[test]
fn a_session_that_is_not_there_is_not_found() {
    let enabler = Silent::shared();
    // It is there, but of another API.
    let session = bench::created(&enabler, &bench::session("other-api"));
    let id = session.rsplit('/').next().expect("an identifier");
    for unknown in ["none", "", "../..", "\u{1F600}"] {
        let mut body = bench::update();
        body["sessionId"] = unknown.into();
        let problem = enabler.post(UPDATE, &body).problem(404);
        assert_eq!(
            problem["invalidParams"][0]["param"], "/sessionId",
            "{unknown:?}"
        );
    }
    let before = bench::now(&enabler, &session);
    let mut body = bench::update();
    body["sessionId"] = id.into();
    let status = enabler.post(UPDATE, &body).status;
    assert!((400..500).contains(&status), "{status}");
    assert_eq!(bench::now(&enabler, &session), before);
    assert_eq!(enabler.send("DELETE", &session, "", "").status, 204);
}

/// TS 29.392 §6.2.7: without a way to a core nobody can be called, for now.
#[test]
fn who_cannot_call_says_when_to_come_again() {
    let enabler = Enabler::with("");
    let body = json!({
        "terminatingId": "sip:bob@example.com", "mediaInfo": ["audio"], "callType": "A2P",
        "notificationInfo": bench::TARGET,
    });
    let answer = enabler.post(DCCALL, &body);
    answer.problem(503);
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    // What is wrong is wrong all the same.
    enabler.post(DCCALL, &json!({})).problem(400);
}

/// TS 29.392 §6.2.7: TS 29.122 has 429 for who asks too much.
#[test]
fn a_consumer_has_as_many_calls_as_it_may() {
    let enabler = Silent::with("[mmtel_es]\nrequests_per_second = 1\n");
    // However slow the way is, two of so many come within a second.
    let mut answers = (0..100).map(|_| enabler.post(DCCALL, &json!({})));
    let late = answers.find(|one| one.status == 429).expect("one too many");
    assert_eq!(late.problem(429)["cause"], "NF_CONGESTION");
    assert_eq!(late.header("retry-after"), Some("1"));
}

/// TS 29.392 §6.2.9: a token of another audience, or for another API, opens nothing.
#[test]
fn a_token_is_for_this_api() {
    let waf = Waf::start();
    let enabler = trusting(&waf);
    for path in [DCCALL, UPDATE] {
        let send = |lines: &str| enabler.send("POST", path, lines, "{}");
        send("Content-Type: application/json\r\n").problem(401);
        let other = token(&waf, "games", |claims| claims.aud = vec!["eP-CSCF".into()]);
        send(&other).problem(401);
        let narrow = token(&waf, "games", |claims| {
            claims.scope = "mmtel-dcappmgmt".into();
        });
        let refused = send(&narrow);
        refused.problem(403);
        assert!(
            refused
                .header("www-authenticate")
                .is_some_and(|it| it.contains("insufficient_scope"))
        );
        let good = token(&waf, "games", |claims| {
            claims.scope = "mmtel-dcappcall".into();
        });
        send(&good).problem(400);
    }
}
