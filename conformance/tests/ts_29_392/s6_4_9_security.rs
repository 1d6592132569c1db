//! TS 29.392 §6.4.9 — enabler, who may ask of MMTel_CallControl.

use conformance::Waf;
use serde_json::json;

use super::SESSIONS;
use super::common_rules::{token, trusting_with};
use super::silent_core as bench;

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

/// TS 29.392 §6.4.9, TS 29.392 §6.4.7: the session of another consumer is one that is not there, and stays as it is.
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
