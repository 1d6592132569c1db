//! TS 29.392 §6.4.7, §6.4.9 — enabler, refusals of MMTel_CallControl.

use conformance::{Enabler, Waf};
use serde_json::json;

use super::common_rules::{token, trusting_with};
use super::silent_core::{self as bench, SESSIONS, Silent};

/// TS 29.392 §6.4.7: table 6.4.7.3-1, AF_NOT_AUTHORIZED.
#[test]
fn who_may_not_speak_for_an_application_server_is_refused() {
    let enabler =
        Silent::with("[mmtel_es]\nclosed = true\n[[mmtel_es.providers]]\nid = \"games\"\n");
    let problem = enabler
        .post(SESSIONS, &bench::session("stranger"))
        .problem(403);
    assert_eq!(problem["cause"], "AF_NOT_AUTHORIZED");
    assert_eq!(problem["invalidParams"][0]["param"], "/afId");
    let path = bench::created(&enabler, &bench::session("games"));
    assert_eq!(enabler.send("DELETE", &path, "", "").status, 204);
}

/// TS 29.392 §6.4.7, §6.4.9: the session of another consumer is one that is not there, and stays as it is.
#[test]
fn a_session_of_another_is_not_found() {
    let waf = Waf::start();
    let enabler = trusting_with(&waf, bench::CALLS);
    let as_client = |client: &str| {
        let scope = |claims: &mut core_credentials::token::Claims| {
            claims.scope = "mmtel-callcontrol".into();
        };
        token(&waf, client, scope)
    };
    let (owner, other) = (as_client("games"), as_client("movies"));
    let body = bench::session("games").to_string();
    let problem = enabler.send("POST", SESSIONS, &other, &body).problem(403);
    assert_eq!(problem["cause"], "AF_NOT_AUTHORIZED");
    let created = enabler.send("POST", SESSIONS, &owner, &body);
    assert_eq!(created.status, 201, "{created:?}");
    let location = created.header("location").expect("where it is");
    let (_, id) = location.rsplit_once('/').expect("a path");
    let path = format!("{SESSIONS}/{id}");
    let patch = json!([{ "op": "test", "path": "/afId", "value": "games" }]).to_string();
    let as_patch = |lines: &str| lines.replace("application/json", "application/json-patch+json");
    let mine = bench::session("movies").to_string();
    enabler.send("PUT", &path, &other, &mine).problem(404);
    enabler
        .send("PATCH", &path, &as_patch(&other), &patch)
        .problem(404);
    enabler.send("DELETE", &path, &other, "").problem(404);
    let text = "Content-Type: application/json\r\n";
    enabler.send("PUT", &path, text, &body).problem(401);
    let still = enabler.send("PATCH", &path, &as_patch(&owner), &patch).ok();
    assert_eq!(still["afId"], "games");
    assert_eq!(enabler.send("DELETE", &path, &owner, "").status, 204);
}

/// TS 29.392 §6.4.9: a token of another audience, or for another API, opens nothing.
#[test]
fn a_token_is_for_this_api() {
    let waf = Waf::start();
    let enabler = trusting_with(&waf, "");
    for (method, path) in [
        ("POST", SESSIONS.to_owned()),
        ("DELETE", format!("{SESSIONS}/x")),
    ] {
        let other = token(&waf, "games", |claims| claims.aud = vec!["eP-CSCF".into()]);
        enabler.send(method, &path, &other, "{}").problem(401);
        let narrow = token(&waf, "games", |claims| {
            claims.scope = "mmtel-dcappcall".into();
        });
        enabler.send(method, &path, &narrow, "{}").problem(403);
    }
}

/// TS 29.392 §6.4.7: no room, and no way to a core, are for now.
#[test]
fn who_has_no_room_says_when_to_come_again() {
    let enabler = Enabler::with("");
    let answer = enabler.post(SESSIONS, &bench::session("games"));
    answer.problem(503);
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    let enabler = Silent::with("max_calls = 1\n");
    let path = bench::created(&enabler, &bench::session("games"));
    let answer = enabler.post(SESSIONS, &bench::session_of_its_own("games"));
    answer.problem(503);
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
    assert_eq!(enabler.send("DELETE", &path, "", "").status, 204);
}
