//! TS 29.392 §6.4.3 — enabler, the resources of MMTel_CallControl.

use serde_json::json;

use super::SESSIONS;
use super::silent_core::{self as bench, Silent};

/// TS 29.392 §6.4.3: table 6.4.3.1-1, POST at the collection; PUT, PATCH and DELETE at a session; nothing else.
#[test]
fn each_resource_has_its_methods() {
    let enabler = Silent::shared();
    for method in ["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "FOO"] {
        let answer = enabler.send(method, SESSIONS, "", "");
        answer.problem(405);
        assert_eq!(answer.header("allow"), Some("POST"), "{method}");
    }
    let one = format!("{SESSIONS}/none");
    for method in ["GET", "POST", "OPTIONS", "FOO"] {
        let answer = enabler.send(method, &one, "", "");
        answer.problem(405);
        assert_eq!(
            answer.header("allow"),
            Some("PUT, PATCH, DELETE"),
            "{method}"
        );
    }
    for path in [
        "/mmtel-callcontrol/v1",
        "/mmtel-callcontrol/v1/ims-session",
        "/mmtel-callcontrol/v1/ims-sessions/",
        "/mmtel-callcontrol/v1/ims-sessions/a/b",
        "/mmtel-callcontrol/v1/ims-sessions/%ff",
        "/mmtel-callcontrol/v2/ims-sessions",
    ] {
        enabler.post_text(path, "{}").problem(404);
    }
}

/// TS 29.392 §6.4.3: table 6.4.3.2.3.1-4, Location; features; and what becomes of the resource in its life.
#[test]
fn a_session_has_an_address_from_its_creation_to_its_deletion() {
    let enabler = Silent::shared();
    let wanted = bench::session("resources");
    let answer = enabler.post(SESSIONS, &wanted);
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let location = answer.header("location").expect("where it is").to_owned();
    assert!(location.starts_with("http"), "{location} is absolute");
    let (_, id) = location.rsplit_once('/').expect("a path");
    let mut created: serde_json::Value = serde_json::from_str(&answer.body).expect("JSON");
    assert_eq!(created["imsSessionInfo"]["sessionId"], id);
    // It is what was asked for, and its name; of the features those that both sides have.
    assert_eq!(created["suppFeat"], "0");
    created["suppFeat"] = wanted["suppFeat"].clone();
    created["imsSessionInfo"]
        .as_object_mut()
        .expect("an object")
        .remove("sessionId");
    assert_eq!(created, wanted);
    let path = format!("{SESSIONS}/{id}");
    // What needs no offer may change before the session is established.
    let mut other = wanted.clone();
    other["imsSessionInfo"]["notifUri"] = "https://other.example.com/".into();
    let kind = "Content-Type: application/json\r\n";
    let put = enabler.send("PUT", &path, kind, &other.to_string()).ok();
    assert_eq!(
        put["imsSessionInfo"]["notifUri"],
        "https://other.example.com/"
    );
    let back =
        json!([{ "op": "replace", "path": "/imsSessionInfo/notifUri", "value": bench::TARGET }]);
    let patched = bench::patch(&enabler, &path, &back.to_string()).ok();
    assert_eq!(patched["imsSessionInfo"]["notifUri"], bench::TARGET);
    let gone = enabler.send("DELETE", &path, "", "");
    assert_eq!((gone.status, gone.body.as_str()), (204, ""));
    for (method, kind, body) in [
        ("DELETE", "", String::new()),
        ("PUT", kind, wanted.to_string()),
        (
            "PATCH",
            "Content-Type: application/json-patch+json\r\n",
            back.to_string(),
        ),
    ] {
        let problem = enabler.send(method, &path, kind, &body).problem(404);
        assert_eq!(
            problem["invalidParams"][0]["param"], "{sessionId}",
            "{method}: {problem}"
        );
    }
}
