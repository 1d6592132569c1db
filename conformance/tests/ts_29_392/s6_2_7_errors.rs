//! TS 29.392 §6.2.7 — enabler, refusals of MMTel_DCAppCall.

use conformance::Enabler;
use serde_json::json;

use super::silent_core::{self as bench, Silent};
use super::{DCCALL, UPDATE, configured};

/// TS 29.392 §6.2.7: a session that is not there is not found.
#[test]
fn a_session_that_is_not_there_is_not_found() {
    let enabler = Silent::shared();
    for unknown in ["none", "", "../..", "\u{1F600}"] {
        let mut body = bench::update();
        body["sessionId"] = unknown.into();
        let problem = enabler.post(UPDATE, &body).problem(404);
        assert_eq!(
            problem["invalidParams"][0]["param"], "/sessionId",
            "{unknown:?}"
        );
    }
}

/// TS 29.392 §6.2.7: a session of MMTel_CallControl may have channels as one of this API may, and before it is
/// established it has none; the application is looked at first.
#[test]
fn a_session_that_is_not_established_has_no_channels() {
    let enabler = Silent::shared();
    let app = configured(&enabler, "early", json!({ "appName": "Chess" }));
    let session = bench::created(&enabler, &bench::session_of_its_own("early"));
    let before = bench::now(&enabler, &session);
    let mut body = bench::update();
    body["sessionId"] = session.rsplit('/').next().expect("an identifier").into();
    let answer = enabler.post(UPDATE, &body);
    assert_eq!(answer.problem(400)["cause"], "OPTIONAL_IE_INCORRECT");
    assert_eq!(answer.invalid(), ["/dcAppId"]);
    body["dcAppId"] = app.into();
    let problem = enabler.post(UPDATE, &body).problem(409);
    assert_eq!(problem["cause"], "MODIFICATION_NOT_ALLOWED");
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
