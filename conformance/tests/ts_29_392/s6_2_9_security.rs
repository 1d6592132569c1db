//! TS 29.392 §6.2.9 — enabler, who may ask of MMTel_DCAppCall.

use conformance::Waf;
use serde_json::json;

use super::common_rules::{token, trusting, trusting_with};
use super::silent_core as bench;
use super::{DCAPPS, DCCALL, SESSIONS, UPDATE, configuration};

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

/// TS 29.392 §6.2.9, TS 29.392 §6.2.7: the session of another provider is one that is not there; its own may be asked for.
#[test]
fn a_session_of_another_is_not_found() {
    let waf = Waf::start();
    let enabler = trusting_with(&waf, bench::CALLS);
    let as_client = |client: &str| {
        token(&waf, client, |claims| {
            claims.scope = "mmtel-dcappmgmt mmtel-dcappcall mmtel-callcontrol".into();
        })
    };
    let (owner, other) = (as_client("games"), as_client("movies"));
    let body = bench::session("games").to_string();
    let created = enabler.send("POST", SESSIONS, &owner, &body);
    assert_eq!(created.status, 201, "{created:?}");
    let location = created.header("location").expect("where it is");
    let (_, session) = location.rsplit_once('/').expect("a path");
    let asked = |lines: &str, provider: &str| {
        let list = json!([{ "appIndex": "1", "appName": "Chess" }]);
        let configure = format!("{DCAPPS}/configure");
        let body = configuration(provider, &list).to_string();
        let app = enabler.send("POST", &configure, lines, &body).ok();
        let mut body = bench::update();
        body["sessionId"] = session.into();
        body["dcAppId"] = app["dcAppConfigRespList"][0]["appId"].clone();
        enabler.send("POST", UPDATE, lines, &body.to_string())
    };
    let problem = asked(&other, "movies").problem(404);
    assert_eq!(problem["invalidParams"][0]["param"], "/sessionId");
    asked(&owner, "games").problem(409);
    let path = format!("{SESSIONS}/{session}");
    assert_eq!(enabler.send("DELETE", &path, &owner, "").status, 204);
}
